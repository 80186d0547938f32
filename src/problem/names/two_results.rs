//! More than one thing wants to be the result.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// A line without `=` that cannot be the result.
#[derive(Clone, Debug)]
pub struct TwoResults {
    /// The line.
    pub at: Span,
    /// What is the result already: another line, or the output's definition.
    pub other: Option<Span>,
    pub of: Symbol,
}

impl Problem for TwoResults {
    fn report(&self, r: &mut Report) {
        match self.other {
            Some(other) => {
                r.headline(format!("{} has two results", self.of));
                r.label(self.at, "this line has no `=`, so it is the result");
                r.label(other, "this is the result too");
            }
            None => {
                r.headline(format!("{} has several outputs, so a line without `=` is none of them", self.of));
                r.label(self.at, "give it the name of an output");
            }
        }
        r.help("either the output is defined by its name, or the last line without `=` is the result");
    }
}
