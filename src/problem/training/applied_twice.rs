//! A softmax of a softmax.

use crate::diagnostic::Help;
use crate::ids::Symbol;
use crate::problem::{Problem, Report, edits};
use crate::size::Explainer;
use crate::source::Span;

/// A block that takes scores is given probabilities.
#[derive(Clone, Debug)]
pub struct AppliedTwice {
    /// The second one.
    pub at: Span,
    pub block: Symbol,
    /// What made probabilities first.
    pub first: Option<Span>,
}

impl Problem for AppliedTwice {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} takes scores, and these are probabilities already", self.block));
        r.label(self.at, "makes probabilities of scores");
        if let Some(first) = self.first {
            let text = r.text(first);
            r.label(first, format!("{text} made them probabilities"));
        }
        r.help("one of the two is too many: the result would be nearly flat, and training slow");
    }

    /// The second one goes, with its arrow.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let edit = edits::without_stage(look, self.at);
        edit.map(|edit| Help { text: "leave this one away".to_string(), edits: vec![edit] }).into_iter().collect()
    }
}
