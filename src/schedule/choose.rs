//! Groups equations and orders the groups.

use super::space::elements;
use super::{Group, Schedule, Step};
use super::{halo, layout};
use crate::graph::order;
use crate::graph::{Equation, Graph, Kind, TensorId};
use crate::target::Target;
use indexmap::IndexSet;

/// One group for each piece, in the order of definitions.
pub fn choose(graph: &Graph, target: Target) -> Schedule {
    let mut graph = graph.clone();
    let mut needed = needed(&graph);
    let blocks = layout::block(&mut graph, &needed, target);
    halo::pad(&mut graph, &mut needed, &blocks);
    let order =
        order::order(&graph).unwrap_or_else(|cycle| panic!("a cycle of definitions reached the schedule: {cycle:?}"));
    let mut steps = Vec::new();
    for tensor in order.into_iter().filter(|t| needed.contains(t)) {
        define(&graph, tensor, target, &mut steps);
    }
    Schedule { graph, steps }
}

/// What outputs and updates need.
pub fn needed(graph: &Graph) -> IndexSet<TensorId> {
    let mut found: IndexSet<TensorId> =
        graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().map(|u| u.1)).collect();
    let mut at = 0;
    while at < found.len() {
        let tensor = found[at];
        at += 1;
        for piece in graph.defs.get(&tensor).iter().flat_map(|d| &d.pieces) {
            found.extend(order::reads(&graph.exprs, piece));
        }
    }
    found
}

fn define(graph: &Graph, tensor: TensorId, target: Target, steps: &mut Vec<Step>) {
    if !matches!(graph.tensors[tensor].kind, Kind::Defined) {
        return;
    }
    let pieces: &[Equation] = graph.defs.get(&tensor).map_or(&[], |d| &d.pieces);
    let filled = !covers(graph, tensor, pieces)
        || pieces.iter().any(|p| super::classes::scatter(&Group::alone("".into(), p, false)).is_some());
    let mut groups = Vec::new();
    for piece in pieces {
        let name = graph.tensors[tensor].name.clone();
        let mut group = Group::alone(name, piece, filled);
        group.tile = super::tile::choose(graph, &group, target);
        groups.push(group);
    }
    let adds = groups.iter().any(|g| g.tile.as_ref().is_some_and(|t| !t.blocks.is_empty()));
    if filled || adds {
        steps.push(Step::Fill(tensor));
    }
    steps.extend(groups.into_iter().map(Step::Group));
}

/// Whether the pieces write every element, dead points included.
fn covers(graph: &Graph, tensor: TensorId, pieces: &[Equation]) -> bool {
    let points = |p: &Equation| p.axes[..p.n_out].iter().map(|a| u64::from(a.extent)).product::<u64>();
    let guarded = pieces.len() > 1 && pieces.iter().any(|p| !p.guards.is_empty());
    !guarded && pieces.iter().map(points).sum::<u64>() == elements(&graph.tensors[tensor].shape)
}
