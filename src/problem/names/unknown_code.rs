//! A test that expects a code which is not in the index.

use crate::ids::Symbol;
use crate::problem::{INDEX, Problem, Report, words};
use crate::source::Span;

/// `test "..." fails E9999 { ... }`
#[derive(Clone, Debug)]
pub struct UnknownCode {
    pub at: Span,
    pub code: Symbol,
}

impl Problem for UnknownCode {
    fn report(&self, r: &mut Report) {
        r.headline(format!("there is no code `{}`", self.code));
        r.label(self.at, "no message has this code");
        if let Some(near) = words::nearest(&self.code, INDEX.iter().map(|row| row.code)) {
            r.help(format!("did you mean `{near}`? `brolga explain {near}` tells what it is"));
        }
    }
}
