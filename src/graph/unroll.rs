//! The T-fold copy of a graph: each time of each recurrence as tensors of its own, so that no definitions go in a circle.
//! What loops do is compared with it: back-propagation through time is back-propagation on the unrolled net.
//!
//! **Invariants**: tensors keep their ids, shapes and values; those of a recurrence are put together from their copies.

use super::normal::normalise;
use super::recurrence::{Component, Fault, Moment, Recurrence, components};
use super::{Access, Affine, Axis, Combine, Def, Equation, Expr, Graph, Guard, Kind, Role, TensorId};
use indexmap::IndexMap;
use std::collections::HashMap;

/// The graph without circles of definitions. Needs a valid one.
///
/// # Errors
/// What is wrong with a recurrence.
pub fn unroll(graph: &Graph) -> Result<Graph, Fault> {
    let mut unrolled = graph.clone();
    let mut open = components(graph)?;
    while let Some(component) = open.pop() {
        if let Component::Many(recurrence) = component {
            copies(&mut unrolled, &recurrence);
            // Another coordinate may still be in circles.
            if recurrence.step.iter().any(|inner| matches!(inner, Component::Many(_))) {
                return unroll(&unrolled);
            }
        }
    }
    Ok(unrolled)
}

/// Defines each member at each time as a tensor of its own, and the member by these.
fn copies(graph: &mut Graph, recurrence: &Recurrence) {
    let mut at: IndexMap<TensorId, Vec<TensorId>> = IndexMap::new();
    for (&member, &time) in &recurrence.time {
        let tensor = graph.tensors[member].clone();
        let mut shape = tensor.shape.clone();
        let end = shape.remove(time);
        let copy =
            |now| graph.tensor(&format!("{}.{now}", tensor.name), &shape, tensor.dtype, Kind::Defined, tensor.origin);
        at.insert(member, (0..end).map(copy).collect());
    }
    for (&member, &time) in &recurrence.time {
        let pieces = std::mem::take(&mut graph.defs[&member].pieces);
        for (now, &copy) in at[&member].iter().enumerate() {
            graph.defs.entry(copy).or_default();
            for piece in &pieces {
                if let Some(piece) = piece_at(graph, recurrence, &at, piece, time, now as i32)
                    && let Some(piece) = normalise(&mut graph.exprs, &graph.tensors, Equation { out: copy, ..piece })
                {
                    graph.define(piece);
                }
            }
        }
        let parts = at[&member].iter().enumerate().map(|(now, &copy)| part(graph, member, time, now, copy));
        let pieces = parts.collect::<Vec<_>>();
        graph.defs[&member] = Def { pieces };
    }
}

/// A piece at one time, of which members at their times are loaded; none if it writes nothing then.
fn piece_at(
    graph: &mut Graph,
    recurrence: &Recurrence,
    at: &IndexMap<TensorId, Vec<TensorId>>,
    piece: &Equation,
    time: usize,
    now: i32,
) -> Option<Equation> {
    let mut piece = match Moment::of(piece, time).expect("components have seen it") {
        Moment::At(only) => (only == now).then(|| piece.clone())?,
        Moment::Along { axis, sign, constant } => {
            let place = (now - constant) * sign;
            let inside = 0 <= place && place < piece.axes[axis].extent as i32;
            inside.then(|| fixed(graph, piece, axis, place))?
        }
    };
    piece.write.remove(time);
    let axes = piece.axes.clone();
    let change = |access: &Access| {
        let &time = recurrence.time.get(&access.tensor)?;
        let mut index = access.index.clone();
        let now = index.remove(time).settled(&axes).as_number().expect("distances are constant");
        // A load at no time stands behind a guard that never holds; that of a guard stays a load.
        let copies = &at[&access.tensor];
        let tensor = *copies.get(usize::try_from(now).unwrap_or(0)).or(copies.first())?;
        Some(Access { tensor, index })
    };
    let with_data = |guard: &Guard| {
        let mut guard = guard.clone();
        if let Some((_, access)) = &mut guard.data {
            *access = change(access).unwrap_or_else(|| access.clone());
        }
        guard
    };
    piece.guards = piece.guards.iter().map(with_data).collect();
    let outside = |access: &Access| {
        let time = *recurrence.time.get(&access.tensor)?;
        let now = access.index[time].settled(&axes).as_number()?;
        Some(usize::try_from(now).is_ok_and(|now| now < at[&access.tensor].len())).filter(|inside| !inside)
    };
    let mut replace = |exprs: &mut super::Exprs, id| {
        let access = exprs.as_load(id)?;
        if outside(access).is_some() {
            // A copy of another time would be a circle of the copies where data say that it is never read.
            return Some(exprs.number(0.0));
        }
        let access = change(access)?;
        Some(exprs.add(Expr::Load(access)))
    };
    piece.body = graph.exprs.rebuild(piece.body, &mut HashMap::new(), &mut replace, &mut |guard| with_data(guard));
    Some(piece)
}

/// The piece with one axis at one place.
fn fixed(graph: &mut Graph, piece: &Equation, axis: usize, place: i32) -> Equation {
    let left = |a: usize| Affine::axis(if a > axis { a - 1 } else { a });
    let map: Vec<Affine> =
        (0..piece.axes.len()).map(|a| if a == axis { Affine::number(place) } else { left(a) }).collect();
    let mut axes = piece.axes.clone();
    axes.remove(axis);
    Equation {
        axes,
        n_out: piece.n_out - 1,
        write: piece.write.iter().map(|form| form.substitute(&map)).collect(),
        guards: piece.guards.iter().map(|guard| guard.substitute(&map)).collect(),
        body: graph.exprs.substitute(piece.body, &map),
        ..piece.clone()
    }
}

/// `member[.., now, ..] = copy[.., ..]`
fn part(graph: &mut Graph, member: TensorId, time: usize, now: usize, copy: TensorId) -> Equation {
    let tensor = &graph.tensors[copy];
    let axis = |(at, &extent): (usize, &u32)| Axis { extent, role: Role::Plain, hint: format!("d{at}").into() };
    let axes: Vec<Axis> = tensor.shape.iter().enumerate().map(axis).collect();
    let (n_out, origin) = (axes.len(), tensor.origin);
    let index: Vec<Affine> = (0..n_out).map(Affine::axis).collect();
    let mut write = index.clone();
    write.insert(time, Affine::number(now as i32));
    let body = graph.exprs.load(copy, index);
    Equation { out: member, axes, n_out, combine: Combine::None, write, guards: Vec::new(), body, origin }
}
