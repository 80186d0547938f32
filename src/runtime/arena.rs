//! Memory that kernels work on: stretches of 32-bit numbers, aligned to 64 bytes, of a size that never changes.
//!
//! **Invariant**: a `Memory` is read and written only through kernels that are bound to it and through the slices
//! given out here; who holds a slice and who runs kernels is kept apart by `&mut` on their common owner (a program, a
//! store).
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::sync::Arc;

/// The alignment of all memory, in bytes: a cache line, and the widest vector.
pub const ALIGN: usize = 64;

/// One allocation, zero at first.
pub struct Memory {
    /// What was allocated; `start` is the first aligned byte in it.
    whole: *mut u8,
    start: *mut u8,
    bytes: usize,
}

// SAFETY: a Memory is a plain block of bytes; the room's invariant keeps its users apart, and kernels that run at the
// same time write disjoint bytes (kernel::check: parts are disjoint; plan::check: steps run one after another).
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// A block of at least `bytes` bytes.
    pub fn new(bytes: usize) -> Arc<Memory> {
        let bytes = bytes.max(1).next_multiple_of(ALIGN);
        let layout = Memory::layout(bytes);
        // SAFETY: the layout is not empty.
        let whole = unsafe { alloc_zeroed(layout) };
        if whole.is_null() {
            handle_alloc_error(layout);
        }
        // SAFETY: fewer than ALIGN bytes, which the layout has beyond `bytes`.
        let start = unsafe { whole.add(whole.align_offset(ALIGN)) };
        Arc::new(Memory { whole, start, bytes })
    }

    /// Aligned by hand: the system gives large stretches of zeros without touching them only where it need not align.
    fn layout(bytes: usize) -> Layout {
        Layout::from_size_align(bytes + ALIGN, 4).expect("no allocation is near half of the address space")
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: allocated in `new` with this layout.
        unsafe { dealloc(self.whole, Memory::layout(self.bytes)) }
    }
}

/// `len` numbers of 32 bits inside a memory.
#[derive(Clone)]
pub struct Span {
    memory: Arc<Memory>,
    offset: usize,
    len: usize,
}

impl Span {
    /// The numbers from a byte offset, a multiple of 4, on.
    ///
    /// # Panics
    /// If they do not lie in the memory.
    pub fn new(memory: &Arc<Memory>, offset: usize, len: usize) -> Span {
        let end = len.checked_mul(4).and_then(|bytes| bytes.checked_add(offset));
        assert!(
            offset.is_multiple_of(4) && end.is_some_and(|end| end <= memory.bytes),
            "{len} numbers from byte {offset} on do not lie in {} bytes: plan::check was not run",
            memory.bytes
        );
        Span { memory: memory.clone(), offset, len }
    }

    /// A memory of its own.
    pub fn alone(len: usize) -> Span {
        Span::new(&Memory::new(len * 4), 0, len)
    }

    /// How many numbers.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The first byte, for kernels.
    pub(super) fn start(&self) -> *mut u8 {
        // SAFETY: `new` has checked that the offset lies in the memory.
        unsafe { self.memory.start.add(self.offset) }
    }

    /// The numbers as f32.
    pub fn f32(&self) -> &[f32] {
        // SAFETY: in bounds and aligned by `new`; every bit pattern is an f32; see the room's invariant.
        unsafe { std::slice::from_raw_parts(self.start().cast(), self.len) }
    }

    /// The numbers as f32, to write.
    pub fn f32_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `f32`.
        unsafe { std::slice::from_raw_parts_mut(self.start().cast(), self.len) }
    }

    /// The numbers as i32.
    pub fn i32(&self) -> &[i32] {
        // SAFETY: as in `f32`.
        unsafe { std::slice::from_raw_parts(self.start().cast(), self.len) }
    }

    /// The numbers as i32, to write.
    pub fn i32_mut(&mut self) -> &mut [i32] {
        // SAFETY: as in `f32`.
        unsafe { std::slice::from_raw_parts_mut(self.start().cast(), self.len) }
    }
}

/// Copies all numbers of one span to another of the same length.
///
/// # Panics
/// If the lengths differ.
pub fn copy(from: &Span, to: &Span) {
    assert_eq!(from.len, to.len, "a copy keeps the length: plan::check was not run");
    // SAFETY: both lie in their memories by `Span::new`; `copy` allows that they overlap.
    unsafe { std::ptr::copy(from.start().cast_const(), to.start(), 4 * from.len) }
}
