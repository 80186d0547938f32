//! Conditions: known ones choose structure, those on indices choose elements, the rest are compared element by element.

use super::checker::Checker;
use super::found::Fact;
use super::net::{Comparison, Condition};
use super::scope::Env;
use super::terms::Axes;
use super::values::{Number, Value};
use crate::size::Verdict;
use crate::source::Span;
use crate::source::tree::{BinaryOp, Expr, ExprKind, Head};

/// What a condition came to.
#[derive(Clone, Debug)]
pub enum Truth {
    Known(bool),
    /// For each element: the condition, over these axes.
    Elements(Condition, Axes),
    /// Undecided while names are free, or wrong.
    Poison,
}

impl<'t> Checker<'t> {
    /// The truth of a condition.
    pub fn truth(&mut self, expr: &'t Expr, env: &Env) -> Truth {
        match &expr.kind {
            ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), lhs, rhs, .. } => {
                let lhs = self.truth(lhs, env);
                match (&lhs, op) {
                    (Truth::Known(false), BinaryOp::And) | (Truth::Known(true), BinaryOp::Or) => return lhs,
                    _other => {}
                }
                let rhs = self.truth(rhs, env);
                self.join(*op, lhs, rhs, expr.at, env)
            }
            ExprKind::Binary { op, lhs, rhs, .. } if comparison(*op).is_some() => {
                let relation = comparison(*op).expect("just asked");
                self.compare(relation, lhs, rhs, expr.at, env)
            }
            ExprKind::Group(inner) if inner.stages.is_empty() && inner.remark.is_none() => match &inner.head {
                Head::Expr(inner) => self.truth(inner, env),
                Head::Each(_) | Head::If { .. } => self.truth_of_value(expr, env),
            },
            _other => self.truth_of_value(expr, env),
        }
    }

    fn truth_of_value(&mut self, expr: &'t Expr, env: &Env) -> Truth {
        match self.eval(expr, env) {
            Value::Truth(known) => Truth::Known(known),
            Value::Poison => Truth::Poison,
            other => {
                let fact = Fact::WrongSort { wants: "a condition".into(), is: other.what().into() };
                self.raise(fact, expr.at, env);
                Truth::Poison
            }
        }
    }

    fn join(&mut self, op: BinaryOp, lhs: Truth, rhs: Truth, at: Span, env: &Env) -> Truth {
        let and = op == BinaryOp::And;
        match (lhs, rhs) {
            (Truth::Known(known), other) | (other, Truth::Known(known)) => {
                // `true and c` is c, `false and c` is false; `or` the other way round.
                if known == and { other } else { Truth::Known(known) }
            }
            (Truth::Poison, _) | (_, Truth::Poison) => Truth::Poison,
            (Truth::Elements(a, left), Truth::Elements(b, right)) => {
                let Some(axes) = self.line_up(&left, &right) else {
                    let part = |axes: &Axes| super::found::Part { at, shape: self.axes_shape(axes) };
                    let (lhs, rhs) = (part(&left), part(&right));
                    self.raise(Fact::ShapesDiffer { op: if and { "and" } else { "or" }, lhs, rhs }, at, env);
                    return Truth::Poison;
                };
                let make = if and { Condition::And } else { Condition::Or };
                Truth::Elements(make(Box::new(a), Box::new(b)), axes)
            }
        }
    }

    fn compare(&mut self, relation: Comparison, lhs: &'t Expr, rhs: &'t Expr, at: Span, env: &Env) -> Truth {
        if self.mentions_index(lhs, env) || self.mentions_index(rhs, env) {
            let forms = self.affine(lhs, env).zip(self.affine(rhs, env));
            if let Some(form) = forms.and_then(|(a, b)| a.minus(&b).ok()) {
                return Truth::Elements(Condition::Index { form, relation }, Axes::new());
            }
        }
        let (a, b) = (self.eval(lhs, env), self.eval(rhs, env));
        self.compare_values(relation, (a, lhs.at), (b, rhs.at), at, env)
    }

    /// Compares two values; what is absent compares as 0, as it adds up.
    pub fn compare_values(
        &mut self,
        relation: Comparison,
        (a, a_at): (Value<'t>, Span),
        (b, b_at): (Value<'t>, Span),
        at: Span,
        env: &Env,
    ) -> Truth {
        let equality = matches!(relation, Comparison::Eq | Comparison::Ne);
        let mut present = |value, at| match value {
            Value::Absent => Value::size(self.sizes.written(0, at), at),
            other => other,
        };
        match (present(a, a_at), present(b, b_at)) {
            (Value::Number(a), Value::Number(b)) => self.compare_numbers(relation, &a, &b, at, env),
            (Value::Truth(a), Value::Truth(b)) if equality => Truth::Known((a == b) == (relation == Comparison::Eq)),
            (Value::Text(a), Value::Text(b)) if equality => Truth::Known((a == b) == (relation == Comparison::Eq)),
            (Value::Window(a), Value::Window(b)) if equality => {
                let same = a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| self.sizes.equal(*a, *b));
                Truth::Known(same == (relation == Comparison::Eq))
            }
            (Value::Poison, _) | (_, Value::Poison) => Truth::Poison,
            (a, b) => {
                let (Some(a), Some(b)) = (self.to_term(a, a_at, env), self.to_term(b, b_at, env)) else {
                    return Truth::Poison;
                };
                let (lhs, rhs) = (self.part(&a), self.part(&b));
                let Some(axes) = self.line_up(&a.axes, &b.axes) else {
                    self.raise(Fact::ShapesDiffer { op: written(relation), lhs, rhs }, at, env);
                    return Truth::Poison;
                };
                Truth::Elements(Condition::Real(relation, Box::new(a.body), Box::new(b.body)), axes)
            }
        }
    }

    fn compare_numbers(&mut self, relation: Comparison, a: &Number, b: &Number, at: Span, env: &Env) -> Truth {
        if let (Number::Whole(a), Number::Whole(b)) = (a, b) {
            let (a, b) = (self.close(a.clone(), env), self.close(b.clone(), env));
            if let (Some(x), Some(y)) = (self.sizes.number(a), self.sizes.number(b)) {
                return Truth::Known(holds(relation, x, y));
            }
            if self.sizes.is_poisoned(a) || self.sizes.is_poisoned(b) {
                return Truth::Poison;
            }
            return match (self.sizes.compare(a, b), relation) {
                (Verdict::Equal, _) => Truth::Known(holds(relation, 0, 0)),
                (Verdict::Differ, Comparison::Eq) => Truth::Known(false),
                (Verdict::Differ, Comparison::Ne) => Truth::Known(true),
                _undecided => {
                    let values = self.sizes.value(a).cloned().zip(self.sizes.value(b).cloned());
                    let (ask, found) = (self.requiring, values);
                    let known = found.and_then(|(x, y)| self.compare_lengths(relation, &x, &y, ask, at, env));
                    match known {
                        Some(known) => Truth::Known(known),
                        None => {
                            let size = if self.sizes.number(a).is_none() { a } else { b };
                            self.raise(Fact::OpenChoice { size }, at, env);
                            Truth::Poison
                        }
                    }
                }
            };
        }
        match (self.to_real(a, env), self.to_real(b, env)) {
            (Some(a), Some(b)) => Truth::Known(holds(relation, a, b)),
            (None, _) | (_, None) => Truth::Poison,
        }
    }
}

/// `a relation b`
pub fn holds<T: PartialOrd>(relation: Comparison, a: T, b: T) -> bool {
    match relation {
        Comparison::Eq => a == b,
        Comparison::Ne => a != b,
        Comparison::Lt => a < b,
        Comparison::Le => a <= b,
        Comparison::Gt => a > b,
        Comparison::Ge => a >= b,
    }
}

/// The comparison that an operator is.
pub fn comparison(op: BinaryOp) -> Option<Comparison> {
    match op {
        BinaryOp::Eq => Some(Comparison::Eq),
        BinaryOp::Ne => Some(Comparison::Ne),
        BinaryOp::Le => Some(Comparison::Le),
        BinaryOp::Ge => Some(Comparison::Ge),
        BinaryOp::Lt => Some(Comparison::Lt),
        BinaryOp::Gt => Some(Comparison::Gt),
        BinaryOp::Or | BinaryOp::And | BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::Div => None,
        BinaryOp::FloorDiv | BinaryOp::Rem | BinaryOp::MatMul | BinaryOp::Pow => None,
    }
}

/// How a comparison is written.
pub fn written(relation: Comparison) -> &'static str {
    match relation {
        Comparison::Eq => "==",
        Comparison::Ne => "!=",
        Comparison::Lt => "<",
        Comparison::Le => "<=",
        Comparison::Gt => ">",
        Comparison::Ge => ">=",
    }
}
