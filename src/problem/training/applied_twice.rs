//! A softmax of a softmax.

use crate::diagnostic::{Edit, Help};
use crate::ids::Symbol;
use crate::problem::{Problem, Report};
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
        let text = &look.sources.get(self.at.source).text[..self.at.start as usize];
        let Some(arrow) = text.trim_end().strip_suffix("->") else { return Vec::new() };
        let at = Span { start: arrow.trim_end().len() as u32, ..self.at };
        vec![Help { text: "leave this one away".to_string(), edits: vec![Edit { at, text: String::new() }] }]
    }
}
