//! Affine forms over the axes of one equation, and intervals of them over a box.
//!
//! **Invariants**: terms are sorted by axis and have no zero coefficient; arithmetic that leaves `i32` is a bug.

use super::{Affine, Axis, AxisIx};

/// A closed range of whole numbers; empty if `low > high`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub low: i64,
    pub high: i64,
}

impl Affine {
    /// The form that is a number.
    pub fn number(constant: i32) -> Affine {
        Affine { constant, terms: Default::default() }
    }

    /// The form that is one axis.
    pub fn axis(axis: usize) -> Affine {
        Affine::term(axis, 1)
    }

    /// `coefficient * axis`
    pub fn term(axis: usize, coefficient: i32) -> Affine {
        Affine::of(0, [(axis, coefficient)])
    }

    /// `constant + sum(coefficient * axis)`; axes may come in any order and more than once.
    pub fn of(constant: i32, terms: impl IntoIterator<Item = (usize, i32)>) -> Affine {
        let mut form = Affine::number(constant);
        for (axis, coefficient) in terms {
            form.add_term(axis as AxisIx, coefficient);
        }
        form
    }

    fn add_term(&mut self, axis: AxisIx, coefficient: i32) {
        let at = self.terms.partition_point(|term| term.0 < axis);
        if self.terms.get(at).is_some_and(|term| term.0 == axis) {
            self.terms[at].1 = narrow(i64::from(self.terms[at].1) + i64::from(coefficient));
            if self.terms[at].1 == 0 {
                self.terms.remove(at);
            }
        } else if coefficient != 0 {
            self.terms.insert(at, (axis, coefficient));
        }
    }

    /// The coefficient of an axis, 0 if it does not occur.
    pub fn coefficient(&self, axis: usize) -> i32 {
        self.terms.iter().find(|term| usize::from(term.0) == axis).map_or(0, |term| term.1)
    }

    /// Whether the axis occurs.
    pub fn mentions(&self, axis: usize) -> bool {
        self.coefficient(axis) != 0
    }

    /// The axes that occur, ascending.
    pub fn axes(&self) -> impl Iterator<Item = usize> + '_ {
        self.terms.iter().map(|term| usize::from(term.0))
    }

    /// The number, if no axis occurs.
    pub fn as_number(&self) -> Option<i32> {
        self.terms.is_empty().then_some(self.constant)
    }

    /// The axis, if the form is just that.
    pub fn as_axis(&self) -> Option<usize> {
        (self.constant == 0 && self.terms.len() == 1 && self.terms[0].1 == 1).then(|| usize::from(self.terms[0].0))
    }

    /// `self + factor * other`
    pub fn plus_times(&self, factor: i32, other: &Affine) -> Affine {
        let mut sum = self.shift_by(i64::from(factor) * i64::from(other.constant));
        for &(axis, coefficient) in &other.terms {
            sum.add_term(axis, narrow(i64::from(factor) * i64::from(coefficient)));
        }
        sum
    }

    /// `self + other`
    pub fn plus(&self, other: &Affine) -> Affine {
        self.plus_times(1, other)
    }

    /// `self - other`
    pub fn minus(&self, other: &Affine) -> Affine {
        self.plus_times(-1, other)
    }

    /// `factor * self`
    pub fn times(&self, factor: i32) -> Affine {
        Affine::number(0).plus_times(factor, self)
    }

    /// `self + constant`
    pub fn shift(&self, constant: i32) -> Affine {
        self.shift_by(i64::from(constant))
    }

    fn shift_by(&self, constant: i64) -> Affine {
        Affine { constant: narrow(i64::from(self.constant) + constant), terms: self.terms.clone() }
    }

    /// The form with each axis `a` replaced by `map[a]`.
    pub fn substitute(&self, map: &[Affine]) -> Affine {
        let start = Affine::number(self.constant);
        self.terms.iter().fold(start, |sum, &(axis, factor)| sum.plus_times(factor, &map[usize::from(axis)]))
    }

    /// The form without axes of a single point, which are 0.
    pub fn settled(&self, axes: &[Axis]) -> Affine {
        let mut form = self.clone();
        form.terms.retain(|term| axes[usize::from(term.0)].extent > 1);
        form
    }

    /// The value at a point.
    pub fn at(&self, point: &[i64]) -> i64 {
        let sum: i64 = self.terms.iter().map(|&(axis, factor)| i64::from(factor) * point[usize::from(axis)]).sum();
        i64::from(self.constant) + sum
    }

    /// The values that the form takes when each axis takes those of its range (none of them empty).
    pub fn range(&self, axes: &[Range]) -> Range {
        let start = Range::of(i64::from(self.constant), i64::from(self.constant));
        self.terms.iter().fold(start, |sum, &(axis, factor)| sum.plus(axes[usize::from(axis)].times(factor.into())))
    }

    /// The greatest common divisor of the coefficients; 0 for a number.
    pub fn step(&self) -> i32 {
        self.terms.iter().fold(0, |step, term| gcd(step, term.1))
    }
}

impl Range {
    /// From `low` up to and including `high`.
    pub fn of(low: i64, high: i64) -> Range {
        Range { low, high }
    }

    /// `0 <= value < extent`
    pub fn below(extent: u32) -> Range {
        Range::of(0, i64::from(extent) - 1)
    }

    /// Sums of a value of each.
    pub fn plus(self, other: Range) -> Range {
        Range::of(self.low + other.low, self.high + other.high)
    }

    /// Each value times `factor`.
    pub fn times(self, factor: i64) -> Range {
        let (a, b) = (self.low * factor, self.high * factor);
        Range::of(a.min(b), a.max(b))
    }

    /// Whether all values of the other lie in this one.
    pub fn covers(self, other: Range) -> bool {
        self.low <= other.low && other.high <= self.high
    }

    /// Whether no value is in it.
    pub fn is_empty(self) -> bool {
        self.low > self.high
    }
}

/// The box of an equation: a range for each axis.
pub fn ranges(axes: &[Axis]) -> Vec<Range> {
    axes.iter().map(|axis| Range::below(axis.extent)).collect()
}

/// The greatest common divisor, not negative; `gcd(0, b) = |b|`.
pub fn gcd(a: i32, b: i32) -> i32 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a as i32
}

/// Row-major strides of a shape.
pub fn strides(shape: &[u32]) -> Vec<i64> {
    let mut strides = vec![1i64; shape.len()];
    for at in (1..shape.len()).rev() {
        strides[at - 1] = strides[at] * i64::from(shape[at]);
    }
    strides
}

/// The number of elements of a shape.
pub fn elements(shape: &[u32]) -> usize {
    shape.iter().map(|&extent| extent as usize).product()
}

/// Whether different points of the box of `terms` (coefficient, extent) give different sums: by mixed radix, or
/// because the others have distinct residues modulo the coefficient of one.
pub fn injective_sum(terms: &[(i32, u32)]) -> bool {
    mixed_radix(terms) || (0..terms.len()).any(|long| distinct_residues(terms, long))
}

/// Sorted by size, each coefficient exceeds all that the smaller ones reach together.
fn mixed_radix(terms: &[(i32, u32)]) -> bool {
    let mut sizes: Vec<(i64, i64)> = terms.iter().map(|&(c, n)| (i64::from(c).abs(), i64::from(n) - 1)).collect();
    sizes.retain(|size| size.1 > 0);
    sizes.sort_unstable();
    let mut reach = 0;
    sizes.iter().all(|&(size, last)| {
        let fits = size > reach;
        reach += size * last;
        fits
    })
}

/// Sums of all terms but `long` differ modulo its coefficient.
fn distinct_residues(terms: &[(i32, u32)], long: usize) -> bool {
    let modulus = i64::from(terms[long].0).abs();
    let others = || terms.iter().enumerate().filter(|&(at, _)| at != long).map(|(_, term)| term);
    let points: i64 = others().map(|term| i64::from(term.1)).fold(1, i64::saturating_mul);
    if modulus == 0 || points > modulus || modulus > 4096 {
        return modulus != 0 && points == 1;
    }
    let mut sums = vec![0i64];
    for &(coefficient, extent) in others() {
        let steps = 0..i64::from(extent);
        sums = steps.flat_map(|step| sums.iter().map(move |sum| sum + step * i64::from(coefficient))).collect();
    }
    let mut seen = vec![false; modulus as usize];
    sums.iter().all(|sum| !std::mem::replace(&mut seen[sum.rem_euclid(modulus) as usize], true))
}

/// Whether `write` takes different points of the box to different places (invariant I1): coordinates with few axes
/// first, each claims its axes once the sum over those that nobody claimed before is injective.
pub fn injective(write: &[Affine], axes: &[Axis]) -> bool {
    let mut claimed: Vec<bool> = axes.iter().map(|axis| axis.extent <= 1).collect();
    loop {
        let before = claimed.iter().filter(|&&claim| claim).count();
        for form in write {
            let open: Vec<usize> = form.axes().filter(|&axis| !claimed[axis]).collect();
            let terms: Vec<_> = open.iter().map(|&axis| (form.coefficient(axis), axes[axis].extent)).collect();
            if injective_sum(&terms) {
                open.iter().for_each(|&axis| claimed[axis] = true);
            }
        }
        let after = claimed.iter().filter(|&&claim| claim).count();
        if after == claimed.len() || after == before {
            return after == claimed.len();
        }
    }
}

/// Whether the images of two writes over their boxes have no place in common: some coordinate's values differ, by
/// their intervals alone or modulo a coefficient.
pub fn disjoint(a: &[Affine], a_box: &[Range], b: &[Affine], b_box: &[Range]) -> bool {
    let empty = |ranges: &[Range]| ranges.iter().any(|range| range.is_empty());
    empty(a_box) || empty(b_box) || a.iter().zip(b).any(|(a, b)| disjoint_forms(a, a_box, b, b_box))
}

fn disjoint_forms(a: &Affine, a_box: &[Range], b: &Affine, b_box: &[Range]) -> bool {
    let (whole_a, whole_b) = (a.range(a_box), b.range(b_box));
    if whole_a.high < whole_b.low || whole_b.high < whole_a.low {
        return true;
    }
    let both = || a.terms.iter().chain(&b.terms).map(|term| term.1.abs());
    both().chain([gcd(a.step(), b.step())]).filter(|&modulus| modulus > 1).any(|modulus| {
        let low_a = low_part(a, modulus).range(a_box);
        let low_b = low_part(b, modulus).range(b_box);
        let (from, to) = (low_b.low - low_a.high, low_b.high - low_a.low);
        to.div_euclid(modulus.into()) == (from - 1).div_euclid(modulus.into())
    })
}

/// The form without the terms that are multiples of `modulus`.
fn low_part(form: &Affine, modulus: i32) -> Affine {
    let mut low = form.clone();
    low.terms.retain(|term| term.1 % modulus != 0);
    low
}

fn narrow(value: i64) -> i32 {
    i32::try_from(value).expect("bug: an affine form leaves 32 bits")
}
