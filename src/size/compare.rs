//! Are two sizes equal, whatever the symbols are?
//!
//! Equal forms are equal; forms that differ by a number are never equal; in one symbol a form made of sums, products
//! and floors by numbers is a polynomial on each residue class, so finitely many values decide; otherwise the smallest
//! counterexample is looked for.

use super::bound::Limits;
use super::{Atom, Poly, SizeId, Sizes};
use crate::ids::Symbol;
use std::collections::BTreeMap;

/// What is known of two sizes.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Equal,
    /// For no value of the symbols are they equal.
    Differ,
    /// They differ at these values.
    Counterexample(Vec<(Symbol, i64)>),
    /// No counterexample was found, and no proof.
    Undecided,
}

impl Sizes {
    /// Compares two sizes; a poisoned one equals everything.
    pub fn compare(&self, a: SizeId, b: SizeId) -> Verdict {
        match (&self.all[a].value, &self.all[b].value) {
            (Some(a), Some(b)) => compare_within(a, b, &self.limits),
            (None, _) | (_, None) => Verdict::Equal,
        }
    }

    /// Whether two sizes are known to be equal.
    pub fn equal(&self, a: SizeId, b: SizeId) -> bool {
        self.compare(a, b) == Verdict::Equal
    }
}

/// Compares two polynomials whose symbols are lengths, from 1 on.
pub fn compare(a: &Poly, b: &Poly) -> Verdict {
    compare_within(a, b, &BTreeMap::new())
}

/// Compares two polynomials whose symbols are within limits.
pub fn compare_within(a: &Poly, b: &Poly, limits: &BTreeMap<Symbol, Limits>) -> Verdict {
    let Ok(difference) = a.sub(b) else { return Verdict::Undecided };
    if let Some(n) = difference.as_number() {
        return if n == 0 { Verdict::Equal } else { Verdict::Differ };
    }
    let symbols: Vec<Symbol> = difference.symbols().into_iter().collect();
    match &symbols[..] {
        [one] => one_symbol(&difference, one, limits.get(one).copied().unwrap_or_default()),
        _ => several(&difference, &symbols, limits),
    }
}

/// Values of one symbol that are tried where they decide nothing by themselves.
pub(super) const TRIED: i64 = 4096;

fn one_symbol(difference: &Poly, name: &Symbol, limits: Limits) -> Verdict {
    let enough = decisive(difference);
    let last = limits.low.saturating_add(enough.unwrap_or(TRIED).min(TRIED) - 1).min(limits.high.unwrap_or(i64::MAX));
    for value in limits.low..=last {
        if differs(difference, &[(name.clone(), value)]) {
            return Verdict::Counterexample(vec![(name.clone(), value)]);
        }
    }
    let all = limits.high == Some(last) || enough.is_some_and(|n| n <= TRIED);
    if all { Verdict::Equal } else { Verdict::Undecided }
}

/// With several symbols, the smallest values are tried, those with a small sum first.
fn several(difference: &Poly, symbols: &[Symbol], limits: &BTreeMap<Symbol, Limits>) -> Verdict {
    const CORNER: i64 = 6;
    if symbols.len() > 4 {
        return Verdict::Undecided;
    }
    let n = CORNER.pow(symbols.len() as u32);
    let mut points: Vec<Vec<i64>> = (0..n).map(|code| digits(code, CORNER, symbols.len())).collect();
    points.sort_by_key(|point| point.iter().sum::<i64>());
    for point in points {
        let low = |name: &Symbol| limits.get(name).copied().unwrap_or_default().low;
        let binding: Vec<(Symbol, i64)> =
            symbols.iter().zip(point).map(|(name, n)| (name.clone(), low(name) + n - 1)).collect();
        let fits = |(name, n): &(Symbol, i64)| limits.get(name).is_none_or(|limits| limits.hold(*n));
        if binding.iter().all(fits) && differs(difference, &binding) {
            return Verdict::Counterexample(binding);
        }
    }
    Verdict::Undecided
}

fn digits(mut code: i64, base: i64, count: usize) -> Vec<i64> {
    let mut point = Vec::with_capacity(count);
    for _ in 0..count {
        point.push(code % base + 1);
        code /= base;
    }
    point
}

fn differs(difference: &Poly, binding: &[(Symbol, i64)]) -> bool {
    let binding: BTreeMap<Symbol, i64> = binding.iter().cloned().collect();
    difference.value_at(&binding).is_ok_and(|value| value.is_some_and(|n| n != 0))
}

/// How many values decide whether a form in one symbol is 0: (degree + 1) times its period.
fn decisive(poly: &Poly) -> Option<i64> {
    let (period, degree) = shape_of(poly)?;
    period.checked_mul(degree + 1)
}

/// Period and degree of a form in one symbol: it is a polynomial on each class modulo the period.
pub(super) fn shape_of(poly: &Poly) -> Option<(i64, i64)> {
    poly.0.keys().try_fold((1_i64, 0_i64), |(period, degree), monomial| {
        let (p, d) = monomial.iter().try_fold((1_i64, 0_i64), |(p, d), (atom, exponent)| {
            let (q, e) = period_of(atom)?;
            Some((lcm(p, q)?, d.checked_add(e.checked_mul(i64::from(*exponent))?)?))
        })?;
        Some((lcm(period, p)?, degree.max(d)))
    })
}

/// Period and degree of one atom; none where it is no quasi-polynomial that we know.
fn period_of(atom: &Atom) -> Option<(i64, i64)> {
    match atom {
        Atom::Symbol(_) => Some((1, 1)),
        Atom::Floor(p, q) => {
            let by = q.as_number().filter(|n| *n > 0)?;
            let (period, degree) = p.0.keys().try_fold((1_i64, 0_i64), |(period, degree), monomial| {
                let mut d = 0;
                let mut own = 1;
                for (inner, exponent) in monomial {
                    let (q, e) = period_of(inner)?;
                    own = lcm(own, q)?;
                    d += e * i64::from(*exponent);
                }
                Some((lcm(period, own)?, degree.max(d)))
            })?;
            // A polynomial whose values repeat modulo `by` after `period * by` steps.
            Some((period.checked_mul(by)?, degree))
        }
        Atom::Max(..) | Atom::Min(..) => None,
    }
}

fn lcm(a: i64, b: i64) -> Option<i64> {
    let gcd = |mut a: i64, mut b: i64| {
        while b != 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    a.checked_mul(b / gcd(a, b))
}
