//! A named layer that is applied to tensors of different lengths.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `look = dense(4)`, applied to 8 numbers and to 9.
#[derive(Clone, Debug)]
pub struct SharedWeights {
    /// The layer.
    pub at: Span,
    /// The parameter.
    pub name: Symbol,
    pub first: Vec<SizeId>,
    pub again: Vec<SizeId>,
}

impl Problem for SharedWeights {
    fn report(&self, r: &mut Report) {
        let (first, again) = (r.shape(&self.first), r.shape(&self.again));
        r.headline(format!("one layer, two shapes: its {} is {first} and would be {again}", self.name));
        r.label(self.at, "its weights are shared by all of its uses");
        let differ = |(a, b): &(&SizeId, &SizeId)| !r.sizes().equal(**a, **b);
        let pairs = self.first.iter().zip(&self.again).filter(differ);
        let differing: Vec<SizeId> = pairs.flat_map(|(a, b)| [*a, *b]).collect();
        r.because(&differing);
        r.help("a layer that is written anew at each use has weights of its own there");
    }
}
