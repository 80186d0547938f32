//! An index of which nothing says how far it runs.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `sum(k: 2 * k)`
#[derive(Clone, Debug)]
pub struct RangeUnknown {
    pub at: Span,
    pub name: Symbol,
}

impl Problem for RangeUnknown {
    fn report(&self, r: &mut Report) {
        r.headline(format!("nothing says how far {} runs", self.name));
        r.label(self.at, "it subscripts no axis");
        r.help(format!("bound it: `sum({} < 10: ...)`", self.name));
    }
}
