//! The best epoch is chosen on the test split.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `keep = best(accuracy)` where the data has no `valid` split.
#[derive(Clone, Debug)]
pub struct JudgedOnTest {
    pub at: Span,
}

impl Problem for JudgedOnTest {
    fn report(&self, r: &mut Report) {
        r.headline("the best epoch is chosen on the test split");
        r.label(self.at, "the data has no `valid` split");
        r.help("a `valid` split of its own keeps the test result honest");
    }
}
