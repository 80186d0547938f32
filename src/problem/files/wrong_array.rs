//! An array given on the command line that does not fit its input.

use crate::problem::{Problem, Report};

/// `run FILE --input x=a.npy`
#[derive(Clone, Debug)]
pub struct WrongArray {
    /// `image`
    pub name: String,
    pub path: String,
    /// `[1, 28, 28], or [n, 1, 28, 28] for a batch`
    pub expected: String,
    pub found: String,
}

impl Problem for WrongArray {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} is {}, and {} holds {}", self.name, self.expected, self.path, self.found));
    }
}
