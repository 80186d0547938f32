//! A bad stretch in tokens, as a person would count them.
//!
//! **Invariants**: tokens stand in order, do not overlap, and leave out blanks only; places are bytes of the stretch.

use super::scan::{Piece, Scan};

/// What a token is, as far as messages care.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source) enum Kind {
    Word,
    /// Also what was perhaps meant as one: `1.`, `12abc`.
    Number,
    Text,
    /// `(` `[`
    Open,
    /// `)` `]`
    Close,
    /// A brace inside a body, which layout has made byte 1.
    Brace,
    /// `{` `}` and line ends.
    Edge,
    /// An operator or another mark.
    Mark,
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(in crate::source) struct Token<'t> {
    pub kind: Kind,
    pub text: &'t str,
    pub start: usize,
    pub end: usize,
}

/// Marks of more than one character, longest first; those of other languages too.
const MARKS: [&str; 32] = [
    "...", "===", "!==", "-->", "==>", "**=", "->", "→", "=>", "==", "!=", "<=", ">=", "//", "..", "**", "&&", "||",
    "|>", "<|", ":=", "+=", "-=", "*=", "/=", "<-", "<>", "++", "--", "::", ">>", "~>",
];

impl Token<'_> {
    /// Whether a value can begin with this token.
    pub(in crate::source) fn begins_value(&self) -> bool {
        match self.kind {
            Kind::Word => !is_reserved(self.text) || matches!(self.text, "if" | "each"),
            Kind::Number | Kind::Text | Kind::Open => true,
            Kind::Close | Kind::Brace | Kind::Edge | Kind::Mark => false,
        }
    }

    /// Whether a value can end with this token.
    pub(in crate::source) fn ends_value(&self) -> bool {
        match self.kind {
            Kind::Word => !is_reserved(self.text),
            Kind::Number | Kind::Text | Kind::Close => true,
            Kind::Open | Kind::Brace | Kind::Edge | Kind::Mark => false,
        }
    }

    /// `->` in either form.
    pub(in crate::source) fn is_arrow(&self) -> bool {
        matches!(self.text, "->" | "→")
    }
}

/// Words that cannot be names: those of the grammar's rule `reserved`.
pub(in crate::source) fn is_reserved(word: &str) -> bool {
    const WORDS: [&str; 18] = [
        "param", "noise", "require", "minimise", "minimize", "report", "show", "if", "then", "else", "each", "in",
        "as", "and", "or", "over", "using", "every",
    ];
    WORDS.contains(&word)
}

/// The tokens of a stretch.
pub(in crate::source) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut upto = 0;
    for (piece, start, end) in Scan::new(text) {
        if start < upto {
            continue;
        }
        let (kind, end) = match piece {
            Piece::Blank | Piece::Comment => continue,
            Piece::LineEnd | Piece::OpenBrace | Piece::CloseBrace => (Kind::Edge, end),
            Piece::Text | Piece::OpenText => (Kind::Text, end),
            Piece::Open => (Kind::Open, end),
            Piece::Close => (Kind::Close, end),
            Piece::Word => (Kind::Word, end),
            Piece::Number => (Kind::Number, start + number(&text[start..])),
            Piece::Mark => mark(text, start, end),
        };
        tokens.push(Token { kind, text: &text[start..end], start, end });
        upto = end;
    }
    tokens
}

/// A mark's kind and end.
fn mark(text: &str, start: usize, end: usize) -> (Kind, usize) {
    let rest = &text[start..];
    let before = text[..start].chars().next_back();
    let digit = rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    if digit && !before.is_some_and(|c| c == '_' || c == '.' || c == ')' || c.is_alphanumeric()) {
        return (Kind::Number, start + number(rest));
    }
    match MARKS.iter().find(|mark| rest.starts_with(**mark)) {
        Some(mark) => (Kind::Mark, start + mark.len()),
        None if rest.starts_with('\u{1}') => (Kind::Brace, end),
        None => (Kind::Mark, end),
    }
}

/// The length of what looks like a number: digits, letters, single points, a sign behind `e`.
fn number(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let sign = matches!(byte, b'+' | b'-') && is_exponent(&text[..at]);
        let point = byte == b'.' && bytes.get(at + 1) != Some(&b'.') && (at == 0 || bytes[at - 1] != b'.');
        if !(byte.is_ascii_alphanumeric() || byte == b'_' || sign || point) {
            break;
        }
        at += 1;
    }
    at
}

/// Whether the text is digits, then one `e`.
fn is_exponent(text: &str) -> bool {
    let digits = text.strip_suffix(['e', 'E']);
    digits.is_some_and(|digits| !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit() || c == '.'))
}
