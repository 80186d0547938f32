//! The order of groups: what is read comes first, and what overwrites a parameter comes behind all that reads it, so
//! that it can be written in place.

use super::space::{Seen, visit_member};
use super::turns::{is_looped, is_other};
use super::{Group, Schedule, Step};
use crate::graph::{Access, Axis, Graph, Kind, TensorId};
use indexmap::{IndexMap, IndexSet};
use std::collections::BTreeSet;

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
        let other = |group: &Group, number: usize| looped && is_other(group, &group.members[number], axes, access);
        let found = of(access.tensor).filter(|&(writer, group, number)| writer != at && !other(group, number));
        found.map(|found| found.0).collect::<Vec<usize>>()
    };
    let hard: Vec<IndexSet<usize>> =
        reads.iter().enumerate().map(|(at, read)| read.iter().flat_map(|read| needs(at, read)).collect()).collect();
    let mut soft: Vec<IndexSet<usize>> = vec![IndexSet::new(); units.len()];
    let readers = readers(reads.iter().map(|read| read.iter().map(|(access, _)| access.tensor).collect()));
    for (old, new) in &graph.updates {
        for (writer, ..) in of(*new) {
            soft[writer].extend(readers.get(old).into_iter().flatten().copied().filter(|&r| r != writer));
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

/// Who reads each tensor, in order.
fn readers(reads: impl Iterator<Item = IndexSet<TensorId>>) -> IndexMap<TensorId, Vec<usize>> {
    let mut readers: IndexMap<TensorId, Vec<usize>> = IndexMap::new();
    for (at, read) in reads.enumerate() {
        read.iter().for_each(|&tensor| readers.entry(tensor).or_default().push(at));
    }
    readers
}

/// The first that may come, again and again; of those that would have to wait for a soft reason only, if no other may.
fn sorted(hard: &[IndexSet<usize>], soft: &[IndexSet<usize>]) -> Vec<usize> {
    let behind = |before: &[IndexSet<usize>]| {
        let mut behind: Vec<Vec<usize>> = vec![Vec::new(); before.len()];
        before.iter().enumerate().for_each(|(at, all)| all.iter().for_each(|&b| behind[b].push(at)));
        behind
    };
    let (behind_hard, behind_soft) = (behind(hard), behind(soft));
    let mut left: Vec<(usize, usize)> = hard.iter().zip(soft).map(|(h, s)| (h.len(), s.len())).collect();
    let mut may: BTreeSet<usize> = (0..left.len()).filter(|&at| left[at].0 == 0).collect();
    let mut free: BTreeSet<usize> = may.iter().copied().filter(|&at| left[at].1 == 0).collect();
    let mut order = Vec::with_capacity(hard.len());
    while let Some(next) = free.first().or(may.first()).copied() {
        may.remove(&next);
        free.remove(&next);
        order.push(next);
        // Those that came without waiting are not asked again.
        left[next] = (usize::MAX, usize::MAX);
        let waiting =
            behind_hard[next].iter().map(|&at| (at, true)).chain(behind_soft[next].iter().map(|&at| (at, false)));
        for (at, is_hard) in waiting.filter(|&(at, _)| left[at].0 != usize::MAX).collect::<Vec<_>>() {
            let count = if is_hard { &mut left[at].0 } else { &mut left[at].1 };
            *count -= 1;
            if left[at].0 == 0 {
                may.insert(at);
            }
            if left[at] == (0, 0) {
                free.insert(at);
            }
        }
    }
    assert_eq!(order.len(), hard.len(), "groups do not need each other in a circle");
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
    let mut writers: IndexMap<TensorId, Vec<usize>> = IndexMap::new();
    for (at, unit) in units.iter().enumerate() {
        let made: IndexSet<TensorId> = unit.iter().flat_map(|group| &group.members).map(|m| m.out).collect();
        made.into_iter().for_each(|tensor| writers.entry(tensor).or_default().push(at));
    }
    let readers = readers(units.iter().map(|unit| unit.iter().flat_map(|group| read(graph, group)).collect()));
    let cleared: IndexSet<TensorId> = schedule.steps.iter().filter_map(as_fill).collect();
    let outputs: IndexSet<TensorId> = graph.outputs.iter().map(|o| o.1).collect();
    let mut from: IndexMap<TensorId, usize> = IndexMap::new();
    graph.updates.iter().for_each(|u| *from.entry(u.1).or_default() += 1);
    let mut found = IndexMap::new();
    for &(old, new) in &graph.updates {
        let outside = outputs.contains(&old) || outputs.contains(&new);
        let shared = from[&new] > 1 || from.contains_key(&old);
        let kind = matches!(graph.tensors[new].kind, Kind::Defined);
        let Some(&[writer]) = writers.get(&new).map(Vec::as_slice) else { continue };
        let later = readers.get(&old).and_then(|all| all.last()).is_some_and(|&last| last > writer);
        // What a loop makes is put into its place behind it.
        let [group] = units[writer][..] else { continue };
        let fits = !outside && !shared && kind && !cleared.contains(&new) && !later && !is_looped(group);
        if fits && reads_only_its_own(graph, group, old, new) {
            found.insert(new, old);
        }
    }
    found
}

fn as_fill(step: &Step) -> Option<TensorId> {
    match step {
        Step::Group(_) | Step::Loop { .. } => None,
        Step::Fill(tensor) => Some(*tensor),
    }
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
