//! A value of another sort than the place needs.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// A text where a number is needed, a layer where a tensor is, and so on.
#[derive(Clone, Debug)]
pub struct WrongKind {
    pub at: Span,
    /// What is needed: `a whole number`, `a tensor before a remark`.
    pub wanted: String,
    /// `a text`
    pub found: String,
}

impl Problem for WrongKind {
    fn report(&self, r: &mut Report) {
        r.headline(format!("expected {}, found {}", self.wanted, self.found));
        let label = format!("{}: {}", r.text(self.at), self.found);
        r.label(self.at, if label.len() <= 60 { label } else { self.found.clone() });
    }
}
