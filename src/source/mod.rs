//! From bytes to a tree with places: `add_bytes`, then `parse`, which never fails.
//!
//! A text walks through `layout` (comments, line ends, brackets), the grammar (`grammar/net.pest`), and `build`, which
//! makes the tree; what no rule takes goes to `slip`, which says what is wrong with it. `parse` and `build` and the
//! second look in `slip::attempt` alone know pest. `fmt` prints a file in the house's style.
//!
//! **Invariants**: the tree holds only what is right; every finding's code is E01xx and has a page in
//! `problem/syntax/`; time is linear in the text and the stack is bounded by 64 brackets and 500 operators.

mod build;
mod layout;
mod parse;
mod scan;
mod slip;
mod strange;
mod tokens;
pub mod fmt;
pub mod tree;

pub use crate::span::{self, Source, SourceId, Sources, Span};
pub use layout::MAX_DEPTH;
pub use parse::{MAX_BYTES, add_bytes, parse, parse_text};
