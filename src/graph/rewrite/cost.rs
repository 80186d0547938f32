//! C1 to C5, in order: rewrites that save work and memory. Values stay up to rounding.

use super::support::{Reach, spread};
use super::{clean, demand, hoist, quotient};
use crate::graph::Graph;

/// How many rewrites are still allowed: a wrong one is found by halving.
pub struct Fuel(u32);

impl Fuel {
    /// Takes one, if there is one.
    pub fn take(&mut self) -> bool {
        let some = self.0 > 0;
        self.0 -= u32::from(some);
        some
    }
}

/// Needs a graph that nothing is differentiated in any more, with equalities solved. Applies at most `fuel` rewrites;
/// tensors keep their ids, outputs and updates their values, what they do not need is gone.
pub fn cost(graph: &mut Graph, fuel: u32) {
    let mut fuel = Fuel(fuel);
    clean::clean(graph, &mut fuel);
    spread(graph, Reach::Cost, &mut || fuel.take());
    hoist::hoist(graph, &mut fuel);
    clean::clean(graph, &mut fuel);
    quotient::multiply(graph, &mut fuel);
    clean::drop_dead(graph);
    demand::narrow(graph, &mut fuel);
    clean::clean(graph, &mut fuel);
}
