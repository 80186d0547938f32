//! A setting of a training, a data source or an optimiser that cannot be.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `epochs = -1`, `keep = best(acuracy)`
#[derive(Clone, Debug)]
pub struct BadSetting {
    pub at: Span,
    /// `epochs`
    pub name: String,
    /// `a whole number from 1 on`
    pub wanted: String,
    /// `-1`
    pub found: String,
}

impl Problem for BadSetting {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} is {}, not {}", self.name, self.wanted, self.found));
        r.label(self.at, format!("{} is needed", self.wanted));
    }
}
