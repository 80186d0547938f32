//! A tensor that does not have the form that a block declares for its input.

use crate::problem::{Operand, Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `conv` takes `[C, H, W]` and gets `[3072]`.
#[derive(Clone, Debug)]
pub struct InputShape {
    /// Whose shape it is: `x of conv`.
    pub what: String,
    /// The type, in the head.
    pub declared: Span,
    /// The declared sizes, where they are known: a fixed size, or one that another input bound.
    pub wanted: Vec<Option<SizeId>>,
    pub given: Operand,
}

impl Problem for InputShape {
    fn report(&self, r: &mut Report) {
        let (declared, given) = (r.text(self.declared), r.shape(&self.given.shape));
        let wanted = format!("{declared}{}", self.bound(r, &declared));
        r.headline(format!("{} is {wanted}, and {given} comes in", self.what));
        r.label(self.given.at, given);
        if !r.sources().in_library(self.declared) {
            r.label(self.declared, "declared here");
        }
        let differing = self.differing(r);
        r.because(&differing);
        if self.wanted.len() == 1 && self.given.shape.len() > 1 {
            r.help("`flatten` before it makes one row of all numbers");
        }
    }
}

impl InputShape {
    /// `, n = 5`: what a name in the declared shape stands for, where it is known.
    fn bound(&self, r: &Report, declared: &str) -> String {
        let dims = declared.split(']').next().unwrap_or_default();
        let names = dims.trim_start_matches('[').split(',').map(str::trim);
        let known = names.zip(&self.wanted).filter_map(|(name, size)| Some((name, r.size((*size)?))));
        let known: Vec<String> = known.filter(|(n, v)| n != v).map(|(name, value)| format!(", {name} = {value}")).collect();
        known.concat()
    }

    fn differing(&self, r: &Report) -> Vec<SizeId> {
        if self.wanted.len() != self.given.shape.len() {
            return self.given.shape.clone();
        }
        let pairs = self.wanted.iter().zip(&self.given.shape);
        let differ = pairs.filter_map(|(wanted, given)| Some((wanted.as_ref()?, given)));
        differ.filter(|(a, b)| !r.sizes().equal(**a, **b)).flat_map(|(a, b)| [*b, *a]).collect()
    }
}
