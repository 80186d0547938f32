//! What an equation is, by its structure alone.

use super::space::{coefficient, mentions};
use super::{Group, Member};
use crate::graph::{Access, Axis, Binary, Combine, Equation, Expr, ExprId, Graph, Rel};

/// `sum(factor * a * b)`
#[derive(Clone, Debug)]
pub struct Contraction {
    pub factor: f64,
    pub a: Access,
    pub b: Access,
}

/// A sum of products of two elements, whose guards speak of axes only.
pub fn contraction(graph: &Graph, equation: &Equation) -> Option<Contraction> {
    let group = Group::alone("".into(), equation, false);
    root_contraction(graph, &group)
}

/// The same of a group's root.
pub fn root_contraction(graph: &Graph, group: &Group) -> Option<Contraction> {
    let root = &group.members[0];
    let reduces = root.combine == Combine::Sum && !root.reduced.is_empty() && root.wide.is_empty();
    if !reduces || root.guards.iter().any(|g| g.data.is_some()) {
        return None;
    }
    let mut factor = 1.0;
    let mut loads = Vec::new();
    factors(graph, root.body, &mut factor, &mut loads)?;
    let [a, b] = <[Access; 2]>::try_from(loads).ok()?;
    let lone = |x: &Access, y: &Access| (0..group.band).any(|axis| mentions(x, axis) && !mentions(y, axis));
    let found = Contraction { factor, a, b };
    (lone(&found.a, &found.b) || lone(&found.b, &found.a)).then_some(found)
}

/// Takes a product apart; None where it has other parts than numbers and elements.
fn factors(graph: &Graph, expr: ExprId, factor: &mut f64, loads: &mut Vec<Access>) -> Option<()> {
    match &graph.exprs[expr] {
        Expr::Const(c) => *factor *= c.0,
        Expr::Load(access) => loads.push(access.clone()),
        Expr::Binary(Binary::Mul, a, b) => {
            factors(graph, *a, factor, loads)?;
            factors(graph, *b, factor, loads)?;
        }
        Expr::Unary(crate::graph::Unary::Neg, a) => {
            *factor = -*factor;
            factors(graph, *a, factor, loads)?;
        }
        Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => return None,
    }
    Some(())
}

/// An axis of at most so many points is swept, in vectors, rather than looked up point by point.
const SWEPT: u32 = 16;

/// Longer reduced axes that an equality with data determines, with the guards that do: (guard, axis).
pub fn pins(axes: &[Axis], member: &Member) -> Vec<(usize, usize)> {
    let mut out: Vec<(usize, usize)> = Vec::new();
    if member.combine != Combine::Sum {
        return out;
    }
    for (number, guard) in member.guards.iter().enumerate() {
        let (Some((_, access)), Rel::Eq) = (&guard.data, guard.rel) else { continue };
        let found = member.reduced.iter().copied().find(|&axis| {
            axes[axis].extent > SWEPT
                && coefficient(&guard.form, axis).abs() == 1
                && !mentions(access, axis)
                && out.iter().all(|&(_, other)| {
                    other != axis && coefficient(&guard.form, other) == 0 && !mentions(access, other)
                })
        });
        out.extend(found.map(|axis| (number, axis)));
    }
    out
}

/// The guard and the output axis of a lone sum that data determine, where sweeping that axis would cost much.
pub fn scatter(group: &Group) -> Option<(usize, usize)> {
    let [root] = group.members.as_slice() else { return None };
    if root.combine != Combine::Sum {
        return None;
    }
    root.guards.iter().enumerate().find_map(|(number, guard)| {
        let (_, access) = guard.data.as_ref()?;
        let axis = (0..group.band)
            .find(|&a| group.axes[a].extent > 8 && coefficient(&guard.form, a).abs() == 1 && !mentions(access, a))?;
        let own = |a: usize| coefficient(&guard.form, a) == 0 && !mentions(access, a);
        let reduced = root.reduced.iter().any(|&a| mentions(access, a));
        let others = (0..group.band).filter(|&a| a != axis).all(own);
        (guard.rel == Rel::Eq && reduced && others).then_some((number, axis))
    })
}
