//! What is minimised, reported or compared is one number.

use crate::diagnostic::Help;
use crate::problem::{Operand, Problem, Report, edits};
use crate::size::Explainer;
use crate::source::Span;

/// `minimise mse(Net(x), y)`, which has the shape of `y`.
#[derive(Clone, Debug)]
pub struct NotScalar {
    /// `minimise`, `report`
    pub what: String,
    pub value: Operand,
}

impl Problem for NotScalar {
    fn report(&self, r: &mut Report) {
        let shape = r.shape(&self.value.shape);
        r.headline(format!("{} takes one number for each example, and this is {shape}", self.what));
        r.label(self.value.at, shape);
        r.help(advice(&r.look, self.value.at));
    }

    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let edit = edits::wrapped(look, self.value.at, "mean");
        edit.map(|edit| Help { text: advice(look, self.value.at), edits: vec![edit] }).into_iter().collect()
    }
}

fn advice(look: &Explainer, at: Span) -> String {
    let text = look.sources.text(at);
    let shown = if text.len() <= 50 { text } else { "..." };
    format!("`mean({shown})` or `sum({shown})` makes one number of it")
}
