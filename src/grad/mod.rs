//! The adjoint of equations is equations: the same language, so adjoints of adjoints need nothing new.
//!
//! `adjoint` is the rule, `sweep` goes through one body, `seed` through one reduction, `solve` (with `frame`) turns what
//! scatters into what gathers, `parts` puts the uses of a tensor together.
//!
//! **Invariants**: definitions are only added (but products over costly bodies are split in two first); nothing depends on the order of evaluation, so cycles of definitions are
//! fine; every equation that comes out keeps the invariants of the graph.

mod adjoint;
mod frame;
mod lift;
mod parts;
mod reach;
mod seed;
pub mod solve;
pub mod step;
mod sweep;

pub use adjoint::differentiate;
pub use solve::solve_equalities;
