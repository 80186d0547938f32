//! One turn of a recurrence as equations: the time is an axis whose value is the number of the turn, as in
//! `h[1 + t, b, i]` of the stretch that begins at 1. **Invariant**: such axes have the role `Turn`, stand behind all
//! others, one for each loop of more than one turn that is around, outermost first, and are neither output axes nor
//! reduced.

use super::guards::rewrite_accesses;
use super::{Group, Member};
use crate::graph::recurrence::Moment;
use crate::graph::{Access, Affine, Axis, Equation, Graph, Kind, Role, TensorId};
use indexmap::IndexMap;

/// The axes that are turns, outermost first.
pub fn of(axes: &[Axis]) -> Vec<usize> {
    (0..axes.len()).filter(|&a| axes[a].role == Role::Turn).collect()
}

/// A piece at one turn; `times` are the coordinates that loops run along, outermost first, and whether backwards: then
/// the first turn is the last time.
pub fn at_turn(graph: &mut Graph, piece: &Equation, times: &[(usize, bool)]) -> Equation {
    let (mut turns, mut reversed) = (Vec::new(), Vec::new());
    for &(time, backwards) in times {
        if let Some(Moment::Along { axis, sign, .. }) = Moment::of(piece, time) {
            turns.push(axis);
            reversed.extend((backwards == (sign > 0)).then_some(axis));
        }
    }
    let order: Vec<usize> = (0..piece.axes.len()).filter(|a| !turns.contains(a)).chain(turns.iter().copied()).collect();
    let mut map = vec![Affine::default(); piece.axes.len()];
    for (new, &old) in order.iter().enumerate() {
        let last = piece.axes[old].extent as i32 - 1;
        map[old] = if reversed.contains(&old) { Affine::of(last, [(new, -1)]) } else { Affine::axis(new) };
    }
    let axis = |&old: &usize| {
        let role = if turns.contains(&old) { Role::Turn } else { piece.axes[old].role };
        Axis { role, ..piece.axes[old].clone() }
    };
    Equation {
        axes: order.iter().map(axis).collect(),
        n_out: piece.n_out - turns.len(),
        write: piece.write.iter().map(|form| form.substitute(&map)).collect(),
        guards: piece.guards.iter().map(|guard| guard.substitute(&map)).collect(),
        body: graph.exprs.substitute(piece.body, &map),
        ..piece.clone()
    }
}

/// Whether an element, loaded by what has `axes`, is none of those that a member of a group writes in a turn: another
/// time is loaded, or another of the slices that pieces write.
pub fn is_other(group: &Group, member: &Member, axes: &[Axis], access: &Access) -> bool {
    member.write.iter().zip(&access.index).any(|(written, loaded)| {
        match (over_turns(&group.axes, written), over_turns(axes, loaded)) {
            (Some(written), Some(loaded)) => loaded.minus(&written).as_number().is_some_and(|distance| distance != 0),
            (_, _) => false,
        }
    })
}

/// A form of turns alone, over their numbers from the outside.
fn over_turns(axes: &[Axis], form: &Affine) -> Option<Affine> {
    let turns = of(axes);
    let terms = form
        .terms
        .iter()
        .map(|&(axis, factor)| Some((turns.iter().position(|&turn| turn == usize::from(axis))?, factor)));
    Some(Affine::of(form.constant, terms.collect::<Option<Vec<_>>>()?))
}

/// Whether a form speaks of turns.
pub fn mentions(axes: &[Axis], form: &Affine) -> bool {
    form.axes().any(|a| axes[a].role == Role::Turn)
}

/// Whether anything of a group is computed in a loop.
pub fn is_looped(group: &Group) -> bool {
    group.axes.iter().any(|axis| axis.role == Role::Turn)
}

/// Whether nobody outside sees how a tensor lies.
pub fn is_free(graph: &Graph, tensor: TensorId) -> bool {
    let mut outside = graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().flat_map(|u| [u.0, u.1]));
    matches!(graph.tensors[tensor].kind, Kind::Defined) && outside.all(|t| t != tensor)
}

/// Moves a coordinate of each tensor to the front.
pub fn moved_to_front(graph: &mut Graph, moved: &IndexMap<TensorId, usize>) {
    for (&tensor, &at) in moved {
        let shape = &mut graph.tensors[tensor].shape;
        shape[..=at].rotate_right(1);
    }
    rewrite_accesses(graph, &|access| {
        let &at = moved.get(&access.tensor)?;
        let mut index = access.index.clone();
        index[..=at].rotate_right(1);
        Some(Access { tensor: access.tensor, index })
    });
}
