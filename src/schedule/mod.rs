//! What is computed together, in which order, and how: a value that lowering follows and that prints as lines.
//!
//! **Invariants**: every equation of the graph that an output or update needs stands in exactly one group; a group comes
//! behind those that make what it loads; nothing depends on the number of threads or on hash order.

use crate::graph::{Equation, Graph, TensorId};
use crate::ids::Symbol;
use crate::target::Target;

pub mod choose;
pub mod guards;
pub mod halo;
pub mod layout;
pub mod classes;
pub mod merge;
pub mod space;
pub mod tile;

/// Points below which a kernel is one part: waking a thread costs about as much as this many simple operations.
pub const PARALLEL_WORK: u64 = 1 << 16;

/// The order of work over a graph whose layouts have been settled.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The graph that the groups speak of.
    pub graph: Graph,
    pub steps: Vec<Step>,
}

/// One step of a run.
#[derive(Clone, Debug)]
pub enum Step {
    /// Clears a tensor, some of whose elements nobody writes.
    Fill(TensorId),
    Group(Group),
}

/// One kernel: a root, which may reduce, and maps over its output axes.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: Symbol,
    pub equations: Vec<Equation>,
    /// Whether somebody outside the group reads it.
    pub stored: Vec<bool>,
    /// Whether the output has been cleared.
    pub filled: bool,
    /// How a contraction is tiled; none: the general nest.
    pub tile: Option<tile::Tile>,
}

/// Needs a valid graph without cycles. Keeps the values of outputs and updates up to rounding.
pub fn schedule(graph: &Graph, target: Target) -> Schedule {
    choose::choose(graph, target)
}
