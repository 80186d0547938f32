//! The adjoint of equations is equations.
