//! A subscript that is no sum of multiples of indices.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `x[i * i]`
#[derive(Clone, Debug)]
pub struct NotAffine {
    pub at: Span,
    /// Why: `i * j multiplies two indices`.
    pub reason: String,
}

impl Problem for NotAffine {
    fn report(&self, r: &mut Report) {
        let text = r.text(self.at);
        r.headline(format!("`{text}` cannot be a subscript: {}", self.reason));
        r.label(self.at, "a subscript adds known multiples of indices, as 2 * i + u - 1");
    }
}
