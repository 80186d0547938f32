//! More subscripts than axes, or another number of axes than a place needs.

use crate::problem::{Problem, Report, words};
use crate::size::SizeId;
use crate::source::Span;

/// `x[i, j, k]` where `x` has two axes.
#[derive(Clone, Debug)]
pub struct WrongAxes {
    pub at: Span,
    /// What has the axes, as written.
    pub tensor: String,
    pub shape: Vec<SizeId>,
    /// How many are written or needed.
    pub wanted: usize,
    /// What wants them: `subscripts`, `the left side of '@'`.
    pub what: String,
}

impl Problem for WrongAxes {
    fn report(&self, r: &mut Report) {
        let (shape, axes) = (r.shape(&self.shape), words::count(self.shape.len(), "axis", "axes"));
        r.headline(format!("{} has {axes}, and {} {}", self.tensor, self.wanted, self.what));
        r.label(self.at, format!("{} is {shape}", self.tensor));
    }
}
