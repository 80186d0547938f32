//! The order of groups: what is read comes first, and what overwrites a parameter comes behind all that reads it, so
//! that it can be written in place.

use super::space::{Seen, visit_member};
use super::turns::{is_looped, is_other};
use super::{Group, Schedule, Step};
use crate::graph::{Access, Axis, Graph, Kind, TensorId};
use indexmap::{IndexMap, IndexSet};

/// Sorts groups, and recurrences that stand at the places of empty ones; ties keep their order. Where an update would
/// have to wait for itself it does not wait. In a loop, what is loaded of another turn is there.
pub fn in_order(graph: &Graph, groups: Vec<Group>, mut loops: IndexMap<usize, Vec<Step>>, looped: bool) -> Vec<Step> {
    let steps = |(at, group)| loops.shift_remove(&at).unwrap_or_else(|| vec![Step::Group(Box::new(group))]);
    let units: Vec<Vec<Step>> = groups.into_iter().enumerate().map(steps).collect();
    let reads: Vec<Vec<(Access, &[Axis])>> = units.iter().map(|unit| unit_reads(graph, unit)).collect();
    let mut writers: IndexMap<TensorId, Vec<(usize, &Group, usize)>> = IndexMap::new();
    for (at, unit) in units.iter().enumerate() {
        unit.iter().for_each(|step| {
            step.each_group(&mut |group| {
                let members = group.members.iter().enumerate();
                members.for_each(|(number, m)| writers.entry(m.out).or_default().push((at, group, number)));
            });
        });
    }
    let of = |tensor: TensorId| writers.get(&tensor).into_iter().flatten().copied();
    let needs = |at: usize, (access, axes): &(Access, &[Axis])| {
        let other =
            |group: &Group, number: usize| looped && is_other(group, &group.members[number], axes, access);
        let found = of(access.tensor).filter(|&(writer, group, number)| writer != at && !other(group, number));
        found.map(|found| found.0).collect::<Vec<usize>>()
    };
    let hard: Vec<IndexSet<usize>> =
        reads.iter().enumerate().map(|(at, read)| read.iter().flat_map(|read| needs(at, read)).collect()).collect();
    let mut soft: Vec<IndexSet<usize>> = vec![IndexSet::new(); units.len()];
    for (old, new) in &graph.updates {
        for (writer, ..) in of(*new) {
            let reads_old = |&r: &usize| r != writer && reads[r].iter().any(|(access, _)| access.tensor == *old);
            soft[writer].extend((0..units.len()).filter(reads_old));
        }
    }
    let order = sorted(&hard, &soft);
    let mut units: Vec<Option<Vec<Step>>> = units.into_iter().map(Some).collect();
    order.into_iter().flat_map(|at| units[at].take().expect("each unit comes once")).collect()
}

/// All that a unit loads, with the axes that the subscripts speak of.
fn unit_reads<'u>(graph: &Graph, unit: &'u [Step]) -> Vec<(Access, &'u [Axis])> {
    let mut found: Vec<(Access, &[Axis])> = Vec::new();
    unit.iter().for_each(|step| {
        step.each_group(&mut |group| {
            let mut own: IndexSet<Access> = IndexSet::new();
            each_access(graph, group, &mut |access| {
                own.insert(access.clone());
            });
            found.extend(own.into_iter().map(|access| (access, &group.axes[..])));
        });
    });
    found
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
    let units: Vec<Vec<&Group>> = schedule.steps.iter().map(groups_of).filter(|unit| !unit.is_empty()).collect();
    let mut found = IndexMap::new();
    for &(old, new) in &graph.updates {
        let outside = graph.outputs.iter().any(|o| o.1 == old || o.1 == new);
        let shared = graph.updates.iter().filter(|u| u.1 == new || u.1 == old).count() > 1;
        let kind = matches!(graph.tensors[new].kind, Kind::Defined);
        let writes = |unit: &&usize| units[**unit].iter().any(|group| group.members.iter().any(|m| m.out == new));
        let all: Vec<usize> = (0..units.len()).collect();
        let writers: Vec<&usize> = all.iter().filter(writes).collect();
        let [writer] = writers[..] else { continue };
        // What a loop makes is put into its place behind it.
        let [group] = units[*writer][..] else { continue };
        let cleared = schedule.steps.iter().any(|s| matches!(s, Step::Fill(t) if *t == new));
        let later = units[*writer + 1..].iter().flatten().any(|g| read(graph, g).contains(&old));
        let looped = is_looped(group);
        if !outside && !shared && kind && !cleared && !later && !looped && reads_only_its_own(graph, group, old, new) {
            found.insert(new, old);
        }
    }
    found
}

fn groups_of(step: &Step) -> Vec<&Group> {
    let mut groups = Vec::new();
    step.each_group(&mut |group| groups.push(group));
    groups
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
