//! What stands after `->` or is called is no layer.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `image -> 3`, `x -> w` where `w` is a tensor.
#[derive(Clone, Debug)]
pub struct NotALayer {
    pub at: Span,
    /// What it is: `a number`, `a tensor`.
    pub found: String,
}

impl Problem for NotALayer {
    fn report(&self, r: &mut Report) {
        let text = r.text(self.at);
        r.headline(format!("`{text}` is {}, not a layer", self.found));
        r.label(self.at, format!("{} cannot be applied", self.found));
        r.help("after `->` stands a layer: a block, a net, or a name that was given to one");
    }
}
