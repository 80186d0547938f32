//! `keep` names a metric that nothing reports.

use crate::diagnostic::Help;
use crate::ids::Symbol;
use crate::problem::{Problem, Report, words};
use crate::size::Explainer;
use crate::source::Span;

/// `keep = best(acuracy)`
#[derive(Clone, Debug)]
pub struct UnknownMetric {
    pub at: Span,
    pub name: Symbol,
    /// The names of the reports and of the losses.
    pub known: Vec<Symbol>,
}

impl Problem for UnknownMetric {
    fn report(&self, r: &mut Report) {
        r.headline(format!("nothing reports `{}`", self.name));
        r.label(self.at, "not a metric of this `train`");
        let known: Vec<&str> = self.known.iter().map(|name| &**name).collect();
        if !known.is_empty() {
            r.note(format!("metrics here: {}", known.join(", ")));
        }
        r.help(match self.meant() {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("`report {} = ...` makes it one", self.name),
        });
    }

    fn candidates(&self, _look: &Explainer) -> Vec<Help> {
        self.meant().map(|near| Help::meant(self.at, near)).into_iter().collect()
    }
}

impl UnknownMetric {
    fn meant(&self) -> Option<&str> {
        words::nearest(&self.name, self.known.iter().map(|name| &**name))
    }
}
