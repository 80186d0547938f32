//! A call that leaves out what has no default.

use crate::ids::Symbol;
use crate::problem::{Problem, Report, Signature, words};
use crate::source::Span;

/// `conv(12)`: no window.
#[derive(Clone, Debug)]
pub struct MissingArgument {
    /// The call.
    pub at: Span,
    pub names: Vec<Symbol>,
    pub block: Symbol,
    pub signature: Signature,
}

impl Problem for MissingArgument {
    fn report(&self, r: &mut Report) {
        let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
        r.headline(format!("{} needs {}", self.block, words::and(&names)));
        r.label(self.at, format!("{} is not given and has no default", words::and(&names)));
        r.signature(&self.signature);
    }
}
