//! Where a piece of text stands: a span knows its file.
//!
//! **Invariants**: `start <= end <=` length of the source, both on character boundaries; bytes, not characters.

use crate::ids::{Arena, Id, Symbol};

/// A file's text: the user's, or one of the library's, which are sources too.
#[derive(Clone, Debug)]
pub struct Source {
    /// As the user gave it (`nets/lenet.net`), or `library/layers.net`.
    pub path: String,
    /// The whole text.
    pub text: Symbol,
    /// Whether it is a text of the library, which messages do not show: they show the user's own call.
    pub library: bool,
    /// Byte offset of the first byte of each line.
    line_starts: Vec<u32>,
}

/// Names a [`Source`].
pub type SourceId = Id<Source>;

/// All texts that take part in one run of the compiler.
#[derive(Clone, Debug, Default)]
pub struct Sources(Arena<Source>);

/// A range of bytes in one source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The smallest span that covers both; both lie in one file.
    pub fn to(self, other: Span) -> Span {
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether the other one lies inside of this one.
    pub fn holds(self, other: Span) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }

    /// The empty span at the end of this one.
    pub fn after(self) -> Span {
        Span { start: self.end, ..self }
    }
}

impl Sources {
    /// Adds a text of less than 4 GiB.
    pub fn add(&mut self, path: &str, text: &str) -> SourceId {
        self.push(path, text, false)
    }

    /// Adds a text of the library.
    pub fn add_library(&mut self, path: &str, text: &str) -> SourceId {
        self.push(path, text, true)
    }

    /// Whether a place lies in the library.
    pub fn in_library(&self, at: Span) -> bool {
        self.0[at.source].library
    }

    fn push(&mut self, path: &str, text: &str, library: bool) -> SourceId {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at as u32 + 1));
        let line_starts = starts.collect();
        self.0.push(Source { path: path.to_string(), text: text.into(), library, line_starts })
    }

    /// The source of an id.
    pub fn get(&self, id: SourceId) -> &Source {
        &self.0[id]
    }

    /// All sources, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.0.iter()
    }

    /// The text under a span.
    pub fn text(&self, at: Span) -> &str {
        &self.0[at.source].text[at.start as usize..at.end as usize]
    }

    /// Line and column of a span's start, both counted from 1, the column in characters.
    pub fn position(&self, at: Span) -> (usize, usize) {
        self.0[at.source].position(at.start)
    }
}

impl Source {
    /// Line and column of a byte offset, both counted from 1, the column in characters.
    pub fn position(&self, offset: u32) -> (usize, usize) {
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = self.line_starts[line - 1] as usize;
        (line, self.text[start..offset as usize].chars().count() + 1)
    }
}
