//! Elements that two pieces of one definition write, or that no piece writes.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `y[i] = ...` and `y[0] = ...`
#[derive(Clone, Debug)]
pub struct PiecesOverlap {
    pub name: Symbol,
    /// The left side that writes again, or that writes one element several times.
    pub at: Span,
    /// The other piece; none if it is the piece itself.
    pub other: Option<Span>,
    /// An element that is written twice, if one was found: `y[0]`.
    pub element: Option<String>,
}

impl Problem for PiecesOverlap {
    fn report(&self, r: &mut Report) {
        let element = self.element.clone().unwrap_or_else(|| format!("an element of {}", self.name));
        r.headline(format!("{element} is defined twice"));
        r.label(self.at, if self.other.is_some() { "written again" } else { "several indices lead to one element" });
        if let Some(other) = self.other {
            r.label(other, "written here");
        }
        r.help("each element has one definition: choose with `if` on the index, as in `if i == 0 then a else b`");
    }
}
