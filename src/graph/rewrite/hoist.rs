//! C2: factors that do not depend on what is summed over come out of the sum: `sum(r: a*f[r]) = a * sum(r: f[r])`.
//!
//! Nothing is expanded, and addends are not split. Where a sum has no live point it is 0, so a divisor comes out only
//! if each sum has one.

use super::cost::Fuel;
use super::factors::Factors;
use crate::graph::affine::{Range, ranges};
use crate::graph::facts::Facts;
use crate::graph::normal::normalise;
use crate::graph::scalar::unary;
use crate::graph::{
    Affine, Combine, Dtype, Equation, Expr, ExprId, Exprs, Graph, Guard, Kind, Origin, OriginRole, Rel, TensorId,
};

/// Hoists in all equations.
pub fn hoist(graph: &mut Graph, fuel: &mut Fuel) {
    let outs: Vec<TensorId> = graph.defs.keys().copied().collect();
    for out in outs {
        for at in 0..graph.defs[&out].pieces.len() {
            let piece = &graph.defs[&out].pieces[at];
            if let Some((outside, inside)) = parts(&graph.exprs, piece)
                && writes_inside(graph, piece)
                && fuel.take()
            {
                let piece = graph.defs[&out].pieces[at].clone();
                let outer = split(graph, piece, &outside, &inside);
                graph.defs[&out].pieces[at] = outer;
            }
        }
    }
}

/// The factors without and with reduced axes, if a sum has both.
fn parts(exprs: &Exprs, piece: &Equation) -> Option<(Factors, Factors)> {
    if piece.combine != Combine::Sum {
        return None;
    }
    let all = Factors::of(exprs, piece.body);
    let fixed = |id: &ExprId| !mentions_reduced(exprs, piece, *id) && !holds_costly(exprs, *id);
    let divides = all_sums_live(piece);
    let (fixed_above, above) = all.above.into_iter().partition(&fixed);
    let (fixed_below, below) = all.below.into_iter().partition(|id| fixed(id) && divides);
    let outside = Factors { number: all.number, above: fixed_above, below: fixed_below };
    let inside = Factors { number: 1.0, above, below };
    let both = !(outside.above.is_empty() && outside.below.is_empty());
    both.then_some((outside, inside))
}

/// Whether the write stays in range where the guards over output axes hold: those over reduced axes go inside.
fn writes_inside(graph: &Graph, piece: &Equation) -> bool {
    let guards: Vec<Guard> = piece.guards.iter().filter(|guard| is_outer(piece, guard)).cloned().collect();
    let facts = Facts::new(&piece.axes).with(&graph.tensors, &guards);
    piece.write.iter().zip(&graph.tensors[piece.out].shape).all(|(form, &extent)| facts.inside(form, extent))
}

fn mentions_reduced(exprs: &Exprs, piece: &Equation, id: ExprId) -> bool {
    let mut found = false;
    exprs.each_form(id, |form| found |= form.axes().any(|axis| axis >= piece.n_out));
    found
}

/// Whether a function is in it that must stay a root.
fn holds_costly(exprs: &Exprs, id: ExprId) -> bool {
    exprs.below(&[id]).into_iter().any(|id| matches!(exprs[id], Expr::Unary(op, _) if unary(op).costly))
}

fn is_outer(piece: &Equation, guard: &Guard) -> bool {
    !(piece.n_out..piece.axes.len()).any(|axis| guard.mentions(axis))
}

/// Whether every output element has a live reduced point where the guards over output axes hold: at most one guard
/// is over reduced axes, and one corner of the reduced box satisfies it.
fn all_sums_live(piece: &Equation) -> bool {
    let mut inner = piece.guards.iter().filter(|guard| !is_outer(piece, guard));
    match (inner.next(), inner.next()) {
        (None, _) => true,
        (Some(guard), None) => guard.data.is_none() && guard.rel == Rel::Ge && best_corner(piece, guard) >= 0,
        (Some(_), Some(_)) => false,
    }
}

/// The least value, over the output axes, of the guard's form at the reduced point that is best for it.
pub fn best_corner(piece: &Equation, guard: &Guard) -> i64 {
    let mut corner = ranges(&piece.axes);
    for (axis, range) in corner.iter_mut().enumerate().skip(piece.n_out) {
        let best = if guard.form.coefficient(axis) > 0 { range.high } else { range.low };
        *range = Range::of(best, best);
    }
    guard.form.range(&corner).low
}

/// Defines the inner sum and gives the map around it.
fn split(graph: &mut Graph, piece: Equation, outside: &Factors, inside: &Factors) -> Equation {
    let load = define_inner(graph, &piece, inside);
    let factor = outside.product(&mut graph.exprs);
    let mut outer = piece;
    outer.body = put_around(&mut graph.exprs, outside, load, factor);
    outer.guards = outer.guards.iter().filter(|guard| is_outer(&outer, guard)).cloned().collect();
    outer.axes.truncate(outer.n_out);
    outer.combine = Combine::None;
    normalise(&mut graph.exprs, &graph.tensors, outer.clone()).unwrap_or(outer)
}

/// The sum of what is inside, over the output axes that it depends on; in the shape of the whole if these are all.
fn define_inner(graph: &mut Graph, piece: &Equation, inside: &Factors) -> ExprId {
    let body = inside.product(&mut graph.exprs);
    let kept = mentioned(&graph.exprs, piece, body);
    let all = kept.len() == piece.n_out;
    let extents = kept.iter().map(|&axis| piece.axes[axis].extent).collect();
    let shape = if all { graph.tensors[piece.out].shape.clone() } else { extents };
    let index = if all { piece.write.clone() } else { kept.iter().map(|&axis| Affine::axis(axis)).collect() };
    let Origin { path, at, .. } = graph.origins[piece.origin].clone();
    let origin = graph.origins.push(Origin { path, at, role: OriginRole::Rewritten("hoist") });
    let name = format!("{}.inner", graph.tensors[piece.out].name);
    let out = graph.tensor(&name, &shape, Dtype::Real, Kind::Defined, origin);
    let axes: Vec<usize> = kept.into_iter().chain(piece.n_out..piece.axes.len()).collect();
    let place = |axis| Affine::axis(axes.iter().position(|&old| old == axis).unwrap_or(0));
    let map: Vec<Affine> = (0..piece.axes.len()).map(place).collect();
    let inner = Equation {
        out,
        n_out: axes.len() - (piece.axes.len() - piece.n_out),
        axes: axes.iter().map(|&axis| piece.axes[axis].clone()).collect(),
        combine: Combine::Sum,
        write: index.iter().map(|form| form.substitute(&map)).collect(),
        guards: piece.guards.iter().map(|guard| guard.substitute(&map)).collect(),
        body: graph.exprs.substitute(body, &map),
        origin,
    };
    graph.defs.entry(out).or_default();
    if let Some(inner) = normalise(&mut graph.exprs, &graph.tensors, inner) {
        graph.define(inner);
    }
    graph.exprs.load(out, index)
}

/// The output axes that a body or the guards mention.
fn mentioned(exprs: &Exprs, piece: &Equation, body: ExprId) -> Vec<usize> {
    let mut kept = vec![false; piece.axes.len()];
    let mut see = |form: &Affine| form.axes().for_each(|axis| kept[axis] = true);
    exprs.each_form(body, &mut see);
    piece.guards.iter().for_each(|guard| guard.each_form(&mut see));
    (0..piece.n_out).filter(|&axis| kept[axis]).collect()
}

/// The sum in its factors; a quotient stays a quotient of the sum, for the quotient rule.
fn put_around(exprs: &mut Exprs, outside: &Factors, sum: ExprId, factor: ExprId) -> ExprId {
    if outside.below.is_empty() {
        return exprs.mul(factor, sum);
    }
    let mut all = outside.clone();
    all.above.push(sum);
    all.product(exprs)
}
