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
    /// How many are written, or needed at least.
    pub wanted: usize,
    /// Whether so many subscripts are written.
    pub subscripts: bool,
}

impl Problem for WrongAxes {
    fn report(&self, r: &mut Report) {
        let (shape, axes) = (r.shape(&self.shape), words::count(self.shape.len(), "axis", "axes"));
        let n = self.wanted;
        let wanted = match self.subscripts {
            true => words::count(n, "subscript is written", "subscripts are written"),
            false => format!("{n} {} needed", if n == 1 { "is" } else { "are" }),
        };
        r.headline(format!("{} has {axes}, and {wanted}", self.tensor));
        r.label(self.at, format!("{} is {shape}", self.tensor));
    }
}
