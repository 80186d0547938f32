//! A length that is open until the run decides what a net is made of.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `if T > 8 then x -> pool else x`
#[derive(Clone, Debug)]
pub struct OpenChoice {
    /// The condition, or the count.
    pub at: Span,
    pub size: SizeId,
}

impl Problem for OpenChoice {
    fn report(&self, r: &mut Report) {
        let size = r.size(self.size);
        r.headline(format!("{size} is open until the run, and what the net is made of depends on it"));
        r.label(self.at, "this is decided when the file is checked");
        r.because(&[self.size]);
        r.help("a `let` or a number in place of the name makes it known");
    }
}
