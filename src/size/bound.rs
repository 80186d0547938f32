//! From which values of its symbols on is a size at least 0?
//!
//! In one symbol a form made of sums, products and floors by numbers is a polynomial on each residue class; it stays at
//! least 0 from a value on if all its forward differences there are (Newton's form with coefficients at least 0). With
//! several symbols only what follows from signs is told.

use super::compare::{TRIED, shape_of};
use super::{Atom, Poly, SizeError};
use crate::ids::Symbol;
use std::collections::BTreeMap;

/// The values that a symbol may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub low: i64,
    pub high: Option<i64>,
}

impl Default for Limits {
    /// A length: from 1 on.
    fn default() -> Limits {
        Limits { low: 1, high: None }
    }
}

impl std::fmt::Display for Limits {
    /// `17 or more`, `1 to 128`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.high {
            None => write!(f, "{} or more", self.low),
            Some(high) => write!(f, "{} to {high}", self.low),
        }
    }
}

impl Limits {
    /// Whether a value is among them.
    pub fn hold(&self, n: i64) -> bool {
        self.low <= n && self.high.is_none_or(|high| n <= high)
    }
}

/// When a size is at least 0.
#[derive(Clone, Debug, PartialEq)]
pub enum Holds {
    Always,
    /// If this symbol is within these limits.
    Within(Symbol, Limits),
    Never,
    Unknown,
}

/// When `poly` is at least 0, its symbols being within their limits.
pub fn at_least_zero(poly: &Poly, limits: &BTreeMap<Symbol, Limits>) -> Holds {
    if let Some(n) = poly.as_number() {
        return if n >= 0 { Holds::Always } else { Holds::Never };
    }
    let symbols: Vec<Symbol> = poly.symbols().into_iter().collect();
    let known = |name: &Symbol| limits.get(name).copied().unwrap_or_default();
    match &symbols[..] {
        [one] => match one_symbol(poly, one, known(one)) {
            // What other places ask for may exclude what this one does: that is told as such.
            Holds::Never if known(one) != Limits::default() => one_symbol(poly, one, Limits::default()),
            other => other,
        },
        _several => by_signs(poly, &symbols, &known),
    }
}

/// Where each term grows, or each falls, with every symbol, the smallest values decide.
fn by_signs(poly: &Poly, symbols: &[Symbol], known: &dyn Fn(&Symbol) -> Limits) -> Holds {
    let (mut grows, mut falls) = (true, true);
    for (monomial, coefficient) in poly.0.iter() {
        if monomial.is_empty() {
            continue;
        }
        if !monomial.iter().all(|(atom, _)| matches!(atom, Atom::Symbol(_))) {
            return Holds::Unknown;
        }
        grows &= *coefficient > 0;
        falls &= *coefficient < 0;
    }
    let lowest: BTreeMap<Symbol, i64> = symbols.iter().map(|name| (name.clone(), known(name).low)).collect();
    match poly.value_at(&lowest) {
        Ok(Some(n)) if grows && n >= 0 => Holds::Always,
        Ok(Some(n)) if falls && n < 0 => Holds::Never,
        Ok(_) | Err(_) => Holds::Unknown,
    }
}

fn one_symbol(poly: &Poly, name: &Symbol, known: Limits) -> Holds {
    let Some((period, degree)) = shape_of(poly) else { return tried(poly, name, known) };
    let form = Form { poly, name, period, degree };
    if period.saturating_mul(degree + 1) > TRIED {
        return tried(poly, name, known);
    }
    let within = |limits: Limits| match limits == known {
        true => Holds::Always,
        false => Holds::Within(name.clone(), limits),
    };
    if let Some(high) = known.high
        && high - known.low <= TRIED
        && (known.low..=high).all(|n| form.at(n).is_some_and(|value| value >= 0))
    {
        return Holds::Always;
    }
    if form.stays(known.low) {
        return Holds::Always;
    }
    let last = known.high.unwrap_or(i64::MAX).min(known.low.saturating_add(TRIED));
    if let Some(mut low) = (known.low..=last).find(|&n| form.stays(n)) {
        while low > known.low && form.at(low - 1).is_some_and(|value| value >= 0) {
            low -= 1;
        }
        return within(Limits { low, ..known });
    }
    match form.last(known.low) {
        Some(high) => within(Limits { high: Some(high), ..known }),
        None => Holds::Never,
    }
}

/// A form of unknown shape is believed only within limits that can be tried out.
fn tried(poly: &Poly, name: &Symbol, known: Limits) -> Holds {
    let Some(high) = known.high.filter(|high| high - known.low <= TRIED) else { return Holds::Unknown };
    let at = |n: i64| value(poly, name, n).ok().flatten();
    let fine = (known.low..=high).filter(|&n| at(n).is_some_and(|value| value >= 0)).count() as i64;
    match fine {
        0 => Holds::Never,
        n if n == high - known.low + 1 => Holds::Always,
        _some => Holds::Unknown,
    }
}

fn value(poly: &Poly, name: &Symbol, n: i64) -> Result<Option<i64>, SizeError> {
    poly.value_at(&BTreeMap::from([(name.clone(), n)]))
}

/// A form in one symbol: a polynomial of `degree` on each class modulo `period`.
struct Form<'p> {
    poly: &'p Poly,
    name: &'p Symbol,
    period: i64,
    degree: i64,
}

impl Form<'_> {
    fn at(&self, n: i64) -> Option<i64> {
        value(self.poly, self.name, n).ok()?
    }

    /// Whether it is at least 0 from `from` on, as far as differences tell.
    fn stays(&self, from: i64) -> bool {
        (0..self.period).all(|class| {
            let row: Option<Vec<i64>> = (0..=self.degree).map(|i| self.at(from + class + i * self.period)).collect();
            row.is_some_and(differences_hold)
        })
    }

    /// The last value up to which it is at least 0, from `low` on.
    fn last(&self, low: i64) -> Option<i64> {
        let first = self.at(low).filter(|value| *value >= 0)?;
        if self.period == 1 && self.degree <= 1 {
            let step = first.checked_sub(self.at(low + 1)?).filter(|step| *step > 0)?;
            return Some(low + first / step);
        }
        let fails = |n: &i64| self.at(*n).is_none_or(|value| value < 0);
        (low..=low.saturating_add(TRIED)).find(fails).map(|n| n - 1)
    }
}

/// Whether a row and all its forward differences begin with numbers from 0 on.
fn differences_hold(mut row: Vec<i64>) -> bool {
    while let Some(&first) = row.first() {
        if first < 0 {
            return false;
        }
        let next: Option<Vec<i64>> = row.windows(2).map(|pair| pair[1].checked_sub(pair[0])).collect();
        let Some(next) = next else { return false };
        row = next;
    }
    true
}
