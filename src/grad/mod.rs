//! The adjoint of equations is equations.
pub mod solve;
