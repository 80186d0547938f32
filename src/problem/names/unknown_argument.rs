//! An argument that a block does not take.

use crate::diagnostic::Help;
use crate::ids::Symbol;
use crate::problem::{Problem, Report, Signature, words};
use crate::size::Explainer;
use crate::source::Span;

/// `conv(12, 3x3, padding=1)`
#[derive(Clone, Debug)]
pub struct UnknownArgument {
    /// The argument's name.
    pub at: Span,
    pub name: Symbol,
    pub block: Symbol,
    /// The names that it takes.
    pub names: Vec<Symbol>,
    pub signature: Signature,
}

impl Problem for UnknownArgument {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} takes no argument `{}`", self.block, self.name));
        r.label(self.at, "not among its inputs");
        r.signature(&self.signature);
        if let Some(near) = self.meant() {
            r.help(format!("did you mean `{near}`?"));
        }
    }

    fn candidates(&self, _look: &Explainer) -> Vec<Help> {
        self.meant().map(|near| Help::meant(self.at, near)).into_iter().collect()
    }
}

impl UnknownArgument {
    fn meant(&self) -> Option<&str> {
        let names = || self.names.iter().map(|name| &**name);
        let begins = |name: &&str| self.name.starts_with(name) || (self.name.len() > 1 && name.starts_with(&*self.name));
        names().find(begins).or_else(|| words::nearest(&self.name, names()))
    }
}
