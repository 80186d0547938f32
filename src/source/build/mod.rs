//! From the grammar's nodes to the tree: a function a rule.
//!
//! **Invariants**: spans are trimmed of the blanks that pest leaves at their ends; a statement or item in which a slip
//! was found here is not in the tree, but in `Body::bad` or `Tree::lost`.

// Each function takes the rules that can stand in its place; the grammar, not a list here, says which these are.
#![allow(clippy::wildcard_enum_match_arm)]

mod expressions;
mod items;
mod parts;
mod statements;

use super::layout::{Layout, Range};
use super::parse::Rule;
use super::slip::{self, Lookup};
use super::span::{SourceId, Span};
use super::tree::*;
use crate::diagnostic::Diagnostic;
pub(crate) use expressions::MAX_OPERATORS;
use parts::Parts;
use pest::iterators::Pair;

/// Builds one file's tree and collects what is wrong.
pub(super) struct Builder<'t> {
    id: SourceId,
    /// What the user wrote.
    text: &'t str,
    laid: &'t Layout,
    findings: Vec<Diagnostic>,
    /// Operators in the expressions around the one that is being built: they add up to the tree's depth.
    operators: usize,
    /// Whether the body that is being built is a test's.
    test: bool,
    /// Items that begin inside a body.
    nested: Vec<Span>,
    /// Where the last item began.
    item: usize,
}

impl<'t> Builder<'t> {
    /// For one file and its laid-out text.
    pub(super) fn new(id: SourceId, text: &'t str, laid: &'t Layout) -> Builder<'t> {
        let findings = laid.faults.iter().map(|(at, fault)| slip::faults::finding_of(id, text, at, fault)).collect();
        Builder { id, text, laid, findings, operators: 0, test: false, nested: Vec::new(), item: 0 }
    }

    /// The whole file.
    pub(super) fn file(mut self, pair: Pair<'_, Rule>) -> (Tree, Vec<Diagnostic>) {
        let mut tree = Tree::empty(self.id);
        tree.comments = self.laid.comments.iter().map(|at| self.span(at.start, at.end)).collect();
        for node in pair.into_inner() {
            self.node(node, &mut tree);
        }
        if tree.items.is_empty() && self.findings.is_empty() {
            self.findings.push(slip::limits::empty(self.id));
        }
        self.excuse_braces();
        (tree, self.findings)
    }

    /// The brace that was to close the body around a nested item is left over: no second finding for one slip.
    fn excuse_braces(&mut self) {
        for item in std::mem::take(&mut self.nested) {
            let stray = |finding: &Diagnostic| finding.code == "E0102" && finding.labels[0].at.start > item.start;
            if let Some(index) = self.findings.iter().position(stray) {
                self.findings.remove(index);
            }
        }
    }

    /// An item, or a stretch of text that is none.
    fn node(&mut self, node: Pair<'_, Rule>, tree: &mut Tree) {
        let range = node.as_span().start()..node.as_span().end();
        match node.as_rule() {
            Rule::EOI => {}
            Rule::bad_item_head => self.lost(range, Lookup::Head, tree),
            Rule::bad_item => self.lost(range, Lookup::Item, tree),
            Rule::bad_tail => self.bad(range.clone(), self.item..range.end, Lookup::Tail),
            Rule::body => drop(self.body(node)),
            _ => {
                self.item = range.start;
                self.item(node, tree);
            }
        }
    }

    /// A bad item: reported, and its name kept.
    fn lost(&mut self, range: Range, lookup: Lookup, tree: &mut Tree) {
        tree.lost.extend(slip::names_of(self.id, &self.laid.text, range.clone()));
        self.bad(range.clone(), range, lookup);
    }

    /// A stretch that was not read: reported unless the layout pass has found a fault in it. What is looked at to say
    /// why may begin before it.
    fn bad(&mut self, unread: Range, range: Range, lookup: Lookup) {
        let first = self.laid.faults.partition_point(|(at, _)| at.end <= unread.start);
        if self.laid.faults.get(first).is_some_and(|(at, _)| at.start < unread.end) {
            return;
        }
        if self.findings.len() < super::parse::MAX_FINDINGS {
            self.findings.push(slip::explain(self.id, &self.laid.text, range, lookup));
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span { source: self.id, start: start as u32, end: end as u32 }
    }

    /// A node's place without the blanks at its end.
    fn at(&self, pair: &Pair<'_, Rule>) -> Span {
        let start = pair.as_span().start();
        self.span(start, start + pair.as_str().trim_end_matches([' ', '\t', '\n', '\r']).len())
    }

    fn parts<'p>(&self, pair: Pair<'p, Rule>) -> Parts<'p> {
        Parts { at: self.at(&pair), inner: pair.into_inner().peekable() }
    }

    fn name(&self, pair: &Pair<'_, Rule>) -> Name {
        let at = self.at(pair);
        Name { text: self.text[at.start as usize..at.end as usize].into(), at }
    }

    /// A quoted text.
    fn quoted(&self, pair: &Pair<'_, Rule>) -> Text {
        let at = self.at(pair);
        Text { value: pair.as_str()[1..at.end as usize - at.start as usize - 1].into(), at }
    }

    /// The names of a `names` node.
    fn names(&self, pair: Pair<'_, Rule>) -> Vec<Name> {
        pair.into_inner().map(|name| self.name(&name)).collect()
    }
}
