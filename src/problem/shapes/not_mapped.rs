//! A block that cannot be mapped over more axes.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `batch_norm` over an extra leading axis.
#[derive(Clone, Debug)]
pub struct NotMapped {
    pub at: Span,
    pub block: Symbol,
    /// Why: `it keeps state`, `it reduces across=batch`.
    pub reason: String,
}

impl Problem for NotMapped {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} is not mapped over more axes than it declares: {}", self.block, self.reason));
        r.label(self.at, self.reason.clone());
    }
}
