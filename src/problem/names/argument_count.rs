//! A function that is given another number of arguments than it takes.

use crate::ids::Symbol;
use crate::problem::{Problem, Report, words};
use crate::source::Span;

/// `log(x, 2)`
#[derive(Clone, Debug)]
pub struct ArgumentCount {
    pub at: Span,
    pub block: Symbol,
    pub takes: usize,
}

impl Problem for ArgumentCount {
    fn report(&self, r: &mut Report) {
        let takes = words::count(self.takes, "argument", "arguments");
        r.headline(format!("{} takes {takes}", self.block));
        r.label(self.at, format!("not {takes}"));
    }
}
