//! From bytes to a tree with places.

mod build;
mod layout;
mod parse;
mod scan;
mod slip;
mod strange;
mod tokens;
pub mod fmt;
pub mod span;
pub mod tree;

pub use layout::MAX_DEPTH;
pub use parse::{MAX_BYTES, add_bytes, parse};
pub use span::{Source, SourceId, Sources, Span};
