//! A recurrence that looks at steps before and at steps behind: no direction computes it.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `h[t]` needs `h[t-1]` and `h[t+1]`.
#[derive(Clone, Debug)]
pub struct BothWays {
    pub before: Side,
    pub behind: Side,
}

/// One read.
#[derive(Clone, Debug)]
pub struct Side {
    /// `h[t]`
    pub name: String,
    /// `h[t-1]`
    pub needs: String,
    pub at: Span,
}

impl Problem for BothWays {
    fn report(&self, r: &mut Report) {
        let (before, behind) = (&self.before, &self.behind);
        r.headline(format!("a recurrence looks both ways: at {} and at {}", before.needs, behind.needs));
        r.label(before.at, format!("{} needs the step before: forwards", before.name));
        r.label(behind.at, format!("{} needs the step behind: backwards", behind.name));
        r.help("give each direction a recurrence of its own, and combine their results");
    }
}
