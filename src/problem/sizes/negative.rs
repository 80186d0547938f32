//! A size below 0.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `n - 5` where `n` is 3.
#[derive(Clone, Debug)]
pub struct NegativeSize {
    pub at: Span,
    pub size: SizeId,
    /// Whose size it is, if that is known: `the output of crop`.
    pub what: String,
}

impl Problem for NegativeSize {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} is {}, and a size is at least 0", self.what, r.size(self.size)));
        r.label(self.at, r.arithmetic(self.size));
        r.because(&[self.size]);
    }
}
