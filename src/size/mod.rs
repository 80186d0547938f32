//! Sizes: integer polynomials in a normal form, each with the reason why it is what it is.
//!
//! **Invariants**: a size is made in one push together with its reason; a reason's `from` are older sizes; equal
//! polynomials are equal in structure; a poisoned size equals everything and is made only where an error was reported.

mod bound;
mod compare;
mod explain;
mod poly;
mod reason;
pub mod show;
mod terms;
#[cfg(test)]
mod tests;
mod why;

pub use bound::{Holds, Limits, at_least_zero};
pub use compare::{Verdict, compare, compare_within};
pub use explain::{Explainer, Step};
pub use poly::SizeError;
pub use reason::Fault;
pub use why::why;

use crate::ids::{Arena, Id, Symbol};
use crate::source::Span;
use std::collections::BTreeMap;
use terms::Terms;

/// An integer polynomial over atoms, in normal form: monomials in order, no zero coefficient.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Poly(Terms);

/// What a polynomial is made of besides numbers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Atom {
    /// `T`
    Symbol(Symbol),
    /// `floor(p / q)`
    Floor(Box<Poly>, Box<Poly>),
    Max(Box<Poly>, Box<Poly>),
    Min(Box<Poly>, Box<Poly>),
}

/// A size with its reason.
#[derive(Clone, Debug)]
pub struct Size {
    /// `None` is poisoned.
    pub value: Option<Poly>,
    pub reason: Reason,
}
pub type SizeId = Id<Size>;

/// Why a size is what it is.
#[derive(Clone, Debug)]
pub struct Reason {
    pub rule: Rule,
    pub at: Span,
    /// The sizes that it was made from, all older.
    pub from: Vec<SizeId>,
}

#[derive(Clone, Debug)]
pub enum Rule {
    /// A number or a name in the file.
    Written,
    /// The value that a name has in this use of a block: the step through the block's door; `at` is the call.
    Bound(Symbol),
    /// The same as another size, passed on.
    Same,
    /// Reset by a remark.
    Remark,
    /// By a formula over `from`.
    Computed(Formula),
    /// An error was reported.
    Poisoned,
}

/// A formula over positions in a reason's `from`, printed with its numbers in.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    Number(i64),
    /// `from[i]`
    From(usize),
    Neg(Box<Formula>),
    Add(Box<Formula>, Box<Formula>),
    Sub(Box<Formula>, Box<Formula>),
    Mul(Box<Formula>, Box<Formula>),
    /// Exact.
    Div(Box<Formula>, Box<Formula>),
    /// Rounds down.
    Floor(Box<Formula>, Box<Formula>),
    Rem(Box<Formula>, Box<Formula>),
    Max(Box<Formula>, Box<Formula>),
    Min(Box<Formula>, Box<Formula>),
}

/// All sizes of one run, growing only.
#[derive(Clone, Debug, Default)]
pub struct Sizes {
    pub all: Arena<Size>,
    /// What the equations that are being checked ask of the lengths that are open until the run.
    pub limits: BTreeMap<Symbol, Limits>,
}
