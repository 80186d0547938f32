//! M1 to M3, in order.

use super::{log, pinned, support};
use crate::graph::Graph;
use crate::graph::normal::normalise_all;

/// Rewrites every definition to its meaning: selects of minus infinity are absence (M1), logarithms are taken through
/// definitions (M2), look-ups take out what they do not look up (M3), and all is in normal form. Twice is once.
pub fn meaning(graph: &mut Graph) {
    normalise_all(graph);
    support::spread(graph, support::Reach::Meaning, &mut || true);
    log::take(graph);
    pinned::split(graph);
    normalise_all(graph);
}
