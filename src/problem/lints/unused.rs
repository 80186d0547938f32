//! A name that nobody reads.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// A definition, parameter or input that nothing depends on.
#[derive(Clone, Debug)]
pub struct Unused {
    pub at: Span,
    pub name: Symbol,
}

impl Problem for Unused {
    fn report(&self, r: &mut Report) {
        r.headline(format!("nothing reads `{}`", self.name));
        r.label(self.at, "defined, and not used");
    }
}
