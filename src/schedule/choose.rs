//! The whole choice: layouts, groups, their order.

use super::fuse::Fuser;
use super::segments::{self, Stretch};
use super::space::{Seen, elements, visit_member};
use super::tile::Chooser;
use super::{Group, Member, Schedule, Step, channels, classes, halo, layout, pack, sequence, turns};
use crate::graph::order;
use crate::graph::recurrence::{Component, Recurrence, components};
use crate::graph::{Access, Equation, Graph, TensorId};
use crate::target::Target;
use indexmap::{IndexMap, IndexSet};

/// Lays out, groups, orders.
pub fn choose(graph: &Graph, target: Target) -> Schedule {
    let mut graph = graph.clone();
    let needed = needed(&graph);
    graph.defs.retain(|tensor, _| needed.contains(tensor));
    segments::cut(&mut graph);
    let mut chooser = Chooser::new(target);
    let mut graph = laid_out(&graph, target, &mut chooser);
    segments::time_first(&mut graph);
    let components = components(&graph).unwrap_or_else(|fault| panic!("bug: {}", fault.text(&graph)));
    let times = times(&components);
    let (cleared, full) = (cleared(&graph, &times), segments::full(&graph, &times));
    let mut steps =
        Grouping { graph: &mut graph, chooser: &mut chooser, cleared: &cleared, full: &full }.steps(&components, &[]);
    mark_stored(&mut steps, &graph);
    Schedule { steps: with_clearing(steps, cleared), graph, target }
}

/// The graph in the layout whose contractions cost least: batch in blocks, or channels last.
fn laid_out(graph: &Graph, target: Target, chooser: &mut Chooser) -> Graph {
    let needed = needed(graph);
    let mut finish = |mut graph: Graph, blocks: &layout::Blocks| {
        let mut needed = needed.clone();
        halo::pad(&mut graph, &mut needed, blocks);
        let cost = pack::pack(&mut graph, &mut needed, chooser);
        graph.defs.retain(|tensor, _| needed.contains(tensor));
        (cost, graph)
    };
    let mut blocked = graph.clone();
    let blocks = layout::block(&mut blocked, &needed, target);
    let blocked = finish(blocked, &blocks);
    let mut channelled = graph.clone();
    if !channels::last(&mut channelled, &needed, target) {
        return blocked.1;
    }
    let channelled = finish(channelled, &layout::Blocks::default());
    if channelled.0 < blocked.0 { channelled.1 } else { blocked.1 }
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

/// A loop that is around.
#[derive(Clone)]
struct Around {
    /// The time of each tensor.
    time: IndexMap<TensorId, usize>,
    backwards: bool,
    stretch: Stretch,
}

struct Grouping<'g> {
    graph: &'g mut Graph,
    chooser: &'g mut Chooser,
    cleared: &'g IndexSet<TensorId>,
    /// Stretches of time in which a tensor is written as a whole.
    full: &'g IndexMap<TensorId, Vec<Stretch>>,
}

impl Grouping<'_> {
    /// The steps of some components inside loops.
    fn steps(&mut self, components: &[Component], around: &[Around]) -> Vec<Step> {
        let mut fuser = Fuser::new(self.graph, self.chooser, !around.is_empty());
        for component in components {
            match component {
                Component::One(tensor) => {
                    let whole = around.first().is_some_and(|a| self.full[tensor].contains(&a.stretch));
                    add(&mut fuser, *tensor, around, self.cleared.contains(tensor), whole);
                }
                Component::Many(recurrence) => {
                    let (graph, chooser) = fuser.parts();
                    let steps = Grouping { graph, chooser, cleared: self.cleared, full: self.full }
                        .stretches(recurrence, around);
                    fuser.add_loops(&component.tensors(), steps);
                }
            }
        }
        let (groups, loops) = fuser.finish();
        sequence::in_order(self.graph, groups, loops, !around.is_empty())
    }

    /// The stretches of a recurrence in the order in which they run; one of a single time is no loop.
    fn stretches(&mut self, recurrence: &Recurrence, around: &[Around]) -> Vec<Step> {
        let mut stretches: Vec<Stretch> = Vec::new();
        for (&member, &time) in &recurrence.time {
            let active = active(self.graph, member, around).into_iter();
            stretches.extend(active.map(|piece| segments::stretch(self.graph, &piece, time)));
        }
        stretches.sort_unstable();
        stretches.dedup();
        if recurrence.backwards {
            stretches.reverse();
        }
        let mut steps = Vec::new();
        for stretch in stretches {
            let inner = Around { time: recurrence.time.clone(), backwards: recurrence.backwards, stretch };
            let inside = [around, &[inner]].concat();
            let body = self.steps(&recurrence.step, &inside);
            match (stretch.1 - stretch.0) as u32 {
                1 => steps.extend(body),
                trip => steps.push(Step::Loop { name: recurrence.name(self.graph), trip, body }),
            }
        }
        steps
    }
}

/// The pieces of a tensor that write in all stretches around.
fn active(graph: &Graph, tensor: TensorId, around: &[Around]) -> Vec<Equation> {
    let runs = |piece: &&Equation| around.iter().all(|a| segments::stretch(graph, piece, a.time[&tensor]) == a.stretch);
    pieces(graph, tensor).iter().filter(runs).cloned().collect()
}

/// Adds what a tensor is in these loops, where it is `whole` if each of its elements is written.
fn add(fuser: &mut Fuser, tensor: TensorId, around: &[Around], cleared: bool, whole: bool) {
    let (graph, _) = fuser.parts();
    // Of the loops of one time nothing is left in the pieces.
    let times: Vec<(usize, bool)> = around.iter().map(|a| (a.time[&tensor], a.backwards)).collect();
    let pieces: Vec<Equation> = active(graph, tensor, around);
    let pieces: Vec<Equation> = pieces.iter().map(|piece| turns::at_turn(graph, piece, &times)).collect();
    let cleared = cleared && (!whole || pieces.iter().any(adds));
    let joins = pieces.len() == 1 || !around.is_empty();
    for piece in &pieces {
        if joins && !cleared { fuser.add(piece) } else { fuser.add_alone(piece, cleared) }
    }
}

/// The time of each tensor of a recurrence, of the outermost one.
fn times(components: &[Component]) -> IndexMap<TensorId, usize> {
    let mut times: IndexMap<TensorId, usize> = IndexMap::new();
    for recurrence in segments::within(components.to_vec()) {
        for (&tensor, &time) in &recurrence.time {
            times.entry(tensor).or_insert(time);
        }
    }
    times
}

/// Whether a piece adds to elements that data name.
fn adds(piece: &Equation) -> bool {
    classes::scatter(&Group::alone("".into(), piece, false)).is_some()
}

/// The tensors of which some elements that are read are not written, or are added to.
fn cleared(graph: &Graph, times: &IndexMap<TensorId, usize>) -> IndexSet<TensorId> {
    let unfilled = segments::unfilled(graph, times);
    graph.defs.keys().copied().filter(|&t| is_cleared(graph, t, times.contains_key(&t), &unfilled)).collect()
}

fn is_cleared(graph: &Graph, tensor: TensorId, looped: bool, unfilled: &IndexSet<TensorId>) -> bool {
    let pieces = pieces(graph, tensor);
    if looped {
        return unfilled.contains(&tensor) || pieces.iter().any(adds);
    }
    let points = |p: &Equation| p.axes[..p.n_out].iter().map(|a| u64::from(a.extent)).product::<u64>();
    let guarded = pieces.len() > 1 && pieces.iter().any(|p| !p.guards.is_empty());
    guarded
        || pieces.iter().map(points).sum::<u64>() != elements(&graph.tensors[tensor].shape)
        || pieces.iter().any(adds)
}

/// Members go to memory if somebody outside their group reads them, or another turn does, or if they are wide.
fn mark_stored(steps: &mut [Step], graph: &Graph) {
    let mut read: IndexSet<TensorId> =
        graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().map(|u| u.1)).collect();
    for step in steps.iter() {
        step.each_group(&mut |group| {
            for (at, member) in group.members.iter().enumerate() {
                let at_hand: Vec<Access> = group.members[..at].iter().map(Member::element).collect();
                visit_member(graph, member, &mut |seen| match seen {
                    Seen::Load(access) | Seen::Data(access) if !at_hand.contains(access) => {
                        read.insert(access.tensor);
                    }
                    Seen::Load(_) | Seen::Data(_) | Seen::Form(_) | Seen::Node(_) => {}
                });
            }
        });
    }
    steps.iter_mut().for_each(|step| mark(step, &read));
}

fn mark(step: &mut Step, read: &IndexSet<TensorId>) {
    match step {
        Step::Fill(_) => {}
        Step::Loop { body, .. } => body.iter_mut().for_each(|step| mark(step, read)),
        Step::Group(group) => {
            group.members.iter_mut().for_each(|m| m.stored = read.contains(&m.out) || !m.wide.is_empty());
        }
    }
}

/// Each output is cleared before the first step that needs it so.
fn with_clearing(steps: Vec<Step>, mut cleared: IndexSet<TensorId>) -> Vec<Step> {
    let mut all = Vec::new();
    let mut made: IndexSet<TensorId> = IndexSet::new();
    steps.iter().for_each(|step| step.each_group(&mut |group| made.extend(group.members.iter().map(|m| m.out))));
    all.extend(cleared.iter().filter(|t| !made.contains(*t)).map(|&t| Step::Fill(t)));
    for step in steps {
        step.each_group(&mut |group| {
            let adds = group.tile.as_ref().is_some_and(|t| !t.blocks.is_empty());
            for member in &group.members {
                if cleared.swap_remove(&member.out) || adds {
                    all.push(Step::Fill(member.out));
                }
            }
        });
        all.push(step);
    }
    all
}
