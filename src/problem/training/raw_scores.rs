//! Raw scores where probabilities belong.

use crate::diagnostic::{Edit, Help};
use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::size::Explainer;
use crate::source::Span;

/// `cross_entropy(LeNet(image), label)` where LeNet ends without softmax.
#[derive(Clone, Debug)]
pub struct RawScores {
    /// The call that needs probabilities.
    pub at: Span,
    pub block: Symbol,
    /// What gives the scores: a net's name, or the argument as written.
    pub giver: String,
    /// The operation that made the scores, in the user's text.
    pub made: Span,
    /// What would make probabilities of them: `softmax` where the classes exclude each other, else `sigmoid`.
    pub by: &'static str,
}

impl Problem for RawScores {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} needs probabilities, and {} gives raw scores", self.block, self.giver));
        r.label(self.at, "its logarithm is taken, so it must be a probability");
        r.label(self.made, "any sign, no fixed sum");
        r.help(format!("end the net with `-> {}`", self.by));
    }

    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        if look.sources.in_library(self.made) {
            return Vec::new();
        }
        let text = format!("end the net with `-> {}`; with this loss it is computed as one stable step", self.by);
        vec![Help { text, edits: vec![Edit { at: self.made.after(), text: format!(" -> {}", self.by) }] }]
    }
}
