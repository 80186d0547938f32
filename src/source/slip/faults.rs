//! The words for what the layout pass finds.

use super::{Finding, finding, shown};
use crate::diagnostic::Diagnostic;
use crate::source::layout::{Fault, MAX_DEPTH, Range};
use crate::source::{SourceId, Span};

/// One fault of the layout in words.
pub(in crate::source) fn finding_of(id: SourceId, text: &str, range: &Range, fault: &Fault) -> Diagnostic {
    let at = Span { source: id, start: range.start as u32, end: range.end as u32 };
    let here = &text[range.clone()];
    match fault {
        Fault::Unclosed => unclosed(at, here),
        Fault::Stray if here == "}" => {
            let help = "perhaps an earlier `}` closed the definition too soon";
            finding("E0102", at, "this `}` closes nothing").help(help)
        }
        Fault::Stray => finding("E0102", at, format!("this `{here}` closes nothing")),
        Fault::Mismatch(open) => {
            mismatch(at, &text[open.clone()], here, Span { start: open.start as u32, end: open.end as u32, ..at })
        }
        Fault::TooDeep => finding("E0126", at, format!("brackets nest more than {MAX_DEPTH} deep"))
            .help("give inner parts names, on lines of their own"),
        Fault::OpenText => {
            finding("E0104", at, "this text has no closing quote").help("a text ends with `\"` on the same line")
        }
        Fault::LookAlike(found, meant) => {
            let headline = format!("`{found}` (U+{:04X}) is not `{meant}`", *found as u32);
            finding("E0105", at, headline).help(format!("write `{meant}`"))
        }
        Fault::Strange(found) => strange(at, *found),
        Fault::ForeignWord => foreign_word(at, here),
    }
}

/// A body that runs into the next item or the end of the file.
pub(in crate::source) fn unclosed_brace(body: Span) -> Diagnostic {
    let at = Span { end: body.start + 1, ..body };
    finding("E0101", at, "this `{` is never closed").help("a `}` is missing before the next item")
}

/// An item that begins inside a body, indented as if it belonged there.
pub(in crate::source) fn nested(item: Span, body: Span) -> Diagnostic {
    let at = Span { end: body.start + 1, ..body };
    finding("E0101", item, "an item begins inside the braces of another; items do not nest")
        .label(at, "this `{` is still open")
        .help("move it out: a net or block may use all others of the file")
}

fn unclosed(at: Span, here: &str) -> Diagnostic {
    let close = partner(here);
    finding("E0101", at, format!("this `{here}` is never closed"))
        .help(format!("a `{close}` is missing, perhaps at the end of this line"))
}

fn mismatch(at: Span, open: &str, close: &str, open_at: Span) -> Diagnostic {
    let other = if close == ")" { "(" } else { "[" };
    finding("E0103", at, format!("`{open}` is closed by `{}`, `{other}` by `{close}`", partner(open)))
        .label(open_at, format!("this `{open}` is open"))
}

fn partner(open: &str) -> &'static str {
    if open == "(" { ")" } else { "]" }
}

fn strange(at: Span, found: char) -> Diagnostic {
    let code = found as u32;
    if found.is_control() {
        return finding("E0105", at, format!("a control character (U+{code:04X}) has no meaning here"))
            .help("delete it");
    }
    finding("E0105", at, format!("`{found}` (U+{code:04X}) has no meaning here"))
}

fn foreign_word(at: Span, here: &str) -> Diagnostic {
    let word = shown(here);
    finding("E0106", at, format!("`{word}` cannot be a name"))
        .help("a name is made of the letters a to z and A to Z, digits and `_`, and begins with a letter")
}
