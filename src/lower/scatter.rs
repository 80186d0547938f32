//! Sums into elements that data name: `dE[w, k] = sum(b, t: [w == text[b, t]] dy[b, t, k])`.
//!
//! The output is cleared, then each reduced point adds its row at the named address, in ascending order.
//! **Invariants**: parts split output axes that no data name, so no two parts meet; the order of additions is row-major.

use super::body::{Lanes, Point, Truth};
use super::nest::{buffers, start};
use super::reduce::{always_inside, inside, pinned_position};
use crate::graph::{Graph, TensorId};
use crate::kernel::build::KernelBuilder;
use crate::kernel::{Address, BufferAccess, BufferIx, Kernel, Place};
use crate::schedule::merge::Space;
use crate::schedule::space::{flatten, mentions};
use crate::schedule::{Group, Member, classes};
use indexmap::IndexMap;

/// Lowers a lone sum with such an axis; its output must have been cleared.
pub fn lower(graph: &Graph, group: &Group) -> Option<(Kernel, Vec<TensorId>)> {
    let (guard, axis) = classes::scatter(group)?;
    let root = &group.members[0];
    let (index, mut list) = buffers(graph, group);
    list[0].access = BufferAccess::ReadWrite;
    let mut e = KernelBuilder::new(&group.name);
    list.into_iter().for_each(|b| {
        e.buffer(&b.name, b.elem, b.len, b.access);
    });
    let lane = (0..group.band).filter(|&a| a != axis && group.axes[a].extent >= 4).find(|&a| {
        let shape = &graph.tensors[root.out].shape;
        flatten(&root.write, shape, group.axes.len()).coefficients[a] == 1
    });
    let scatter = Scatter { graph, group, root, buffers: &index, guard, axis, lane };
    scatter.emit(&mut e);
    Some((e.finish(), index.keys().copied().collect()))
}

struct Scatter<'a> {
    graph: &'a Graph,
    group: &'a Group,
    root: &'a Member,
    buffers: &'a IndexMap<TensorId, BufferIx>,
    guard: usize,
    axis: usize,
    lane: Option<usize>,
}

impl Scatter<'_> {
    fn emit(&self, e: &mut KernelBuilder) {
        let root = self.root;
        let space = Space::unmerged(self.graph, self.group);
        let proved = |lane: usize| {
            let mut safe = true;
            crate::schedule::space::visit_member(self.graph, root, &mut |seen| {
                if let crate::schedule::space::Seen::Load(access) | crate::schedule::space::Seen::Data(access) = seen {
                    safe &= !space.unsafe_access(access) || !mentions(access, lane);
                }
            });
            safe
        };
        let lane = self.lane.filter(|&a| proved(a));
        let outer: Vec<usize> = (0..self.group.band).filter(|&a| a != self.axis && Some(a) != lane).collect();
        let mut at = start(e, self.group);
        for &axis in outer.iter().filter(|&&a| self.group.axes[a].extent > 1) {
            at[axis] = Address::from(e.part(&self.group.axes[axis].hint, self.group.axes[axis].extent));
        }
        let reduced: Vec<usize> = root.reduced.clone();
        self.sweep(e, &reduced, at, &space, lane);
    }

    fn sweep(&self, e: &mut KernelBuilder, axes: &[usize], at: Vec<Address>, space: &Space, lane: Option<usize>) {
        let Some((&axis, rest)) = axes.split_first() else { return self.row(e, at, space, lane) };
        e.each(&self.group.axes[axis].hint, self.group.axes[axis].extent, |e, var| {
            let mut at = at;
            at[axis] = Address::from(var);
            self.sweep(e, rest, at, space, lane);
        });
    }

    /// All lanes of one reduced point.
    fn row(&self, e: &mut KernelBuilder, at: Vec<Address>, space: &Space, lane: Option<usize>) {
        let Some(axis) = lane else { return self.add(e, at, space, Lanes { axis: None, count: 1, live: 1 }) };
        let extent = i64::from(self.group.axes[axis].extent);
        let count = if extent >= 16 { 16 } else { 4 };
        let (full, tail) = (extent / count, extent % count);
        if full > 0 {
            e.each("l", full as u32, |e, var| {
                let mut at = at.clone();
                at[axis] = Address::from(var) * count;
                self.add(e, at, space, Lanes { axis: lane, count: count as u16, live: count as u16 });
            });
        }
        if tail > 0 {
            let mut at = at;
            at[axis] = Address::from(full * count);
            self.add(e, at, space, Lanes { axis: lane, count: count as u16, live: tail as u16 });
        }
    }

    fn add(&self, e: &mut KernelBuilder, at: Vec<Address>, space: &Space, lanes: Lanes) {
        let mut point = Point {
            graph: self.graph,
            buffers: self.buffers,
            pins: vec![None; at.len()],
            at,
            ranges: space.ranges.clone(),
            lanes,
            known: IndexMap::new(),
            seen: IndexMap::new(),
        };
        let guard = &self.root.guards[self.guard];
        let position = pinned_position(e, &mut point, guard, self.axis);
        point.pins[self.axis] = Some(position);
        let mut alive = match always_inside(&point, guard, self.axis) {
            true => Truth::Always,
            false => inside(e, &point, position, self.axis),
        };
        for (number, guard) in self.root.guards.iter().enumerate() {
            if number != self.guard {
                let one = point.all(e, std::slice::from_ref(guard));
                alive = point.both(e, alive, one);
            }
        }
        self.accumulate(e, point, alive);
    }

    fn accumulate(&self, e: &mut KernelBuilder, mut point: Point, alive: Truth) {
        let root = self.root;
        let shape = &self.graph.tensors[root.out].shape;
        let flat = flatten(&root.write, shape, self.group.axes.len());
        let place: Place = point.place(e, self.buffers[&root.out], &flat, true);
        let old = e.load_at(place.clone(), point.lanes.count);
        let sum = point.add_to(e, old, root.body);
        let sum = point.pick(e, alive, sum, old);
        e.store_at(place, sum);
    }
}
