//! A call with more arguments than its block has inputs, or with one given twice.

use crate::ids::Symbol;
use crate::problem::{Problem, Report, Signature};
use crate::source::Span;

/// `relu(3)` after an arrow; `conv(8, 3x3, k=5)`
#[derive(Clone, Debug)]
pub struct TooManyArguments {
    /// The argument that has no place.
    pub at: Span,
    pub block: Symbol,
    /// The input that has a value already; none if there is no input left.
    pub twice: Option<Symbol>,
    pub signature: Signature,
}

impl Problem for TooManyArguments {
    fn report(&self, r: &mut Report) {
        match &self.twice {
            Some(name) => {
                r.headline(format!("{} is given `{name}` twice", self.block));
                r.label(self.at, format!("`{name}` has a value already"));
            }
            None => {
                r.headline(format!("{} is given more arguments than it has inputs", self.block));
                r.label(self.at, "there is no input left for it");
            }
        }
        r.signature(&self.signature);
    }
}
