//! Where a name stands in subscripts: for the message about an index that only the right side has.

use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{BinaryOp, Each, Expr, ExprKind, Head, Pipeline, StageLayer, Subscript};

/// Collects the places of a name in subscripts, and the axes that it subscripts alone.
pub struct IndexUses<'n> {
    pub name: &'n Symbol,
    pub uses: Vec<Span>,
    pub axes: Vec<(Symbol, usize)>,
}

impl IndexUses<'_> {
    /// Looks at a whole pipeline.
    pub fn pipeline(&mut self, pipeline: &Pipeline) {
        match &pipeline.head {
            Head::Expr(expr) => self.expr(expr, false),
            Head::Each(each) => self.each(each),
            Head::If { cases, otherwise } => {
                for (condition, branch) in cases {
                    self.expr(condition, false);
                    self.pipeline(branch);
                }
                self.pipeline(otherwise);
            }
        }
        for stage in &pipeline.stages {
            match &stage.layer {
                StageLayer::Expr(expr) => self.expr(expr, false),
                StageLayer::Each(each) => self.each(each),
            }
        }
    }

    fn each(&mut self, each: &Each) {
        self.pipeline(&each.body);
    }

    fn expr(&mut self, expr: &Expr, in_subscript: bool) {
        match &expr.kind {
            ExprKind::Name(name) if in_subscript && name == self.name => self.uses.push(expr.at),
            ExprKind::Name(_) | ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) => {}
            ExprKind::Array(items) => items.iter().for_each(|item| self.expr(item, in_subscript)),
            ExprKind::Group(inner) => match (&inner.head, in_subscript) {
                (Head::Expr(head), true) => self.expr(head, true),
                (Head::Expr(_) | Head::Each(_) | Head::If { .. }, _) => self.pipeline(inner),
            },
            ExprKind::Repeat { body, .. } => self.pipeline(body),
            ExprKind::Call { indices, args, .. } => {
                let bound = indices.iter().any(|index| index.name.text == *self.name);
                if !bound {
                    args.iter().for_each(|arg| self.pipeline(&arg.value));
                }
            }
            ExprKind::Subscript { base, subscripts } => self.subscripts(base, subscripts),
            ExprKind::Member { base, .. } => self.expr(base, in_subscript),
            ExprKind::Negate(inner) => self.expr(inner, in_subscript),
            ExprKind::Binary { lhs, rhs, .. } => {
                self.expr(lhs, in_subscript);
                self.expr(rhs, in_subscript);
            }
        }
    }

    fn subscripts(&mut self, base: &Expr, subscripts: &[Subscript]) {
        self.expr(base, false);
        for (axis, subscript) in subscripts.iter().enumerate() {
            let Subscript::At(inner) = subscript else { continue };
            if let (ExprKind::Name(tensor), ExprKind::Name(name)) = (&base.kind, &inner.kind)
                && name == self.name
            {
                self.axes.push((tensor.clone(), axis));
            }
            self.expr(inner, true);
        }
    }
}

/// The smallest product (or single element) of a right side that holds all the places.
pub fn smallest_product(value: &Pipeline, uses: &[Span]) -> Option<Span> {
    let Head::Expr(expr) = &value.head else { return None };
    smallest(expr, uses)
}

fn smallest(expr: &Expr, uses: &[Span]) -> Option<Span> {
    if !uses.iter().all(|place| expr.at.holds(*place)) {
        return None;
    }
    let inner = match &expr.kind {
        ExprKind::Binary { op: BinaryOp::Add | BinaryOp::Sub, lhs, rhs, .. } => {
            smallest(lhs, uses).or_else(|| smallest(rhs, uses))
        }
        ExprKind::Negate(inner) => smallest(inner, uses),
        ExprKind::Call { args, .. } => args.iter().find_map(|arg| smallest_product(&arg.value, uses)),
        ExprKind::Group(inner) => smallest_product(inner, uses),
        _other => None,
    };
    inner.or(Some(expr.at))
}
