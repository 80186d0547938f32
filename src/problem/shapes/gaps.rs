//! Elements that no piece of a definition writes.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `y[2 * i] = ...` and nothing for the odd elements.
#[derive(Clone, Debug)]
pub struct Gaps {
    pub at: Span,
    pub name: Symbol,
    pub written: i64,
    pub total: i64,
}

impl Problem for Gaps {
    fn report(&self, r: &mut Report) {
        let (name, written, total) = (&self.name, self.written, self.total);
        r.headline(format!("{written} of the {total} elements of {name} are defined"));
        r.label(self.at, format!("{} elements are left open", total - written));
        r.help("each element has one definition: a second piece, or an `if` on the index, gives the others");
    }
}
