//! N1: selects float up, and at the root become guards.

use crate::graph::mix::QuickMap;
use crate::graph::{Binary, Combine, Cond, Equation, Expr, ExprId, Exprs, Guard, Rel, Sign, Unary};

/// The body with its selects as far up as they go.
pub fn float(exprs: &mut Exprs, body: ExprId) -> ExprId {
    let mut done: QuickMap<ExprId, ExprId> = QuickMap::default();
    for id in exprs.below(&[body]) {
        let new = match exprs[id].clone() {
            Expr::Const(_) | Expr::Load(_) | Expr::Index(_) => id,
            Expr::Unary(op, x) => float_unary(exprs, op, done[&x]),
            Expr::Binary(op, a, b) => float_binary(exprs, op, done[&a], done[&b]),
            Expr::Select(Cond::Compare(cmp, a, b), x, y) => {
                let (cond, x, y) = (Cond::Compare(cmp, done[&a], done[&b]), done[&x], done[&y]);
                join(exprs, cond, x, y)
            }
            Expr::Select(cond @ Cond::Guards(_), x, y) => join(exprs, cond, done[&x], done[&y]),
        };
        done.insert(id, new);
    }
    done[&body]
}

fn as_select(exprs: &Exprs, id: ExprId) -> Option<(Cond, ExprId, ExprId)> {
    let Expr::Select(cond, x, y) = &exprs[id] else { return None };
    Some((cond.clone(), *x, *y))
}

fn float_unary(exprs: &mut Exprs, op: Unary, x: ExprId) -> ExprId {
    if let Some((cond, a, b)) = as_select(exprs, x)
        && (exprs.as_number(a).is_some() || exprs.as_number(b).is_some())
    {
        let (a, b) = (float_unary(exprs, op, a), float_unary(exprs, op, b));
        let (a, b) = (positive_zero(exprs, a), positive_zero(exprs, b));
        return join(exprs, cond, a, b);
    }
    exprs.unary(op, x)
}

fn float_binary(exprs: &mut Exprs, op: Binary, a: ExprId, b: ExprId) -> ExprId {
    for left in [true, false] {
        let Some((cond, x, y)) = as_select(exprs, if left { a } else { b }) else { continue };
        let other = |holds: bool| match as_select(exprs, if left { b } else { a }) {
            Some((same, x, y)) if same == cond => {
                if holds {
                    x
                } else {
                    y
                }
            }
            Some(_) | None => {
                if left {
                    b
                } else {
                    a
                }
            }
        };
        let (with_x, with_y) = (other(true), other(false));
        let pair = |own, other| if left { (own, other) } else { (other, own) };
        let ((xa, xb), (ya, yb)) = (pair(x, with_x), pair(y, with_y));
        if folds(exprs, op, xa, xb) || folds(exprs, op, ya, yb) {
            let (x, y) = (float_binary(exprs, op, xa, xb), float_binary(exprs, op, ya, yb));
            return join(exprs, cond, x, y);
        }
    }
    folded(exprs, op, a, b).unwrap_or_else(|| exprs.binary(op, a, b))
}

fn folds(exprs: &mut Exprs, op: Binary, a: ExprId, b: ExprId) -> bool {
    folded(exprs, op, a, b).is_some()
}

/// The number that an operation gives, if one operand decides it or both are numbers. Minus infinity is "not in the
/// set", whatever is added.
fn folded(exprs: &mut Exprs, op: Binary, a: ExprId, b: ExprId) -> Option<ExprId> {
    let nothing = |value: Option<f64>| value == Some(f64::NEG_INFINITY);
    let (left, right) = (exprs.as_number(a), exprs.as_number(b));
    let absorbed = match op {
        Binary::Add => nothing(left) || nothing(right),
        Binary::Sub => nothing(left),
        Binary::Mul | Binary::Div | Binary::Max => false,
    };
    if absorbed {
        return Some(exprs.number(f64::NEG_INFINITY));
    }
    let value = exprs.binary(op, a, b);
    exprs.as_number(value)?;
    Some(positive_zero(exprs, value))
}

/// 0 for minus 0.
fn positive_zero(exprs: &mut Exprs, id: ExprId) -> ExprId {
    if exprs.as_number(id) == Some(0.0) { exprs.number(0.0) } else { id }
}

/// `if cond then x else y`; with `x` a select of the same other branch, one select.
fn join(exprs: &mut Exprs, cond: Cond, x: ExprId, y: ExprId) -> ExprId {
    if let (Cond::Guards(first), Some((Cond::Guards(more), inner, other))) = (&cond, as_select(exprs, x)) {
        if other == y {
            let all = first.iter().chain(more.iter().filter(|guard| !first.contains(guard))).cloned().collect();
            return exprs.select(Cond::Guards(all), inner, y);
        }
        if more.iter().all(|guard| first.contains(guard)) {
            return exprs.select(cond, inner, y);
        }
    }
    exprs.select(cond, x, y)
}

/// The value that changes nothing when it is combined; for a map, what an element is that nobody writes. None for
/// products: one of no factors is 0 here, and what is written as a choice of 1 is 1.
fn identity(combine: Combine) -> Option<f64> {
    match combine {
        Combine::None | Combine::Sum => Some(0.0),
        Combine::Prod => None,
        Combine::Max | Combine::ArgMax => Some(f64::NEG_INFINITY),
    }
}

/// Root selects whose other branch is the identity become guards.
pub fn guard_root(exprs: &Exprs, eq: &mut Equation) {
    while let Expr::Select(Cond::Guards(guards), x, y) = &exprs[eq.body] {
        let is_identity = |id| identity(eq.combine).is_some_and(|value| exprs.as_number(id) == Some(value));
        if is_identity(*y) {
            eq.guards.extend(guards.iter().cloned());
            eq.body = *x;
        } else if let (true, Some(guard)) = (is_identity(*x), opposite(guards)) {
            eq.guards.push(guard);
            eq.body = *y;
        } else {
            return;
        }
    }
}

/// The guard that holds where the given ones do not, if there is one.
pub fn opposite(guards: &[Guard]) -> Option<Guard> {
    let [Guard { form, data, rel: Rel::Ge }] = guards else { return None };
    let data = data.clone().map(|(sign, access)| (if sign == Sign::Plus { Sign::Minus } else { Sign::Plus }, access));
    Some(Guard { form: form.times(-1).shift(-1), data, rel: Rel::Ge })
}
