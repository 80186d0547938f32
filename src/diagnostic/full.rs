//! The rendering for people: the headline, the lines with their labels (drawn by ariadne), notes and helps.
//!
//! **Invariants**: plain unless colours are asked for; no line ends in blanks; nothing depends on a terminal's width.
//! Ariadne wants labels in order of place (each step backwards would open a new group), and its headline reads
//! otherwise, so the headline is written here and its first line dropped.

use super::{Diagnostic, Label};
use crate::span::{SourceId, Sources, Span};
use ariadne::{CharSet, Color, Config, IndexType, Report, ReportKind, Source};
use std::collections::BTreeMap;
use std::ops::Range;

/// The widest line of notes and helps.
const WIDTH: usize = 100;

/// One diagnostic, with a line end behind it.
pub fn render(sources: &Sources, diagnostic: &Diagnostic, color: bool) -> String {
    let mut text = headline(diagnostic, color);
    let (mut body, margin) = match diagnostic.labels.first() {
        Some(first) => drawn(sources, diagnostic, first, color),
        None => (String::new(), 2),
    };
    let closing = body.trim_end().rfind('\n').map(|at| body.split_off(at + 1));
    text.push_str(&body);
    text.push_str(&remarks(diagnostic, margin, closing.is_some()));
    text.push_str(closing.as_deref().unwrap_or_default());
    text
}

/// `error[E0302]: a 3x3 window does not fit into 1x1`
fn headline(diagnostic: &Diagnostic, color: bool) -> String {
    let (word, paint) = if diagnostic.is_error() { ("error", "31") } else { ("warning", "33") };
    if color {
        return format!(
            "\u{1b}[{paint};1m{word}[{}]\u{1b}[0m\u{1b}[1m: {}\u{1b}[0m\n",
            diagnostic.code, diagnostic.headline
        );
    }
    format!("{word}[{}]: {}\n", diagnostic.code, diagnostic.headline)
}

/// The lines with their labels, and the width of the margin.
fn drawn(sources: &Sources, diagnostic: &Diagnostic, first: &Label, color: bool) -> (String, usize) {
    let paint = if diagnostic.is_error() { Color::Red } else { Color::Yellow };
    let config = Config::default().with_color(color).with_index_type(IndexType::Byte).with_char_set(CharSet::Unicode);
    let kind = ReportKind::Custom("finding", paint);
    let mut report = Report::build(kind, range(sources, first.at)).with_config(config);
    let mut labels: Vec<&Label> = diagnostic.labels.iter().collect();
    labels.sort_by_key(|label| label.at);
    for label in labels {
        // Without a text, no line would be drawn under the place.
        let text = if label.text.is_empty() { "here" } else { &label.text };
        let drawn = ariadne::Label::new(range(sources, label.at)).with_message(text);
        report.add_label(if color {
            drawn.with_color(if label == first { paint } else { Color::Cyan })
        } else {
            drawn
        });
    }
    let mut bytes = Vec::new();
    report.finish().write(Lines::new(sources), &mut bytes).expect("a Vec takes every byte, and all sources are known");
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().skip(1).map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let margin = lines.last().map_or(2, |line| plain(line).chars().filter(|c| *c == '─').count());
    (lines.join("\n") + "\n", margin)
}

/// A line without its colours.
fn plain(line: &str) -> String {
    let mut result = String::new();
    let mut inside = false;
    for c in line.chars() {
        match (inside, c) {
            (false, '\u{1b}') => inside = true,
            (true, 'm') => inside = false,
            (true, _) => {}
            (false, c) => result.push(c),
        }
    }
    result
}

/// Notes and helps, below the lines.
fn remarks(diagnostic: &Diagnostic, margin: usize, boxed: bool) -> String {
    let mut text = String::new();
    let edge = if boxed { "│" } else { "=" };
    let mut add = |word: &str, remark: &str| {
        let lead = format!("{}{edge} {word}: ", " ".repeat(margin));
        let more = format!("{}{edge} {}", " ".repeat(margin), " ".repeat(word.len() + 2));
        for (i, line) in remark.lines().flat_map(|line| wrap(line, WIDTH - margin - word.len() - 4)).enumerate() {
            text.push_str(if i == 0 { &lead } else { &more });
            text.push_str(&format!("{line}\n"));
        }
    };
    for note in &diagnostic.notes {
        add("note", note);
    }
    for help in &diagnostic.helps {
        let fix = if help.edits.is_empty() { "" } else { "   (--fix)" };
        add("help", &format!("{}{fix}", help.text));
    }
    text
}

/// A line in pieces of at most `width` characters, broken at blanks; its indentation is kept.
fn wrap(line: &str, width: usize) -> Vec<String> {
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let mut pieces: Vec<String> = vec![indent.clone()];
    for word in line.split(' ').filter(|word| !word.is_empty()) {
        let last = pieces.last_mut().expect("there is one piece from the start");
        let fits = last.chars().count() + 1 + word.chars().count() <= width;
        match (last.trim().is_empty(), fits) {
            (true, _) => last.push_str(word),
            (false, true) => last.push_str(&format!(" {word}")),
            (false, false) => pieces.push(format!("{indent}{word}")),
        }
    }
    pieces
}

/// Bytes of a source. An empty span is drawn one character wide where there is one.
fn range(sources: &Sources, at: Span) -> (SourceId, Range<usize>) {
    let text = &sources.get(at.source).text;
    let (start, mut end) = (at.start as usize, at.end as usize);
    if start == end {
        end += text[end..].chars().next().filter(|c| *c != '\n').map_or(0, char::len_utf8);
    }
    (at.source, start..end)
}

/// The sources as ariadne reads them; a line table is made when a file is first asked for.
struct Lines<'a> {
    sources: &'a Sources,
    read: BTreeMap<SourceId, Source<String>>,
}

impl<'a> Lines<'a> {
    fn new(sources: &'a Sources) -> Lines<'a> {
        Lines { sources, read: BTreeMap::new() }
    }
}

impl ariadne::Cache<SourceId> for Lines<'_> {
    type Storage = String;

    fn fetch(&mut self, id: &SourceId) -> Result<&Source<String>, impl std::fmt::Debug> {
        let text = || Source::from(self.sources.get(*id).text.to_string());
        Ok::<_, std::convert::Infallible>(self.read.entry(*id).or_insert_with(text))
    }

    fn display<'b>(&self, id: &'b SourceId) -> Option<impl std::fmt::Display + 'b> {
        Some(self.sources.get(*id).path.clone())
    }
}
