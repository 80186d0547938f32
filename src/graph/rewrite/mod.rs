//! Rewriting of whole graphs.
//!
//! `meaning` (M1 to M3) is part of what a program means: it decides whether a fully masked row is 0 or not a number,
//! and whether a saturated loss is finite. It runs before the adjoint and before the oracle, always.
//!
//! **Invariants**: tensors keep their ids; definitions are replaced, and added for what is lifted; `meaning` takes
//! none away.

mod log;
mod look;
mod meaning;
mod pinned;
mod support;

pub use meaning::meaning;
