//! A net that unfolds to more layers than any machine trains.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `(...) x 1000000`
#[derive(Clone, Debug)]
pub struct TooManyUses {
    pub at: Span,
    /// How many there may be.
    pub most: usize,
}

impl Problem for TooManyUses {
    fn report(&self, r: &mut Report) {
        r.headline(format!("the net has more than {} layers", self.most));
        r.label(self.at, "this repeat makes them");
    }
}
