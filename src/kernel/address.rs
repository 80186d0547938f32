//! Arithmetic on [`Address`]es and [`Place`]s, as a reader would write it: `i * 128 + k + 3`.
//!
//! **Invariant**: a form stays sorted by variable, without zero coefficients.

use super::{Address, BufferIx, Condition, Dynamic, Place, ValueId, VarId};
use std::ops::{Add, AddAssign, Mul, Sub};

impl Address {
    /// The coefficient of a variable, 0 if it does not occur.
    pub fn coefficient(&self, var: VarId) -> i64 {
        self.terms.iter().find(|term| term.0 == var).map_or(0, |term| term.1)
    }

    /// The form's value where `value` gives that of each variable.
    pub fn eval(&self, value: impl Fn(VarId) -> i64) -> i64 {
        self.terms.iter().fold(self.constant, |sum, &(var, factor)| sum + factor * value(var))
    }

    /// The form without one variable.
    pub fn without(&self, var: VarId) -> Address {
        let terms = self.terms.iter().copied().filter(|term| term.0 != var).collect();
        Address { constant: self.constant, terms }
    }

    fn add_term(&mut self, var: VarId, factor: i64) {
        match self.terms.binary_search_by_key(&var, |term| term.0) {
            Ok(at) => {
                self.terms[at].1 += factor;
                if self.terms[at].1 == 0 {
                    self.terms.remove(at);
                }
            }
            Err(at) if factor != 0 => self.terms.insert(at, (var, factor)),
            Err(_) => {}
        }
    }

    /// `self >= 0`
    pub fn at_least_0(self) -> Condition {
        Condition { form: self, equal: false }
    }

    /// `self < bound`
    pub fn below(self, bound: i64) -> Condition {
        Condition { form: self * -1 + (bound - 1), equal: false }
    }

    /// `self == 0`
    pub fn is_0(self) -> Condition {
        Condition { form: self, equal: true }
    }
}

impl From<i64> for Address {
    fn from(constant: i64) -> Address {
        Address { constant, terms: Vec::new() }
    }
}

impl From<VarId> for Address {
    fn from(var: VarId) -> Address {
        Address { constant: 0, terms: vec![(var, 1)] }
    }
}

impl<T: Into<Address>> AddAssign<T> for Address {
    fn add_assign(&mut self, other: T) {
        let other = other.into();
        self.constant += other.constant;
        for (var, factor) in other.terms {
            self.add_term(var, factor);
        }
    }
}

impl<T: Into<Address>> Add<T> for Address {
    type Output = Address;
    fn add(mut self, other: T) -> Address {
        self += other;
        self
    }
}

impl<T: Into<Address>> Sub<T> for Address {
    type Output = Address;
    fn sub(self, other: T) -> Address {
        self + other.into() * -1
    }
}

impl Mul<i64> for Address {
    type Output = Address;
    fn mul(mut self, factor: i64) -> Address {
        self.constant *= factor;
        self.terms.iter_mut().for_each(|term| term.1 *= factor);
        self.terms.retain(|term| term.1 != 0);
        self
    }
}

impl Mul<i64> for VarId {
    type Output = Address;
    fn mul(self, factor: i64) -> Address {
        Address::from(self) * factor
    }
}

impl<T: Into<Address>> Add<T> for VarId {
    type Output = Address;
    fn add(self, other: T) -> Address {
        Address::from(self) + other
    }
}

impl Place {
    /// `lanes` elements side by side, from an address on.
    pub fn new(buffer: BufferIx, address: impl Into<Address>, lanes: u16) -> Place {
        Place { buffer, address: address.into(), dynamic: None, stride: 1, live: lanes }
    }

    /// The same with `stride` elements from lane to lane (0: loads the same element into all lanes).
    pub fn stride(self, stride: i64) -> Place {
        Place { stride, ..self }
    }

    /// The same with only the first `live` lanes in memory.
    pub fn live(self, live: u16) -> Place {
        Place { live, ..self }
    }

    /// The same moved by `scale * clamp(value, 0, limit - 1)`.
    pub fn moved_by(self, value: ValueId, scale: i64, limit: u32) -> Place {
        Place { dynamic: Some(Dynamic { value, scale, limit }), ..self }
    }
}
