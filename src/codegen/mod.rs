//! From kernels to bytes. Sees kernels and plans only.
//!
//! `abi` is the one page on how a kernel is called, `clif` lowers any kernel through Cranelift, `show` prints what came
//! out. Needs checked kernels: a kernel that breaks its invariants gives undefined code.

pub mod abi;
pub mod clif;
pub mod show;
pub mod wide;
