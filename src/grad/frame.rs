//! The axes of a scatter, changed until its map is injective in the output axes.
//!
//! **Invariants**
//! - Axes are *free* (to be summed), *claimed* (output axes) or *gone* (written by others). Claiming goes coordinate by
//!   coordinate: given the axes claimed before, a coordinate determines those it claims, so the whole map is injective.
//! - A step only renames points of the box, adds guards that say which names are points, or adds an axis together with
//!   the equality that fixes it. So values never change.
//! - Phase axes are claimed; `unroll` leaves none.
//! - In the end a coordinate is in range over the whole box, or of one axis, whose guards become bounds: kernels do not
//!   guard what they store.

use super::solve::Scatter;
use crate::graph::affine::{gcd, injective_sum, ranges};
use crate::graph::{Affine, Axis, Guard, Rel, Role};
use crate::ids::Symbol;
use std::cmp::Reverse;

/// Pieces up to which a coordinate is kept inside by unrolling.
const MOST_PIECES: u32 = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Free,
    Claimed,
    Gone,
}

/// The scatter seen through a change of axes.
#[derive(Clone, Debug)]
pub struct Frame {
    /// All that ever were; positions are stable.
    pub axes: Vec<Axis>,
    status: Vec<Status>,
    /// The scatter's own axes, written with live ones.
    pub values: Vec<Affine>,
    /// The coordinates of the output.
    pub map: Vec<Affine>,
    /// `>= 0`, born here.
    pub ranges: Vec<Affine>,
    /// `== 0`, the scatter's own and new ones.
    pub equal: Vec<Affine>,
    windows: Vec<Window>,
}

/// `0 <= form < size`, said by two guards.
#[derive(Clone, Debug)]
pub struct Window {
    form: Affine,
    size: i32,
}

/// The pairs of guards that leave a form so few values that an axis over them may replace one at least twice as long.
pub fn windows(guards: &[Guard], axes: &[Axis]) -> Vec<Window> {
    let bound = |guard: &&Guard| guard.rel == Rel::Ge && guard.data.is_none();
    let bounds: Vec<&Affine> = guards.iter().filter(bound).map(|guard| &guard.form).collect();
    let mut found = Vec::new();
    for (at, low) in bounds.iter().enumerate() {
        for high in &bounds[at + 1..] {
            if let Some(last) = low.plus(high).as_number()
                && long_unit(low, axes, last)
            {
                found.push(Window { form: (*low).clone(), size: last + 1 });
            }
        }
    }
    found
}

/// Whether an axis with the coefficient 1 or -1 has at least twice as many values.
fn long_unit(form: &Affine, axes: &[Axis], last: i32) -> bool {
    let long = |axis: usize| i64::from(axes[axis].extent) >= 2 * (i64::from(last) + 1);
    last >= 0 && form.terms.len() > 1 && form.terms.iter().any(|term| term.1.abs() == 1 && long(term.0.into()))
}

/// Whether a guard is an affine equality.
pub fn is_equality(guard: &Guard) -> bool {
    guard.rel == Rel::Eq && guard.data.is_none()
}

impl Frame {
    /// None if the box or the guards say that there is no point.
    pub fn new(scatter: &Scatter) -> Option<Frame> {
        if scatter.axes.iter().any(|axis| axis.extent == 0) {
            return None;
        }
        let equalities = scatter.guards.iter().filter(|guard| is_equality(guard)).map(|guard| guard.form.clone());
        let mut frame = Frame {
            axes: scatter.axes.clone(),
            status: vec![Status::Free; scatter.axes.len()],
            values: (0..scatter.axes.len()).map(Affine::axis).collect(),
            map: scatter.map.clone(),
            ranges: Vec::new(),
            equal: equalities.collect(),
            windows: windows(&scatter.guards, &scatter.axes),
        };
        for axis in 0..scatter.axes.len() {
            if scatter.axes[axis].extent == 1 {
                frame.replace(axis, &Affine::number(0));
            }
        }
        frame.reduce_equalities().then_some(frame)
    }

    /// With affine guards solved and all coordinates determined. `shape` is that of the output.
    pub fn solve(self, shape: &[u32]) -> Frame {
        self.solve_equalities(shape).solve_windows(shape).solve_map(shape).inside(shape, MOST_PIECES)
    }

    /// Divides equalities by the greatest common divisor of their coefficients; false if one can never hold.
    fn reduce_equalities(&mut self) -> bool {
        for form in &mut self.equal {
            let step = form.step().max(1);
            let number = form.terms.is_empty() && form.constant != 0;
            if number || form.constant % step != 0 {
                return false;
            }
            *form = divided(form, step);
        }
        self.equal.retain(|form| !form.terms.is_empty());
        true
    }

    fn extent(&self, axis: usize) -> i32 {
        i32::try_from(self.axes[axis].extent).expect("a size fits into 31 bits")
    }

    fn volume(&self) -> u64 {
        let live = self.axes.iter().zip(&self.status).filter(|(_, status)| **status != Status::Gone);
        live.fold(1, |volume: u64, (axis, _)| volume.saturating_mul(u64::from(axis.extent)))
    }

    /// A smaller box is better, then one with fewer equalities to test at its points.
    fn cost(&self) -> (u64, usize) {
        (self.volume(), self.equal.len())
    }

    fn add_axis(&mut self, extent: i64, role: Role, hint: &Symbol, status: Status) -> usize {
        let extent = u32::try_from(extent).expect("the range of a coordinate is a size");
        self.axes.push(Axis { extent, role, hint: hint.clone() });
        self.status.push(status);
        self.axes.len() - 1
    }

    /// Writes `axis` with other axes from now on.
    fn replace(&mut self, axis: usize, form: &Affine) {
        let lists = [&mut self.values, &mut self.map, &mut self.ranges, &mut self.equal];
        let windows = self.windows.iter_mut().map(|window| &mut window.form);
        for old in lists.into_iter().flatten().chain(windows) {
            put(old, axis, form);
        }
        self.status[axis] = Status::Gone;
    }

    /// Writes `axis` with others that may leave its range: guards keep them inside.
    fn replace_guarded(&mut self, axis: usize, form: &Affine) {
        self.replace(axis, form);
        self.ranges.push(form.clone());
        self.ranges.push(form.times(-1).shift(self.extent(axis) - 1));
    }
}

/// Equality guards.
impl Frame {
    /// An equality with a coefficient of one gives that axis; of the axes that could be given, and of keeping the
    /// guard, the choice with the smallest box in the end.
    fn solve_equalities(self, shape: &[u32]) -> Frame {
        let mut frame = self;
        let mut at = 0;
        while at < frame.equal.len() {
            let cost = |frame: &Frame| frame.clone().solve_map(shape).cost();
            let best = frame.eliminations(at).into_iter().min_by_key(cost);
            match best {
                Some(next) if cost(&next) <= cost(&frame) => frame = next,
                Some(_) | None => at += 1,
            }
        }
        frame
    }

    fn eliminations(&self, at: usize) -> Vec<Frame> {
        let form = &self.equal[at];
        let units = form.terms.iter().filter(|term| term.1.abs() == 1);
        units.filter_map(|&(axis, sign)| self.eliminate(at, usize::from(axis), sign)).collect()
    }

    /// From `sign * axis + rest == 0`.
    fn eliminate(&self, at: usize, axis: usize, sign: i32) -> Option<Frame> {
        let mut frame = self.clone();
        let form = frame.equal.remove(at).times(-sign);
        let form = form.minus(&Affine::term(axis, form.coefficient(axis)));
        frame.replace_guarded(axis, &form);
        frame.reduce_equalities().then_some(frame)
    }
}

/// Pairs of inequalities.
impl Frame {
    /// `0 <= f < n` says that `f == r` for one r of a new axis of n values. That equality is solved if it makes the box
    /// half as large or less: a group `0 <= o - n*g < n` gives `o = n*g + r`, a band `0 <= i - j + w < n` gives j.
    fn solve_windows(mut self, shape: &[u32]) -> Frame {
        for at in 0..self.windows.len() {
            let Window { form, size } = self.windows[at].clone();
            let mut next = self.clone();
            let place = next.add_window(&form, size);
            next.equal.push(form.minus(&place));
            let next = next.solve_equalities(shape);
            let volume = |frame: &Frame| frame.clone().solve_map(shape).volume();
            if next.equal.len() <= self.equal.len() && volume(&next).saturating_mul(2) <= volume(&self) {
                self = next;
            }
        }
        self
    }

    /// The values of a window: a new axis, called as the longest one in the form.
    fn add_window(&mut self, form: &Affine, size: i32) -> Affine {
        if size == 1 {
            return Affine::number(0);
        }
        let hint = form.axes().max_by_key(|&axis| self.extent(axis)).map(|axis| self.axes[axis].hint.clone());
        Affine::axis(self.add_axis(size.into(), Role::Plain, &hint.unwrap_or_default(), Status::Free))
    }
}

/// Coordinates.
impl Frame {
    /// Claims axes until every coordinate of the map is determined by claimed ones.
    fn solve_map(mut self, shape: &[u32]) -> Frame {
        let mut left: Vec<usize> = (0..self.map.len()).collect();
        while let Some(place) = (0..left.len()).min_by_key(|&i| (self.free(left[i]).len(), i)) {
            let coordinate = left.remove(place);
            self = self.solve_coordinate(coordinate, shape);
        }
        self
    }

    /// Free axes of a coordinate with their coefficients.
    fn free(&self, coordinate: usize) -> Vec<(usize, i32)> {
        let terms = self.map[coordinate].terms.iter().map(|&(axis, coefficient)| (usize::from(axis), coefficient));
        terms.filter(|term| self.status[term.0] == Status::Free).collect()
    }

    fn solve_coordinate(mut self, coordinate: usize, shape: &[u32]) -> Frame {
        let free = self.free(coordinate);
        if self.is_injective(&free) {
            self.claim(&free);
            return self;
        }
        let pivots = free.iter().map(|&(axis, _)| self.pivot(coordinate, axis));
        let solved = pivots.filter(|frame| frame.is_injective(&frame.free(coordinate)));
        match solved.min_by_key(Frame::volume) {
            Some(mut best) => {
                best.claim(&best.free(coordinate));
                best
            }
            None => {
                self.fall_back(coordinate, shape[coordinate]);
                self
            }
        }
    }

    /// A coordinate that leaves the output where guards do not hold is told to stay inside: in one axis that becomes its
    /// bounds. So of several axes all but the longest become phases; where that makes too many pieces, it falls back.
    pub fn inside(mut self, shape: &[u32], most: u32) -> Frame {
        for coordinate in 0..self.map.len() {
            let form = self.map[coordinate].clone();
            let span = form.range(&ranges(&self.axes));
            let fits = span.low >= 0 && span.high < i64::from(shape[coordinate]);
            let Some(longest) = form.axes().max_by_key(|&axis| self.axes[axis].extent) else { continue };
            let others: Vec<usize> = form.axes().filter(|&axis| axis != longest).collect();
            let pieces = others.iter().fold(1u32, |n, &axis| n.saturating_mul(self.axes[axis].extent));
            if fits {
                continue;
            }
            if pieces <= most || others.is_empty() {
                self.ranges.push(form.clone());
                self.ranges.push(form.times(-1).shift(shape[coordinate] as i32 - 1));
                others.iter().for_each(|&axis| self.axes[axis].role = Role::Phase);
                continue;
            }
            let elsewhere = |axis: usize| (0..shape.len()).any(|at| at != coordinate && self.map[at].mentions(axis));
            let own: Vec<usize> = form.axes().filter(|&axis| !elsewhere(axis)).collect();
            own.iter().for_each(|&axis| self.status[axis] = Status::Free);
            self.fall_back(coordinate, shape[coordinate]);
        }
        self
    }

    fn claim(&mut self, terms: &[(usize, i32)]) {
        for term in terms {
            self.status[term.0] = Status::Claimed;
        }
    }

    /// A fresh output axis, and the guard that the coordinate is there. Always right, and slow.
    fn fall_back(&mut self, coordinate: usize, extent: u32) {
        let fresh = self.add_axis(i64::from(extent), Role::Plain, &Symbol::from("p"), Status::Claimed);
        let place = Affine::axis(fresh);
        self.equal.push(self.map[coordinate].minus(&place));
        self.map[coordinate] = place;
    }

    /// Moves what is a multiple of the pivot's coefficient s into one axis, `q = z + multiples / s`; other axes are
    /// split into multiples and phases first.
    fn pivot(&self, coordinate: usize, z: usize) -> Frame {
        let mut frame = self.clone();
        let stride = self.map[coordinate].coefficient(z);
        for (axis, coefficient) in self.free(coordinate) {
            let parts = stride.abs() / gcd(stride, coefficient);
            if axis != z && parts > 1 {
                frame.split(axis, parts);
            }
        }
        let mut multiples = Affine::number(0);
        for (axis, coefficient) in frame.free(coordinate) {
            if axis != z && coefficient % stride == 0 {
                multiples = multiples.plus(&Affine::term(axis, coefficient / stride));
            }
        }
        let span = multiples.range(&ranges(&frame.axes));
        let hint = frame.axes[z].hint.clone();
        let q = frame.add_axis(i64::from(frame.extent(z)) + span.high - span.low, Role::Plain, &hint, Status::Free);
        let form = Affine::axis(q).shift(span.low as i32).minus(&multiples);
        frame.replace_guarded(z, &form);
        frame
    }

    /// `axis = parts * u + r`, r a phase.
    fn split(&mut self, axis: usize, parts: i32) {
        let extent = self.extent(axis);
        let hint = self.axes[axis].hint.clone();
        let phase = self.add_axis(parts.min(extent).into(), Role::Phase, &hint, Status::Free);
        let mut form = Affine::axis(phase);
        if extent > parts {
            let whole = self.add_axis(((extent + parts - 1) / parts).into(), Role::Plain, &hint, Status::Free);
            form = form.plus(&Affine::term(whole, parts));
        }
        self.replace(axis, &form);
        if extent > parts && extent % parts != 0 {
            self.ranges.push(form.times(-1).shift(extent - 1));
        }
    }

    fn is_injective(&self, terms: &[(usize, i32)]) -> bool {
        let terms: Vec<(i32, u32)> = terms.iter().map(|&(axis, c)| (c, self.axes[axis].extent)).collect();
        injective_sum(&terms)
    }
}

/// Results.
impl Frame {
    /// A frame for each value of the phases.
    pub fn unroll(self) -> Vec<Frame> {
        let phase =
            (0..self.axes.len()).find(|&at| self.status[at] != Status::Gone && self.axes[at].role == Role::Phase);
        let Some(phase) = phase else { return vec![self] };
        let mut frames = Vec::new();
        for value in 0..self.axes[phase].extent {
            let mut frame = self.clone();
            frame.replace(phase, &Affine::number(value as i32));
            if frame.reduce_equalities() {
                frames.extend(frame.unroll());
            }
        }
        frames
    }

    /// Phases as output axes like others.
    pub fn with_plain_phases(mut self) -> Frame {
        self.axes.iter_mut().for_each(|axis| axis.role = Role::Plain);
        self
    }

    /// Live axes: claimed ones in the order in which coordinates mention them, then reduced ones as they were; and how
    /// many are claimed.
    pub fn order(&self) -> (Vec<usize>, usize) {
        let mut order: Vec<usize> = Vec::new();
        for form in &self.map {
            let mut terms = form.terms.to_vec();
            terms.sort_by_key(|&(axis, coefficient)| (Reverse(coefficient.abs()), axis));
            order.extend(terms.iter().map(|term| usize::from(term.0)));
        }
        let mut seen = vec![false; self.axes.len()];
        order.retain(|&axis| !std::mem::replace(&mut seen[axis], true));
        let claimed = order.len();
        order.extend((0..self.axes.len()).filter(|&axis| self.status[axis] == Status::Free));
        order[claimed..].sort_by_key(|&axis| self.values.iter().position(|form| form.mentions(axis)));
        (order, claimed)
    }

    /// For each axis its form in the new numbering; axes that are gone occur nowhere.
    pub fn renaming(&self, order: &[usize]) -> Vec<Affine> {
        let mut rename = vec![Affine::number(0); self.axes.len()];
        for (new, &old) in order.iter().enumerate() {
            rename[old] = Affine::axis(new);
        }
        rename
    }
}

/// Puts a form in the place of an axis.
fn put(old: &mut Affine, axis: usize, form: &Affine) {
    let factor = old.coefficient(axis);
    if factor != 0 {
        *old = old.minus(&Affine::term(axis, factor)).plus_times(factor, form);
    }
}

/// All numbers of the form are multiples of the divisor.
fn divided(form: &Affine, divisor: i32) -> Affine {
    let terms = form.terms.iter().map(|&(axis, coefficient)| (usize::from(axis), coefficient / divisor));
    Affine::of(form.constant / divisor, terms)
}
