//! Operations on scalars: costly functions are lifted below the root, powers become products, roots and exponentials.

use super::lift::{Lifting, Part, Scope};
use super::unary;
use crate::check::net::{self, Scalar};
use crate::graph::{Binary, ExprId, Unary, scalar};

impl<'f> Lifting<'_, '_, 'f> {
    pub(super) fn unary(
        &mut self,
        scope: &mut Scope<'f>,
        whole: &'f Scalar,
        op: Unary,
        a: &'f Scalar,
        root: bool,
    ) -> ExprId {
        if scalar::unary(op).costly && !root && self.known(a).is_none() {
            return self.lift(scope, whole);
        }
        let a = self.lower(scope, a, false);
        self.exprs().unary(op, a)
    }

    pub(super) fn binary(
        &mut self,
        scope: &mut Scope<'f>,
        whole: &'f Scalar,
        op: net::Binary,
        a: &'f Scalar,
        b: &'f Scalar,
        root: bool,
    ) -> ExprId {
        let op = match op {
            net::Binary::Add => Binary::Add,
            net::Binary::Sub => Binary::Sub,
            net::Binary::Mul => Binary::Mul,
            net::Binary::Div => Binary::Div,
            net::Binary::Max => Binary::Max,
            net::Binary::Min => {
                let (a, b) = (self.lower(scope, a, false), self.lower(scope, b, false));
                let (a, b) = (self.exprs().unary(Unary::Neg, a), self.exprs().unary(Unary::Neg, b));
                let max = self.exprs().binary(Binary::Max, a, b);
                return self.exprs().unary(Unary::Neg, max);
            }
            net::Binary::Pow => return self.power(scope, whole, a, b, root),
            net::Binary::FloorDiv => unreachable!("the checker divides so only what the host knows"),
        };
        let (a, b) = (self.lower(scope, a, false), self.lower(scope, b, false));
        self.exprs().binary(op, a, b)
    }

    /// `a ^ b`: whole powers up to 16 by squaring, a half as the root, others as `exp(b * log(a))`.
    fn power(&mut self, scope: &mut Scope<'f>, whole: &'f Scalar, a: &'f Scalar, b: &'f Scalar, root: bool) -> ExprId {
        let exponent = self.known(b);
        let raised = match exponent {
            Some(e) if e.fract() == 0.0 && e.abs() <= 16.0 => {
                let base = self.lower(scope, a, false);
                self.whole_power(base, e.abs() as u32)
            }
            Some(e) if e < 0.0 || !root => self.lift_as(scope, whole, Part::Raised),
            Some(_) => return self.raised(scope, whole),
            None if root => return self.raised(scope, whole),
            None => return self.lift(scope, whole),
        };
        if exponent.is_none_or(|e| e >= 0.0) {
            return raised;
        }
        let one = self.exprs().number(1.0);
        self.exprs().binary(Binary::Div, one, raised)
    }

    /// `a ^ |b|` at the root of an equation.
    pub(super) fn raised(&mut self, scope: &mut Scope<'f>, whole: &'f Scalar) -> ExprId {
        let Scalar::Binary(_, a, b) = whole else { unreachable!("a power has two operands") };
        let exponent = self.known(b).map(f64::abs);
        if exponent == Some(0.5) {
            let base = self.lower(scope, a, false);
            return self.exprs().unary(Unary::Sqrt, base);
        }
        let log = self.lift_as(scope, whole, Part::LogOfBase);
        let exponent = match exponent {
            Some(e) => self.exprs().number(e),
            None => self.lower(scope, b, false),
        };
        let product = self.exprs().binary(Binary::Mul, exponent, log);
        self.exprs().unary(Unary::Exp, product)
    }

    fn whole_power(&mut self, base: ExprId, n: u32) -> ExprId {
        match n {
            0 => self.exprs().number(1.0),
            1 => base,
            _ => {
                let half = self.whole_power(base, n / 2);
                let square = self.exprs().binary(Binary::Mul, half, half);
                if n.is_multiple_of(2) { square } else { self.exprs().binary(Binary::Mul, square, base) }
            }
        }
    }

    /// A number that does not depend on any tensor or index.
    fn known(&self, value: &Scalar) -> Option<f64> {
        Some(match value {
            Scalar::Number(value) => *value,
            Scalar::Size(size) => f64::from(self.house.number(*size)),
            Scalar::Unary(op, a) => (scalar::unary(unary(*op)).f64)(self.known(a)?),
            Scalar::Binary(net::Binary::Add, a, b) => self.known(a)? + self.known(b)?,
            Scalar::Binary(net::Binary::Sub, a, b) => self.known(a)? - self.known(b)?,
            Scalar::Binary(net::Binary::Mul, a, b) => self.known(a)? * self.known(b)?,
            Scalar::Binary(net::Binary::Div, a, b) => self.known(a)? / self.known(b)?,
            _ => return None,
        })
    }
}
