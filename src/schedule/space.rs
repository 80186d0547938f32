//! Affine forms over the axes of an equation: flat addresses, ranges, and what an expression touches.
//!
//! **Invariants**: a tensor is row-major in its buffer; a range is closed, `(least, greatest)`.

use super::Member;
use crate::graph::{Access, Affine, Cond, Equation, Expr, ExprId, Graph, Guard};

/// `constant + sum(coefficients[a] * axis a)`, in elements.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Linear {
    pub constant: i64,
    pub coefficients: Vec<i64>,
}

/// The closed range of an axis.
pub type Range = (i64, i64);

/// Row-major strides.
pub fn strides(shape: &[u32]) -> Vec<i64> {
    let mut out = vec![1i64; shape.len()];
    for d in (1..shape.len()).rev() {
        out[d - 1] = out[d] * i64::from(shape[d]);
    }
    out
}

/// The number of elements.
pub fn elements(shape: &[u32]) -> u64 {
    shape.iter().map(|&n| u64::from(n)).product()
}

/// A form as a flat one.
pub fn linear(form: &Affine, axes: usize) -> Linear {
    let mut out = Linear { constant: i64::from(form.constant), coefficients: vec![0; axes] };
    for &(axis, c) in &form.terms {
        out.coefficients[axis as usize] += i64::from(c);
    }
    out
}

/// The flat address of an element.
pub fn flatten(index: &[Affine], shape: &[u32], axes: usize) -> Linear {
    let mut out = Linear { constant: 0, coefficients: vec![0; axes] };
    for (form, stride) in index.iter().zip(strides(shape)) {
        out.constant += stride * i64::from(form.constant);
        for &(axis, c) in &form.terms {
            out.coefficients[axis as usize] += stride * i64::from(c);
        }
    }
    out
}

/// The range of a form's values.
pub fn interval(form: &Affine, ranges: &[Range]) -> Range {
    let start = i64::from(form.constant);
    form.terms.iter().fold((start, start), |(lo, hi), &(axis, c)| {
        let (a, b) = ranges[axis as usize];
        let (p, q) = (i64::from(c) * a, i64::from(c) * b);
        (lo + p.min(q), hi + p.max(q))
    })
}

/// Whether every coordinate stays inside the tensor.
pub fn in_range(access: &Access, shape: &[u32], ranges: &[Range]) -> bool {
    access.index.iter().zip(shape).all(|(form, &n)| {
        let (lo, hi) = interval(form, ranges);
        lo >= 0 && hi < i64::from(n)
    })
}

/// The coefficient of an axis in a form.
pub fn coefficient(form: &Affine, axis: usize) -> i64 {
    form.terms.iter().find(|t| t.0 as usize == axis).map_or(0, |t| i64::from(t.1))
}

/// Whether any coordinate mentions the axis.
pub fn mentions(access: &Access, axis: usize) -> bool {
    access.index.iter().any(|f| coefficient(f, axis) != 0)
}

/// What a visit of an equation meets.
pub enum Seen<'a> {
    Load(&'a Access),
    /// The data of a guard.
    Data(&'a Access),
    Form(&'a Affine),
    Node(ExprId),
}

/// Calls `see` for all that an equation's guards and body contain.
pub fn visit_equation(graph: &Graph, equation: &Equation, see: &mut dyn FnMut(Seen)) {
    visit_guards(&equation.guards, see);
    visit(graph, equation.body, see);
}

/// Calls `see` for all that a member's guards and body contain.
pub fn visit_member(graph: &Graph, member: &Member, see: &mut dyn FnMut(Seen)) {
    visit_guards(&member.guards, see);
    visit(graph, member.body, see);
}

/// Calls `see` for forms and data of guards.
pub fn visit_guards(guards: &[Guard], see: &mut dyn FnMut(Seen)) {
    for guard in guards {
        see(Seen::Form(&guard.form));
        if let Some((_, access)) = &guard.data {
            see(Seen::Data(access));
        }
    }
}

/// Calls `see` for all that an expression contains.
pub fn visit(graph: &Graph, expr: ExprId, see: &mut dyn FnMut(Seen)) {
    see(Seen::Node(expr));
    match &graph.exprs[expr] {
        Expr::Const(_) => {}
        Expr::Load(access) => see(Seen::Load(access)),
        Expr::Index(form) => see(Seen::Form(form)),
        Expr::Unary(_, a) => visit(graph, *a, see),
        Expr::Binary(_, a, b) => {
            visit(graph, *a, see);
            visit(graph, *b, see);
        }
        Expr::Select(cond, a, b) => {
            match cond {
                Cond::Guards(guards) => visit_guards(guards, see),
                Cond::Compare(_, x, y) => {
                    visit(graph, *x, see);
                    visit(graph, *y, see);
                }
            }
            visit(graph, *a, see);
            visit(graph, *b, see);
        }
    }
}
