//! A shape written after a stage, or as an output, is checked against what comes out.

use crate::diagnostic::{Edit, Help};
use crate::problem::{Problem, Report};
use crate::size::{Explainer, SizeId, Verdict, show};
use crate::source::Span;

/// `: [12, 49, 49]` where `[12, 48, 48]` comes out.
#[derive(Clone, Debug)]
pub struct RemarkWrong {
    /// The written shape, from bracket to bracket.
    pub at: Span,
    /// The stage or expression that it speaks of.
    pub stage: Span,
    /// `None` for `_`.
    pub written: Vec<Option<SizeId>>,
    pub actual: Vec<SizeId>,
}

impl Problem for RemarkWrong {
    fn report(&self, r: &mut Report) {
        let written: Vec<String> = self.written.iter().map(|w| w.map_or("_".into(), |id| r.size(id))).collect();
        let (written, actual) = (format!("[{}]", written.join(", ")), r.shape(&self.actual));
        r.headline(format!("written {written}, comes out {actual}"));
        r.label(self.at, "this is what the file says");
        let differing = self.differing(r);
        r.because(&differing);
        // A stage that only passes its input's shape on is no step of the derivation, but it is what is spoken of.
        if differing.is_empty() {
            r.label(self.spoken_of(r), format!("this is {actual}"));
        }
    }

    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let shape = show::shape(look.sizes, &self.actual);
        if shape.contains('?') {
            return Vec::new();
        }
        vec![Help { text: shape.clone(), edits: vec![Edit { at: self.at, text: shape }] }]
    }
}

impl RemarkWrong {
    /// The stage without its remark.
    fn spoken_of(&self, r: &Report) -> Span {
        if self.stage.source != self.at.source || !self.stage.holds(self.at) {
            return self.stage;
        }
        let before = Span { end: self.at.start, ..self.stage };
        let text = r.sources().text(before).trim_end().trim_end_matches(':').trim_end();
        Span { end: before.start + text.len() as u32, ..before }
    }

    fn differing(&self, r: &Report) -> Vec<SizeId> {
        if self.written.len() != self.actual.len() {
            return Vec::new();
        }
        let pairs = self.written.iter().zip(&self.actual);
        let differ = |(w, a): &(&Option<SizeId>, &SizeId)| w.is_some_and(|w| r.sizes().compare(w, **a) != Verdict::Equal);
        pairs.filter(differ).map(|(_, a)| *a).collect()
    }
}
