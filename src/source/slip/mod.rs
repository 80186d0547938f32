//! What a slip of syntax is told: a stretch that no rule took is looked at once more, alone.

pub(super) mod faults;
pub(super) mod limits;

use super::layout::Range;
use super::span::{SourceId, Span};
use super::tree::{BinaryOp, Name};
use crate::diagnostic::{Diagnostic, Help, Label};

/// What a stretch was read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// A line of a body.
    Statement,
    /// Text between items.
    Item,
    /// From the first word of an item to its `{`.
    Head,
    /// Text behind an item, on its last line.
    Tail,
}

/// Starts a finding; the place is the primary one.
fn finding(code: &'static str, at: Span, headline: impl Into<String>) -> Diagnostic {
    let labels = vec![Label { at, text: String::new() }];
    Diagnostic { code, headline: headline.into(), labels, notes: Vec::new(), helps: Vec::new() }
}

/// Builds a finding in one expression.
trait Finding {
    fn help(self, text: impl Into<String>) -> Self;
    fn label(self, at: Span, text: impl Into<String>) -> Self;
}

impl Finding for Diagnostic {
    fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.helps.push(Help { text: text.into(), edits: Vec::new() });
        self
    }

    fn label(mut self, at: Span, text: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { at, text: text.into() });
        self
    }
}

/// A piece of the user's text, cut where it is long.
fn shown(text: &str) -> String {
    match text.char_indices().nth(30) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_string(),
    }
}

/// `a < b < c`, `a ^ b ^ c`
pub(super) fn chain(op: BinaryOp, lhs: Span, op_at: Span) -> Diagnostic {
    if op == BinaryOp::Pow {
        return finding("E0125", op_at, "`a ^ b ^ c` can be read two ways")
            .label(lhs, "a power already")
            .help("write `(a ^ b) ^ c` or `a ^ (b ^ c)`");
    }
    finding("E0125", op_at, "a comparison has two sides")
        .label(lhs, "a comparison already")
        .help("join two with `and`: `a < b and b < c`")
}

/// The names that a bad stretch seems to define: those at its head.
pub(super) fn names_of(id: SourceId, text: &str, range: Range) -> Vec<Name> {
    const WORDS: [&str; 14] = [
        "param",
        "state",
        "noise",
        "update",
        "report",
        "let",
        "use",
        "net",
        "block",
        "optimiser",
        "optimizer",
        "data",
        "train",
        "test",
    ];
    let mut names = Vec::new();
    for (piece, start, end) in super::scan::Scan::new(&text[range.clone()]) {
        let (start, end) = (range.start + start, range.start + end);
        let here = &text[start..end];
        match piece {
            super::scan::Piece::Blank => {}
            super::scan::Piece::Word if WORDS.contains(&here) && names.is_empty() => {}
            super::scan::Piece::Word => {
                let at = Span { source: id, start: start as u32, end: end as u32 };
                names.push(Name { text: here.into(), at });
            }
            super::scan::Piece::Mark if here == "," => {}
            super::scan::Piece::Open if here == "(" && names.is_empty() => {}
            _ => break,
        }
    }
    names
}

/// Finds out what is wrong with a stretch of laid-out text that no rule took.
pub(super) fn explain(id: SourceId, _text: &str, range: Range, _lookup: Lookup) -> Diagnostic {
    let at = Span { source: id, start: range.start as u32, end: range.end as u32 };
    finding("E0115", at, "this cannot be read")
}
