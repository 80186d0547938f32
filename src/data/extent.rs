//! The axes of a field: of one size, or open, so that each example has its own; and how examples of different sizes lie
//! in one batch.
//!
//! **Invariant**: in a batch every example lies at index 0 of each axis, what is behind its own size is 0.

use crate::ids::Symbol;
use smallvec::SmallVec;

/// The size of one axis of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extent {
    Fixed(usize),
    /// Each example has its own; all axes of one symbol agree within an example.
    Each(Symbol),
}

/// The sizes of one symbol over the examples of a split; at least 1 each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sizes {
    Same(u32),
    Each(Vec<u32>),
}

/// A symbol with its sizes.
#[derive(Clone, Debug)]
pub struct Open {
    pub symbol: Symbol,
    pub sizes: Sizes,
}

/// What each symbol is in a batch: the axes of its buffers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds(Vec<(Symbol, u32)>);

/// The sizes of the axes of one example.
pub type Shape = SmallVec<[usize; 4]>;

impl Extent {
    /// The size, if it is the same in every example.
    pub fn fixed(&self) -> Option<usize> {
        match self {
            Extent::Fixed(size) => Some(*size),
            Extent::Each(_) => None,
        }
    }

    /// Axes that are all of one size.
    pub fn all_fixed(shape: &[usize]) -> Vec<Extent> {
        shape.iter().copied().map(Extent::Fixed).collect()
    }
}

impl std::fmt::Display for Extent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Extent::Fixed(size) => size.fmt(f),
            Extent::Each(symbol) => symbol.fmt(f),
        }
    }
}

impl Sizes {
    /// Of one example.
    pub fn of(&self, row: u32) -> u32 {
        match self {
            Sizes::Same(size) => *size,
            Sizes::Each(sizes) => sizes[row as usize],
        }
    }

    /// The largest of some examples.
    pub fn largest(&self, rows: &[u32]) -> u32 {
        match self {
            Sizes::Same(size) => *size,
            Sizes::Each(sizes) => rows.iter().map(|&row| sizes[row as usize]).max().unwrap_or(1),
        }
    }
}

impl Bounds {
    /// From symbols and their sizes.
    pub fn new(sizes: Vec<(Symbol, u32)>) -> Bounds {
        Bounds(sizes)
    }

    /// The size of a symbol.
    pub fn get(&self, symbol: &str) -> Option<u32> {
        self.0.iter().find(|(name, _)| **name == *symbol).map(|(_, size)| *size)
    }

    /// All symbols with their sizes, in the order of the data's fields.
    pub fn iter(&self) -> impl Iterator<Item = (&Symbol, u32)> {
        self.0.iter().map(|(symbol, size)| (symbol, *size))
    }
}

/// How an array of shape `own` lies in one of shape `wide`, no axis of which is smaller: tells each run of neighbours as
/// (place in the own, place in the wide, length), in order.
pub fn runs(own: &[usize], wide: &[usize], run: &mut dyn FnMut(usize, usize, usize)) {
    lay(own, wide, 0, 0, run);
}

fn lay(own: &[usize], wide: &[usize], from: usize, to: usize, run: &mut dyn FnMut(usize, usize, usize)) {
    if own == wide {
        return run(from, to, own.iter().product());
    }
    let ((n, own), wide) = (own.split_first().expect("shapes that differ have axes"), &wide[1..]);
    if own == wide {
        return run(from, to, n * own.iter().product::<usize>());
    }
    let (step, stride): (usize, usize) = (own.iter().product(), wide.iter().product());
    for index in 0..*n {
        lay(own, wide, from + index * step, to + index * stride, run);
    }
}
