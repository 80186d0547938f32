//! From bytes to a tree with places.

pub mod span;
pub mod tree;

pub use span::{Source, SourceId, Sources, Span};
