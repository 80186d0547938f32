//! Numbers that no machine holds.

use crate::problem::{Problem, Report};
use crate::size::{Poly, SizeId};
use crate::source::Span;

/// A size beyond 2^40, or arithmetic that leaves 64 bits.
#[derive(Clone, Debug)]
pub struct SizeTooLarge {
    pub at: Span,
    pub size: SizeId,
    /// What is so large: `this size`, `weight`.
    pub what: String,
}

impl Problem for SizeTooLarge {
    fn report(&self, r: &mut Report) {
        let most = Poly::LARGEST;
        r.headline(match r.sizes().number(self.size) {
            Some(n) => format!("{} is {n}, and the largest is {most}", self.what),
            None => format!("{} leaves 64 bits: {}", self.what, r.formula(self.size)),
        });
        r.label(self.at, r.formula(self.size));
        r.because(&[self.size]);
    }
}
