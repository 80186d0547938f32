//! The way from a text to a tree: layout, grammar, builder, slips. It never fails: what cannot be read is skipped and
//! reported, and reading goes on behind it.
//!
//! This file and `build/` alone know pest.

use super::build::Builder;
use super::layout::{Layout, layout};
use super::slip;
use super::tree::Tree;
use super::{SourceId, Sources, Span};
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

/// Adds a file as it lies on the disk. Bytes that are no UTF-8 are one finding; the file then has what stands before
/// them.
pub fn add_bytes(sources: &mut Sources, path: &str, bytes: &[u8]) -> (SourceId, Option<Diagnostic>) {
    let (text, bad) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, None),
        Err(error) => (valid(bytes, error.valid_up_to()), Some(error.valid_up_to())),
    };
    let id = sources.add(path, text);
    let at = Span { source: id, start: text.len() as u32, end: text.len() as u32 };
    let finding = bad.map(|offset| match bytes {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => slip::limits::utf16(at),
        _ => slip::limits::not_text(at, offset, bytes[offset]),
    });
    (id, finding)
}

/// The start of the bytes that is UTF-8.
fn valid(bytes: &[u8], upto: usize) -> &str {
    std::str::from_utf8(&bytes[..upto]).expect("valid up to there")
}

/// Reads one file. The tree holds all items and statements that are right; each slip is one finding, in order of place.
pub fn parse(sources: &Sources, id: SourceId) -> (Tree, Vec<Diagnostic>) {
    parse_text(id, &sources.get(id).text)
}

/// The same of a text that has blanks in place of some items of the source.
pub fn parse_text(id: SourceId, text: &str) -> (Tree, Vec<Diagnostic>) {
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
