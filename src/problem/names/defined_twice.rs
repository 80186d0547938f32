//! One name, two definitions.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// The second definition of a name.
#[derive(Clone, Debug)]
pub struct DefinedTwice {
    pub at: Span,
    pub name: Symbol,
    pub first: Span,
}

impl Problem for DefinedTwice {
    fn report(&self, r: &mut Report) {
        r.headline(format!("`{}` is defined twice", self.name));
        r.label(self.at, "defined again");
        let line = r.line(self.first);
        r.label(self.first, format!("first here, on line {line}"));
        r.help("a name means one thing in the whole body: give the second one a name of its own");
    }
}
