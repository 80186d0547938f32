//! C3: with `w = e/z` a tensor that is there anyway, `e * (x/z)` is `w * x`. Quotients by the same z are put on one
//! denominator first, through the definitions of maps. So the gradient of softmax becomes `(dw - sum(dw*w)) * w`, and
//! the exponentials need not be kept.

use super::cost::Fuel;
use super::factors::Factors;
use super::look::{inverse, only_piece, value_at};
use crate::graph::mix::{QuickMap, QuickSet};
use crate::graph::normal::normalise;
use crate::graph::{
    Access, Affine, Binary, Combine, Cond, Equation, Expr, ExprId, Exprs, Graph, Guard, TensorId, Unary,
};

/// How many definitions and operations deep a denominator is looked for.
const DEPTH: usize = 8;

/// A tensor `w[..] = e[..] / z[..]`, all over the coordinates of e.
struct Quotient {
    w: Access,
    z: Access,
    guards: Vec<Guard>,
}

/// Rewrites all maps.
pub fn multiply(graph: &mut Graph, fuel: &mut Fuel) {
    let quotients = quotients(graph);
    if quotients.is_empty() {
        return;
    }
    // A quotient itself is the one that divides.
    let own: QuickSet<TensorId> = quotients.values().flatten().map(|quotient| quotient.w.tensor).collect();
    let outs: Vec<TensorId> = graph.defs.keys().copied().filter(|out| !own.contains(out)).collect();
    for out in outs {
        for at in 0..graph.defs[&out].pieces.len() {
            let piece = graph.defs[&out].pieces[at].clone();
            let mut rule = Rule { graph, quotients: &quotients, piece: &piece };
            if let Some(body) = rule.rewrite(piece.body)
                && fuel.take()
            {
                let new = Equation { body, ..piece.clone() };
                let new = normalise(&mut graph.exprs, &graph.tensors, new.clone()).unwrap_or(new);
                graph.defs[&out].pieces[at] = new;
            }
        }
    }
}

/// By their e.
fn quotients(graph: &Graph) -> QuickMap<TensorId, Vec<Quotient>> {
    let mut found: QuickMap<TensorId, Vec<Quotient>> = QuickMap::default();
    for &w in graph.defs.keys() {
        if let Some((e, quotient)) = quotient(graph, w) {
            found.entry(e).or_default().push(quotient);
        }
    }
    found
}

fn quotient(graph: &Graph, w: TensorId) -> Option<(TensorId, Quotient)> {
    let piece = only_piece(graph, w)?;
    let Expr::Binary(Binary::Div, a, b) = graph.exprs[piece.body] else { return None };
    let (e, z) = (graph.exprs.as_load(a)?, graph.exprs.as_load(b)?);
    if piece.combine != Combine::None || z.tensor == e.tensor {
        return None;
    }
    // The map read as a write of e tells its axes by the coordinates of e.
    let as_write = Equation { write: e.index.clone(), ..piece.clone() };
    let inverse = inverse(&graph.tensors[e.tensor], &as_write)?;
    let index = piece.write.iter().map(|form| form.substitute(&inverse.axes)).collect();
    let own = piece.guards.iter().map(|guard| guard.substitute(&inverse.axes));
    let guards = inverse.guards.iter().cloned().chain(own).collect();
    Some((e.tensor, Quotient { w: Access { tensor: w, index }, z: z.substitute(&inverse.axes), guards }))
}

struct Rule<'a> {
    graph: &'a mut Graph,
    quotients: &'a QuickMap<TensorId, Vec<Quotient>>,
    piece: &'a Equation,
}

impl Rule<'_> {
    /// The body with its products rewritten; none if the rule fits nowhere.
    fn rewrite(&mut self, id: ExprId) -> Option<ExprId> {
        match self.graph.exprs[id].clone() {
            Expr::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
                let (new_a, new_b) = (self.rewrite(a), self.rewrite(b));
                (new_a.is_some() || new_b.is_some())
                    .then(|| self.graph.exprs.binary(op, new_a.unwrap_or(a), new_b.unwrap_or(b)))
            }
            Expr::Unary(Unary::Neg, x) => {
                let x = self.rewrite(x)?;
                Some(self.graph.exprs.neg(x))
            }
            Expr::Binary(Binary::Mul | Binary::Div, ..) => self.product(id),
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => {
                None
            }
        }
    }

    fn product(&mut self, id: ExprId) -> Option<ExprId> {
        let factors = Factors::of(&self.graph.exprs, id);
        for at in 0..factors.above.len() {
            let Some(e) = self.graph.exprs.as_load(factors.above[at]).cloned() else { continue };
            for quotient in self.quotients.get(&e.tensor).into_iter().flatten() {
                let mut rest = factors.clone();
                rest.above.remove(at);
                let z = quotient.z.substitute(&e.index);
                if self.allows(quotient, &e)
                    && let Some(rest) = self.divided(&rest, &z)
                {
                    let w = quotient.w.substitute(&e.index);
                    let w = self.graph.exprs.add(Expr::Load(w));
                    return Some(self.graph.exprs.mul(rest, w));
                }
            }
        }
        None
    }

    /// Whether w is `e/z` at every live point: its guards are the equation's, or those outside which e is 0.
    fn allows(&self, quotient: &Quotient, e: &Access) -> bool {
        let of_e = only_piece(self.graph, e.tensor).and_then(|piece| {
            let inverse = inverse(&self.graph.tensors[e.tensor], piece)?;
            let mut map = inverse.axes.clone();
            map.resize(piece.axes.len(), Affine::number(0));
            let outer = piece.guards.iter().filter(|guard| !(piece.n_out..piece.axes.len()).any(|a| guard.mentions(a)));
            Some(
                inverse.guards.iter().cloned().chain(outer.map(|guard| guard.substitute(&map))).collect::<Vec<Guard>>(),
            )
        });
        let of_e = of_e.unwrap_or_default();
        quotient
            .guards
            .iter()
            .all(|guard| of_e.contains(guard) || self.piece.guards.contains(&guard.substitute(&e.index)))
    }

    /// The product times z, if one of its factors is a quotient by z.
    fn divided(&mut self, factors: &Factors, z: &Access) -> Option<ExprId> {
        let mut rest = factors.clone();
        if let Some(at) = rest.below.iter().position(|&id| self.graph.exprs.as_load(id) == Some(z)) {
            rest.below.remove(at);
            return Some(rest.product(&mut self.graph.exprs));
        }
        for at in 0..rest.above.len() {
            if let Some(numerator) = times(self.graph, rest.above[at], z, DEPTH) {
                rest.above[at] = numerator;
                return Some(rest.product(&mut self.graph.exprs));
            }
        }
        None
    }
}

/// `x * z` as an expression without z, if x is a quotient by z, or a sum of such.
fn times(graph: &mut Graph, x: ExprId, z: &Access, depth: usize) -> Option<ExprId> {
    if depth == 0 {
        return None;
    }
    match graph.exprs[x].clone() {
        Expr::Const(value) if value.is_zero() => Some(x),
        Expr::Load(access) => {
            let value = value_at(graph, &access)?;
            if is_costly(&graph.exprs, value) { None } else { times(graph, value, z, depth - 1) }
        }
        Expr::Unary(Unary::Neg, a) => {
            let a = times(graph, a, z, depth - 1)?;
            Some(graph.exprs.neg(a))
        }
        Expr::Binary(op @ (Binary::Add | Binary::Sub), a, b) => {
            let (a, b) = (times(graph, a, z, depth - 1)?, times(graph, b, z, depth - 1)?);
            Some(graph.exprs.binary(op, a, b))
        }
        Expr::Binary(Binary::Div, a, b) if graph.exprs.as_load(b) == Some(z) => Some(a),
        Expr::Binary(op @ (Binary::Mul | Binary::Div), a, b) => match times(graph, a, z, depth - 1) {
            Some(a) => Some(graph.exprs.binary(op, a, b)),
            None if op == Binary::Mul => {
                let b = times(graph, b, z, depth - 1)?;
                Some(graph.exprs.mul(a, b))
            }
            None => None,
        },
        Expr::Select(cond @ Cond::Guards(_), a, b) => {
            let (a, b) = (times(graph, a, z, depth - 1)?, times(graph, b, z, depth - 1)?);
            Some(graph.exprs.select(cond, a, b))
        }
        Expr::Const(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => None,
    }
}

/// A function that another equation computes once.
fn is_costly(exprs: &Exprs, id: ExprId) -> bool {
    let costly = |id: ExprId| matches!(exprs[id], Expr::Unary(op, _) if crate::graph::scalar::unary(op).costly);
    exprs.below(&[id]).into_iter().any(costly)
}
