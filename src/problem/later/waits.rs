//! What the language has and this version does not do yet.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// A recurrence, an open length, another file.
#[derive(Clone, Debug)]
pub struct Waits {
    pub at: Span,
    /// What it is: `a recurrence`, `'use'`.
    pub what: String,
    /// What to do meanwhile, if there is something.
    pub meanwhile: Option<String>,
}

impl Problem for Waits {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} waits for a later version", self.what));
        r.label(self.at, "part of the language, but not compiled by this version");
        if let Some(text) = &self.meanwhile {
            r.help(text.clone());
        }
    }
}
