//! How a kernel is called: one page, for every back end.
//!
//! ```c
//! struct Call { uint8_t *const *bases; uint64_t first, end; const uint64_t *turns; };
//! void kernel(const struct Call *call);   // the platform's C convention
//! ```
//!
//! - `bases[i]` is the first byte of the kernel's buffer i: aligned to 64 bytes where it lies in an arena, to 4 else.
//! - The parts `first .. end` run, in order; a part's number is read in the mixed radix of the kernel's `parts`, the
//!   last one fastest.
//! - `turns[i]` is the turn of the i-th of the kernel's `turns`, the loops that it is called in; of a kernel without any
//!   it is not looked at.
//! - A kernel calls nothing (but `fmaf` where the CPU has no fused multiply-add) and keeps what the convention says.
//! - The caller has set the CPU to flush results that are too small for a normal number to zero, ties to even.

/// What a kernel is told.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Call {
    pub bases: *const *mut u8,
    pub first: u64,
    pub end: u64,
    pub turns: *const u64,
}

/// The offset in bytes of each field.
pub const BASES: i32 = 0;
pub const FIRST: i32 = 8;
pub const END: i32 = 16;
pub const TURNS: i32 = 24;

/// The one type of all kernels.
pub type Entry = unsafe extern "C" fn(*const Call);
