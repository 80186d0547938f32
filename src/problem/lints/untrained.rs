//! A net that no objective trains.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `train A, B` where no `minimise` is over B.
#[derive(Clone, Debug)]
pub struct Untrained {
    /// Its name behind `train`.
    pub at: Span,
    pub net: Symbol,
}

impl Problem for Untrained {
    fn report(&self, r: &mut Report) {
        r.headline(format!("no objective trains {}", self.net));
        r.label(self.at, "its parameters stay as they start");
        r.help(format!("`minimise ... over {}`; or leave it away here, if that is meant", self.net));
    }
}
