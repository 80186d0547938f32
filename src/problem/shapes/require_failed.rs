//! A block's own condition does not hold in one of its uses.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `require out % groups == 0, "..."`
#[derive(Clone, Debug)]
pub struct RequireFailed {
    /// The call; the condition itself where there is none.
    pub at: Span,
    /// The block's text, numbers filled in.
    pub text: String,
    pub condition: Span,
    /// The sizes in the condition.
    pub sizes: Vec<SizeId>,
    /// The condition with its numbers in: `3 <= 1 + 2·0`.
    pub shown: Option<String>,
}

impl Problem for RequireFailed {
    fn report(&self, r: &mut Report) {
        r.headline(self.text.trim_end_matches('.'));
        let condition = r.text(self.condition);
        r.label(self.at, self.shown.clone().map_or_else(|| format!("{condition} does not hold"), |s| format!("{s} does not hold")));
        if !r.sources().in_library(self.condition) && self.condition != self.at {
            r.label(self.condition, "required here");
        }
        r.because(&self.sizes);
    }
}
