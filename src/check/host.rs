//! Numbers of an optimiser that depend on `step` and `steps` alone: they are computed before each step, so that they
//! may be divided with a remainder.

use super::checker::Checker;
use super::net::{Binary, Condition, Scalar, TensorId, TensorKind};
use super::scope::Env;
use super::values::{Term, Value};
use crate::source::Span;
use crate::source::tree::BinaryOp;

impl<'t> Checker<'t> {
    /// Whether an expression is known before each step.
    pub fn is_host(&self, scalar: &Scalar) -> bool {
        match scalar {
            Scalar::Number(_) => true,
            Scalar::Load { tensor, .. } => self.flat.optimiser && self.is_host_tensor(*tensor),
            Scalar::Unary(_, a) => self.is_host(a),
            Scalar::Binary(_, a, b) => self.is_host(a) && self.is_host(b),
            Scalar::If(condition, a, b) => self.is_host_condition(condition) && self.is_host(a) && self.is_host(b),
            Scalar::Size(_) | Scalar::Index(_) | Scalar::Reduce { .. } => false,
        }
    }

    fn is_host_condition(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Index { .. } => false,
            Condition::Real(_, a, b) => self.is_host(a) && self.is_host(b),
            Condition::And(a, b) | Condition::Or(a, b) => self.is_host_condition(a) && self.is_host_condition(b),
        }
    }

    fn is_host_tensor(&self, id: TensorId) -> bool {
        let tensor = &self.flat.tensors[id];
        match &tensor.kind {
            TensorKind::Input(name) => matches!(&**name, "step" | "steps"),
            TensorKind::Defined if tensor.shape.is_empty() => {
                let mut pieces = self.flat.pieces.iter().filter(|piece| piece.out == id);
                let (first, more) = (pieces.next(), pieces.next());
                more.is_none() && first.is_some_and(|piece| self.is_host(&piece.body))
            }
            TensorKind::Defined | TensorKind::Param(_) | TensorKind::Constant(_) | TensorKind::Noise { .. } => false,
        }
    }

    /// `a // b`, or `a % b` as `a - b * (a // b)`; the quotient becomes a number of its own.
    pub fn floored(&mut self, op: BinaryOp, a: Term, b: Term, at: Span, env: &Env) -> Value<'t> {
        let both = |a: &Term, b: &Term| (Box::new(a.body.clone()), Box::new(b.body.clone()));
        let (x, y) = both(&a, &b);
        let quotient = Term::scalar(Scalar::Binary(Binary::FloorDiv, x, y), at);
        let quotient = self.copy(quotient, "quotient", env, at);
        let quotient = self.load(&quotient, at);
        if op == BinaryOp::FloorDiv {
            return Value::Term(quotient);
        }
        let (y, q) = both(&b, &quotient);
        let rest = Scalar::Binary(Binary::Sub, Box::new(a.body), Box::new(Scalar::Binary(Binary::Mul, y, q)));
        Value::Term(Term::scalar(rest, at))
    }
}
