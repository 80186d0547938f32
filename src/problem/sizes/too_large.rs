//! Numbers that no machine holds.

use crate::problem::{Problem, Report};
use crate::size::{Poly, SizeId, Sizes, show};
use crate::source::Span;

/// A size beyond 2^40, or arithmetic that leaves 64 bits.
#[derive(Clone, Debug)]
pub struct SizeTooLarge {
    pub at: Span,
    /// The size, if it was computed; its reason is the formula.
    pub size: Option<SizeId>,
    /// What is so large: `this size`, `weight`.
    pub what: String,
}

impl SizeTooLarge {
    /// What to call a tensor with too many elements.
    pub fn tensor(shape: &[SizeId], sizes: &Sizes) -> String {
        format!("the number of elements of {}", show::shape(sizes, shape))
    }
}

impl Problem for SizeTooLarge {
    fn report(&self, r: &mut Report) {
        let most = Poly::LARGEST;
        // Beyond the length of an axis, but not beyond what can be counted.
        let axis = i64::from(i32::MAX);
        let number = self.size.and_then(|size| r.sizes().number(size));
        match (self.size, number) {
            (Some(size), Some(n)) => {
                let limit =
                    if n <= most { format!("an axis has at most {axis}") } else { format!("the largest is {most}") };
                r.headline(format!("{} is {n}, and {limit}", self.what));
                r.label(self.at, r.formula(size));
            }
            (Some(size), None) => {
                r.headline(format!("{} leaves 64 bits: {}", self.what, r.formula(size)));
                r.label(self.at, r.formula(size));
            }
            (None, _) => {
                r.headline(format!("{} is beyond {most}, the largest", self.what));
                r.label(self.at, "too many numbers");
            }
        }
        r.because(self.size.as_slice());
    }
}
