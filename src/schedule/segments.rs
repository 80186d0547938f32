//! Cuts the pieces of tensors that define each other by time, such that in a stretch of time each piece runs through all
//! of it or through nothing of it, and no guard speaks of the time alone: `[0, 1)` with the start, `[1, T)` the rest.
//!
//! **Invariants**: the graph stays valid and its values stay; afterwards a piece writes one time, or `constant + axis`.

use super::space::elements;
use super::turns::{is_free, moved_to_front};
use crate::graph::affine::Range;
use crate::graph::facts::Facts;
use crate::graph::normal::normalise;
use crate::graph::order::each_read;
use crate::graph::recurrence::{Component, Moment, Recurrence, components};
use crate::graph::{Access, Affine, Cond, Equation, Expr, Graph, Guard, Rel, TensorId};
use indexmap::{IndexMap, IndexSet};

/// Times from the first up to, not including, the second.
pub type Stretch = (i32, i32);

/// Cuts all recurrences of a valid graph. Elements that nobody writes are read as the number 0.
pub fn cut(graph: &mut Graph) {
    for recurrence in recurrences(graph) {
        let bounds = bounds(graph, &recurrence);
        for (&member, &time) in &recurrence.time {
            let pieces = std::mem::take(&mut graph.defs[&member].pieces);
            let pieces = pieces.iter().flat_map(|piece| pieces_of(graph, piece, time, &bounds)).collect();
            graph.defs[&member].pieces = pieces;
        }
        while drop_unwritten(graph, &recurrence) {}
    }
}

/// All recurrences, those inside others too.
pub fn recurrences(graph: &Graph) -> Vec<Recurrence> {
    within(components(graph).unwrap_or_else(|fault| panic!("bug: {}", fault.text(graph))))
}

/// All recurrences of some components, those inside others too.
pub fn within(mut open: Vec<Component>) -> Vec<Recurrence> {
    let mut found = Vec::new();
    while let Some(component) = open.pop() {
        if let Component::Many(recurrence) = component {
            open.extend(recurrence.step.iter().cloned());
            found.push(recurrence);
        }
    }
    found
}

/// The times that a piece writes.
pub fn stretch(graph: &Graph, piece: &Equation, time: usize) -> Stretch {
    let guards: Vec<Guard> = piece.guards.iter().filter(|guard| guard.data.is_none()).cloned().collect();
    let Range { low, high } = piece.write[time].range(&Facts::new(&piece.axes).with(&graph.tensors, &guards).ranges);
    (low as i32, high as i32 + 1)
}

/// Where a stretch must end, ascending.
fn bounds(graph: &Graph, recurrence: &Recurrence) -> Vec<i32> {
    let mut bounds: IndexSet<i32> = IndexSet::new();
    for (member, &time) in &recurrence.time {
        for piece in &graph.defs[member].pieces {
            let (from, to) = stretch(graph, piece, time);
            bounds.extend([from, to]);
            let Some(Moment::Along { axis, sign, constant }) = Moment::of(piece, time) else { continue };
            for edge in edges(graph, piece, axis) {
                // A change before an axis' value `edge`, as a time.
                bounds.insert(if sign > 0 { constant + edge } else { constant - edge + 1 });
            }
        }
    }
    let mut bounds: Vec<i32> = bounds.into_iter().collect();
    bounds.sort_unstable();
    bounds
}

/// The values of an axis at which a guard that speaks of it alone begins or ceases to hold.
fn edges(graph: &Graph, piece: &Equation, axis: usize) -> Vec<i32> {
    let mut edges = Vec::new();
    let mut see = |guard: &Guard| {
        let [(only, factor)] = guard.form.terms[..] else { return };
        if usize::from(only) == axis && guard.data.is_none() {
            // factor * axis + constant >= 0
            let steps = guard.form.constant.div_euclid(factor.abs());
            let first = if factor > 0 { -steps } else { steps + 1 };
            edges.push(first);
            if guard.rel == Rel::Eq {
                edges.push(if factor > 0 { first + 1 } else { first - 1 });
            }
        }
    };
    piece.guards.iter().for_each(&mut see);
    for id in graph.exprs.below(&[piece.body]) {
        if let Expr::Select(Cond::Guards(guards), _, _) = &graph.exprs[id] {
            guards.iter().for_each(&mut see);
        }
    }
    edges
}

/// A piece in each stretch in which it writes.
fn pieces_of(graph: &mut Graph, piece: &Equation, time: usize, bounds: &[i32]) -> Vec<Equation> {
    let Some(Moment::Along { axis, sign, constant }) = Moment::of(piece, time) else { return vec![piece.clone()] };
    let last = constant + sign * (piece.axes[axis].extent as i32 - 1);
    let (low, high) = (constant.min(last), constant.max(last) + 1);
    let inner = bounds.iter().copied().filter(|&bound| low < bound && bound < high);
    let cuts: Vec<i32> = [low].into_iter().chain(inner).chain([high]).collect();
    let part = |pair: &[i32]| {
        // time = from + new axis = constant + sign * old axis
        let (from, to) = (pair[0], pair[1]);
        let mut map: Vec<Affine> = (0..piece.axes.len()).map(Affine::axis).collect();
        map[axis] = Affine::of((from - constant) * sign, [(axis, sign)]);
        let mut axes = piece.axes.clone();
        axes[axis].extent = (to - from) as u32;
        let part = Equation {
            axes,
            write: piece.write.iter().map(|form| form.substitute(&map)).collect(),
            guards: piece.guards.iter().map(|guard| guard.substitute(&map)).collect(),
            body: graph.exprs.substitute(piece.body, &map),
            ..piece.clone()
        };
        normalise(&mut graph.exprs, &graph.tensors, part)
    };
    cuts.windows(2).filter_map(part).collect()
}

/// Loads of a member at times at which no piece of it writes become 0; false if there were none.
fn drop_unwritten(graph: &mut Graph, recurrence: &Recurrence) -> bool {
    let written: IndexMap<TensorId, Vec<Stretch>> = recurrence
        .time
        .iter()
        .map(|(&member, &time)| {
            (member, graph.defs[&member].pieces.iter().map(|piece| stretch(graph, piece, time)).collect())
        })
        .collect();
    let mut changed = false;
    for (&member, &time) in &recurrence.time {
        let pieces = std::mem::take(&mut graph.defs[&member].pieces);
        let mut kept = Vec::new();
        for piece in pieces {
            let own = stretch(graph, &piece, time);
            let is_zero = |access: &Access| {
                let Some(&other) = recurrence.time.get(&access.tensor) else { return false };
                let distance = access.index[other].minus(&piece.write[time]).settled(&piece.axes).constant;
                written[&access.tensor].iter().all(|w| own.1 + distance <= w.0 || w.1 <= own.0 + distance)
            };
            let mut found = false;
            graph.exprs.each_access(piece.body, |access| found |= is_zero(access));
            if !found {
                kept.push(piece);
                continue;
            }
            let body =
                graph.exprs.replace_loads(piece.body, |exprs, access| is_zero(access).then(|| exprs.number(0.0)));
            let new = Equation { body, ..piece.clone() };
            changed |= body != piece.body;
            kept.extend(normalise(&mut graph.exprs, &graph.tensors, new));
        }
        graph.defs[&member].pieces = kept;
    }
    changed
}

/// Of each tensor, given with its time, the stretches in which its pieces together write every element.
pub fn full(graph: &Graph, times: &IndexMap<TensorId, usize>) -> IndexMap<TensorId, Vec<Stretch>> {
    let of = |(&tensor, &time): (&TensorId, &usize)| (tensor, full_of(graph, tensor, time));
    times.iter().map(of).collect()
}

fn full_of(graph: &Graph, tensor: TensorId, time: usize) -> Vec<Stretch> {
    let pieces = &graph.defs[&tensor].pieces;
    let stretches: Vec<Stretch> = pieces.iter().map(|piece| stretch(graph, piece, time)).collect();
    let shape = &graph.tensors[tensor].shape;
    let slice = elements(shape) / u64::from(shape[time].max(1));
    let filled = |own: &&Stretch| {
        let parts: Vec<&Equation> = pieces.iter().zip(&stretches).filter(|(_, s)| s == own).map(|p| p.0).collect();
        let points = |p: &&Equation| p.axes[..p.n_out].iter().map(|a| u64::from(a.extent)).product::<u64>();
        let all: u64 = parts.iter().map(points).sum();
        let guarded = parts.len() > 1 && parts.iter().any(|p| !p.guards.is_empty());
        !guarded && all == slice * (own.1 - own.0) as u64
    };
    let mut full: Vec<Stretch> = stretches.iter().filter(filled).copied().collect();
    full.sort_unstable();
    full
}

/// The tensors, each with its time, of which somebody may read elements that nobody writes.
pub fn unfilled(graph: &Graph, times: &IndexMap<TensorId, usize>) -> IndexSet<TensorId> {
    let full = full(graph, times).into_iter().map(|(tensor, stretches)| (tensor, joined(stretches)));
    let full: IndexMap<TensorId, Vec<Stretch>> = full.collect();
    let outside = graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().map(|u| u.1));
    let lacks = |tensor: TensorId, low: i64, high: i64| {
        full.get(&tensor).is_some_and(|full| !full.iter().any(|s| i64::from(s.0) <= low && high < i64::from(s.1)))
    };
    let whole =
        |t: &TensorId| times.get(t).is_some_and(|&time| lacks(*t, 0, i64::from(graph.tensors[*t].shape[time]) - 1));
    let mut found: IndexSet<TensorId> = outside.filter(whole).collect();
    for piece in graph.defs.values().flat_map(|def| &def.pieces) {
        let guards: Vec<Guard> = piece.guards.iter().filter(|guard| guard.data.is_none()).cloned().collect();
        let facts = Facts::new(&piece.axes).with(&graph.tensors, &guards);
        each_read(&graph.exprs, piece, &mut |access| {
            let Some(&time) = times.get(&access.tensor) else { return };
            let Range { low, high } = access.index[time].range(&facts.ranges);
            if lacks(access.tensor, low, high) {
                found.insert(access.tensor);
            }
        });
    }
    found
}

/// Stretches that follow each other without a gap as one; they come in order.
fn joined(stretches: Vec<Stretch>) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match all.last_mut() {
            Some(last) if stretch.0 <= last.1 => last.1 = last.1.max(stretch.1),
            Some(_) | None => all.push(stretch),
        }
    }
    all
}

/// Lays the tensors of recurrences out with the time outermost, and those that are read along it: a turn walks through
/// what lies side by side.
pub fn time_first(graph: &mut Graph) {
    let mut moved: IndexMap<TensorId, usize> = IndexMap::new();
    for recurrence in recurrences(graph) {
        for (&member, &time) in &recurrence.time {
            moved.entry(member).or_insert(time);
            for piece in &graph.defs[&member].pieces {
                let Some(Moment::Along { axis, .. }) = Moment::of(piece, time) else { continue };
                graph.exprs.each_access(piece.body, |access| {
                    let along = access.index.iter().position(|form| form.mentions(axis));
                    if let Some(at) = along {
                        moved.entry(access.tensor).or_insert(at);
                    }
                });
            }
        }
    }
    moved.retain(|&tensor, &mut at| at > 0 && is_free(graph, tensor));
    moved_to_front(graph, &moved);
}
