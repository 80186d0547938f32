//! The plan: where every tensor lies, and the steps that make up one run of a graph.
//!
//! **Invariants**, held by `check::check`: arena buffers that live at the same time never overlap; each read
//! follows the write; what a loop touches lives through all of it, and a kernel inside is called with the turns of all loops
//! around it, which it declares; a step's buffers have the lengths and element types that its kernel declares; parallel parts
//! write disjoint ranges (by the kernel's own check); a kernel's written buffer aliases another of its buffers only
//! where the plan says `in_place` and each element is read no later than it is written; peak = arena.

pub mod check;
pub mod layout;
pub mod print;

use crate::graph;
use crate::ids::{Arena, Id, Symbol};
use crate::kernel::{Elem, Kernel};

#[derive(Clone, Debug, Default)]
pub struct Plan {
    pub kernels: Arena<Kernel>,
    pub buffers: Arena<Buffer>,
    pub steps: Vec<Step>,
    /// Bytes of the arena: the peak of what lives at once.
    pub arena: u64,
    /// What the caller fills before, and reads after, a run.
    pub inputs: Vec<(Symbol, BufferId)>,
    pub outputs: Vec<(Symbol, BufferId)>,
}

pub type KernelId = Id<Kernel>;

/// A stretch of memory that holds one tensor in its plan's layout.
#[derive(Clone, Debug)]
pub struct Buffer {
    pub name: Symbol,
    /// Logical shape, row-major unless the plan lays it out otherwise.
    pub shape: Vec<u32>,
    pub elem: Elem,
    /// In elements, halo and padding included.
    pub len: u32,
    pub place: Place,
}
pub type BufferId = Id<Buffer>;

#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Byte offset in the arena, a multiple of 64; alive from the first to the last step, both included.
    Arena { offset: u64, first: u32, last: u32 },
    /// Kept between runs, shared by all plans of a session: a parameter or state, by name, row-major.
    Store(Symbol),
    /// Written once when the program is made.
    Constant(std::sync::Arc<[f32]>),
    /// Filled by the runtime before each run.
    Noise { key: Symbol, normal: bool },
    /// One number, evaluated by the runtime before each run.
    Host(graph::HostExpr),
}

#[derive(Clone, Debug)]
pub enum Step {
    /// Runs all parts of a kernel; one buffer for each of its own, in order.
    Call { kernel: KernelId, buffers: Vec<BufferId>, in_place: bool },
    /// Copies a whole buffer (a state's new value into its place).
    Copy { from: BufferId, to: BufferId },
    /// Runs its steps `trip` times, at least once: a recurrence, one time a turn.
    Loop { name: Symbol, trip: u32, body: Vec<Step> },
}

/// So many loops may lie inside each other.
pub const DEPTH: usize = 4;
