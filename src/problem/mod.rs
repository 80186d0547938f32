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
    /// The folder of its page below `src/problem`: `shapes`.
    pub group: &'static str,
    /// `window_too_large`
    pub name: &'static str,
    /// The page, in Markdown: what it means, a wrong program, a right one.
    pub page: &'static str,
}

/// The row of a code; upper or lower case.
pub fn find(code: &str) -> Option<&'static Code> {
    INDEX.iter().find(|row| row.code.eq_ignore_ascii_case(code))
}

impl Code {
    /// `a window does not fit`
    pub fn title(&self) -> &'static str {
        let first = self.page.lines().next().unwrap_or_default();
        first.split_once(": ").map_or(first, |(_, title)| title)
    }
}

/// All codes with their titles, a line each: what `brolga explain` lists.
pub fn list() -> String {
    INDEX.iter().map(|row| format!("{}  {}\n", row.code, row.title())).collect()
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

/// The head of what is called, for messages.
#[derive(Clone, Debug)]
pub enum Signature {
    /// The head of a block, net or optimiser in a source.
    Head(Span),
    /// As it is to be shown: intrinsics and data sources have no text of their own.
    Text(String),
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

/// `group { CODE module Type; CODE module; }`: with a type the module holds a problem; without one the code comes as a
/// ready diagnostic from the parser or from reading files, and only its page stands here.
macro_rules! problems {
    ($($group:ident { $($code:ident $module:ident $($kind:ident)?;)+ })+) => {
        $(pub mod $group { $(problems!(@module $module $($kind)?);)+ })+
        $($(problems!(@coded $code $group $module $($kind)?);)+)+

        /// All codes, ascending.
        pub const INDEX: &[Code] = &[$($(Code {
            code: stringify!($code),
            group: stringify!($group),
            name: stringify!($module),
            page: include_str!(concat!(stringify!($group), "/", stringify!($module), ".md")),
        },)+)+];
    };
    (@module $module:ident $kind:ident) => { pub mod $module; pub use $module::$kind; };
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
    syntax {
        E0101 unclosed;
        E0102 closes_nothing;
        E0103 mismatched_brackets;
        E0104 open_text;
        E0105 strange_character;
        E0106 not_a_name;
        E0107 reserved_word;
        E0108 bad_number;
        E0109 missing_comma;
        E0110 foreign_mark;
        E0111 equals;
        E0112 call_brackets;
        E0113 repeat_brackets;
        E0114 window_blanks;
        E0115 expected;
        E0116 side_by_side;
        E0117 missing_arrow;
        E0118 operator_after_stage;
        E0119 declared_shape;
        E0120 nothing_defined;
        E0121 no_such_statement;
        E0122 over_before_using;
        E0123 no_such_item;
        E0124 brace_in_body;
        E0125 chain;
        E0126 too_much;
    }
    names {
        E0201 unknown_name UnknownName;
        E0202 unknown_argument UnknownArgument;
        E0203 missing_argument MissingArgument;
        E0204 too_many TooManyArguments;
        E0205 defined_twice DefinedTwice;
        E0206 never_defined NeverDefined;
        E0207 two_results TwoResults;
        E0208 not_a_layer NotALayer;
        E0209 wrong_kind WrongKind;
        E0210 recursion Recursion;
        E0211 unknown_code UnknownCode;
        E0212 tuple_count TupleCount;
        E0213 argument_count ArgumentCount;
        E0214 use_cycle UseCycle;
    }
    shapes {
        E0301 inner_sizes InnerSizes;
        E0302 window_too_large WindowTooLarge;
        E0303 unequal_shapes UnequalShapes;
        E0304 remark_wrong RemarkWrong;
        E0305 index_unbound IndexUnbound;
        E0306 two_lengths TwoLengths;
        E0307 require_failed RequireFailed;
        E0308 out_of_range OutOfRange;
        E0309 wrong_axes WrongAxes;
        E0310 input_shape InputShape;
        E0311 matmul_rank MatMulRank;
        E0312 range_unknown RangeUnknown;
        E0313 not_affine NotAffine;
        E0314 pieces PiecesOverlap;
        E0315 not_mapped NotMapped;
        E0316 shared_weights SharedWeights;
        E0317 gaps Gaps;
        E0318 ragged Ragged;
    }
    sizes {
        E0401 not_whole NotWhole;
        E0402 lengths_differ LengthsDiffer;
        E0403 too_large SizeTooLarge;
        E0404 negative NegativeSize;
        E0405 by_zero DividedByZero;
        E0406 too_many_uses TooManyUses;
        E0407 open_choice OpenChoice;
        E0408 no_length NoLength;
    }
    time {
        E0501 needs_itself NeedsItself;
        E0502 both_ways BothWays;
        E0503 unsettled_shape UnsettledShape;
    }
    training {
        E0601 not_scalar NotScalar;
        E0602 data_disagrees DataDisagrees;
        E0603 unknown_optimiser UnknownOptimiser;
        E0604 index_beyond IndexBeyond;
        E0605 bad_setting BadSetting;
        E0606 nothing_trained NothingTrained;
        E0607 data_shape DataShape;
        E0608 unknown_metric UnknownMetric;
        E0609 patience_alone PatienceAlone;
        E0610 raw_scores RawScores;
        E0611 applied_twice AppliedTwice;
        E0612 no_picture NoPicture;
        E0613 noise_here NoiseHere;
    }
    files {
        E0701 file_missing;
        E0702 data_file;
        E0703 path_outside;
        E0704 checkpoint_mismatch;
        E0705 checkpoint_damaged;
        E0706 wrong_array;
        E0707 cannot_write;
    }
    later {
        E0901 waits Waits;
    }
    lints {
        W0901 drops_rows DropsRows;
        W0902 unused Unused;
        W0903 judged_on_test JudgedOnTest;
        W0904 data_absent DataAbsent;
        W0905 untrained Untrained;
    }
}
