//! Machine code, memory, threads: the only room with unsafe code, in `jit`, `arena` and `pool`.
//!
//! `jit` compiles kernels and calls them, `arena` is the memory that they work on, `pool` shares their parts among
//! threads; `store` keeps what outlives a program, and `program` runs a plan with all of these.

pub mod arena;
pub mod jit;
pub mod pool;
pub mod program;
pub mod store;
