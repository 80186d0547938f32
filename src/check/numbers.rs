//! Numbers that are known before anything runs: sizes with their formulas, real numbers, and their arithmetic.

use super::checker::Checker;
use super::found::Fact;
use super::net::{Binary, Linear, Scalar};
use super::scope::Env;
use super::values::{Number, Open, Ratio, Term, Value};
use crate::size::{Fault, Formula, Holds, Poly, SizeError, SizeId, at_least_zero};
use crate::source::Span;
use crate::source::tree::BinaryOp;
use smallvec::SmallVec;

impl<'t> Checker<'t> {
    /// A literal: whole if it is written so.
    pub fn literal(&mut self, text: &str, value: f64, at: Span) -> Value<'t> {
        let whole = text.bytes().all(|b| b.is_ascii_digit()) && value < 9e15;
        if whole { Value::Number(Number::Whole(Open::number(value as i64, at))) } else { Value::real(value) }
    }

    /// The size of an open formula.
    pub fn close(&mut self, open: Open, env: &Env) -> SizeId {
        if let (Formula::From(0), [one]) = (&open.formula, &open.from[..]) {
            return *one;
        }
        if let (Formula::Number(n), []) = (&open.formula, &open.from[..]) {
            return self.sizes.written(*n, open.at);
        }
        match self.sizes.compute(open.formula, &open.from, open.at) {
            Ok(size) => size,
            Err(fault) => self.faulty(fault, open.at, env),
        }
    }

    /// Reports what is wrong with a computed size and gives a poisoned one.
    pub fn faulty(&mut self, fault: Fault, at: Span, env: &Env) -> SizeId {
        let fact = match fault.error {
            SizeError::Overflow => Fact::TooLarge { size: Some(fault.size) },
            SizeError::NotWhole { .. } => match self.sizes.all[fault.size].reason.from[..] {
                [lhs, rhs, ..] => Fact::NotWhole { lhs, rhs },
                _ => Fact::NotWhole { lhs: fault.size, rhs: fault.size },
            },
            SizeError::ByZero => Fact::ByZero { size: fault.size },
            SizeError::Negative(_) => Fact::NotPositive { size: fault.size },
        };
        self.raise(fact, at, env);
        self.sizes.poison(at)
    }

    /// A number as a size: a length, a count, a window. Reports what is none.
    pub fn to_size(&mut self, value: Value<'t>, at: Span, env: &Env) -> SizeId {
        match value {
            Value::Number(Number::Whole(open)) => self.close(open, env),
            Value::Number(Number::Real(_, Some(ratio))) => {
                self.raise(Fact::NotWhole { lhs: ratio.lhs, rhs: ratio.rhs }, ratio.at, env);
                self.sizes.poison(at)
            }
            Value::Poison => self.sizes.poison(at),
            other => {
                let is = match &other {
                    Value::Number(Number::Real(x, _)) => format!("{x}"),
                    _other => other.what().to_string(),
                };
                self.raise(Fact::WrongSort { wants: "a whole number".into(), is }, at, env);
                self.sizes.poison(at)
            }
        }
    }

    /// A length of an axis: from 1 on.
    pub fn to_length(&mut self, value: Value<'t>, at: Span, env: &Env) -> SizeId {
        let size = self.to_size(value, at, env);
        match self.sizes.number(size) {
            Some(n) if n < 1 => {
                self.raise(Fact::NotPositive { size }, at, env);
                self.sizes.poison(at)
            }
            Some(n) if n > i64::from(u32::MAX >> 1) => {
                self.raise(Fact::TooLarge { size: Some(size) }, at, env);
                self.sizes.poison(at)
            }
            Some(_) => size,
            None => {
                let gap = self.sizes.value(size).and_then(|n| n.sub(&Poly::number(1)).ok());
                match gap.map(|gap| at_least_zero(&gap, &self.sizes.limits)) {
                    Some(Holds::Within(name, limits)) => self.limit(&name, limits, at, env),
                    Some(Holds::Never) => {
                        self.raise(Fact::NotPositive { size }, at, env);
                        return self.sizes.poison(at);
                    }
                    Some(Holds::Always | Holds::Unknown) | None => {}
                }
                size
            }
        }
    }

    /// The value of a known number. None if it is poisoned or symbolic.
    pub fn to_real(&mut self, number: &Number, env: &Env) -> Option<f64> {
        match number {
            Number::Real(x, _) => Some(*x),
            Number::Whole(open) => {
                let size = self.close(open.clone(), env);
                self.sizes.number(size).map(|n| n as f64)
            }
        }
    }

    /// A known number as an element.
    pub fn number_scalar(&mut self, number: &Number, env: &Env) -> Scalar {
        match number {
            Number::Real(x, _) => Scalar::Number(*x),
            Number::Whole(open) => {
                let size = self.close(open.clone(), env);
                self.size_scalar(size)
            }
        }
    }

    /// A size as an element.
    pub fn size_scalar(&self, size: SizeId) -> Scalar {
        match self.sizes.number(size) {
            Some(n) => Scalar::Number(n as f64),
            None => Scalar::Size(size),
        }
    }

    /// A size as a form without variables; a poisoned one counts as 0.
    pub fn size_form(&self, size: SizeId) -> Linear {
        Linear::constant(self.sizes.value(size).cloned().unwrap_or_else(Poly::zero))
    }

    /// `lhs op rhs` of known numbers.
    pub fn arithmetic(&mut self, op: BinaryOp, lhs: Number, rhs: Number, at: Span, env: &Env) -> Value<'t> {
        if let (Number::Whole(a), Number::Whole(b)) = (&lhs, &rhs)
            && let Some(number) = self.whole_arithmetic(op, a, b, at, env)
        {
            return Value::Number(number);
        }
        let (Some(a), Some(b)) = (self.to_real(&lhs, env), self.to_real(&rhs, env)) else {
            return self.open_arithmetic(op, lhs, rhs, at, env);
        };
        Value::real(match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div => a / b,
            BinaryOp::FloorDiv => (a / b).floor(),
            BinaryOp::Rem => a - b * (a / b).floor(),
            BinaryOp::Pow => libm::pow(a, b),
            BinaryOp::Or | BinaryOp::And | BinaryOp::MatMul => return self.no_number(op, at, env),
            BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Le => return self.no_number(op, at, env),
            BinaryOp::Ge | BinaryOp::Lt | BinaryOp::Gt => return self.no_number(op, at, env),
        })
    }

    /// `0.5 * T` with a length that is open until the run is a number of each run, not of the file.
    fn open_arithmetic(&mut self, op: BinaryOp, lhs: Number, rhs: Number, at: Span, env: &Env) -> Value<'t> {
        let by = match op {
            BinaryOp::Add => Binary::Add,
            BinaryOp::Sub => Binary::Sub,
            BinaryOp::Mul => Binary::Mul,
            BinaryOp::Div => Binary::Div,
            BinaryOp::Pow => Binary::Pow,
            _other => return Value::Poison,
        };
        let term = |c: &mut Self, number| c.to_term(Value::Number(number), at, env);
        let (Some(a), Some(b)) = (term(self, lhs), term(self, rhs)) else { return Value::Poison };
        let poisoned = |term: &Term| matches!(term.body, Scalar::Size(size) if self.sizes.is_poisoned(size));
        if poisoned(&a) || poisoned(&b) {
            return Value::Poison;
        }
        self.binary(by, a, b, at, env)
    }

    fn no_number(&mut self, op: BinaryOp, at: Span, env: &Env) -> Value<'t> {
        let is = if op == BinaryOp::MatMul { "numbers" } else { "a truth value" };
        self.raise(Fact::WrongSort { wants: "a number".into(), is: is.into() }, at, env);
        Value::Poison
    }

    fn whole_arithmetic(&mut self, op: BinaryOp, a: &Open, b: &Open, at: Span, env: &Env) -> Option<Number> {
        let make: fn(Box<Formula>, Box<Formula>) -> Formula = match op {
            BinaryOp::Add => Formula::Add,
            BinaryOp::Sub => Formula::Sub,
            BinaryOp::Mul => Formula::Mul,
            BinaryOp::Div => Formula::Div,
            BinaryOp::FloorDiv => Formula::Floor,
            BinaryOp::Rem => Formula::Rem,
            BinaryOp::Pow => return self.whole_power(a, b, at, env),
            BinaryOp::Or | BinaryOp::And | BinaryOp::MatMul | BinaryOp::Eq | BinaryOp::Ne => return None,
            BinaryOp::Le | BinaryOp::Ge | BinaryOp::Lt | BinaryOp::Gt => return None,
        };
        let open = join(make, a, b, at);
        if op != BinaryOp::Div {
            return Some(Number::Whole(open));
        }
        if self.sizes.compute(open.formula.clone(), &open.from, at).is_ok() {
            return Some(Number::Whole(open));
        }
        // As a real number a division need not come out whole; whoever takes it for a size is told.
        let (lhs, rhs) = (self.close(a.clone(), env), self.close(b.clone(), env));
        let (Some(x), Some(y)) = (self.sizes.number(lhs), self.sizes.number(rhs)) else {
            let poisoned = self.sizes.is_poisoned(lhs) || self.sizes.is_poisoned(rhs);
            return Some(Number::Real(f64::NAN, Some(Ratio { lhs, rhs, at }).filter(|_| !poisoned)));
        };
        Some(Number::Real(x as f64 / y as f64, Some(Ratio { lhs, rhs, at })))
    }

    fn whole_power(&mut self, a: &Open, b: &Open, at: Span, env: &Env) -> Option<Number> {
        let (base, exponent) = (self.close(a.clone(), env), self.close(b.clone(), env));
        let (base, exponent) = (self.sizes.number(base)?, self.sizes.number(exponent)?);
        let value = base.checked_pow(u32::try_from(exponent).ok()?)?;
        Some(Number::Whole(Open::number(value, at)))
    }

    /// `-number`
    pub fn negate(&mut self, number: Number, at: Span) -> Number {
        match number {
            Number::Real(x, _) => Number::Real(-x, None),
            Number::Whole(Open { formula: Formula::Number(n), .. }) => Number::Whole(Open::number(-n, at)),
            Number::Whole(open) => Number::Whole(Open { formula: Formula::Neg(Box::new(open.formula)), at, ..open }),
        }
    }
}

/// Two formulas become one; equal operands stand once.
fn join(make: fn(Box<Formula>, Box<Formula>) -> Formula, a: &Open, b: &Open, at: Span) -> Open {
    let mut from: SmallVec<[SizeId; 4]> = a.from.clone();
    let places: Vec<usize> = b.from.iter().map(|id| place(&mut from, *id)).collect();
    let rhs = moved(&b.formula, &places);
    Open { formula: make(Box::new(a.formula.clone()), Box::new(rhs)), from, at }
}

fn place(from: &mut SmallVec<[SizeId; 4]>, id: SizeId) -> usize {
    from.iter().position(|known| *known == id).unwrap_or_else(|| {
        from.push(id);
        from.len() - 1
    })
}

fn moved(formula: &Formula, to: &[usize]) -> Formula {
    let of = |f: &Formula| Box::new(moved(f, to));
    match formula {
        Formula::Number(n) => Formula::Number(*n),
        Formula::From(i) => Formula::From(to[*i]),
        Formula::Neg(a) => Formula::Neg(of(a)),
        Formula::Add(a, b) => Formula::Add(of(a), of(b)),
        Formula::Sub(a, b) => Formula::Sub(of(a), of(b)),
        Formula::Mul(a, b) => Formula::Mul(of(a), of(b)),
        Formula::Div(a, b) => Formula::Div(of(a), of(b)),
        Formula::Floor(a, b) => Formula::Floor(of(a), of(b)),
        Formula::Rem(a, b) => Formula::Rem(of(a), of(b)),
        Formula::Max(a, b) => Formula::Max(of(a), of(b)),
        Formula::Min(a, b) => Formula::Min(of(a), of(b)),
    }
}
