//! Sizes are made here, each in one push with its reason.
//!
//! **Invariants**: `from` are older than the size itself; a computed value is the value of the formula that is shown.

use super::{Formula, Poly, Reason, Rule, Size, SizeError, SizeId, Sizes};
use crate::ids::Symbol;
use crate::source::Span;

/// A size that could not be computed: what is wrong, and the size with its formula, to be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub error: SizeError,
    /// Its reason is the formula. Its value is the negative number, or poison where there is none.
    pub size: SizeId,
}

impl Sizes {
    /// A number in the file.
    pub fn written(&mut self, n: i64, at: Span) -> SizeId {
        self.push(Some(Poly::number(n)), Rule::Written, at, &[])
    }

    /// A length that the caller or the data bind.
    pub fn symbol(&mut self, name: &Symbol, at: Span) -> SizeId {
        self.push(Some(Poly::symbol(name)), Rule::Written, at, &[])
    }

    /// The value that a name has in one use of a block; `at` is the call.
    pub fn bound(&mut self, name: &Symbol, from: SizeId, at: Span) -> SizeId {
        self.push(self.all[from].value.clone(), Rule::Bound(name.clone()), at, &[from])
    }

    /// The same size passed on at another place.
    pub fn same(&mut self, from: SizeId, at: Span) -> SizeId {
        self.push(self.all[from].value.clone(), Rule::Same, at, &[from])
    }

    /// What a remark says, `from` being what came out; a poisoned size is one again afterwards.
    pub fn remark(&mut self, value: Poly, from: Option<SizeId>, at: Span) -> SizeId {
        self.push(Some(value), Rule::Remark, at, from.as_slice())
    }

    /// A size that equals everything. Only where an error was reported.
    pub fn poison(&mut self, at: Span) -> SizeId {
        self.push(None, Rule::Poisoned, at, &[])
    }

    /// Computes a size and records how. A size below 0 is a fault whose size has that value; poison in, poison out.
    pub fn derive(&mut self, formula: Formula, from: &[SizeId], at: Span) -> Result<SizeId, Fault> {
        let size = self.compute(formula, from, at)?;
        match self.number(size) {
            Some(n) if n < 0 => Err(Fault { error: SizeError::Negative(n), size }),
            Some(n) if n > Poly::LARGEST => Err(Fault { error: SizeError::Overflow, size }),
            Some(_) | None => Ok(size),
        }
    }

    /// As [`Sizes::derive`], for whole numbers of any sign.
    pub fn compute(&mut self, formula: Formula, from: &[SizeId], at: Span) -> Result<SizeId, Fault> {
        let operands: Option<Vec<&Poly>> = from.iter().map(|id| self.all[*id].value.as_ref()).collect();
        let value = operands.map(|operands| evaluate(&formula, &operands)).transpose();
        let (value, error) = match value {
            Ok(value) => (value, None),
            Err(error) => (None, Some(error)),
        };
        let size = self.push(value, Rule::Computed(formula), at, from);
        error.map_or(Ok(size), |error| Err(Fault { error, size }))
    }

    /// The size that was made, where others only pass it on: the first one behind `Same` and `Bound`.
    pub fn made(&self, id: SizeId) -> SizeId {
        let mut id = id;
        while let (Rule::Same | Rule::Bound(_), [from]) = (&self.all[id].reason.rule, &self.all[id].reason.from[..]) {
            id = *from;
        }
        id
    }

    /// The number, if it is one.
    pub fn number(&self, id: SizeId) -> Option<i64> {
        self.value(id).and_then(Poly::as_number)
    }

    /// The number that a part of a formula has over these operands.
    pub fn value_of(&self, formula: &Formula, from: &[SizeId]) -> Option<i64> {
        let operands: Option<Vec<&Poly>> = from.iter().map(|id| self.value(*id)).collect();
        evaluate(formula, &operands?).ok()?.as_number()
    }

    /// The polynomial; none if poisoned.
    pub fn value(&self, id: SizeId) -> Option<&Poly> {
        self.all[id].value.as_ref()
    }

    /// Whether an error was reported on the way to it.
    pub fn is_poisoned(&self, id: SizeId) -> bool {
        self.all[id].value.is_none()
    }

    fn push(&mut self, value: Option<Poly>, rule: Rule, at: Span, from: &[SizeId]) -> SizeId {
        self.all.push(Size { value, reason: Reason { rule, at, from: from.to_vec() } })
    }
}

/// The value of a formula at the values of its operands.
fn evaluate(formula: &Formula, from: &[&Poly]) -> Result<Poly, SizeError> {
    let of = |f: &Formula| evaluate(f, from);
    match formula {
        Formula::Number(n) => Ok(Poly::number(*n)),
        Formula::From(i) => Ok(from[*i].clone()),
        Formula::Neg(a) => of(a)?.neg(),
        Formula::Add(a, b) => of(a)?.add(&of(b)?),
        Formula::Sub(a, b) => of(a)?.sub(&of(b)?),
        Formula::Mul(a, b) => of(a)?.mul(&of(b)?),
        Formula::Div(a, b) => of(a)?.div_exact(&of(b)?),
        Formula::Floor(a, b) => of(a)?.div_floor(&of(b)?),
        Formula::Rem(a, b) => of(a)?.rem(&of(b)?),
        Formula::Max(a, b) => of(a)?.larger(&of(b)?),
        Formula::Min(a, b) => of(a)?.smaller(&of(b)?),
    }
}
