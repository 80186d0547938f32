//! The general loop nest: any equation, and maps over its output points, in one kernel.
//!
//! Output axes become loops (the outer ones parts), one axis lies in the lanes, reduced axes are loops that carry their
//! result. A reduced axis that a guard ties to data is not swept: its position is loaded.
//! **Invariants**: each output point is stored exactly once, by one part; the order of a reduction depends on shapes alone.

use super::body::{Lanes, Point, Truth, costly, elem};
use crate::graph::{Affine, Combine, Dtype, Equation, Expr, Graph, Guard, Rel, Sign, TensorId};
use crate::kernel::build::KernelBuilder;
use crate::kernel::{
    self, Address, Binary, Buffer, BufferAccess, BufferIx, Compare, Condition, Fold, Kernel, Op, ValueId,
};
use crate::schedule::merge::{Space, ways};
use crate::schedule::space::{Range, Seen, coefficient, elements, flatten, interval, mentions, visit, visit_equation};
use crate::schedule::{Group, classes};
use indexmap::IndexMap;

/// The buffers of a group: what is stored, then what is loaded.
pub fn buffers(graph: &Graph, group: &Group) -> (IndexMap<TensorId, BufferIx>, Vec<Buffer>) {
    let mut order: IndexMap<TensorId, BufferAccess> = IndexMap::new();
    for (equation, _) in group.equations.iter().zip(&group.stored).filter(|m| *m.1) {
        order.insert(equation.out, BufferAccess::Write);
    }
    let made: Vec<TensorId> = group.equations.iter().map(|q| q.out).collect();
    for equation in &group.equations {
        visit_equation(graph, equation, &mut |seen| match seen {
            Seen::Load(access) | Seen::Data(access) if !made.contains(&access.tensor) => {
                order.entry(access.tensor).or_insert(BufferAccess::Read);
            }
            Seen::Load(_) | Seen::Data(_) | Seen::Form(_) | Seen::Node(_) => {}
        });
    }
    let index = order.keys().enumerate().map(|(i, &t)| (t, i as BufferIx)).collect();
    let list = order.iter().map(|(&t, &access)| buffer(graph, t, access)).collect();
    (index, list)
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

struct Nest<'a> {
    graph: &'a Graph,
    group: &'a Group,
    buffers: &'a IndexMap<TensorId, BufferIx>,
    space: Space,
    lane: Option<usize>,
    /// Reduced axes tied to data: the guard's number and the axis.
    pins: Vec<(usize, usize)>,
    widest: u16,
}

/// Lowers a group to one kernel; gives the tensors of its buffers, in order.
pub fn lower(graph: &Graph, group: &Group) -> (Kernel, Vec<TensorId>) {
    let (index, list) = buffers(graph, group);
    let root = &group.equations[0];
    let pins = classes::pins(root);
    let pinned: Vec<usize> = pins.iter().map(|p| p.1).collect();
    let space = Space::new(graph, &group.equations, &pinned);
    let lane = ways(graph, &group.equations, &space, &pinned);
    let widest = if heavy(graph, group) { 8 } else { 16 };
    let nest = Nest { graph, group, buffers: &index, space, lane, pins, widest };
    let mut e = KernelBuilder::new(&group.name);
    list.into_iter().for_each(|b| {
        e.buffer(&b.name, b.elem, b.len, b.access);
    });
    nest.emit(&mut e);
    (e.finish(), index.keys().copied().collect())
}

/// Whether a body keeps many values alive, so that wide vectors would not fit the registers.
fn heavy(graph: &Graph, group: &Group) -> bool {
    let mut nodes = 0;
    let mut functions = false;
    for equation in &group.equations {
        visit(graph, equation.body, &mut |seen| {
            if let Seen::Node(expr) = seen {
                nodes += 1;
                functions |= matches!(&graph.exprs[expr], Expr::Unary(op, _) if costly(*op));
            }
        });
    }
    functions || nodes > 24 || group.equations[0].combine == Combine::ArgMax
}

impl<'a> Nest<'a> {
    fn root(&self) -> &'a Equation {
        &self.group.equations[0]
    }

    fn emit(&self, e: &mut KernelBuilder) {
        let root = self.root();
        let reduced_lane = self.lane.is_some_and(|a| a >= root.n_out);
        let sections = match self.lane {
            Some(axis) if !reduced_lane => self.sections(axis),
            Some(_) | None => vec![Section { start: 0, length: 1, lanes: 1 }],
        };
        let mut turns = self.outer();
        let single = sections.len() == 1 && sections[0].length % i64::from(sections[0].lanes) == 0;
        if let (true, false, Some(axis)) = (single, reduced_lane, self.lane) {
            let step = i64::from(sections[0].lanes);
            turns.push(Turn { axis, trip: (sections[0].length / step) as u32, step });
            turns.retain(|t| t.trip > 1);
            let inner = Section { length: step, ..sections[0] };
            self.all(e, &turns, &[inner]);
        } else {
            self.all(e, &turns, &sections);
        }
    }

    /// The output axes but the lanes', the largest stride of the store first.
    fn outer(&self) -> Vec<Turn> {
        let root = self.root();
        let shape = &self.graph.tensors[root.out].shape;
        let flat = flatten(&root.write, shape, root.axes.len());
        let mut axes: Vec<usize> =
            (0..root.n_out).filter(|&a| Some(a) != self.lane && self.space.extents[a] > 1).collect();
        axes.sort_by_key(|&a| -flat.coefficients[a].abs());
        axes.iter().map(|&axis| Turn { axis, trip: self.space.extents[axis], step: 1 }).collect()
    }

    /// Runs all sections inside the loops; the outermost loops are parts where there is enough to do.
    fn all(&self, e: &mut KernelBuilder, turns: &[Turn], sections: &[Section]) {
        let work: u64 = self.space.extents.iter().map(|&n| u64::from(n)).product();
        let (parts, rest) = split_parts(turns, work);
        let mut at: Vec<Address> = vec![Address::from(0); self.root().axes.len()];
        for turn in parts {
            let var = e.part("p", turn.trip);
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
        e.repeat(&self.root().axes[turn.axis].hint, turn.trip, &[], |e, var, _| {
            let mut at = at;
            at[turn.axis] += Address::from(var) * turn.step;
            self.turns(e, rest, at, sections);
            Vec::new()
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
    fn width(&self, length: i64) -> u16 {
        let fits = [16, 8, 4].into_iter().filter(|&n| n <= self.widest);
        fits.clone()
            .find(|&n| length % i64::from(n) == 0)
            .unwrap_or_else(|| fits.rev().find(|&n| length <= i64::from(n)).unwrap_or(self.widest))
    }

    /// The half-open range of the lane axis in which every load along it is in range; None if all of it is.
    fn safe(&self, axis: usize) -> Option<(i64, i64)> {
        let ranges = &self.space.ranges;
        let mut limits = None;
        for equation in &self.group.equations {
            visit_equation(self.graph, equation, &mut |seen| {
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
        let reduced_lane = self.lane.is_some_and(|a| a >= self.root().n_out);
        let Some(axis) = self.lane.filter(|_| !reduced_lane) else {
            return self.point(e, at.to_vec(), None, section);
        };
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
            e.repeat(&self.root().axes[axis].hint, full as u32, &[], |e, var, _| {
                self.point(e, shifted(Address::from(var) * lanes + section.start), Some(axis), vector);
                Vec::new()
            });
        }
        if tail > 0 {
            let last = Section { length: tail, ..section };
            self.point(e, shifted(Address::from(section.start + full * lanes)), Some(axis), last);
        }
    }

    /// All equations of the group at one point.
    fn point(&self, e: &mut KernelBuilder, at: Vec<Address>, axis: Option<usize>, section: Section) {
        let lanes = Lanes { axis, count: section.lanes, live: section.length.min(i64::from(section.lanes)) as u16 };
        let mut ranges = self.space.ranges.clone();
        if let Some(axis) = axis.filter(|&a| !self.space.merged[a]) {
            let start = section.start;
            let end = if section.lanes == 1 { start + section.length } else { i64::from(self.space.extents[axis]) };
            let safe = self.safe(axis).map_or((0, i64::from(self.space.extents[axis])), |s| s);
            ranges[axis] = if section.lanes == 1 { (0, end.max(ranges[axis].1 + 1) - 1) } else { (safe.0, safe.1 - 1) };
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

    /// Where a lone root's guards speak of output axes only and not of the lanes, dead points are skipped.
    fn guarded(&self, e: &mut KernelBuilder, point: Point) {
        let root = self.root();
        let outer = |guard: &&Guard| {
            guard.data.is_none()
                && guard.form.terms.iter().all(|&(a, _)| (a as usize) < root.n_out && Some(a as usize) != self.lane)
                && guard.form.terms.iter().all(|&(a, _)| !self.space.merged[a as usize])
        };
        let conditions: Vec<Condition> = root.guards.iter().filter(outer).map(|g| condition(&point, g)).collect();
        if conditions.is_empty() || self.group.equations.len() > 1 {
            return self.stores(e, point, &[]);
        }
        let skipped: Vec<&Guard> = root.guards.iter().filter(outer).collect();
        let dead = point.clone();
        e.when_else(
            conditions,
            |e| self.stores(e, point, &skipped),
            |e| {
                if !self.group.filled {
                    let zero = e.f32(0.0, dead.lanes.count);
                    self.store(e, &dead, root, zero);
                }
            },
        );
    }

    fn stores(&self, e: &mut KernelBuilder, mut point: Point, skipped: &[&Guard]) {
        let value = self.reduced(e, &point, skipped);
        store_all(e, &mut point, self.group, value);
    }

    fn store(&self, e: &mut KernelBuilder, point: &Point, equation: &Equation, value: ValueId) {
        store(e, point, equation, value);
    }

    /// The root's value at a point: its body, or the reduction of it.
    fn reduced(&self, e: &mut KernelBuilder, point: &Point, skipped: &[&Guard]) -> ValueId {
        let root = self.root();
        let reduction = Reduction { nest: self, skipped };
        let start = reduction.identity(e, point);
        if root.combine == Combine::None {
            return reduction.step(e, point.clone(), &start)[0];
        }
        let axes: Vec<usize> = (root.n_out..root.axes.len())
            .filter(|&a| self.space.extents[a] > 1 && Some(a) != self.lane && self.pins.iter().all(|p| p.1 != a))
            .collect();
        let lane = self.lane.filter(|&a| a >= root.n_out);
        let sums = reduction.sweep(e, point.clone(), &axes, lane, start);
        reduction.result(e, point, &sums, lane.is_some())
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

/// The maps of a group at a point where the root's value is known, and the stores.
pub fn store_all(e: &mut KernelBuilder, point: &mut Point, group: &Group, root: ValueId) {
    point.known.insert(group.equations[0].out, root);
    for (number, (equation, &stored)) in group.equations.iter().zip(&group.stored).enumerate() {
        if number > 0 {
            let alive = point.all(e, &equation.guards);
            let value = point.value(e, equation.body);
            let zero = e.f32(0.0, point.lanes.count);
            let value = point.pick(e, alive, value, zero);
            point.known.insert(equation.out, value);
        }
        if stored {
            let value = point.known[&equation.out];
            store(e, point, equation, value);
        }
    }
}

fn store(e: &mut KernelBuilder, point: &Point, equation: &Equation, value: ValueId) {
    let tensor = &point.graph.tensors[equation.out];
    let flat = flatten(&equation.write, &tensor.shape, point.at.len());
    let place = point.place(e, point.buffers[&equation.out], &flat, true);
    let value = match tensor.dtype {
        Dtype::Real => value,
        Dtype::Index(_) => e.unary(kernel::Unary::ToInt, value),
    };
    e.store_at(place, value);
}

/// A guard without data as a condition of the kernel.
pub fn condition(point: &Point, guard: &Guard) -> Condition {
    let flat = crate::schedule::space::linear(&guard.form, point.at.len());
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
        let outer = (1..=most).rev().find(|d| first.trip % d == 0).unwrap_or(1);
        let inner = first.trip / outer;
        if outer > 1 {
            parts.push(Turn { axis: first.axis, trip: outer, step: first.step * i64::from(inner) });
            rest[0] = Turn { trip: inner, ..first };
        }
        break;
    }
    (parts, rest)
}

/// The reduction of a root at one point.
struct Reduction<'n, 'a> {
    nest: &'n Nest<'a>,
    /// Guards that are known to hold here.
    skipped: &'n [&'n Guard],
}

impl Reduction<'_, '_> {
    /// Whether a point may have no live reduced point, so that this must be recorded.
    fn may_be_empty(&self) -> bool {
        let root = self.nest.root();
        let counted = matches!(root.combine, Combine::Max | Combine::Prod | Combine::ArgMax);
        counted && root.guards.iter().any(|g| !self.skipped.contains(&g))
    }

    /// What is carried before the first point: the result so far, the best so far (ArgMax), and whether any was live.
    fn identity(&self, e: &mut KernelBuilder, point: &Point) -> Vec<ValueId> {
        let lanes = self.lanes(point);
        let mut start = match self.nest.root().combine {
            Combine::None | Combine::Sum => vec![e.f32(0.0, lanes)],
            Combine::Prod => vec![e.f32(1.0, lanes)],
            Combine::Max => vec![e.f32(f32::NEG_INFINITY, lanes)],
            Combine::ArgMax => vec![e.f32(0.0, lanes), e.f32(f32::NEG_INFINITY, lanes)],
        };
        if self.may_be_empty() {
            start.push(e.f32(0.0, lanes));
        }
        start
    }

    /// The lanes of what is carried.
    fn lanes(&self, point: &Point) -> u16 {
        match self.nest.lane {
            Some(axis) if axis >= self.nest.root().n_out => self.nest.width(i64::from(self.nest.space.extents[axis])),
            Some(_) | None => point.lanes.count,
        }
    }

    /// The reduced axes as loops, the lanes' innermost; few points are unrolled.
    fn sweep(
        &self,
        e: &mut KernelBuilder,
        mut point: Point,
        axes: &[usize],
        lane: Option<usize>,
        sums: Vec<ValueId>,
    ) -> Vec<ValueId> {
        let Some((&axis, rest)) = axes.split_first() else {
            return match lane {
                Some(lane) => self.vectors(e, point, lane, sums),
                None => self.step(e, point, &sums),
            };
        };
        let space = &self.nest.space;
        let points: u64 = axes.iter().map(|&a| u64::from(space.extents[a])).product();
        if points <= 9 && lane.is_none() {
            return (0..i64::from(space.extents[axis])).fold(sums, |sums, i| {
                let mut point = point.clone();
                point.at[axis] = Address::from(i);
                self.sweep(e, point, rest, lane, sums)
            });
        }
        e.repeat(&self.nest.root().axes[axis].hint, space.extents[axis], &sums, |e, var, sums| {
            point.at[axis] = Address::from(var);
            self.sweep(e, point, rest, lane, sums.to_vec())
        })
    }

    /// A reduced axis in the lanes.
    fn vectors(&self, e: &mut KernelBuilder, point: Point, axis: usize, sums: Vec<ValueId>) -> Vec<ValueId> {
        let count = self.lanes(&point);
        let (n, step) = (i64::from(self.nest.space.extents[axis]), i64::from(count));
        let (full, tail) = (n / step, n % step);
        let at = |var: Address, live: u16| {
            let mut point = point.clone();
            point.at[axis] = var;
            point.lanes = Lanes { axis: Some(axis), count, live };
            point
        };
        let mut sums = sums;
        if full == 1 {
            sums = self.step(e, at(Address::from(0), count), &sums);
        } else if full > 1 {
            sums = e.repeat("l", full as u32, &sums, |e, var, sums| {
                self.step(e, at(Address::from(var) * step, count), sums)
            });
        }
        if tail > 0 {
            sums = self.step(e, at(Address::from(full * step), tail as u16), &sums);
        }
        sums
    }

    /// One point of the reduced box added to what is carried.
    fn step(&self, e: &mut KernelBuilder, mut point: Point, sums: &[ValueId]) -> Vec<ValueId> {
        let root = self.nest.root();
        let mut alive = self.pin(e, &mut point);
        let pinned: Vec<usize> = self.nest.pins.iter().map(|p| p.0).collect();
        for (number, guard) in root.guards.iter().enumerate() {
            if pinned.contains(&number) || self.skipped.contains(&guard) {
                continue;
            }
            let one = point.all(e, std::slice::from_ref(guard));
            alive = point.both(e, alive, one);
        }
        if point.lanes.axis.is_some_and(|a| a >= root.n_out) {
            let live = point.live_lanes(e);
            alive = point.both(e, alive, live);
        }
        self.combine(e, &mut point, alive, sums)
    }

    /// The positions of axes that data determine; gives whether they lie inside the box.
    fn pin(&self, e: &mut KernelBuilder, point: &mut Point) -> Truth {
        let root = self.nest.root();
        let mut alive = Truth::Always;
        for &(number, axis) in &self.nest.pins {
            let guard = &root.guards[number];
            let value = pinned_position(e, point, guard, axis);
            point.pins[axis] = Some(value);
            if !always_inside(point, guard, axis) {
                let inside = inside(e, point, value, axis);
                alive = point.both(e, alive, inside);
            }
        }
        alive
    }

    fn combine(&self, e: &mut KernelBuilder, point: &mut Point, alive: Truth, sums: &[ValueId]) -> Vec<ValueId> {
        let root = self.nest.root();
        if alive == Truth::Never {
            return sums.to_vec();
        }
        let mut next = match root.combine {
            Combine::None => {
                let value = point.value(e, root.body);
                vec![point.pick(e, alive, value, sums[0])]
            }
            Combine::Sum => {
                let sum = point.add_to(e, sums[0], root.body);
                vec![point.pick(e, alive, sum, sums[0])]
            }
            Combine::Prod => {
                let value = point.value(e, root.body);
                let product = e.mul(sums[0], value);
                vec![point.pick(e, alive, product, sums[0])]
            }
            Combine::Max => {
                let value = point.value(e, root.body);
                let max = e.binary(Binary::Max, sums[0], value);
                vec![point.pick(e, alive, max, sums[0])]
            }
            Combine::ArgMax => self.first_max(e, point, alive, sums),
        };
        if self.may_be_empty() {
            let one = e.f32(1.0, point.lanes.count);
            let last = *sums.last().expect("the record of live points is carried last");
            next.push(point.pick(e, alive, one, last));
        }
        next
    }

    /// Carries (number, best); only a greater one takes over, so the first maximum stays.
    fn first_max(&self, e: &mut KernelBuilder, point: &mut Point, alive: Truth, sums: &[ValueId]) -> Vec<ValueId> {
        let root = self.nest.root();
        let value = point.value(e, root.body);
        let form = self.nest.space.number(root);
        let number = point.form(e, &form);
        let number = e.unary(kernel::Unary::ToFloat, number);
        let greater = Truth::Sometimes(e.compare(Compare::Lt, sums[1], value));
        let taken = point.both(e, alive, greater);
        vec![point.pick(e, taken, number, sums[0]), point.pick(e, taken, value, sums[1])]
    }

    /// What the carried values come to.
    fn result(&self, e: &mut KernelBuilder, point: &Point, sums: &[ValueId], folded: bool) -> ValueId {
        let mut value = sums[0];
        if folded {
            let fold = if self.nest.root().combine == Combine::Max { Fold::Max } else { Fold::Sum };
            value = e.fold(fold, value);
        }
        if !self.may_be_empty() {
            return value;
        }
        let mut any = *sums.last().expect("the record of live points is carried last");
        if folded {
            any = e.fold(Fold::Max, any);
        }
        let zero = e.f32(0.0, point.lanes.count);
        let empty = e.compare(Compare::Eq, any, zero);
        e.select(empty, zero, value)
    }
}

/// The position of an axis that `form + sign data == 0` determines: an i32 of one lane.
pub fn pinned_position(e: &mut KernelBuilder, point: &mut Point, guard: &Guard, axis: usize) -> ValueId {
    let (sign, access) = guard.data.as_ref().expect("pins hold data");
    let single = Lanes { axis: None, count: 1, live: 1 };
    let lanes = std::mem::replace(&mut point.lanes, single);
    let mut rest = guard.form.clone();
    rest.terms.retain(|t| t.0 as usize != axis);
    let rest = point.form(e, &rest);
    let data = point.integer(e, access);
    point.lanes = lanes;
    // c axis + rest + s data == 0, c = 1 or -1
    let total = match sign {
        Sign::Plus => e.add(rest, data),
        Sign::Minus => e.sub(rest, data),
    };
    if coefficient(&guard.form, axis) < 0 {
        return total;
    }
    let zero = e.i32(0, 1);
    e.sub(zero, total)
}

/// Whether the data's own range keeps a pinned axis inside its box.
pub fn always_inside(point: &Point, guard: &Guard, axis: usize) -> bool {
    let (sign, access) = guard.data.as_ref().expect("pins hold data");
    let Dtype::Index(n) = point.graph.tensors[access.tensor].dtype else { return false };
    let mut rest = guard.form.clone();
    rest.terms.retain(|t| t.0 as usize != axis);
    let (lo, hi) = interval(&rest, &point.ranges);
    let (lo, hi) = match sign {
        Sign::Plus => (lo, hi + i64::from(n) - 1),
        Sign::Minus => (lo - i64::from(n) + 1, hi),
    };
    let (lo, hi) = if coefficient(&guard.form, axis) < 0 { (lo, hi) } else { (-hi, -lo) };
    lo >= 0 && hi <= point.ranges[axis].1
}

/// Whether a position lies inside the box, in all lanes.
pub fn inside(e: &mut KernelBuilder, point: &Point, position: ValueId, axis: usize) -> Truth {
    let lanes = point.lanes.count;
    let position = e.splat(position, lanes);
    let (zero, last) = (e.i32(0, lanes), e.i32(point.ranges[axis].1 as i32, lanes));
    let (a, b) = (e.compare(Compare::Le, zero, position), e.compare(Compare::Le, position, last));
    Truth::Sometimes(e.make(kernel::Base::Bool, lanes, Op::Binary(Binary::And, a, b)))
}
