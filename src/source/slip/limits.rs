//! Files that are too much of something, or nothing.

use super::{Finding, finding};
use crate::diagnostic::Diagnostic;
use crate::source::parse::MAX_BYTES;
use crate::source::{SourceId, Span};

/// A file above [`MAX_BYTES`].
pub(in crate::source) fn too_large(id: SourceId, length: usize) -> Diagnostic {
    let start = Span { source: id, start: 0, end: 0 };
    let headline = format!("this file has {length} bytes; the most that is read is {MAX_BYTES}");
    finding("E0126", start, headline).help("weights and data belong into files of their own")
}

/// Bytes that are no UTF-8.
pub(in crate::source) fn not_text(at: Span, offset: usize, byte: u8) -> Diagnostic {
    let headline = format!("byte {offset} (0x{byte:02X}) is not UTF-8: this is no text");
    finding("E0105", at, headline).help("save the file as UTF-8")
}

/// A file that begins with UTF-16's mark.
pub(in crate::source) fn utf16(at: Span) -> Diagnostic {
    finding("E0105", at, "this file is UTF-16, not UTF-8").help("save the file as UTF-8")
}

/// A file without any item.
pub(in crate::source) fn empty(id: SourceId) -> Diagnostic {
    let start = Span { source: id, start: 0, end: 0 };
    finding("E0120", start, "this file defines nothing").help("`brolga new` writes a first net")
}

/// More operators and subscripts than any walk over the tree should meet.
pub(in crate::source) fn too_long(at: Span) -> Diagnostic {
    let most = crate::source::build::MAX_OPERATORS;
    finding("E0126", at, format!("this expression has more than {most} operators and subscripts"))
        .help("give parts of it names, on lines of their own")
}

/// A number beyond what can be stored.
pub(in crate::source) fn number_too_large(at: Span, text: &str) -> Diagnostic {
    let shown: String = text.chars().take(20).collect();
    let dots = if shown.len() < text.len() { "..." } else { "" };
    finding("E0108", at, format!("`{shown}{dots}` is too large a number"))
}
