//! A block's own condition does not hold in one of its uses.

use crate::ids::Symbol;
use crate::problem::{Problem, Report, words};
use crate::size::SizeId;
use crate::source::Span;

/// `require out % groups == 0, "..."`
#[derive(Clone, Debug)]
pub struct RequireFailed {
    /// The call; the condition itself where there is none.
    pub at: Span,
    /// The block's text, numbers filled in.
    pub text: String,
    /// The part of the condition that does not hold.
    pub condition: Span,
    /// The numbers that the names of the block have.
    pub bound: Vec<(Symbol, SizeId)>,
}

impl Problem for RequireFailed {
    fn report(&self, r: &mut Report) {
        r.headline(self.text.trim_end_matches('.'));
        let condition = r.text(self.condition);
        let own = !r.sources().in_library(self.condition);
        // The use of a user's block tells its numbers itself.
        let numbers = if own { String::new() } else { self.numbers(r, &condition) };
        r.label(self.at, format!("{condition} does not hold{numbers}"));
        if own && self.condition != self.at {
            r.label(self.condition, "required here");
        }
        let sizes: Vec<SizeId> = self.bound.iter().filter(|(n, _)| words::holds(&condition, n)).map(|(_, s)| *s).collect();
        r.because(&sizes);
    }
}

impl RequireFailed {
    /// `: H = 6, k = 9`
    fn numbers(&self, r: &Report, condition: &str) -> String {
        let named = self.bound.iter().filter(|(name, _)| words::holds(condition, name));
        let told: Vec<String> = named.map(|(name, size)| format!("{name} = {}", r.size(*size))).collect();
        if told.is_empty() { String::new() } else { format!(": {}", told.join(", ")) }
    }
}
