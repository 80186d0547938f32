//! A training without anything to train, or without an objective.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `minimise E over N` where nothing in `E` depends on a parameter of `N`; a `train` without `minimise`.
#[derive(Clone, Debug)]
pub struct NothingTrained {
    pub at: Span,
    /// `this objective reads no parameter of LeNet`
    pub reason: String,
}

impl Problem for NothingTrained {
    fn report(&self, r: &mut Report) {
        r.headline(format!("nothing is trained: {}", self.reason));
        r.label(self.at, self.reason.clone());
    }
}
