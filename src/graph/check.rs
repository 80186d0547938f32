//! The invariants of a graph (see the room's head), proved for every equation; an error is a bug of the compiler.

use super::affine::{disjoint, injective};
use super::facts::Facts;
use super::recurrence;
use super::scalar::unary;
use super::text::{equation, names};
use super::{Access, Affine, Combine, Cond, Def, Dtype, Equation, Expr, ExprId, Graph, Guard, Kind, TensorId};
use crate::graph::mix::QuickSet;

type Outcome = Result<(), String>;

/// Holds I1 to I3 and I5 to I6, ranks, kinds, and that what is read is defined.
pub fn check(graph: &Graph) -> Outcome {
    for (&out, def) in &graph.defs {
        check_def(graph, out, def)?;
    }
    for &(old, new) in &graph.updates {
        if graph.tensors[old].shape != graph.tensors[new].shape {
            return Err(format!("bug: an update changes the shape of {}", graph.tensors[old].name));
        }
    }
    let mut wanted = graph.outputs.iter().map(|output| output.1).chain(graph.updates.iter().map(|update| update.1));
    wanted.try_for_each(|tensor| check_known(graph, tensor))?;
    recurrence::components(graph).map(|_| ()).map_err(|fault| format!("bug: I6: {}", fault.text(graph)))
}

fn check_known(graph: &Graph, tensor: TensorId) -> Outcome {
    let known = !matches!(graph.tensors[tensor].kind, Kind::Defined) || graph.defs.contains_key(&tensor);
    if known { Ok(()) } else { Err(format!("bug: {} is wanted and not defined", graph.tensors[tensor].name)) }
}

fn check_def(graph: &Graph, out: TensorId, def: &Def) -> Outcome {
    let tensor = &graph.tensors[out];
    let size = tensor.shape.iter().try_fold(1i32, |size, &extent| size.checked_mul(i32::try_from(extent).ok()?));
    if size.is_none() {
        return Err(format!("bug: {} has too many elements", tensor.name));
    }
    if !matches!(tensor.kind, Kind::Defined) {
        return Err(format!("bug: {} has a definition and is of another kind", tensor.name));
    }
    for piece in &def.pieces {
        let wrong = if piece.out == out { check_piece(graph, piece) } else { Err("piece of another tensor".into()) };
        wrong.map_err(|text| format!("bug: {text}\n  in {}", equation(graph, piece)))?;
    }
    check_disjoint(graph, def)
}

fn check_disjoint(graph: &Graph, def: &Def) -> Outcome {
    let facts: Vec<Facts> = def.pieces.iter().map(|piece| live(graph, piece)).collect();
    for (at, b) in def.pieces.iter().enumerate() {
        for (before, a) in def.pieces[..at].iter().enumerate() {
            if !disjoint(&a.write, &facts[before].ranges, &b.write, &facts[at].ranges) {
                let (a, b) = (equation(graph, a), equation(graph, b));
                return Err(format!("bug: I1: pieces may overlap\n  {a}\n  {b}"));
            }
        }
    }
    Ok(())
}

/// What holds at the live points of an equation.
fn live(graph: &Graph, eq: &Equation) -> Facts {
    Facts::new(&eq.axes).with(&graph.tensors, &eq.guards)
}

fn check_piece(graph: &Graph, eq: &Equation) -> Outcome {
    check_form(graph, eq)?;
    if !injective(&eq.write, &eq.axes[..eq.n_out]) {
        return Err("I1: the write may hit an element twice".to_string());
    }
    let affine: Vec<Guard> = eq.guards.iter().filter(|guard| guard.data.is_none()).cloned().collect();
    let before = Facts::new(&eq.axes).with(&graph.tensors, &affine);
    let mut ranges = Ranges { graph, seen: vec![QuickSet::default()] };
    eq.guards.iter().try_for_each(|guard| ranges.guard(&before, guard))?;
    let facts = live(graph, eq);
    ranges.access(&facts, eq.out, &eq.write, "written")?;
    ranges.body(&facts, eq.body)?;
    check_costly(graph, eq)
}

/// The shape of the record itself.
fn check_form(graph: &Graph, eq: &Equation) -> Outcome {
    if eq.n_out > eq.axes.len() || eq.combine == Combine::None && eq.n_out != eq.axes.len() {
        return Err("axes do not fit the reduction".to_string());
    }
    if eq.write.iter().flat_map(Affine::axes).any(|axis| axis >= eq.n_out) {
        return Err("I1: the write mentions a reduced axis".to_string());
    }
    let first_data = eq.guards.iter().position(|guard| guard.data.is_some()).unwrap_or(eq.guards.len());
    if eq.guards[first_data..].iter().any(|guard| guard.data.is_none()) {
        return Err("guards without data stand first".to_string());
    }
    let mut fits = true;
    let mut see = |form: &Affine| {
        fits &= form.axes().all(|axis| axis < eq.axes.len());
        fits &= form.terms.iter().all(|term| term.1 != 0) && form.terms.windows(2).all(|pair| pair[0].0 < pair[1].0);
    };
    eq.write.iter().for_each(&mut see);
    eq.guards.iter().for_each(|guard| guard.each_form(&mut see));
    graph.exprs.each_form(eq.body, see);
    if fits { Ok(()) } else { Err("I5: a form has an unknown axis, or its terms are not in order".to_string()) }
}

/// Walks a body with what is known at each node.
struct Ranges<'a> {
    graph: &'a Graph,
    /// What is proved already, for each branch that is open.
    seen: Vec<QuickSet<ExprId>>,
}

impl Ranges<'_> {
    fn guard(&self, facts: &Facts, guard: &Guard) -> Outcome {
        let Some((_, access)) = &guard.data else { return Ok(()) };
        self.load(facts, access)?;
        let tensor = &self.graph.tensors[access.tensor];
        let pieces = self.graph.defs.get(&access.tensor).map_or(&[][..], |def| &def.pieces);
        let counts = matches!(tensor.dtype, Dtype::Index(_)) || pieces.iter().any(|p| p.combine == Combine::ArgMax);
        if counts { Ok(()) } else { Err(format!("{} in a guard holds no whole numbers", tensor.name)) }
    }

    fn load(&self, facts: &Facts, access: &Access) -> Outcome {
        check_known(self.graph, access.tensor)?;
        self.access(facts, access.tensor, &access.index, "read")
    }

    fn access(&self, facts: &Facts, tensor: TensorId, index: &[Affine], how: &str) -> Outcome {
        let shape = &self.graph.tensors[tensor].shape;
        let name = || names(self.graph).swap_remove(tensor.index());
        if shape.len() != index.len() {
            return Err(format!("{} has {} coordinates, {} are {how}", name(), shape.len(), index.len()));
        }
        let outside = index.iter().zip(shape).position(|(form, &extent)| !facts.inside(form, extent));
        match outside {
            Some(at) => Err(format!("I2: coordinate {at} of {} may be {how} out of range", name())),
            None => Ok(()),
        }
    }

    fn body(&mut self, facts: &Facts, id: ExprId) -> Outcome {
        if facts.is_dead() || self.seen.iter().any(|seen| seen.contains(&id)) {
            return Ok(());
        }
        match &self.graph.exprs[id] {
            Expr::Const(_) | Expr::Index(_) => {}
            Expr::Load(access) => self.load(facts, access)?,
            Expr::Unary(..) | Expr::Binary(..) | Expr::Select(Cond::Compare(..), ..) => {
                self.graph.exprs.children(id).into_iter().try_for_each(|child| self.body(facts, child))?;
            }
            Expr::Select(Cond::Guards(guards), x, y) => {
                let mut before = facts.clone();
                for guard in guards {
                    self.guard(&before, guard)?;
                    before = before.with(&self.graph.tensors, std::slice::from_ref(guard));
                }
                self.branch(&before, *x)?;
                self.branch(&facts.clone().without(&self.graph.tensors, guards), *y)?;
            }
        }
        self.seen.last_mut().expect("one scope is always open").insert(id);
        Ok(())
    }

    fn branch(&mut self, facts: &Facts, id: ExprId) -> Outcome {
        self.seen.push(QuickSet::default());
        let outcome = self.body(facts, id);
        self.seen.pop();
        outcome
    }
}

/// I3: costly functions are roots, or roots of branches of root selects, so nothing costly lies below those.
fn check_costly(graph: &Graph, eq: &Equation) -> Outcome {
    let mut inner = Vec::new();
    below_roots(graph, eq.body, &mut inner);
    let costly = |id: ExprId| matches!(graph.exprs[id], Expr::Unary(op, _) if unary(op).costly);
    match graph.exprs.below(&inner).into_iter().find(|&id| costly(id)) {
        Some(_) => Err("I3: a costly function stands inside".to_string()),
        None => Ok(()),
    }
}

fn below_roots(graph: &Graph, id: ExprId, inner: &mut Vec<ExprId>) {
    let Expr::Select(cond, x, y) = &graph.exprs[id] else {
        inner.extend(graph.exprs.children(id));
        return;
    };
    if let &Cond::Compare(_, a, b) = cond {
        inner.extend([a, b]);
    }
    below_roots(graph, *x, inner);
    below_roots(graph, *y, inner);
}
