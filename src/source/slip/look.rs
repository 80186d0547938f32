//! One bad stretch under the eyes of the recognisers: its tokens, and the first one that makes no sense.

use super::attempt::{Attempt, Expected};
use super::{Lookup, finding};
use crate::diagnostic::Diagnostic;
use crate::source::layout::Range;
use crate::source::tokens::{Kind, Token, is_reserved, tokens};
use crate::source::{SourceId, Span};

/// The longest stretch for which it is tried what could stand in place of a token: each try reads it again.
const MAX_TRIED: usize = 1024;

/// A bad stretch.
pub(super) struct Look<'t> {
    id: SourceId,
    /// Where the stretch begins in the file.
    base: usize,
    pub text: &'t str,
    pub tokens: Vec<Token<'t>>,
    /// The first token that makes no sense; the number of tokens if something is missing at the end.
    pub k: usize,
    pub lookup: Lookup,
    attempt: Attempt,
}

impl<'t> Look<'t> {
    /// Reads the stretch again to find where it stops to make sense.
    pub(super) fn new(id: SourceId, file: &'t str, range: Range, lookup: Lookup) -> Look<'t> {
        let attempt = match lookup {
            Lookup::Statement { .. } => Attempt::statement(),
            Lookup::Head => Attempt::head(),
            Lookup::Item | Lookup::Tail => Attempt::item(),
        };
        let text = &file[range.clone()];
        let tokens = tokens(text);
        let stop = attempt.stops(text);
        let mut k = tokens.partition_point(|token| token.end <= stop);
        // The rule for names looks over a reserved word before it refuses it.
        if k > 0 && is_reserved(tokens[k - 1].text) && !attempt.viable(&text[..tokens[k - 1].end]) {
            k -= 1;
        }
        Look { id, base: range.start, text, tokens, k, lookup, attempt }
    }

    /// The token that makes no sense.
    pub(super) fn here(&self) -> Option<&Token<'t>> {
        self.tokens.get(self.k)
    }

    /// The last token that does.
    pub(super) fn prev(&self) -> Option<&Token<'t>> {
        self.tokens[..self.k].last()
    }

    /// The text of a token, or nothing.
    pub(super) fn word(&self, index: usize) -> &'t str {
        self.tokens.get(index).map_or("", |token| token.text)
    }

    /// Where the tokens `first..=last` stand.
    pub(super) fn span(&self, first: usize, last: usize) -> Span {
        let (start, end) = (self.tokens[first].start, self.tokens[last].end);
        Span { source: self.id, start: (self.base + start) as u32, end: (self.base + end) as u32 }
    }

    /// The place of the token that makes no sense, or the end of the stretch.
    pub(super) fn place(&self) -> Span {
        match self.tokens.len() {
            n if self.k < n => self.span(self.k, self.k),
            0 => Span { source: self.id, start: self.base as u32, end: self.base as u32 },
            n => self.span(n - 1, n - 1).after(),
        }
    }

    /// A finding at the token that makes no sense.
    pub(super) fn finding(&self, code: &'static str, headline: impl Into<String>) -> Diagnostic {
        finding(code, self.place(), headline)
    }

    /// A finding at the tokens `first..=last`.
    pub(super) fn over(&self, code: &'static str, first: usize, last: usize, text: impl Into<String>) -> Diagnostic {
        finding(code, self.span(first, last), text)
    }

    /// The bracket in which token `k` stands, by its number.
    pub(super) fn enclosing(&self) -> Option<usize> {
        let mut depth = 0;
        for index in (0..self.k).rev() {
            match self.tokens[index].kind {
                Kind::Close => depth += 1,
                Kind::Open if depth == 0 => return Some(index),
                Kind::Open => depth -= 1,
                Kind::Word | Kind::Number | Kind::Text | Kind::Brace | Kind::Edge | Kind::Mark => {}
            }
        }
        None
    }

    /// The last token before `k`, in the same bracket, for which this holds.
    pub(super) fn before(&self, holds: impl Fn(&Token<'t>) -> bool) -> Option<usize> {
        let mut depth = 0;
        for index in (0..self.k).rev() {
            match self.tokens[index].kind {
                Kind::Close => depth += 1,
                Kind::Open if depth == 0 => return None,
                Kind::Open => depth -= 1,
                Kind::Word | Kind::Number | Kind::Text | Kind::Brace | Kind::Edge | Kind::Mark => {}
            }
            if depth == 0 && holds(&self.tokens[index]) {
                return Some(index);
            }
        }
        None
    }

    /// Where the value that ends with token `last` begins: `conv(3)` at `conv`.
    pub(super) fn value_start(&self, last: usize) -> usize {
        let mut depth = 0;
        for index in (0..=last).rev() {
            match self.tokens[index].kind {
                Kind::Close => depth += 1,
                Kind::Open => depth -= 1,
                Kind::Word | Kind::Number | Kind::Text | Kind::Brace | Kind::Edge | Kind::Mark => {}
            }
            let touches = index > 0 && self.tokens[index - 1].end == self.tokens[index].start;
            let goes_on = touches && (self.tokens[index - 1].ends_value() && self.tokens[index].kind == Kind::Open);
            if depth <= 0 && !goes_on {
                return index;
            }
        }
        0
    }

    /// The bracket that closes the one at `open`, or the last token.
    pub(super) fn partner(&self, open: usize) -> usize {
        let mut depth = 0;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                Kind::Open => depth += 1,
                Kind::Close => depth -= 1,
                Kind::Word | Kind::Number | Kind::Text | Kind::Brace | Kind::Edge | Kind::Mark => {}
            }
            if depth <= 0 {
                return index;
            }
        }
        self.tokens.len() - 1
    }

    /// The text before the token that makes no sense.
    fn sense(&self) -> &'t str {
        let end = match (self.here(), self.tokens.last()) {
            (Some(here), _) => here.start,
            (None, last) => last.map_or(0, |last| last.end),
        };
        &self.text[..end]
    }

    /// What could stand there; nothing is known of a long stretch.
    pub(super) fn expected(&self) -> Expected {
        match self.text.len() > MAX_TRIED {
            true => Expected::default(),
            false => self.attempt.expected(self.sense()),
        }
    }

    /// Whether the token before and a mark could stand without a blank between them.
    pub(super) fn may_join(&self, mark: &str) -> bool {
        let end = self.k.checked_sub(1).map_or(0, |prev| self.tokens[prev].end);
        self.text.len() <= MAX_TRIED && self.attempt.viable(&format!("{}{mark}", &self.text[..end]))
    }

    /// Whether the stretch could end there.
    pub(super) fn may_end(&self) -> bool {
        self.text.len() <= MAX_TRIED && self.attempt.whole(self.sense())
    }
}
