//! A block that uses itself.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::source::Span;

/// Each use leads to the next one, the last back to the first.
#[derive(Clone, Debug)]
pub struct Recursion {
    /// Blocks with the place where each is used by the one before it; the first is used by the last.
    pub cycle: Vec<(Symbol, Span)>,
}

impl Problem for Recursion {
    fn report(&self, r: &mut Report) {
        let Some((first, _)) = self.cycle.first() else { return };
        r.headline(format!("{first} needs itself"));
        for (name, at) in self.cycle.iter().rev() {
            r.label(*at, format!("{name} is used here"));
        }
        r.help("a net is a finite graph: repeat a known number of times instead, `( ... ) x4`");
    }
}
