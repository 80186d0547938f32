//! A node taken apart: its children in order.

use crate::source::parse::Rule;
use crate::source::span::Span;
use pest::iterators::{Pair, Pairs};
use std::iter::Peekable;

/// The children of a node that are not yet used.
pub(super) struct Parts<'p> {
    /// Where the whole node stands.
    pub at: Span,
    pub inner: Peekable<Pairs<'p, Rule>>,
}

impl<'p> Parts<'p> {
    /// The next child, which the grammar promises.
    pub(super) fn next(&mut self) -> Pair<'p, Rule> {
        self.inner.next().expect("the grammar promises this part")
    }

    /// The next child if it is of this rule.
    pub(super) fn take(&mut self, rule: Rule) -> Option<Pair<'p, Rule>> {
        self.inner.next_if(|pair| pair.as_rule() == rule)
    }
}
