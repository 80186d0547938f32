//! An output that nothing defines.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// `-> mean: [8], spread: [8]` and no line `spread = ...`; or no result at all.
#[derive(Clone, Debug)]
pub struct NeverDefined {
    /// The output.
    pub at: Span,
    /// Its name, if it has one.
    pub name: Option<Symbol>,
    /// The body that lacks it.
    pub of: Symbol,
}

impl Problem for NeverDefined {
    fn report(&self, r: &mut Report) {
        match &self.name {
            Some(name) => {
                r.headline(format!("{} never defines its output `{name}`", self.of));
                r.label(self.at, format!("there is no line `{name} = ...`"));
            }
            None => {
                r.headline(format!("{} has no result", self.of));
                r.label(self.at, "this is to come out");
                r.help("a last line without `=` is the result");
            }
        }
    }
}
