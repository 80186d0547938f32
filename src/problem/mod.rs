//! The error index: each problem's facts, words, page and candidate fixes stand together.
//!
//! **Invariants**: codes ascend, are unique and never change their meaning; every code has a page whose first program
//! fails with exactly that code and whose second one checks (`tests/explain.rs`); facts are spans, sizes and names,
//! found by the checker, and words are made here alone. To add a problem: a line in the index below, a file, a page.

mod collect;
pub mod edits;
mod explain;
pub mod fixes;
mod report;
#[cfg(test)]
mod tests;
pub mod words;

pub use collect::{Given, InUse, Problems};
pub use explain::{examples, explain, explain_with};
pub use fixes::{Recheck, Seen};
pub use report::Report;

use crate::diagnostic::Help;
use crate::size::{Explainer, SizeId};
use crate::source::Span;

/// A row of the index.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// `E0302`
    pub code: &'static str,
    /// `window_too_large`
    pub name: &'static str,
    /// The page, in Markdown: what it means, a wrong program, a right one.
    pub page: &'static str,
}

/// The row of a code; upper or lower case.
pub fn find(code: &str) -> Option<&'static Code> {
    INDEX.iter().find(|row| row.code.eq_ignore_ascii_case(code))
}

/// What is wrong, as facts.
pub trait Problem: Coded {
    /// Says it in words. The first label is the primary one.
    fn report(&self, r: &mut Report);

    /// Edits that may repair it, best first. Only one that clears the problem when tried is shown.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let _ = look;
        Vec::new()
    }
}

/// A tensor expression that takes part in an operation.
#[derive(Clone, Debug)]
pub struct Operand {
    pub at: Span,
    pub shape: Vec<SizeId>,
}

/// Implemented by the index.
pub trait Coded {
    /// `E0302`
    fn code(&self) -> &'static str;
}

/// `group { CODE module Type; CODE module; }`: with a type the module holds a problem, without one the code is raised
/// as a ready diagnostic by a room above this one, and only its page stands here.
macro_rules! problems {
    ($($group:ident { $($code:ident $module:ident $($kind:ident)?;)+ })+) => {
        $(pub mod $group { $(problems!(@module $module $($kind)?);)+ })+
        $($(problems!(@coded $code $group $module $($kind)?);)+)+

        /// All codes, ascending.
        pub const INDEX: &[Code] = &[$($(Code {
            code: stringify!($code),
            name: stringify!($module),
            page: include_str!(concat!(stringify!($group), "/", stringify!($module), ".md")),
        },)+)+];
    };
    (@module $module:ident $kind:ident) => { mod $module; pub use $module::$kind; };
    (@module $module:ident) => {};
    (@coded $code:ident $group:ident $module:ident $kind:ident) => {
        pub use $group::$kind;
        impl Coded for $kind {
            fn code(&self) -> &'static str {
                stringify!($code)
            }
        }
    };
    (@coded $code:ident $group:ident $module:ident) => {};
}

problems! {
    shapes {
        E0301 inner_sizes InnerSizes;
        E0302 window_too_large WindowTooLarge;
        E0303 unequal_shapes UnequalShapes;
        E0304 remark_wrong RemarkWrong;
    }
}
