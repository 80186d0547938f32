//! Data that are not there yet.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// A source whose files cannot be read while checking.
#[derive(Clone, Debug)]
pub struct DataAbsent {
    pub at: Span,
    pub path: String,
}

impl Problem for DataAbsent {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} is not there, so net and data are not compared", self.path));
        r.label(self.at, "train needs it");
    }
}
