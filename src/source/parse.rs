//! The way from a text to a tree: layout, grammar, builder, slips. It never fails: what cannot be read is skipped and
//! reported, and reading goes on behind it.
//!
//! This file and `build/` alone know pest.

use super::build::Builder;
use super::layout::{Layout, layout};
use super::slip;
use super::tree::Tree;
use super::{SourceId, Sources};
use crate::diagnostic::Diagnostic;
use pest::Parser;

/// The grammar's rules.
#[derive(pest_derive::Parser)]
#[grammar = "grammar/net.pest"]
pub(super) struct Grammar;

/// The largest file that is read, in bytes.
pub const MAX_BYTES: usize = 4 << 20;

/// The most findings that one file is told.
pub(super) const MAX_FINDINGS: usize = 50;

/// Reads one file. The tree holds all items and statements that are right; each slip is one finding, in order of place.
pub fn parse(sources: &Sources, id: SourceId) -> (Tree, Vec<Diagnostic>) {
    let text = &sources.get(id).text;
    if text.len() > MAX_BYTES {
        return (Tree::empty(id), vec![slip::limits::too_large(id, text.len())]);
    }
    let laid = layout(text);
    let (tree, mut findings) = read(id, text, &laid);
    findings.sort_by_key(|finding| finding.labels[0].at.start);
    findings.truncate(MAX_FINDINGS);
    (tree, findings)
}

/// Applies the grammar to a laid-out text.
fn read(id: SourceId, text: &str, laid: &Layout) -> (Tree, Vec<Diagnostic>) {
    let builder = Builder::new(id, text, laid);
    match Grammar::parse(Rule::file, &laid.text) {
        Ok(mut pairs) => builder.file(pairs.next().expect("the rule `file` gives one node")),
        Err(_) => unreachable!("bad_item takes whatever no other rule takes"),
    }
}
