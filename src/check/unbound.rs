//! Where an index stands that nothing binds, and what a sum would have to enclose.

use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{BinaryOp, Expr, ExprKind, Head, Pipeline, StageLayer, Subscript};

/// All uses of one name in the subscripts of a right side.
#[derive(Debug)]
pub struct Unbound<'t> {
    pub uses: Vec<Span>,
    /// A tensor that it subscripts alone, and the axis.
    pub axis: Option<(&'t Symbol, usize)>,
    /// The smallest term of a sum that holds all uses.
    pub term: Span,
}

/// Looks for a name in the subscripts of a right side.
pub fn find<'t>(value: &'t Pipeline, name: &Symbol) -> Unbound<'t> {
    let mut found = Unbound { uses: Vec::new(), axis: None, term: value.at };
    in_pipeline(value, name, &mut found);
    if let (Head::Expr(expr), true) = (&value.head, value.stages.is_empty()) {
        found.term = term(expr, &found.uses);
    }
    found
}

/// Descends into the one side of a sum that holds everything.
fn term(expr: &Expr, uses: &[Span]) -> Span {
    let holds = |part: &Expr| uses.iter().all(|at| part.at.holds(*at));
    match &expr.kind {
        ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Sub, lhs, rhs, .. } => {
            [lhs, rhs].into_iter().find(|side| holds(side)).map_or(expr.at, |side| term(side, uses))
        }
        ExprKind::Call { args, indices, .. } if indices.is_empty() => {
            let inner = args.iter().map(|arg| &arg.value).filter(|value| value.stages.is_empty());
            let inner = inner.filter_map(|value| if let Head::Expr(expr) = &value.head { Some(expr) } else { None });
            inner.into_iter().find(|arg| holds(arg)).map_or(expr.at, |arg| term(arg, uses))
        }
        ExprKind::Call { .. } | ExprKind::Binary { .. } | ExprKind::Number(..) | ExprKind::Window(_) => expr.at,
        ExprKind::Text(_) | ExprKind::Array(_) | ExprKind::Name(_) | ExprKind::Group(_) => expr.at,
        ExprKind::Repeat { .. } | ExprKind::Subscript { .. } | ExprKind::Member { .. } => expr.at,
        ExprKind::Negate(_) => expr.at,
    }
}

fn in_pipeline<'t>(pipeline: &'t Pipeline, name: &Symbol, found: &mut Unbound<'t>) {
    match &pipeline.head {
        Head::Expr(expr) => in_expr(expr, name, found),
        Head::Each(each) => in_pipeline(&each.body, name, found),
        Head::If { cases, otherwise } => {
            for (condition, branch) in cases {
                in_expr(condition, name, found);
                in_pipeline(branch, name, found);
            }
            in_pipeline(otherwise, name, found);
        }
    }
    for stage in &pipeline.stages {
        match &stage.layer {
            StageLayer::Expr(expr) => in_expr(expr, name, found),
            StageLayer::Each(each) => in_pipeline(&each.body, name, found),
        }
    }
}

fn in_expr<'t>(expr: &'t Expr, name: &Symbol, found: &mut Unbound<'t>) {
    match &expr.kind {
        ExprKind::Subscript { base, subscripts } => {
            in_expr(base, name, found);
            for (axis, subscript) in subscripts.iter().enumerate() {
                let parts = match subscript {
                    Subscript::At(inner) => vec![inner],
                    Subscript::Range(first, end) => vec![first, end],
                };
                for part in parts {
                    named(part, name, &mut found.uses);
                    if let (ExprKind::Name(own), ExprKind::Name(of)) = (&part.kind, &base.kind)
                        && own == name
                    {
                        found.axis.get_or_insert((of, axis));
                    }
                }
            }
        }
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| in_pipeline(&arg.value, name, found)),
        ExprKind::Group(inner) => in_pipeline(inner, name, found),
        ExprKind::Repeat { body, .. } => in_pipeline(body, name, found),
        ExprKind::Member { base, .. } | ExprKind::Negate(base) => in_expr(base, name, found),
        ExprKind::Binary { lhs, rhs, .. } => {
            in_expr(lhs, name, found);
            in_expr(rhs, name, found);
        }
        ExprKind::Array(items) => items.iter().for_each(|item| in_expr(item, name, found)),
        ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) | ExprKind::Name(_) => {}
    }
}

/// Places of a name inside of one subscript.
fn named(expr: &Expr, name: &Symbol, uses: &mut Vec<Span>) {
    match &expr.kind {
        ExprKind::Name(own) if own == name => uses.push(expr.at),
        ExprKind::Negate(inner) => named(inner, name, uses),
        ExprKind::Binary { lhs, rhs, .. } => {
            named(lhs, name, uses);
            named(rhs, name, uses);
        }
        ExprKind::Subscript { subscripts, .. } => {
            for subscript in subscripts {
                if let Subscript::At(inner) = subscript {
                    named(inner, name, uses);
                }
            }
        }
        ExprKind::Name(_) | ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) => {}
        ExprKind::Array(_) | ExprKind::Group(_) | ExprKind::Repeat { .. } | ExprKind::Call { .. } => {}
        ExprKind::Member { .. } => {}
    }
}
