//! The value of a member at one point: its body, or the reduction of it over its reduced axes.
//!
//! Reduced axes are loops that carry their result; few points are unrolled. One that a guard ties to data is not
//! swept: its position is loaded. **Invariant**: a point with no live reduced point holds 0, for every combine.

use super::body::{Lanes, Point, Truth};
use crate::graph::{Combine, Dtype, Guard, Sign};
use crate::kernel::build::KernelBuilder;
use crate::kernel::{self, Address, Binary, Compare, Fold, Op, ValueId};
use crate::schedule::merge::Space;
use crate::schedule::space::{coefficient, interval};
use crate::schedule::{Group, Member, classes};

/// The reduction of a member at one point.
pub struct Reduction<'n> {
    space: &'n Space,
    group: &'n Group,
    member: &'n Member,
    /// Guards that are known to hold here.
    skipped: &'n [&'n Guard],
    /// Reduced axes tied to data: the guard's number and the axis.
    pins: Vec<(usize, usize)>,
    /// A reduced axis that vectors lie along.
    lane: Option<usize>,
    /// The lanes of what is carried.
    lanes: u16,
}

impl<'n> Reduction<'n> {
    /// Of `member`, with `lanes` lanes, along `lane` if that is given.
    pub fn new(
        space: &'n Space,
        group: &'n Group,
        member: &'n Member,
        skipped: &'n [&'n Guard],
        lane: Option<usize>,
        lanes: u16,
    ) -> Reduction<'n> {
        Reduction { space, group, member, skipped, pins: classes::pins(&group.axes, member), lane, lanes }
    }

    /// The value at a point.
    pub fn value(&self, e: &mut KernelBuilder, point: &Point) -> ValueId {
        let start = self.identity(e);
        if self.member.combine == Combine::None {
            return self.step(e, point.clone(), &start)[0];
        }
        if self.member.reduced.iter().any(|&a| self.space.extents[a] == 0) {
            return e.f32(0.0, point.lanes.count);
        }
        let free =
            |a: &usize| self.space.extents[*a] > 1 && Some(*a) != self.lane && self.pins.iter().all(|p| p.1 != *a);
        let axes: Vec<usize> = self.member.reduced.iter().copied().filter(free).collect();
        let sums = self.sweep(e, point.clone(), &axes, start);
        self.result(e, point, &sums)
    }

    /// Whether a point may have no live reduced point, so that this must be recorded.
    fn may_be_empty(&self) -> bool {
        let counted = matches!(self.member.combine, Combine::Max | Combine::Prod | Combine::ArgMax);
        counted && self.member.guards.iter().any(|g| !self.skipped.contains(&g))
    }

    /// What is carried before the first point: the result so far, the best so far (ArgMax), and whether any was live.
    fn identity(&self, e: &mut KernelBuilder) -> Vec<ValueId> {
        let lanes = self.lanes;
        let mut start = match self.member.combine {
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

    /// The reduced axes as loops, the lanes' innermost; few points are unrolled.
    fn sweep(&self, e: &mut KernelBuilder, mut point: Point, axes: &[usize], sums: Vec<ValueId>) -> Vec<ValueId> {
        let Some((&axis, rest)) = axes.split_first() else {
            return match self.lane {
                Some(lane) => self.vectors(e, point, lane, sums),
                None => self.step(e, point, &sums),
            };
        };
        let space = self.space;
        let points: u64 = axes.iter().map(|&a| u64::from(space.extents[a])).product();
        if points <= 9 && self.lane.is_none() {
            return (0..i64::from(space.extents[axis])).fold(sums, |sums, i| {
                let mut point = point.clone();
                point.at[axis] = Address::from(i);
                self.sweep(e, point, rest, sums)
            });
        }
        e.repeat(&self.group.axes[axis].hint, space.extents[axis], &sums, |e, var, sums| {
            point.at[axis] = Address::from(var);
            self.sweep(e, point, rest, sums.to_vec())
        })
    }

    /// A reduced axis in the lanes.
    fn vectors(&self, e: &mut KernelBuilder, point: Point, axis: usize, sums: Vec<ValueId>) -> Vec<ValueId> {
        let count = self.lanes;
        let (n, step) = (i64::from(self.space.extents[axis]), i64::from(count));
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
        let mut alive = self.pin(e, &mut point);
        let pinned: Vec<usize> = self.pins.iter().map(|p| p.0).collect();
        for (number, guard) in self.member.guards.iter().enumerate() {
            if pinned.contains(&number) || self.skipped.contains(&guard) {
                continue;
            }
            let one = point.all(e, std::slice::from_ref(guard));
            alive = point.both(e, alive, one);
        }
        if point.lanes.axis.is_some() && point.lanes.axis == self.lane {
            let live = point.live_lanes(e);
            alive = point.both(e, alive, live);
        }
        self.combine(e, &mut point, alive, sums)
    }

    /// The positions of axes that data determine; gives whether they lie inside the box.
    fn pin(&self, e: &mut KernelBuilder, point: &mut Point) -> Truth {
        let mut alive = Truth::Always;
        for &(number, axis) in &self.pins {
            let guard = &self.member.guards[number];
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
        if alive == Truth::Never {
            return sums.to_vec();
        }
        let mut next = match self.member.combine {
            Combine::None => {
                let value = point.value(e, self.member.body);
                vec![point.pick(e, alive, value, sums[0])]
            }
            Combine::Sum => {
                let sum = point.add_to(e, sums[0], self.member.body);
                vec![point.pick(e, alive, sum, sums[0])]
            }
            Combine::Prod => {
                let value = point.value(e, self.member.body);
                let product = e.mul(sums[0], value);
                vec![point.pick(e, alive, product, sums[0])]
            }
            Combine::Max => {
                let value = point.value(e, self.member.body);
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
        let value = point.value(e, self.member.body);
        let form = self.space.number(self.member);
        let number = point.form(e, &form);
        let number = e.unary(kernel::Unary::ToFloat, number);
        let greater = Truth::Sometimes(e.compare(Compare::Lt, sums[1], value));
        let taken = point.both(e, alive, greater);
        vec![point.pick(e, taken, number, sums[0]), point.pick(e, taken, value, sums[1])]
    }

    /// What the carried values come to.
    fn result(&self, e: &mut KernelBuilder, point: &Point, sums: &[ValueId]) -> ValueId {
        let folded = self.lane.is_some();
        let mut value = sums[0];
        if folded {
            let fold = if self.member.combine == Combine::Max { Fold::Max } else { Fold::Sum };
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
