//! The smallest pieces of a text: what the layout pass steps over.
//!
//! **Invariants**: pieces lie side by side and cover the whole text; each is at least one byte long and lies on
//! character boundaries. A scan is one walk, linear in the text.

/// What a piece is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Spaces and tabs.
    Blank,
    /// LF, CR or CRLF.
    LineEnd,
    /// `#` to the end of the line, without the line end.
    Comment,
    /// `"..."` on one line.
    Text,
    /// A `"` that no other closes on its line; reaches to the end of the line.
    OpenText,
    /// `(` or `[`
    Open,
    /// `)` or `]`
    Close,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// Letters, digits, `_`, beginning with a letter or `_`; a letter that is not ASCII counts as one.
    Word,
    /// Digits, letters and points, beginning with a digit.
    Number,
    /// Any other single character.
    Mark,
}

/// Walks over the pieces of a text, with the bytes where each starts and ends.
pub(super) struct Scan<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Scan<'t> {
    /// Starts at the first byte.
    pub(super) fn new(text: &'t str) -> Scan<'t> {
        Scan { text, at: 0 }
    }
}

impl Iterator for Scan<'_> {
    type Item = (Piece, usize, usize);

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let first = self.text[start..].chars().next()?;
        let (piece, length) = measure(&self.text[start..], first);
        self.at += length;
        Some((piece, start, self.at))
    }
}

/// The kind and length in bytes of the piece at the start of `rest`, which begins with `first`.
fn measure(rest: &str, first: char) -> (Piece, usize) {
    match first {
        ' ' | '\t' => (Piece::Blank, run(rest, |c| matches!(c, ' ' | '\t'))),
        '\r' if rest.starts_with("\r\n") => (Piece::LineEnd, 2),
        '\n' | '\r' => (Piece::LineEnd, 1),
        '#' => (Piece::Comment, run(rest, |c| !is_line_end(c))),
        '"' => measure_text(rest),
        '(' | '[' => (Piece::Open, 1),
        ')' | ']' => (Piece::Close, 1),
        '{' => (Piece::OpenBrace, 1),
        '}' => (Piece::CloseBrace, 1),
        '0'..='9' => (Piece::Number, run(rest, |c| c.is_ascii_alphanumeric())),
        c if is_word_char(c) => (Piece::Word, run(rest, is_word_char)),
        other => (Piece::Mark, other.len_utf8()),
    }
}

/// A quoted text: closed if a second `"` stands on the line.
fn measure_text(rest: &str) -> (Piece, usize) {
    let inner = run(&rest[1..], |c| c != '"' && !is_line_end(c)) + 1;
    match rest[inner..].starts_with('"') {
        true => (Piece::Text, inner + 1),
        false => (Piece::OpenText, inner),
    }
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

fn is_word_char(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// How many bytes at the start of `rest` have the property.
fn run(rest: &str, holds: impl Fn(char) -> bool) -> usize {
    rest.find(|c| !holds(c)).unwrap_or(rest.len())
}
