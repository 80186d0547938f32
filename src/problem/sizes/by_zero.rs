//! A size divided by 0.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `(W - k) // stride` where `stride` is 0.
#[derive(Clone, Debug)]
pub struct DividedByZero {
    pub at: Span,
    /// The poisoned size, whose reason is the formula.
    pub size: SizeId,
}

impl Problem for DividedByZero {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} divides by 0", r.formula(self.size)));
        r.label(self.at, r.arithmetic(self.size));
        r.because(&[self.size]);
    }
}
