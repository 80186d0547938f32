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
}

impl Problem for RequireFailed {
    fn report(&self, r: &mut Report) {
        r.headline(self.text.trim_end_matches('.'));
        let condition = r.text(self.condition);
        let condition = condition.trim_start_matches("require ").split(", \"").next().unwrap_or_default().to_string();
        r.label(self.at, format!("{condition} does not hold"));
        if !r.sources().in_library(self.condition) && self.condition != self.at {
            r.label(self.condition, "required here");
        }
        r.because(&self.sizes);
    }
}
