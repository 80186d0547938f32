//! What is minimised, reported or compared is one number.

use crate::problem::{Operand, Problem, Report};

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
        let text = r.text(self.value.at);
        let shown = if text.len() <= 50 { text } else { "...".to_string() };
        r.help(format!("`mean({shown})` or `sum({shown})` makes one number of it"));
    }

    fn candidates(&self, look: &crate::size::Explainer) -> Vec<crate::diagnostic::Help> {
        crate::problem::edits::wrapped(look, self.value.at, "mean").into_iter().collect()
    }
}
