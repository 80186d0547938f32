//! Costly functions inside a body become equations of their own (invariant I3).

use super::facts::Facts;
use super::scalar::unary;
use super::{Affine, Combine, Cond, Dtype, Equation, Expr, ExprId, Graph, Guard, Kind, Origin, OriginRole, Unary};
use crate::graph::mix::QuickMap;

/// A select condition above an expression, and whether it holds there.
pub type Path = Vec<(Cond, bool)>;

/// Defines a tensor for each costly function that is no root of the body, and loads it instead. It has the axes that
/// its value depends on; where the function, or a load in it, may fail on the whole box, the guards and conditions
/// above it are taken along. `sure` tells arguments at which a logarithm or a root cannot fail.
pub fn lift(graph: &mut Graph, eq: &mut Equation, sure: &mut dyn FnMut(&Graph, ExprId) -> bool) {
    let mut lifting = Lifting { graph, eq, sure, path: Path::new(), known: vec![QuickMap::default()] };
    let body = lifting.root(lifting.eq.body);
    eq.body = body;
}

struct Lifting<'a> {
    graph: &'a mut Graph,
    eq: &'a Equation,
    sure: &'a mut dyn FnMut(&Graph, ExprId) -> bool,
    path: Path,
    /// What is done, for each branch that is open.
    known: Vec<QuickMap<ExprId, ExprId>>,
}

impl Lifting<'_> {
    /// The root, or the root of a branch of a root select: a costly function may stand here.
    fn root(&mut self, id: ExprId) -> ExprId {
        match self.graph.exprs[id].clone() {
            Expr::Select(cond, x, y) => {
                let cond = self.cond(cond);
                let x = self.under(&cond, true, |lifting| lifting.root(x));
                let y = self.under(&cond, false, |lifting| lifting.root(y));
                self.graph.exprs.select(cond, x, y)
            }
            Expr::Unary(op, x) => {
                let x = self.inner(x);
                self.graph.exprs.unary(op, x)
            }
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Binary(..) => self.inner(id),
        }
    }

    fn under(&mut self, cond: &Cond, holds: bool, run: impl FnOnce(&mut Self) -> ExprId) -> ExprId {
        self.path.push((cond.clone(), holds));
        self.known.push(QuickMap::default());
        let id = run(self);
        self.known.pop();
        self.path.pop();
        id
    }

    fn cond(&mut self, cond: Cond) -> Cond {
        match cond {
            Cond::Guards(_) => cond,
            Cond::Compare(cmp, a, b) => Cond::Compare(cmp, self.inner(a), self.inner(b)),
        }
    }

    fn inner(&mut self, id: ExprId) -> ExprId {
        if let Some(&done) = self.known.iter().find_map(|scope| scope.get(&id)) {
            return done;
        }
        let new = match self.graph.exprs[id].clone() {
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) => id,
            Expr::Unary(op, x) => {
                let x = self.inner(x);
                let function = self.graph.exprs.unary(op, x);
                let costly = matches!(self.graph.exprs[function], Expr::Unary(op, _) if unary(op).costly);
                if costly { self.define(function) } else { function }
            }
            Expr::Binary(op, a, b) => {
                let (a, b) = (self.inner(a), self.inner(b));
                self.graph.exprs.binary(op, a, b)
            }
            Expr::Select(cond, x, y) => {
                let cond = self.cond(cond);
                let x = self.under(&cond, true, |lifting| lifting.inner(x));
                let y = self.under(&cond, false, |lifting| lifting.inner(y));
                self.graph.exprs.select(cond, x, y)
            }
        };
        self.known.last_mut().expect("one scope is always open").insert(id, new);
        new
    }

    /// The tensor of a function, and the load of its element.
    fn define(&mut self, function: ExprId) -> ExprId {
        let bound = !self.is_total(function);
        let kept = self.axes(function, bound);
        let eq = self.eq;
        let n_out = kept.len();
        let same = n_out == eq.n_out && kept.iter().enumerate().all(|(at, &axis)| at == axis);
        let extents = kept.iter().map(|&axis| eq.axes[axis].extent);
        let shape: Vec<u32> = if same { self.graph.tensors[eq.out].shape.clone() } else { extents.collect() };
        let write = if same { eq.write.clone() } else { (0..n_out).map(Affine::axis).collect() };
        let index = if same { eq.write.clone() } else { kept.iter().map(|&axis| Affine::axis(axis)).collect() };
        let out = self.new_tensor(function, &shape);
        let (mut guards, mut body) = (Vec::new(), function);
        if bound {
            guards = eq.guards.clone();
            body = self.conditional(function);
        }
        let place = |axis| Affine::axis(kept.iter().position(|&old| old == axis).unwrap_or(0));
        let map: Vec<Affine> = (0..eq.axes.len()).map(place).collect();
        let piece = Equation {
            out,
            axes: kept.iter().map(|&axis| eq.axes[axis].clone()).collect(),
            n_out,
            combine: Combine::None,
            write: write.iter().map(|form| if same { form.substitute(&map) } else { form.clone() }).collect(),
            guards: guards.iter().map(|guard| guard.substitute(&map)).collect(),
            body: self.graph.exprs.substitute(body, &map),
            origin: self.graph.tensors[out].origin,
        };
        self.graph.define(piece);
        self.graph.exprs.load(out, index)
    }

    fn new_tensor(&mut self, function: ExprId, shape: &[u32]) -> super::TensorId {
        let Origin { path, at, .. } = self.graph.origins[self.eq.origin].clone();
        let origin = self.graph.origins.push(Origin { path, at, role: OriginRole::Lifted });
        let word = match self.graph.exprs[function] {
            Expr::Unary(op, _) => unary(op).name,
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Binary(..) | Expr::Select(..) => "part",
        };
        let name = format!("{}.{word}", self.graph.tensors[self.eq.out].name);
        self.graph.tensor(&name, shape, Dtype::Real, Kind::Defined, origin)
    }

    /// Whether the function can be computed on the whole box.
    fn is_total(&mut self, function: ExprId) -> bool {
        if let Expr::Unary(Unary::Log | Unary::Sqrt, x) = self.graph.exprs[function]
            && !(self.eq.guards.is_empty() && self.path.is_empty())
            && !(self.sure)(self.graph, x)
        {
            return false;
        }
        let facts = Facts::new(&self.eq.axes);
        let mut total = true;
        self.graph.exprs.each_access(function, |access| {
            let shape = &self.graph.tensors[access.tensor].shape;
            total &= access.index.iter().zip(shape).all(|(form, &extent)| facts.inside(form, extent));
        });
        total
    }

    /// The axes that the function mentions, and if it is bound by them, those of guards and conditions.
    fn axes(&self, function: ExprId, bound: bool) -> Vec<usize> {
        let mut kept = vec![false; self.eq.axes.len()];
        let mut see = |form: &Affine| form.axes().for_each(|axis| kept[axis] = true);
        self.graph.exprs.each_form(function, &mut see);
        if bound {
            self.eq.guards.iter().for_each(|guard| guard.each_form(&mut see));
            for (cond, _) in &self.path {
                match cond {
                    Cond::Guards(guards) => guards.iter().for_each(|guard: &Guard| guard.each_form(&mut see)),
                    &Cond::Compare(_, a, b) => {
                        self.graph.exprs.each_form(a, &mut see);
                        self.graph.exprs.each_form(b, &mut see);
                    }
                }
            }
        }
        (0..kept.len()).filter(|&axis| kept[axis]).collect()
    }

    /// The function under the conditions above, else 0.
    fn conditional(&mut self, function: ExprId) -> ExprId {
        let exprs = &mut self.graph.exprs;
        let zero = exprs.number(0.0);
        self.path.iter().rev().fold(function, |inner, (cond, holds)| {
            let (x, y) = if *holds { (inner, zero) } else { (zero, inner) };
            exprs.select(cond.clone(), x, y)
        })
    }
}
