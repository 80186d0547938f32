//! An array whose rows have different lengths.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `[[1, 2], [3]]`
#[derive(Clone, Debug)]
pub struct Ragged {
    pub at: Span,
}

impl Problem for Ragged {
    fn report(&self, r: &mut Report) {
        r.headline("the rows of an array have different lengths");
        r.label(self.at, "all rows of an array are of one length");
    }
}
