//! Arithmetic of integer polynomials in normal form.
//!
//! **Invariants**: no zero coefficient; the atoms of a monomial ascend, each once, with exponents from 1 on; `Floor`,
//! `Max` and `Min` stand only where no simpler form is known, so that equal sizes are equal in structure wherever the
//! rules below can see it. Whatever leaves `i64` is an error value, never a wrapped number.

use super::terms::Monomial;
use super::{Atom, Poly};
use crate::ids::Symbol;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Why a size could not be computed.
#[derive(Clone, Debug, PartialEq)]
pub enum SizeError {
    /// A number beyond 64 bits, or a size above [`Poly::LARGEST`].
    Overflow,
    /// `lhs / rhs` leaves a rest.
    NotWhole { lhs: Poly, rhs: Poly },
    /// Something divided by 0.
    ByZero,
    /// A size below 0.
    Negative(i64),
}

impl Poly {
    /// No axis and no product of axes is longer: 2^40 numbers are four terabytes.
    pub const LARGEST: i64 = 1 << 40;

    /// The polynomial 0.
    pub fn zero() -> Poly {
        Poly::default()
    }

    /// A plain number.
    pub fn number(n: i64) -> Poly {
        Poly::term(Vec::new(), n)
    }

    /// One symbol.
    pub fn symbol(name: &Symbol) -> Poly {
        Poly::atom(Atom::Symbol(name.clone()))
    }

    fn atom(atom: Atom) -> Poly {
        Poly::term(vec![(atom, 1)], 1)
    }

    fn term(monomial: Monomial, coefficient: i64) -> Poly {
        let mut poly = Poly::default();
        if coefficient != 0 {
            poly.0.insert(monomial, coefficient);
        }
        poly
    }

    /// The number that it is, if it has no symbols.
    pub fn as_number(&self) -> Option<i64> {
        match self.0.len() {
            0 => Some(0),
            1 => self.0.get(&[]).copied(),
            _ => None,
        }
    }

    /// The constant part.
    pub fn constant(&self) -> i64 {
        self.0.get(&[]).copied().unwrap_or(0)
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// All symbols in it, those inside of floors and maxima too.
    pub fn symbols(&self) -> BTreeSet<Symbol> {
        let mut found = BTreeSet::new();
        self.collect(&mut found);
        found
    }

    fn collect(&self, found: &mut BTreeSet<Symbol>) {
        for (atom, _) in self.0.keys().flatten() {
            match atom {
                Atom::Symbol(name) => {
                    found.insert(name.clone());
                }
                Atom::Floor(a, b) | Atom::Max(a, b) | Atom::Min(a, b) => {
                    a.collect(found);
                    b.collect(found);
                }
            }
        }
    }

    /// `self + other`
    pub fn add(&self, other: &Poly) -> Result<Poly, SizeError> {
        if let (Some(a), Some(b)) = (self.as_number(), other.as_number()) {
            return a.checked_add(b).map(Poly::number).ok_or(SizeError::Overflow);
        }
        let mut sum = self.clone();
        for (monomial, coefficient) in other.0.iter() {
            sum.add_term(monomial.clone(), *coefficient)?;
        }
        Ok(sum)
    }

    /// `-self`
    pub fn neg(&self) -> Result<Poly, SizeError> {
        self.scale(-1)
    }

    /// `self - other`
    pub fn sub(&self, other: &Poly) -> Result<Poly, SizeError> {
        self.add(&other.neg()?)
    }

    /// `self * factor`
    pub fn scale(&self, factor: i64) -> Result<Poly, SizeError> {
        self.mul(&Poly::number(factor))
    }

    /// `self * other`
    pub fn mul(&self, other: &Poly) -> Result<Poly, SizeError> {
        if let (Some(a), Some(b)) = (self.as_number(), other.as_number()) {
            return a.checked_mul(b).map(Poly::number).ok_or(SizeError::Overflow);
        }
        let mut product = Poly::zero();
        for (left, a) in self.0.iter() {
            for (right, b) in other.0.iter() {
                let coefficient = a.checked_mul(*b).ok_or(SizeError::Overflow)?;
                product.add_term(times(left, right)?, coefficient)?;
            }
        }
        Ok(product)
    }

    fn add_term(&mut self, monomial: Monomial, coefficient: i64) -> Result<(), SizeError> {
        let old = self.0.get(&monomial).copied().unwrap_or(0);
        let new = old.checked_add(coefficient).ok_or(SizeError::Overflow)?;
        if new == 0 {
            self.0.remove(&monomial);
        } else {
            self.0.insert(monomial, new);
        }
        Ok(())
    }

    /// `self / other` where it comes out whole.
    pub fn div_exact(&self, other: &Poly) -> Result<Poly, SizeError> {
        let not_whole = || SizeError::NotWhole { lhs: self.clone(), rhs: other.clone() };
        let (lead, by) = other.leading().ok_or(SizeError::ByZero)?;
        let (mut rest, mut quotient) = (self.clone(), Poly::zero());
        while let Some((monomial, coefficient)) = rest.leading() {
            let shared = divide_monomial(&monomial, &lead).ok_or_else(not_whole)?;
            if coefficient.checked_rem(by).ok_or(SizeError::Overflow)? != 0 {
                return Err(not_whole());
            }
            let term = Poly::term(shared, coefficient / by);
            rest = rest.sub(&term.mul(other)?)?;
            quotient = quotient.add(&term)?;
        }
        Ok(quotient)
    }

    /// The term of the highest degree, the last in order among equals. Each step of a division takes it away.
    fn leading(&self) -> Option<(Monomial, i64)> {
        let found = self.0.iter().max_by(|a, b| graded(a.0, b.0))?;
        Some((found.0.clone(), *found.1))
    }

    /// `floor(self / other)`. Whole multiples of a number come out of the floor: `floor((2 T + 3) / 2) = T + 1`.
    pub fn div_floor(&self, other: &Poly) -> Result<Poly, SizeError> {
        if other.is_zero() {
            return Err(SizeError::ByZero);
        }
        if let Ok(whole) = self.div_exact(other) {
            return Ok(whole);
        }
        let Some(by) = other.as_number() else { return Ok(Poly::atom(floor(self, other))) };
        if by < 0 {
            return self.neg()?.div_floor(&other.neg()?);
        }
        let (mut outside, mut inside) = (Poly::zero(), Poly::zero());
        for (monomial, coefficient) in self.0.iter() {
            outside.add_term(monomial.clone(), coefficient.div_euclid(by))?;
            inside.add_term(monomial.clone(), coefficient.rem_euclid(by))?;
        }
        if inside.as_number().is_some() {
            return Ok(outside);
        }
        outside.add(&inside.floor_of_reduced(by)?)
    }

    /// `floor(self / by)` for coefficients in `0..by`: common factors go, nested floors by numbers join.
    fn floor_of_reduced(&self, by: i64) -> Result<Poly, SizeError> {
        let common = self.0.iter().filter(|(m, _)| !m.is_empty()).fold(by, |g, (_, c)| gcd(g, *c));
        // floor((g a + c) / (g b)) = floor((a + floor(c / g)) / b)
        let parts = self.0.iter().map(|(m, c)| (m.clone(), c.div_euclid(common))).filter(|(_, c)| *c != 0);
        let (inner, by) = (Poly(parts.collect()), by / common);
        if let Some((p, q)) = inner.single_floor() {
            let product = q.checked_mul(by).ok_or(SizeError::Overflow)?;
            let shifted = p.add(&Poly::number(inner.constant().checked_mul(q).ok_or(SizeError::Overflow)?))?;
            return shifted.div_floor(&Poly::number(product));
        }
        if by == 1 {
            return Ok(inner);
        }
        Ok(Poly::atom(floor(&inner, &Poly::number(by))))
    }

    /// `(p, q)` if it is `floor(p / q)` plus a number, q a number: then `floor(self / r)` is one floor.
    fn single_floor(&self) -> Option<(Poly, i64)> {
        let mut open = self.0.iter().filter(|(m, _)| !m.is_empty());
        let (monomial, coefficient) = open.next()?;
        let ([(Atom::Floor(p, q), 1)], 1, None) = (&monomial[..], coefficient, open.next()) else { return None };
        Some(((**p).clone(), q.as_number()?))
    }

    /// `self - other * floor(self / other)`
    pub fn rem(&self, other: &Poly) -> Result<Poly, SizeError> {
        self.sub(&self.div_floor(other)?.mul(other)?)
    }

    /// The larger one.
    pub fn larger(&self, other: &Poly) -> Result<Poly, SizeError> {
        Ok(match self.order(other)? {
            Some(Ordering::Less) => other.clone(),
            Some(Ordering::Equal | Ordering::Greater) => self.clone(),
            None => {
                let (a, b) = sorted(self, other);
                Poly::atom(Atom::Max(a, b))
            }
        })
    }

    /// The smaller one.
    pub fn smaller(&self, other: &Poly) -> Result<Poly, SizeError> {
        Ok(match self.order(other)? {
            Some(Ordering::Greater) => other.clone(),
            Some(Ordering::Equal | Ordering::Less) => self.clone(),
            None => {
                let (a, b) = sorted(self, other);
                Poly::atom(Atom::Min(a, b))
            }
        })
    }

    /// The order of two polynomials whose difference is a number; unknown otherwise.
    pub fn order(&self, other: &Poly) -> Result<Option<Ordering>, SizeError> {
        Ok(self.sub(other)?.as_number().map(|difference| difference.cmp(&0)))
    }

    /// The value where each symbol has a number; symbols without one stay.
    pub fn bind(&self, binding: &BTreeMap<Symbol, i64>) -> Result<Poly, SizeError> {
        let mut sum = Poly::zero();
        for (monomial, coefficient) in self.0.iter() {
            let mut product = Poly::number(*coefficient);
            for (atom, exponent) in monomial {
                let value = bind_atom(atom, binding)?;
                for _ in 0..*exponent {
                    product = product.mul(&value)?;
                }
            }
            sum = sum.add(&product)?;
        }
        Ok(sum)
    }

    /// The number at a binding of all its symbols; `None` where one has no value.
    pub fn value_at(&self, binding: &BTreeMap<Symbol, i64>) -> Result<Option<i64>, SizeError> {
        Ok(self.bind(binding)?.as_number())
    }
}

fn bind_atom(atom: &Atom, binding: &BTreeMap<Symbol, i64>) -> Result<Poly, SizeError> {
    match atom {
        Atom::Symbol(name) => Ok(binding.get(name).map_or_else(|| Poly::symbol(name), |n| Poly::number(*n))),
        Atom::Floor(a, b) => a.bind(binding)?.div_floor(&b.bind(binding)?),
        Atom::Max(a, b) => a.bind(binding)?.larger(&b.bind(binding)?),
        Atom::Min(a, b) => a.bind(binding)?.smaller(&b.bind(binding)?),
    }
}

fn times(left: &Monomial, right: &Monomial) -> Result<Monomial, SizeError> {
    let mut powers: BTreeMap<Atom, u32> = left.iter().cloned().collect();
    for (atom, exponent) in right {
        let power = powers.entry(atom.clone()).or_insert(0);
        *power = power.checked_add(*exponent).ok_or(SizeError::Overflow)?;
    }
    Ok(powers.into_iter().collect())
}

fn divide_monomial(whole: &Monomial, by: &Monomial) -> Option<Monomial> {
    let mut powers: BTreeMap<Atom, u32> = whole.iter().cloned().collect();
    for (atom, exponent) in by {
        let power = powers.get_mut(atom)?;
        *power = power.checked_sub(*exponent)?;
    }
    Some(powers.into_iter().filter(|(_, exponent)| *exponent > 0).collect())
}

/// By degree, then as lists of exponents from the first atom on: an order that multiplication keeps.
fn graded(a: &Monomial, b: &Monomial) -> Ordering {
    let degree = |m: &Monomial| m.iter().map(|(_, e)| u64::from(*e)).sum::<u64>();
    degree(a).cmp(&degree(b)).then_with(|| {
        let atoms: BTreeSet<&Atom> = a.iter().chain(b).map(|(atom, _)| atom).collect();
        let power = |m: &Monomial, atom: &Atom| m.iter().find(|(x, _)| x == atom).map_or(0, |(_, e)| *e);
        atoms.iter().map(|atom| power(a, atom).cmp(&power(b, atom))).find(|o| o.is_ne()).unwrap_or(Ordering::Equal)
    })
}

fn floor(p: &Poly, q: &Poly) -> Atom {
    Atom::Floor(Box::new(p.clone()), Box::new(q.clone()))
}

fn sorted(a: &Poly, b: &Poly) -> (Box<Poly>, Box<Poly>) {
    let (first, second) = if a <= b { (a, b) } else { (b, a) };
    (Box::new(first.clone()), Box::new(second.clone()))
}

fn gcd(a: i64, b: i64) -> i64 {
    if b == 0 { a.abs() } else { gcd(b, a % b) }
}

impl fmt::Display for Poly {
    /// `2·floor(T/2) + 3`: products first, the number last.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_zero() {
            return f.write_str("0");
        }
        let mut terms: Vec<_> = self.0.iter().collect();
        terms.sort_by(|a, b| graded(b.0, a.0));
        for (i, (monomial, coefficient)) in terms.into_iter().enumerate() {
            match (i, *coefficient < 0) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            write_term(f, monomial, coefficient.unsigned_abs())?;
        }
        Ok(())
    }
}

fn write_term(f: &mut fmt::Formatter<'_>, monomial: &Monomial, coefficient: u64) -> fmt::Result {
    let mut factors: Vec<String> = monomial.iter().map(|(atom, e)| power(atom, *e)).collect();
    if coefficient != 1 || factors.is_empty() {
        factors.insert(0, coefficient.to_string());
    }
    f.write_str(&factors.join("·"))
}

fn power(atom: &Atom, exponent: u32) -> String {
    if exponent == 1 { atom.to_string() } else { format!("{atom}^{exponent}") }
}

impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Atom::Symbol(name) => f.write_str(name),
            Atom::Floor(a, b) => write!(f, "floor({}/{})", grouped(a), grouped(b)),
            Atom::Max(a, b) => write!(f, "max({a}, {b})"),
            Atom::Min(a, b) => write!(f, "min({a}, {b})"),
        }
    }
}

fn grouped(poly: &Poly) -> String {
    if poly.0.len() > 1 { format!("({poly})") } else { poly.to_string() }
}
