//! A class or token that is none of its kind's.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// The number 10 where `index(10)` is needed; `index(12)` that subscripts an axis of 10.
#[derive(Clone, Debug)]
pub struct IndexBeyond {
    pub at: Span,
    /// The whole number, or the number of classes that come in.
    pub found: Found,
    /// How many there are.
    pub classes: SizeId,
}

/// What does not fit.
#[derive(Clone, Copy, Debug)]
pub enum Found {
    Number(i64),
    /// Numbers below this size.
    Below(SizeId),
}

impl Problem for IndexBeyond {
    fn report(&self, r: &mut Report) {
        let classes = r.size(self.classes);
        let last = r.sizes().number(self.classes).map_or(format!("{classes} - 1"), |n| (n - 1).to_string());
        match self.found {
            Found::Number(n) => {
                r.headline(format!("{n} is none of {classes} classes, which are 0 to {last}"));
                r.label(self.at, format!("0 to {last}"));
                r.because(&[self.classes]);
            }
            Found::Below(n) => {
                r.headline(format!("an index below {} meets an axis of {classes}", r.size(n)));
                r.label(self.at, format!("0 to {last} are there"));
                r.because(&[self.classes, n]);
            }
        }
    }
}
