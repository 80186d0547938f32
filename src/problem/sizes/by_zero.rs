//! A size divided by 0.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `(W - k) // stride` where `stride` is 0.
#[derive(Clone, Debug)]
pub struct DividedByZero {
    pub at: Span,
    /// The poisoned size, whose reason is the formula.
    pub size: Option<SizeId>,
}

impl Problem for DividedByZero {
    fn report(&self, r: &mut Report) {
        match self.size {
            Some(size) => {
                r.headline(format!("{} divides by 0", r.formula(size)));
                r.label(self.at, r.arithmetic(size));
                r.because(&[size]);
            }
            None => {
                r.headline("a size is divided by 0");
                r.label(self.at, "by 0");
            }
        }
    }
}
