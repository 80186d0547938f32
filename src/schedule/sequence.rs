//! The order of groups: what is read comes first, and what overwrites a parameter comes behind all that reads it, so
//! that it can be written in place.

use super::space::{Seen, visit_member};
use super::{Group, Schedule, Step};
use crate::graph::{Access, Graph, Kind, TensorId};
use indexmap::{IndexMap, IndexSet};

/// Sorts groups; ties keep their order. Where an update would have to wait for itself it does not wait.
pub fn in_order(graph: &Graph, groups: Vec<Group>) -> Vec<Group> {
    let reads: Vec<IndexSet<TensorId>> = groups.iter().map(|g| read(graph, g)).collect();
    let mut writers: IndexMap<TensorId, Vec<usize>> = IndexMap::new();
    for (at, group) in groups.iter().enumerate() {
        group.members.iter().for_each(|m| writers.entry(m.out).or_default().push(at));
    }
    let of = |t: &TensorId| writers.get(t).into_iter().flatten().copied();
    let hard: Vec<IndexSet<usize>> =
        reads.iter().enumerate().map(|(at, r)| r.iter().flat_map(of).filter(|&w| w != at).collect()).collect();
    let mut soft: Vec<IndexSet<usize>> = vec![IndexSet::new(); groups.len()];
    for (old, new) in &graph.updates {
        for writer in of(new) {
            soft[writer].extend((0..groups.len()).filter(|&r| r != writer && reads[r].contains(old)));
        }
    }
    let order = sorted(&hard, &soft);
    let mut groups: Vec<Option<Group>> = groups.into_iter().map(Some).collect();
    order.into_iter().map(|at| groups[at].take().expect("each group comes once")).collect()
}

fn sorted(hard: &[IndexSet<usize>], soft: &[IndexSet<usize>]) -> Vec<usize> {
    let mut order = Vec::new();
    let mut done = vec![false; hard.len()];
    while order.len() < hard.len() {
        let ready = |after: &IndexSet<usize>, done: &[bool]| after.iter().all(|&g| done[g]);
        let free = |at: &usize, done: &[bool]| !done[*at] && ready(&hard[*at], done);
        let next = (0..hard.len())
            .find(|at| free(at, &done) && ready(&soft[*at], &done))
            .or_else(|| (0..hard.len()).find(|at| free(at, &done)))
            .expect("groups do not need each other in a circle");
        done[next] = true;
        order.push(next);
    }
    order
}

/// The tensors that a group loads.
fn read(graph: &Graph, group: &Group) -> IndexSet<TensorId> {
    let mut found = IndexSet::new();
    each_access(graph, group, &mut |access| {
        found.insert(access.tensor);
    });
    found
}

fn each_access(graph: &Graph, group: &Group, see: &mut dyn FnMut(&Access)) {
    for member in &group.members {
        visit_member(graph, member, &mut |seen| {
            if let Seen::Load(access) | Seen::Data(access) = seen {
                see(access);
            }
        });
    }
}

/// Updates whose new value may overwrite the old one while it is computed: (new, old). All other groups that read the
/// old value stand before, and the group itself reads only the element that it is about to write.
pub fn in_place(schedule: &Schedule) -> IndexMap<TensorId, TensorId> {
    let graph = &schedule.graph;
    let groups: Vec<&Group> = schedule.steps.iter().filter_map(as_group).collect();
    let mut found = IndexMap::new();
    for &(old, new) in &graph.updates {
        let outside = graph.outputs.iter().any(|o| o.1 == old || o.1 == new);
        let shared = graph.updates.iter().filter(|u| u.1 == new || u.1 == old).count() > 1;
        let kind = matches!(graph.tensors[new].kind, Kind::Defined);
        let writers: Vec<usize> =
            (0..groups.len()).filter(|&g| groups[g].members.iter().any(|m| m.out == new)).collect();
        let [writer] = writers.as_slice() else { continue };
        let cleared = schedule.steps.iter().any(|s| matches!(s, Step::Fill(t) if *t == new));
        let later = groups[*writer + 1..].iter().any(|g| read(graph, g).contains(&old));
        if !outside && !shared && kind && !cleared && !later && reads_only_its_own(graph, groups[*writer], old, new) {
            found.insert(new, old);
        }
    }
    found
}

fn as_group(step: &Step) -> Option<&Group> {
    match step {
        Step::Group(group) => Some(group),
        Step::Fill(_) => None,
    }
}

fn reads_only_its_own(graph: &Graph, group: &Group, old: TensorId, new: TensorId) -> bool {
    let at = group.members.iter().position(|m| m.out == new).expect("the group makes it");
    let target = &group.members[at];
    let mut fits =
        target.wide.is_empty() && target.reduced.is_empty() && graph.tensors[old].shape == graph.tensors[new].shape;
    each_access(graph, group, &mut |access| fits &= access.tensor != old || access.index == target.write);
    for member in &group.members[at + 1..] {
        visit_member(graph, member, &mut |seen| {
            if let Seen::Load(access) | Seen::Data(access) = seen {
                fits &= access.tensor != old;
            }
        });
    }
    fits
}
