//! Files that use each other in a circle.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `a.net` uses `b.net`, and `b.net` uses `a.net`.
#[derive(Clone, Debug)]
pub struct UseCycle {
    /// The path that leads back.
    pub at: Span,
    pub path: Symbol,
}

impl Problem for UseCycle {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} is used from itself", self.path));
        r.label(self.at, "this file leads here by its own 'use'");
        r.help("move what both need into a file of its own");
    }
}
