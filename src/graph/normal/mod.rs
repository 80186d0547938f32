//! The normal form of one equation, reached after each construction.
//!
//! - N1 selects float up: `f(if g then a else c)` is `if g then f(a) else f(c)` where `f(c)` is a number; at the root,
//!   a select whose other branch is the combine's identity becomes a guard (`select`).
//! - N2 what the guards say of one axis tightens the box; not for ArgMax, which numbers it.
//! - N3 guards and conditions that follow from the box go. N4 axes of extent 1 go.
//! - N5 axes that occur only as `n*a + r`, n the extent of r, are one axis.
//! - N6 a reduced axis that nothing mentions multiplies by its extent. N7 a pinned sum whose body does not mention the
//!   pinned axis is its body.
//! - N8 affine equalities are solved after the adjoint, with its solver. N9 affine guards come first.
//! - N10 an axis that guards cut into blocks is two axes (`split`).
//!
//! Values stay the same but for the rounding of sums, and but for the rule that makes them right where nothing is
//! in the set: what is chosen away contributes nothing, whatever stands beside it (`0 * y` is 0, `exp(-inf - m)` is 0).

mod axes;
mod select;
mod split;

pub use axes::sure_pin;

use super::facts::Facts;
use super::{Arena, Axis, Combine, Equation, Exprs, Graph, Guard, Rel, Tensor};
use crate::graph::mix::QuickMap;

/// More rounds than any equation was seen to need.
const ROUNDS: usize = 8;

/// The equation in normal form; none if it defines nothing but zeros.
pub fn normalise(exprs: &mut Exprs, tensors: &Arena<Tensor>, mut eq: Equation) -> Option<Equation> {
    for _ in 0..ROUNDS {
        let before = Shape::of(&eq);
        eq = round(exprs, tensors, eq)?;
        if before == Shape::of(&eq) {
            break;
        }
    }
    Some(eq)
}

/// All equations of a graph in normal form. A definition whose pieces all vanish stays, without pieces: it is 0.
pub fn normalise_all(graph: &mut Graph) {
    for def in graph.defs.values_mut() {
        let pieces = std::mem::take(&mut def.pieces).into_iter();
        def.pieces = pieces.filter_map(|piece| normalise(&mut graph.exprs, &graph.tensors, piece)).collect();
    }
}

/// What a round may change.
#[derive(PartialEq)]
struct Shape(Vec<Axis>, Vec<Guard>, super::ExprId, Combine);

impl Shape {
    fn of(eq: &Equation) -> Shape {
        Shape(eq.axes.clone(), eq.guards.clone(), eq.body, eq.combine)
    }
}

fn round(exprs: &mut Exprs, tensors: &Arena<Tensor>, mut eq: Equation) -> Option<Equation> {
    eq.body = select::float(exprs, eq.body);
    select::guard_root(exprs, &mut eq);
    if is_nothing(exprs, &eq) {
        return None;
    }
    order_guards(&mut eq.guards);
    let facts = Facts::new(&eq.axes).with(tensors, &eq.guards);
    if facts.is_dead() {
        return None;
    }
    axes::tighten(exprs, &mut eq, &facts);
    drop_implied(tensors, &mut eq)?;
    let facts = Facts::new(&eq.axes).with(tensors, &eq.guards);
    eq.body = decide(exprs, &facts, eq.body);
    axes::drop_units(exprs, &mut eq);
    split::split(exprs, &mut eq);
    axes::merge(exprs, &mut eq);
    axes::drop_unmentioned(exprs, &mut eq);
    axes::drop_pinned(exprs, tensors, &mut eq);
    if eq.axes.len() == eq.n_out {
        without_reduction(exprs, &mut eq);
    }
    Some(eq)
}

/// Whether nothing but 0 is written.
fn is_nothing(exprs: &Exprs, eq: &Equation) -> bool {
    let zero = exprs.as_number(eq.body) == Some(0.0);
    zero && matches!(eq.combine, Combine::Sum | Combine::None) || eq.axes.iter().any(|axis| axis.extent == 0)
}

/// A reduction of one point is that point; its number is 0.
fn without_reduction(exprs: &mut Exprs, eq: &mut Equation) {
    if eq.combine == Combine::ArgMax {
        eq.body = exprs.number(0.0);
    }
    eq.combine = Combine::None;
}

/// N9: affine guards first, in one order and each once, then those with data as they were.
fn order_guards(guards: &mut Vec<Guard>) {
    let (mut affine, mut data): (Vec<Guard>, Vec<Guard>) = guards.drain(..).partition(|guard| guard.data.is_none());
    affine.sort_by(|a, b| {
        (a.rel == Rel::Ge, &a.form.terms, a.form.constant).cmp(&(b.rel == Rel::Ge, &b.form.terms, b.form.constant))
    });
    // Of inequalities that differ in the constant alone, the first is the strictest.
    affine.dedup_by(|later, first| {
        later.rel == first.rel && later.form.terms == first.form.terms && (later.rel == Rel::Ge || later == first)
    });
    let mut seen: Vec<Guard> = Vec::new();
    data.retain(|guard| {
        let new = !seen.contains(guard);
        seen.push(guard.clone());
        new
    });
    guards.extend(affine);
    guards.extend(data);
}

/// N3. None if a guard can never hold.
fn drop_implied(tensors: &Arena<Tensor>, eq: &mut Equation) -> Option<()> {
    let facts = Facts::new(&eq.axes);
    if eq.guards.iter().any(|guard| facts.refutes(guard)) {
        return None;
    }
    eq.guards.retain(|guard| !facts.implies(guard));
    drop_implied_by_another(tensors, eq);
    Some(())
}

/// A guard that follows from the other affine ones.
fn drop_implied_by_another(tensors: &Arena<Tensor>, eq: &mut Equation) {
    let mut at = 0;
    while at < eq.guards.len() {
        if eq.guards[at].data.is_none() && eq.guards[at].rel == Rel::Ge {
            let mut others = eq.guards.clone();
            let guard = others.remove(at);
            others.retain(|other| other.data.is_none());
            if !others.is_empty() && Facts::new(&eq.axes).with(tensors, &others).implies(&guard) {
                eq.guards.remove(at);
                continue;
            }
        }
        at += 1;
    }
}

/// N3 in a body: conditions that follow from what is known go, and with them branches never taken.
fn decide(exprs: &mut Exprs, facts: &Facts, body: super::ExprId) -> super::ExprId {
    let mut change = |exprs: &mut Exprs, id| {
        let super::Expr::Select(super::Cond::Guards(guards), x, y) = exprs[id].clone() else { return None };
        if guards.iter().any(|guard| facts.refutes(guard)) {
            return Some(decide(exprs, facts, y));
        }
        let left: Vec<Guard> = guards.iter().filter(|guard| !facts.implies(guard)).cloned().collect();
        if left.len() == guards.len() {
            return None;
        }
        let (x, y) = (decide(exprs, facts, x), decide(exprs, facts, y));
        Some(exprs.select(super::Cond::Guards(left), x, y))
    };
    exprs.rebuild(body, &mut QuickMap::default(), &mut change, &mut |guard| guard.clone())
}
