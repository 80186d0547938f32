//! A size that is left open and that no use settles.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `param W: [10, _]` whose second axis nothing binds.
#[derive(Clone, Debug)]
pub struct SizeOpen {
    pub at: Span,
    /// Whose size it is: `W`, `the input image`.
    pub of: String,
}

impl Problem for SizeOpen {
    fn report(&self, r: &mut Report) {
        r.headline(format!("nothing says how long this axis of {} is", self.of));
        r.label(self.at, "no use settles it");
        r.help("write the number, or subscript the axis with an index that has a length");
    }
}
