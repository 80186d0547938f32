//! The whole choice: layouts, groups, their order.

use super::fuse::Fuser;
use super::space::{Seen, elements, visit_member};
use super::tile::Chooser;
use super::{Group, Schedule, Step, channels, classes, halo, layout, pack};
use crate::graph::order;
use crate::graph::{Equation, Graph, TensorId};
use crate::target::Target;
use indexmap::{IndexMap, IndexSet};

/// Lays out, groups, orders.
pub fn choose(graph: &Graph, target: Target) -> Schedule {
    let mut chooser = Chooser::new(target);
    let (mut graph, needed) = laid_out(graph, target, &mut chooser);
    let order =
        order::order(&graph).unwrap_or_else(|cycle| panic!("a cycle of definitions reached the schedule: {cycle:?}"));
    let order: Vec<TensorId> = order.into_iter().filter(|t| needed.contains(t)).collect();
    let cleared: IndexSet<TensorId> = order.iter().copied().filter(|&t| is_cleared(&graph, t)).collect();
    let mut groups = grouped(&mut graph, &order, &cleared, &mut chooser);
    mark_stored(&mut groups, &graph);
    let groups = super::sequence::in_order(&graph, groups);
    Schedule { steps: steps(groups, cleared), graph, target }
}

/// The graph in the layout whose contractions cost least: batch in blocks, or channels last.
fn laid_out(graph: &Graph, target: Target, chooser: &mut Chooser) -> (Graph, IndexSet<TensorId>) {
    let needed = needed(graph);
    let mut finish = |mut graph: Graph, blocks: &layout::Blocks| {
        let mut needed = needed.clone();
        halo::pad(&mut graph, &mut needed, blocks);
        let cost = pack::pack(&mut graph, &mut needed, chooser);
        (cost, graph, needed)
    };
    let mut blocked = graph.clone();
    let blocks = layout::block(&mut blocked, &needed, target);
    let blocked = finish(blocked, &blocks);
    let mut channelled = graph.clone();
    if !channels::last(&mut channelled, &needed, target) {
        return (blocked.1, blocked.2);
    }
    let channelled = finish(channelled, &layout::Blocks::default());
    let best = if channelled.0 < blocked.0 { channelled } else { blocked };
    (best.1, best.2)
}

/// What outputs and updates need.
pub fn needed(graph: &Graph) -> IndexSet<TensorId> {
    let outside = graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().map(|u| u.1));
    let mut found: IndexSet<TensorId> = outside.collect();
    let mut at = 0;
    while at < found.len() {
        let tensor = found[at];
        at += 1;
        for piece in pieces(graph, tensor) {
            found.extend(order::reads(&graph.exprs, piece));
        }
    }
    found
}

fn pieces(graph: &Graph, tensor: TensorId) -> &[Equation] {
    graph.defs.get(&tensor).map_or(&[], |d| &d.pieces)
}

fn grouped(graph: &mut Graph, order: &[TensorId], cleared: &IndexSet<TensorId>, chooser: &mut Chooser) -> Vec<Group> {
    let defs: Vec<(TensorId, Vec<Equation>)> = order.iter().map(|&t| (t, pieces(graph, t).to_vec())).collect();
    let mut fuser = Fuser::new(graph, chooser);
    for (tensor, pieces) in defs {
        match pieces.as_slice() {
            [whole] if !cleared.contains(&tensor) => fuser.add(whole),
            parts => parts.iter().for_each(|p| fuser.add_alone(p, cleared.contains(&tensor))),
        }
    }
    fuser.finish()
}

/// Whether some elements are not written, or are added to.
fn is_cleared(graph: &Graph, tensor: TensorId) -> bool {
    let pieces = pieces(graph, tensor);
    let points = |p: &Equation| p.axes[..p.n_out].iter().map(|a| u64::from(a.extent)).product::<u64>();
    let guarded = pieces.len() > 1 && pieces.iter().any(|p| !p.guards.is_empty());
    let adds = |p: &Equation| classes::scatter(&Group::alone("".into(), p, false)).is_some();
    guarded
        || pieces.iter().map(points).sum::<u64>() != elements(&graph.tensors[tensor].shape)
        || pieces.iter().any(adds)
}

/// Members go to memory if somebody outside their group reads them, or if they are wide.
fn mark_stored(groups: &mut [Group], graph: &Graph) {
    let mut read: Vec<IndexSet<TensorId>> = Vec::new();
    for group in groups.iter() {
        let mut own = IndexSet::new();
        for member in &group.members {
            visit_member(graph, member, &mut |seen| {
                if let Seen::Load(access) | Seen::Data(access) = seen {
                    own.insert(access.tensor);
                }
            });
        }
        read.push(own);
    }
    let mut readers: IndexMap<TensorId, Vec<usize>> = IndexMap::new();
    for (at, own) in read.iter().enumerate() {
        own.iter().for_each(|&tensor| readers.entry(tensor).or_default().push(at));
    }
    let results = graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().map(|u| u.1));
    let outside: IndexSet<TensorId> = results.collect();
    for (at, group) in groups.iter_mut().enumerate() {
        for member in &mut group.members {
            let elsewhere = readers.get(&member.out).is_some_and(|readers| readers.iter().any(|&g| g != at));
            member.stored = elsewhere || outside.contains(&member.out) || !member.wide.is_empty();
        }
    }
}

/// Groups as steps, each output cleared before the first that needs it so.
fn steps(groups: Vec<Group>, mut cleared: IndexSet<TensorId>) -> Vec<Step> {
    let mut steps = Vec::new();
    let made: IndexSet<TensorId> = groups.iter().flat_map(|g| g.members.iter().map(|m| m.out)).collect();
    steps.extend(cleared.iter().filter(|t| !made.contains(*t)).map(|&t| Step::Fill(t)));
    for group in groups {
        let adds = group.tile.as_ref().is_some_and(|t| !t.blocks.is_empty());
        for member in &group.members {
            if cleared.swap_remove(&member.out) || adds {
                steps.push(Step::Fill(member.out));
            }
        }
        steps.push(Step::Group(Box::new(group)));
    }
    steps
}
