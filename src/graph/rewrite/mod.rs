//! Rewriting of whole graphs.
//!
//! `meaning` (M1 to M3) is part of what a program means: it decides whether a fully masked row is 0 or not a number,
//! and whether a saturated loss is finite. It runs before the adjoint and before the oracle, always. `cost` (C1 to C5)
//! saves work, after the adjoint: `clean` (C1), `hoist` (C2), `quotient` (C3), `support` (C4), `demand` (C5).
//!
//! **Invariants**: tensors keep their ids; definitions are replaced, and added for what is lifted; only `cost` takes
//! some away, which outputs and updates do not need. Each pass looks at each definition once.

mod clean;
mod cost;
mod demand;
mod factors;
mod hoist;
mod log;
mod look;
mod meaning;
mod pinned;
mod quotient;
mod support;

pub use cost::cost;
pub use meaning::meaning;
