//! The shape of a recurrent tensor that nothing outside of the recurrence tells.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `h[t] = 0.5 * h[t-1]`
#[derive(Clone, Debug)]
pub struct UnsettledShape {
    /// The left side.
    pub at: Span,
    pub name: Symbol,
}

impl Problem for UnsettledShape {
    fn report(&self, r: &mut Report) {
        r.headline(format!("the shape of {} depends on itself", self.name));
        r.label(self.at, "nothing outside of the recurrence tells it");
        let left = r.text(self.at).to_string();
        r.help(format!("write the shape of all of {}: `{left}: [T, 4] = ...`", self.name));
    }
}
