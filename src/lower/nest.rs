//! The general loop nest: a band of output axes, and the members of a group in turn at each of its points, in one kernel.
//!
//! The band's axes become loops (the outer ones parts). Vectors lie along one axis of the band, or along an axis of
//! each member. **Invariants**: each output point is stored exactly once, by one part; the order of a reduction depends
//! on shapes alone.

use super::body::{Lanes, Point, costly, elem};
use super::reduce::Reduction;
use crate::graph::{Access, Affine, Combine, Dtype, Expr, Graph, Guard, Rel, TensorId};
use crate::kernel::build::KernelBuilder;
use crate::kernel::{self, Address, Buffer, BufferAccess, BufferIx, Condition, Kernel, ValueId};
use crate::schedule::merge::{Space, Ways, ways};
use crate::schedule::space::{
    Range, Seen, coefficient, elements, flatten, interval, linear, mentions, visit, visit_member,
};
use crate::schedule::{Group, Member, turns};
use crate::target::Target;
use indexmap::IndexMap;

/// The buffers of a group: what is stored, then what is loaded.
pub fn buffers(graph: &Graph, group: &Group) -> (IndexMap<TensorId, BufferIx>, Vec<Buffer>) {
    let mut order: IndexMap<TensorId, BufferAccess> = IndexMap::new();
    for member in group.members.iter().filter(|m| m.stored) {
        order.insert(member.out, BufferAccess::Write);
    }
    let at_hand: Vec<Access> = group.members.iter().filter(|m| m.wide.is_empty()).map(Member::element).collect();
    for member in &group.members {
        visit_member(graph, member, &mut |seen| match seen {
            Seen::Load(access) | Seen::Data(access) if !at_hand.contains(access) => {
                let known = order.entry(access.tensor).or_insert(BufferAccess::Read);
                if *known == BufferAccess::Write {
                    *known = BufferAccess::ReadWrite;
                }
            }
            Seen::Load(_) | Seen::Data(_) | Seen::Form(_) | Seen::Node(_) => {}
        });
    }
    let index = order.keys().enumerate().map(|(i, &t)| (t, i as BufferIx)).collect();
    let list = order.iter().map(|(&t, &access)| buffer(graph, t, access)).collect();
    (index, list)
}

/// Where every axis stands outside of all loops: at 0, or at the turn that the kernel is called in.
pub fn start(e: &mut KernelBuilder, group: &Group) -> Vec<Address> {
    let mut at = vec![Address::from(0); group.axes.len()];
    for axis in turns::of(&group.axes) {
        at[axis] = Address::from(e.turn(&group.axes[axis].hint, group.axes[axis].extent));
    }
    at
}

/// A tensor's buffer, row-major.
pub fn buffer(graph: &Graph, tensor: TensorId, access: BufferAccess) -> Buffer {
    let t = &graph.tensors[tensor];
    Buffer { name: t.name.clone(), elem: elem(t.dtype), len: elements(&t.shape).max(1) as u32, access }
}

/// One loop over an axis.
#[derive(Clone, Copy, Debug)]
struct Turn {
    axis: usize,
    trip: u32,
    step: i64,
}

/// A stretch of the lane axis.
#[derive(Clone, Copy, Debug)]
struct Section {
    start: i64,
    length: i64,
    lanes: u16,
}

pub struct Nest<'a> {
    pub graph: &'a Graph,
    pub group: &'a Group,
    pub buffers: &'a IndexMap<TensorId, BufferIx>,
    pub space: Space,
    ways: Ways,
    widest: u16,
    target: Target,
}

/// Lowers a group to one kernel; gives the tensors of its buffers, in order.
pub fn lower(graph: &Graph, group: &Group, target: Target) -> (Kernel, Vec<TensorId>) {
    let (index, list) = buffers(graph, group);
    let space = Space::new(graph, group);
    let ways = ways(graph, group, &space);
    let widest = if target != Target::Avx512 && heavy(graph, group) { 8 } else { 16 };
    let nest = Nest { graph, group, buffers: &index, space, ways, widest, target };
    let mut e = KernelBuilder::new(&group.name);
    list.into_iter().for_each(|b| {
        e.buffer(&b.name, b.elem, b.len, b.access);
    });
    nest.emit(&mut e);
    (e.finish(), index.keys().copied().collect())
}

/// Whether bodies keep many values alive, so that wide vectors would not fit the registers.
fn heavy(graph: &Graph, group: &Group) -> bool {
    let mut nodes = 0;
    let mut functions = false;
    for member in &group.members {
        visit(graph, member.body, &mut |seen| {
            if let Seen::Node(expr) = seen {
                nodes += 1;
                functions |= matches!(&graph.exprs[expr], Expr::Unary(op, _) if costly(*op));
            }
        });
    }
    functions || nodes > 24 || group.members.iter().any(|m| m.combine == Combine::ArgMax)
}

impl<'a> Nest<'a> {
    /// The axis of the band that vectors lie along.
    fn lane(&self) -> Option<usize> {
        match self.ways {
            Ways::Band(axis) => Some(axis),
            Ways::Own(_) => None,
        }
    }

    /// The axis of its own that a member's vectors lie along.
    fn own_lane(&self, member: usize) -> Option<usize> {
        match &self.ways {
            Ways::Band(_) => None,
            Ways::Own(lanes) => lanes[member],
        }
    }

    fn hint(&self, axis: usize) -> &'a str {
        &self.group.axes[axis].hint
    }

    fn emit(&self, e: &mut KernelBuilder) {
        let at = start(e, self.group);
        if (0..self.group.band).any(|a| self.space.extents[a] == 0) {
            return;
        }
        let sections = match self.lane() {
            Some(axis) => self.sections(axis),
            None => vec![Section { start: 0, length: 1, lanes: 1 }],
        };
        let mut turns = self.outer();
        let single = sections.len() == 1 && sections[0].length % i64::from(sections[0].lanes) == 0;
        if let (true, Some(axis)) = (single, self.lane()) {
            let step = i64::from(sections[0].lanes);
            turns.push(Turn { axis, trip: (sections[0].length / step) as u32, step });
            turns.retain(|t| t.trip > 1);
            let inner = Section { length: step, ..sections[0] };
            self.all(e, at, &turns, &[inner]);
        } else {
            self.all(e, at, &turns, &sections);
        }
    }

    /// The band's axes but the lanes', the largest stride of the root's store first.
    fn outer(&self) -> Vec<Turn> {
        let root = &self.group.members[0];
        let flat = flatten(&root.write, &self.graph.tensors[root.out].shape, self.group.axes.len());
        let mut axes: Vec<usize> =
            (0..self.group.band).filter(|&a| Some(a) != self.lane() && self.space.extents[a] > 1).collect();
        axes.sort_by_key(|&a| -flat.coefficients[a].abs());
        axes.iter().map(|&axis| Turn { axis, trip: self.space.extents[axis], step: 1 }).collect()
    }

    /// Runs all sections inside the loops; the outermost loops are parts where there is enough to do.
    fn all(&self, e: &mut KernelBuilder, mut at: Vec<Address>, turns: &[Turn], sections: &[Section]) {
        let points = |axes: &[usize]| axes.iter().map(|&a| u64::from(self.space.extents[a])).product::<u64>();
        let own = self.group.members.iter().map(|m| points(&m.wide) * points(&m.reduced)).max().unwrap_or(1);
        let band: Vec<usize> = (0..self.group.band).collect();
        let (parts, rest) = split_parts(turns, points(&band) * own);
        for turn in parts {
            let var = e.part(self.hint(turn.axis), turn.trip);
            at[turn.axis] += Address::from(var) * turn.step;
        }
        self.turns(e, &rest, at, sections);
    }

    fn turns(&self, e: &mut KernelBuilder, turns: &[Turn], at: Vec<Address>, sections: &[Section]) {
        let Some((turn, rest)) = turns.split_first() else {
            for section in sections {
                self.section(e, &at, *section);
            }
            return;
        };
        e.each(self.hint(turn.axis), turn.trip, |e, var| {
            let mut at = at;
            at[turn.axis] += Address::from(var) * turn.step;
            self.turns(e, rest, at, sections);
        });
    }

    /// Where the lane axis may be read in vectors: the middle, with single points at its edges.
    fn sections(&self, axis: usize) -> Vec<Section> {
        let extent = i64::from(self.space.extents[axis]);
        let (lo, hi) = self.safe(axis).unwrap_or((0, extent));
        if hi - lo < 4 {
            return vec![Section { start: 0, length: extent, lanes: 1 }];
        }
        let lanes = self.width(hi - lo);
        [
            Section { start: 0, length: lo, lanes: 1 },
            Section { start: lo, length: hi - lo, lanes },
            Section { start: hi, length: extent - hi, lanes: 1 },
        ]
        .into_iter()
        .filter(|s| s.length > 0)
        .collect()
    }

    /// The widest vector that divides the length; else one that covers it with the fewest.
    pub fn width(&self, length: i64) -> u16 {
        if self.target != Target::Clif {
            return self.target.cover(length.max(1) as u32).max(if length >= 16 { self.widest } else { 4 });
        }
        let fits = [16, 8, 4].into_iter().filter(|&n| n <= self.widest);
        fits.clone()
            .find(|&n| length % i64::from(n) == 0)
            .unwrap_or_else(|| fits.rev().find(|&n| length <= i64::from(n)).unwrap_or(self.widest))
    }

    /// The lanes of a reduction along its own axis: several vectors where it is long and simple, so that additions do not
    /// wait for each other.
    fn sum_width(&self, member: &Member, length: i64) -> u16 {
        let (mut nodes, mut functions) = (0, false);
        visit_member(self.graph, member, &mut |seen| {
            if let Seen::Node(expr) = seen {
                nodes += 1;
                functions |= matches!(&self.graph.exprs[expr], Expr::Unary(op, _) if costly(*op));
            }
        });
        let most = match self.target {
            Target::Clif => 0,
            Target::Avx2 => 16,
            Target::Avx512 => 64,
        };
        let simple = !functions && nodes <= 8 && member.guards.is_empty();
        if simple && most > 0 && length >= 4 * i64::from(most) { most } else { self.width(length) }
    }

    /// The half-open range of the lane axis in which every load along it is in range; None if all of it is.
    fn safe(&self, axis: usize) -> Option<(i64, i64)> {
        let ranges = &self.space.ranges;
        let mut limits = None;
        for member in &self.group.members {
            visit_member(self.graph, member, &mut |seen| {
                let (Seen::Load(access) | Seen::Data(access)) = seen else { return };
                let shape = &self.graph.tensors[access.tensor].shape;
                if !self.space.unsafe_access(access) || !mentions(access, axis) {
                    return;
                }
                let (mut lo, mut hi) = limits.unwrap_or((0, ranges[axis].1 + 1));
                for (form, &n) in access.index.iter().zip(shape) {
                    let (a, b) = limits_of(form, axis, i64::from(n), ranges);
                    (lo, hi) = (lo.max(a), hi.min(b).max(lo.max(a)));
                }
                limits = Some((lo, hi));
            });
        }
        limits
    }

    fn section(&self, e: &mut KernelBuilder, at: &[Address], section: Section) {
        let Some(axis) = self.lane() else { return self.point(e, at.to_vec(), None, section) };
        let lanes = i64::from(section.lanes);
        let (full, tail) = (section.length / lanes, section.length % lanes);
        let vector = Section { length: lanes, ..section };
        let shifted = |by: Address| {
            let mut at = at.to_vec();
            at[axis] += by;
            at
        };
        if full == 1 {
            self.point(e, shifted(Address::from(section.start)), Some(axis), vector);
        } else if full > 1 {
            e.each(self.hint(axis), full as u32, |e, var| {
                self.point(e, shifted(Address::from(var) * lanes + section.start), Some(axis), vector);
            });
        }
        if tail > 0 {
            let last = Section { length: tail, ..section };
            self.point(e, shifted(Address::from(section.start + full * lanes)), Some(axis), last);
        }
    }

    /// All members at one point of the band.
    fn point(&self, e: &mut KernelBuilder, at: Vec<Address>, axis: Option<usize>, section: Section) {
        let lanes = Lanes { axis, count: section.lanes, live: section.length.min(i64::from(section.lanes)) as u16 };
        let mut ranges = self.space.ranges.clone();
        // A vector of several lanes keeps to where its loads are in range.
        if let Some(axis) = axis.filter(|&a| !self.space.merged[a] && section.lanes > 1) {
            let safe = self.safe(axis).unwrap_or((0, i64::from(self.space.extents[axis])));
            ranges[axis] = (safe.0, safe.1 - 1);
        }
        let point = Point {
            graph: self.graph,
            buffers: self.buffers,
            pins: vec![None; at.len()],
            at,
            ranges,
            lanes,
            known: IndexMap::new(),
            seen: IndexMap::new(),
        };
        self.guarded(e, point);
    }

    /// Where a lone root's guards speak of the band only and not of the lanes, dead points are skipped.
    fn guarded(&self, e: &mut KernelBuilder, mut point: Point) {
        let root = &self.group.members[0];
        let outer = |guard: &&Guard| {
            guard.data.is_none()
                && guard.form.axes().all(|a| a < self.group.band && Some(a) != self.lane() && !self.space.merged[a])
        };
        let conditions: Vec<Condition> = root.guards.iter().filter(outer).map(|g| condition(&point, g)).collect();
        if conditions.is_empty() || self.group.members.len() > 1 {
            for number in 0..self.group.members.len() {
                self.member(e, &mut point, number, &[]);
            }
            return;
        }
        let skipped: Vec<&Guard> = root.guards.iter().filter(outer).collect();
        let dead = point.clone();
        e.when_else(
            conditions,
            |e| self.member(e, &mut point, 0, &skipped),
            |e| {
                if !self.group.filled {
                    let zero = e.f32(0.0, dead.lanes.count);
                    store(e, &dead, root, zero);
                }
            },
        );
    }

    /// One member at a point of the band: over its own axes.
    fn member(&self, e: &mut KernelBuilder, point: &mut Point, number: usize, skipped: &[&Guard]) {
        let member = &self.group.members[number];
        let lane = self.own_lane(number);
        if member.wide.is_empty() {
            let value = self.reduced(e, point, member, lane, skipped);
            point.known.insert(member.element(), value);
            if member.stored {
                store(e, point, member, value);
            }
            return;
        }
        let wide: Vec<usize> =
            member.wide.iter().copied().filter(|&a| self.space.extents[a] != 1 && Some(a) != lane).collect();
        point.seen.clear();
        self.wide(e, point.clone(), member, &wide, lane);
    }

    /// The wide axes as loops, the lanes' innermost.
    fn wide(&self, e: &mut KernelBuilder, mut point: Point, member: &Member, axes: &[usize], lane: Option<usize>) {
        if let Some((&axis, rest)) = axes.split_first() {
            return e.each(self.hint(axis), self.space.extents[axis], |e, var| {
                point.at[axis] = Address::from(var);
                self.wide(e, point, member, rest, lane);
            });
        }
        let Some(axis) = lane.filter(|a| member.wide.contains(a)) else {
            let value = self.reduced(e, &point, member, lane, &[]);
            return store(e, &point, member, value);
        };
        let count = self.width(i64::from(self.space.extents[axis]));
        let (n, step) = (i64::from(self.space.extents[axis]), i64::from(count));
        let emit = |e: &mut KernelBuilder, at: Address, live: u16| {
            let mut point = point.clone();
            point.at[axis] = at;
            point.lanes = Lanes { axis: Some(axis), count, live };
            let value = self.reduced(e, &point, member, None, &[]);
            store(e, &point, member, value);
        };
        if n / step > 0 {
            e.each(self.hint(axis), (n / step) as u32, |e, var| emit(e, Address::from(var) * step, count));
        }
        if n % step > 0 {
            emit(e, Address::from(n / step * step), (n % step) as u16);
        }
    }

    /// A member's value at a point: its body, or the reduction of it.
    fn reduced(
        &self,
        e: &mut KernelBuilder,
        point: &Point,
        member: &'a Member,
        lane: Option<usize>,
        skipped: &[&Guard],
    ) -> ValueId {
        let lane = lane.filter(|a| member.reduced.contains(a));
        let width = lane.map_or(point.lanes.count, |a| self.sum_width(member, i64::from(self.space.extents[a])));
        Reduction::new(&self.space, self.group, member, skipped, lane, width).value(e, point)
    }
}

/// The half-open range of `axis` that keeps a coordinate within `0..n` whatever the other axes are.
fn limits_of(form: &Affine, axis: usize, n: i64, ranges: &[Range]) -> Range {
    let c = coefficient(form, axis);
    if c == 0 {
        return (0, ranges[axis].1 + 1);
    }
    let mut others = ranges.to_vec();
    others[axis] = (0, 0);
    let (lo, hi) = interval(form, &others);
    // 0 <= c a + lo and c a + hi <= n - 1
    let (least, most) =
        if c > 0 { (div_up(-lo, c), (n - 1 - hi).div_euclid(c)) } else { (div_up(hi - n + 1, -c), lo.div_euclid(-c)) };
    (least.max(0), (most + 1).min(ranges[axis].1 + 1))
}

/// Division that rounds up.
fn div_up(a: i64, b: i64) -> i64 {
    -(-a).div_euclid(b)
}

/// The maps that follow a root whose value is known at a point, and the stores.
pub fn store_all(e: &mut KernelBuilder, point: &mut Point, group: &Group, root: ValueId) {
    point.known.insert(group.members[0].element(), root);
    for (number, member) in group.members.iter().enumerate() {
        if number > 0 {
            let alive = point.all(e, &member.guards);
            let value = point.value(e, member.body);
            let zero = e.f32(0.0, point.lanes.count);
            let value = point.pick(e, alive, value, zero);
            point.known.insert(member.element(), value);
        }
        if member.stored {
            let value = point.known[&member.element()];
            store(e, point, member, value);
        }
    }
}

fn store(e: &mut KernelBuilder, point: &Point, member: &Member, value: ValueId) {
    let tensor = &point.graph.tensors[member.out];
    let flat = flatten(&member.write, &tensor.shape, point.at.len());
    let place = point.place(e, point.buffers[&member.out], &flat, true);
    let value = match tensor.dtype {
        Dtype::Real => value,
        Dtype::Index(_) => e.unary(kernel::Unary::ToInt, value),
    };
    e.store_at(place, value);
}

/// A guard without data as a condition of the kernel.
pub fn condition(point: &Point, guard: &Guard) -> Condition {
    let flat = linear(&guard.form, point.at.len());
    Condition { form: point.address(&flat), equal: guard.rel == Rel::Eq }
}

/// Takes loops from the outside as parts, up to 64 of them, where the work pays.
fn split_parts(turns: &[Turn], work: u64) -> (Vec<Turn>, Vec<Turn>) {
    let mut parts = Vec::new();
    let mut rest = turns.to_vec();
    let mut count = 1;
    while work >= crate::schedule::PARALLEL_WORK && count < 16 && !rest.is_empty() {
        let first = rest[0];
        let most = 64 / count;
        if first.trip <= most {
            parts.push(rest.remove(0));
            count *= first.trip;
            continue;
        }
        let outer = (1..=most).rev().find(|d| first.trip.is_multiple_of(*d)).unwrap_or(1);
        let inner = first.trip / outer;
        if outer > 1 {
            parts.push(Turn { axis: first.axis, trip: outer, step: first.step * i64::from(inner) });
            rest[0] = Turn { trip: inner, ..first };
        }
        break;
    }
    (parts, rest)
}
