//! `patience` without a metric to wait for.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `patience = 3` and no `keep`
#[derive(Clone, Debug)]
pub struct PatienceAlone {
    pub at: Span,
}

impl Problem for PatienceAlone {
    fn report(&self, r: &mut Report) {
        r.headline("patience waits for a better metric, and nothing says which");
        r.label(self.at, "stops when the kept metric has not been better for so many epochs");
        r.help("`keep = lowest(loss)`, or `keep = best(METRIC)` of a report");
    }
}
