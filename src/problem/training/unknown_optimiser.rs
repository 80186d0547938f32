//! `using` names something that is no optimiser.

use crate::diagnostic::Help;
use crate::ids::Symbol;
use crate::problem::{Problem, Report, words};
use crate::size::Explainer;
use crate::source::Span;

/// `using adm(lr=1e-3)`
#[derive(Clone, Debug)]
pub struct UnknownOptimiser {
    pub at: Span,
    pub name: Symbol,
    pub known: Vec<Symbol>,
}

impl Problem for UnknownOptimiser {
    fn report(&self, r: &mut Report) {
        r.headline(format!("there is no optimiser `{}`", self.name));
        r.label(self.at, "not an optimiser");
        let mut known: Vec<&str> = self.known.iter().map(|name| &**name).collect();
        known.sort_unstable();
        r.note(format!("there are {}", words::and(&known)));
        if let Some(near) = self.meant() {
            r.help(format!("did you mean `{near}`?"));
        }
    }

    fn candidates(&self, _look: &Explainer) -> Vec<Help> {
        self.meant().map(|near| Help::meant(self.at, near)).into_iter().collect()
    }
}

impl UnknownOptimiser {
    fn meant(&self) -> Option<&str> {
        words::nearest(&self.name, self.known.iter().map(|name| &**name))
    }
}
