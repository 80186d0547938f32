//! `noise` where there are no examples to draw it for.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `noise` in an optimiser.
#[derive(Clone, Debug)]
pub struct NoiseHere {
    pub at: Span,
}

impl Problem for NoiseHere {
    fn report(&self, r: &mut Report) {
        r.headline("noise is drawn for each example, and an optimiser has none");
        r.label(self.at, "an optimiser's step sees a parameter and its gradient");
        r.help("noise belongs into a net, a block or a `train`");
    }
}
