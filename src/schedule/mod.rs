//! What is computed together, in which order, and how: a value that lowering follows and that prints as lines.
//!
//! **Invariants**: every equation of the graph that an output or update needs stands in exactly one group; a group comes
//! behind those that make what it loads; in a loop, behind those that make what it loads of the same turn; nothing depends on the number of threads or on hash order.

use crate::graph::{Access, Affine, Axis, Combine, Equation, ExprId, Graph, Guard, Role, TensorId};
use crate::ids::Symbol;
use crate::target::Target;

pub mod channels;
pub mod choose;
pub mod fuse;
pub mod guards;
pub mod halo;
pub mod layout;
pub mod classes;
pub mod cost;
pub mod merge;
pub mod pack;
pub mod pressure;
pub mod segments;
pub mod sequence;
pub mod space;
pub mod text;
pub mod tile;
pub mod turns;

/// Points below which a kernel is one part: waking a thread costs about as much as this many simple operations.
pub const PARALLEL_WORK: u64 = 1 << 16;

/// The order of work over a graph whose layouts have been settled.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The graph that the groups speak of.
    pub graph: Graph,
    pub steps: Vec<Step>,
    /// What it is for.
    pub target: Target,
}

/// One step of a run.
#[derive(Clone, Debug)]
pub enum Step {
    /// Clears a tensor, some of whose elements nobody writes.
    Fill(TensorId),
    Group(Box<Group>),
    /// Runs its steps so many times: a stretch of time of a recurrence.
    Loop {
        name: Symbol,
        trip: u32,
        body: Vec<Step>,
    },
}

impl Step {
    /// Calls `see` for each group, in order.
    pub fn each_group<'s>(&'s self, see: &mut dyn FnMut(&'s Group)) {
        match self {
            Step::Fill(_) => {}
            Step::Group(group) => see(group),
            Step::Loop { body, .. } => body.iter().for_each(|step| step.each_group(see)),
        }
    }
}

/// One kernel: members that are computed in turn at each point of a band of output axes.
///
/// A member may have axes of its own inside the band: wide ones, of its output, and reduced ones. A member without wide
/// axes hands its value on in registers; what a wide one makes is read back from memory at the same point of the band.
/// **Invariants**: each member's output has all axes of the band in its write; a later member reads an earlier one at
/// the same point of the band only, or what an earlier turn of the loops around has left; axes of one member are mentioned by no other.
#[derive(Clone, Debug)]
pub struct Group {
    pub name: Symbol,
    /// The band's axes, then those of the members, and somewhere those that are turns of the loops around.
    pub axes: Vec<Axis>,
    /// How many axes the band has.
    pub band: usize,
    pub members: Vec<Member>,
    /// Whether the outputs have been cleared.
    pub filled: bool,
    /// How a contraction at the root is tiled; none: the general nest.
    pub tile: Option<tile::Tile>,
}

/// An equation of a group; axes are the group's.
#[derive(Clone, Debug)]
pub struct Member {
    pub out: TensorId,
    pub combine: Combine,
    pub write: Vec<Affine>,
    pub guards: Vec<Guard>,
    pub body: ExprId,
    /// Axes of its output that the band has not.
    pub wide: Vec<usize>,
    pub reduced: Vec<usize>,
    /// Whether it goes to memory.
    pub stored: bool,
}

impl Member {
    /// What it writes at a point.
    pub fn element(&self) -> Access {
        Access { tensor: self.out, index: self.write.clone() }
    }
}

impl Group {
    /// A group of one piece.
    pub fn alone(name: Symbol, piece: &Equation, filled: bool) -> Group {
        let member = Member {
            out: piece.out,
            combine: piece.combine,
            write: piece.write.clone(),
            guards: piece.guards.clone(),
            body: piece.body,
            wide: Vec::new(),
            reduced: (piece.n_out..piece.axes.len()).filter(|&a| piece.axes[a].role != Role::Turn).collect(),
            stored: true,
        };
        Group { name, axes: piece.axes.clone(), band: piece.n_out, members: vec![member], filled, tile: None }
    }
}

/// Needs a valid graph. Keeps the values of outputs and updates up to rounding.
pub fn schedule(graph: &Graph, target: Target) -> Schedule {
    choose::choose(graph, target)
}
