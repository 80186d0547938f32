//! Definitions that go in a circle without a step in time.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `a` needs `b`, `b` needs `a`.
#[derive(Clone, Debug)]
pub struct NeedsItself {
    /// Left sides and what each one needs: (definition, its name, the use of the next one, that name).
    pub cycle: Vec<Need>,
}

/// One link of the circle.
#[derive(Clone, Debug)]
pub struct Need {
    pub name: String,
    /// The use of the next one, inside of this one's definition.
    pub at: Span,
    pub needs: String,
}

impl Problem for NeedsItself {
    fn report(&self, r: &mut Report) {
        let Some(first) = self.cycle.first() else { return };
        r.headline(format!("{} needs itself", first.name));
        for need in &self.cycle {
            r.label(need.at, format!("{} needs {}", need.name, need.needs));
        }
        r.help("no value can be computed first; if another one is meant, give it a name of its own");
    }
}
