//! Machine code, memory, threads: the only room with unsafe code, in `jit`, `arena` and `pool`.

pub mod arena;
pub mod jit;
