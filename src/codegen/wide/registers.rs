//! Which vector and mask registers are free.

use super::Refusal;
use smallvec::SmallVec;

/// Registers of one kind, by number.
pub(super) struct Registers {
    free: u32,
    all: u32,
    kind: &'static str,
}

/// The registers of a value, one a machine vector.
pub(super) type Numbers = SmallVec<[u8; 4]>;

impl Registers {
    pub(super) fn new(first: u8, count: u8, kind: &'static str) -> Registers {
        let all = (((1u64 << count) - 1) << first) as u32;
        Registers { free: all, all, kind }
    }

    pub(super) fn take(&mut self) -> Result<u8, Refusal> {
        if self.free == 0 {
            return Err(Refusal(format!("it needs more than {} {}", self.all.count_ones(), self.kind)));
        }
        let number = self.free.trailing_zeros() as u8;
        self.free &= !(1 << number);
        Ok(number)
    }

    pub(super) fn give(&mut self, number: u8) {
        debug_assert!(self.free & (1 << number) == 0, "{} {number} is free twice", self.kind);
        self.free |= 1 << number;
    }

    /// Takes a given one.
    pub(super) fn claim(&mut self, number: u8) {
        debug_assert!(self.free & (1 << number) != 0, "{} {number} is taken", self.kind);
        self.free &= !(1 << number);
    }
}
