//! `W @ x` where a row of `W` has not as many numbers as `x`.

use crate::problem::{Operand, Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// The last axis of the left side and the first one of the right side differ.
#[derive(Clone, Debug)]
pub struct InnerSizes {
    /// The product.
    pub at: Span,
    pub lhs: Operand,
    pub rhs: Operand,
}

impl InnerSizes {
    fn inner(&self) -> Vec<SizeId> {
        self.lhs.shape.last().into_iter().chain(self.rhs.shape.first()).copied().collect()
    }
}

impl Problem for InnerSizes {
    fn report(&self, r: &mut Report) {
        let [takes, has] = [self.lhs.shape.last(), self.rhs.shape.first()].map(|id| id.map_or("no".into(), |id| r.size(*id)));
        let (lhs, rhs) = (r.text(self.lhs.at), r.text(self.rhs.at));
        r.headline(format!("inner sizes of '@' differ: {lhs} takes {takes} numbers, {rhs} has {has}"));
        r.label(self.lhs.at, r.shape(&self.lhs.shape));
        r.label(self.rhs.at, r.shape(&self.rhs.shape));
        r.because(&self.inner());
    }
}
