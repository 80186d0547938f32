//! Elementwise operations need equal shapes: no axis is stretched.

use crate::problem::{Operand, Problem, Report};
use crate::size::{SizeId, Verdict};

/// Two tensors that meet elementwise have different shapes.
#[derive(Clone, Debug)]
pub struct UnequalShapes {
    /// What brings them together: `'+'`, `if`, `mse`.
    pub what: String,
    pub lhs: Operand,
    pub rhs: Operand,
}

impl UnequalShapes {
    /// Sizes that differ, counted from the last axis, as leading axes may be more on one side.
    fn differing(&self, r: &Report) -> Vec<SizeId> {
        let pairs = self.lhs.shape.iter().rev().zip(self.rhs.shape.iter().rev());
        let differ = pairs.filter(|(a, b)| r.sizes().compare(**a, **b) != Verdict::Equal);
        let mut found: Vec<SizeId> = differ.flat_map(|(a, b)| [*a, *b]).collect();
        found.reverse();
        found
    }
}

impl Problem for UnequalShapes {
    fn report(&self, r: &mut Report) {
        let (lhs, rhs) = (r.shape(&self.lhs.shape), r.shape(&self.rhs.shape));
        r.headline(format!("{} needs equal shapes: {lhs} and {rhs}", self.what));
        r.label(self.lhs.at, lhs);
        r.label(self.rhs.at, rhs);
        let differing = self.differing(r);
        r.because(&differing);
        if differing.is_empty() {
            let (a, b) = (self.lhs.shape.len(), self.rhs.shape.len());
            r.note(format!("one has {a} axes, the other {b}"));
        }
    }
}
