//! What a slip of syntax is told: a stretch that no rule took is looked at once more, alone.

mod attempt;
mod expected;
pub(super) mod faults;
pub(super) mod limits;
mod look;
mod marks;
mod things;

mod words;

use super::layout::Range;
use super::scan::{Piece, Scan};
use super::span::{SourceId, Span};
use super::tree::{BinaryOp, Name};
use crate::diagnostic::{Diagnostic, Help, Label};
use look::Look;

/// What a stretch was read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// A line of a body, perhaps of a test's.
    Statement { test: bool },
    /// Text between items.
    Item,
    /// From the first word of an item to its `{`.
    Head,
    /// An item and the text behind it, on its last line.
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
    for (piece, start, end) in Scan::new(&text[range.clone()]) {
        let (start, end) = (range.start + start, range.start + end);
        let here = &text[start..end];
        match piece {
            Piece::Blank => {}
            Piece::Word if WORDS.contains(&here) && names.is_empty() => {}
            Piece::Word => {
                let at = Span { source: id, start: start as u32, end: end as u32 };
                names.push(Name { text: here.into(), at });
            }
            Piece::Mark if here == "," => {}
            Piece::Open if here == "(" && names.is_empty() => {}
            Piece::LineEnd | Piece::Comment | Piece::Text | Piece::OpenText | Piece::Open | Piece::Close => break,
            Piece::OpenBrace | Piece::CloseBrace | Piece::Number | Piece::Mark => break,
        }
    }
    names
}

/// A look at a stretch that knows what is wrong, or does not.
type Recogniser = fn(&Look<'_>) -> Option<Diagnostic>;

/// In this order: the first that knows is right.
const RECOGNISERS: [Recogniser; 17] = [
    things::brace,
    marks::foreign_mark,
    words::first_word,
    words::first_of_item,
    marks::comment,
    marks::bad_number,
    words::over_after_using,
    words::reserved,
    things::declaration,
    things::equals,
    things::missing_arrow,
    things::several_results,
    things::name_with_minus,
    things::shape_in_brackets,
    things::operator_after_stage,
    things::side_by_side,
    |look| Some(expected::expected(look)),
];

/// Finds out what is wrong with a stretch of laid-out text that no rule took.
pub(super) fn explain(id: SourceId, text: &str, range: Range, lookup: Lookup) -> Diagnostic {
    let range = match lookup {
        Lookup::Item => range.start..range.start + first_line(&text[range]),
        Lookup::Statement { .. } | Lookup::Head | Lookup::Tail => range,
    };
    let look = Look::new(id, text, range, lookup);
    RECOGNISERS.iter().find_map(|known| known(&look)).expect("the last recogniser always knows")
}

/// The length of the first line.
fn first_line(text: &str) -> usize {
    text.find(['\n', '\r']).unwrap_or(text.len())
}
