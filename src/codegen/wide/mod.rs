//! Kernels as AVX-512 or AVX2 bytes: a vector of the kernel is one register, or a few.
//!
//! Registers are handed out statement by statement, in the kernel's own order, and none is ever spilled: a kernel that
//! keeps more values than the machine has registers is refused and goes through `clif`, with the same bits. Constants
//! lie behind the code and are read where they are used; with AVX-512 they, and elements that all lanes share, are
//! embedded broadcasts. The last vector of a row is read and written under a mask.
//!
//! `tree` reads the kernel, `general` gives pointers and counters their homes, `emit` walks the statements, `memory`
//! loads and stores, `ops` computes, `table` has the instructions, `asm` encodes them, `audit` decodes them again.

mod asm;
pub mod audit;
mod emit;
mod general;
mod memory;
mod ops;
mod registers;
mod table;
mod tree;

use crate::kernel::Kernel;
use crate::target::Target;

/// Why a kernel is not for this back end.
#[derive(Debug)]
pub struct Refusal(pub String);

/// A kernel's machine code with its constants behind it; aligned to 64 bytes it runs anywhere.
pub struct Code {
    pub bytes: Vec<u8>,
    /// How many of them are instructions.
    pub code: usize,
}

/// The machine code of a checked kernel.
///
/// # Errors
/// Says why the kernel is refused; `clif` takes all.
///
/// # Panics
/// If the code that was made breaks the rules that `audit` states, which is a bug.
pub fn compile(kernel: &Kernel, target: Target) -> Result<Code, Refusal> {
    if target == Target::Clif {
        return Err(Refusal("the target has no wide vectors".to_string()));
    }
    let bytes = emit::emit(kernel, target)?;
    if let Err(broken) = audit::audit(&bytes.bytes, bytes.code) {
        panic!("bug: the code of kernel {} {broken}\n{kernel}", kernel.name);
    }
    Ok(Code { bytes: bytes.bytes, code: bytes.code })
}
