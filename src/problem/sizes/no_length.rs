//! Places that ask for lengths that no length can be.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// T from 17 on, and at most 8.
#[derive(Clone, Debug)]
pub struct NoLength {
    /// The place that asked last.
    pub at: Span,
    pub name: Symbol,
    pub low: i64,
    pub high: i64,
    /// The place that asked before.
    pub other: Option<Span>,
}

impl Problem for NoLength {
    fn report(&self, r: &mut Report) {
        let NoLength { name, low, high, .. } = self;
        r.headline(format!("no length fits: {name} must be at least {low} and at most {high}"));
        r.label(self.at, "this asks for one of both");
        if let Some(other) = self.other {
            r.label(other, "and this for the other");
        }
        r.help("`brolga shapes` shows what each length must be up to here");
    }
}
