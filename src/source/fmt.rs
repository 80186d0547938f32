//! Prints a file in the house's style, gently: what the writer lined up stays lined up.
//!
//! A statement begins two blanks further in for each open brace, and its further lines move along with it; a `;` becomes
//! a line end, several empty lines become one, blanks stand behind commas and around arrows, `=` and comparisons.
//!
//! **Invariants**: the tokens and comments of what is printed are those of the file, but for `;`; printing twice is
//! printing once. The file is one that parses without a finding.

use super::Sources;
use super::layout::layout;
use super::tokens::{Kind, Token, tokens};
use super::tree::Tree;

/// The text of a tree's file in the house's style.
pub fn print(sources: &Sources, tree: &Tree) -> String {
    let text = &sources.get(tree.source).text;
    let rows = rows(text, &layout(text).text);
    let mut printer = Printer::default();
    for row in &rows {
        printer.row(row);
    }
    printer.out
}

/// One line to be printed.
struct Row<'t> {
    /// Column of the first token or comment in the file, from 0.
    column: usize,
    tokens: Vec<(usize, Token<'t>)>,
    /// With the blanks before it.
    comment: Option<(usize, &'t str)>,
    /// Whether the statement ends here.
    ends: bool,
}

impl Row<'_> {
    fn is_empty(&self) -> bool {
        self.tokens.is_empty() && self.comment.is_none()
    }

    fn first(&self) -> &str {
        self.tokens.first().map_or("", |(_, token)| token.text)
    }
}

/// The file's lines, broken up at `;` and at the braces of bodies that take more than one line.
fn rows<'t>(text: &'t str, laid: &str) -> Vec<Row<'t>> {
    let mut rows = Vec::new();
    // A byte order mark is no part of the first line.
    let mut start = text.len() - text.trim_start_matches('\u{feff}').len();
    while start < text.len() {
        let length = text[start..].find(['\n', '\r']).unwrap_or(text.len() - start);
        let end = start + length;
        let ends = laid.as_bytes().get(end).is_none_or(|byte| matches!(byte, b'\n' | b'\r'));
        line(&text[start..end], ends, &mut rows);
        let rest = &text[end..];
        start = end + if rest.starts_with("\r\n") { 2 } else { rest.len().min(1) };
    }
    rows
}

/// One line of the file as rows.
fn line<'t>(text: &'t str, ends: bool, rows: &mut Vec<Row<'t>>) {
    let all = tokens(text);
    let breaks = breaks(&all);
    let mut row = Row {
        column: columns(text, all.first().map_or(text.len(), |token| token.start)),
        tokens: Vec::new(),
        comment: None,
        ends: true,
    };
    let mut upto = 0;
    for (token, broken) in all.iter().zip(breaks) {
        let gap = blanks(&text[upto..token.start]);
        upto = token.end;
        if broken && !row.tokens.is_empty() {
            let next = Row { column: columns(text, token.start), tokens: Vec::new(), comment: None, ends: true };
            rows.push(std::mem::replace(&mut row, next));
        }
        if token.text != ";" {
            row.tokens.push((gap, *token));
        }
    }
    let rest = text[upto..].trim_end();
    let comment = rest.trim_start();
    if !comment.is_empty() {
        let gap = blanks(&rest[..rest.len() - comment.len()]);
        row.column = if row.tokens.is_empty() { columns(text, text.find('#').unwrap_or(0)) } else { row.column };
        row.comment = Some((gap, comment));
    }
    row.ends = ends;
    rows.push(row);
}

/// Before which tokens of a line a new one begins: behind a `;`, and inside braces that hold one or that the line does
/// not close.
fn breaks(tokens: &[Token<'_>]) -> Vec<bool> {
    let mut breaks = vec![false; tokens.len() + 1];
    let mut open = None;
    for (index, token) in tokens.iter().enumerate() {
        match token.text {
            "{" => open = Some(index),
            "}" => {
                let split = open.take().is_none_or(|start| tokens[start..index].iter().any(|token| token.text == ";"));
                breaks[index] |= split;
                breaks[index + 1] = true;
                if let Some(start) = tokens[..index].iter().rposition(|token| token.text == "{") {
                    breaks[start + 1] |= split;
                }
            }
            ";" => breaks[index + 1] = true,
            _ => {}
        }
    }
    if let Some(start) = open {
        breaks[start + 1] = true;
    }
    breaks.truncate(tokens.len());
    breaks
}

/// The column at which a byte stands; a tab goes on to the next multiple of 4.
fn columns(line: &str, upto: usize) -> usize {
    line[..upto].chars().fold(0, |column, c| if c == '\t' { column / 4 * 4 + 4 } else { column + 1 })
}

/// How many blanks a gap has; tabs count as one.
fn blanks(gap: &str) -> usize {
    gap.chars().count()
}

/// Writes rows.
struct Printer {
    out: String,
    /// Open braces.
    depth: usize,
    /// Whether the next row begins a statement.
    fresh: bool,
    /// Whether an empty line was met.
    gap: bool,
    /// How the statement's first line was moved: from this column to that.
    moved: (usize, usize),
    /// Open round and square brackets.
    brackets: usize,
}

impl Default for Printer {
    fn default() -> Printer {
        Printer { out: String::new(), depth: 0, fresh: true, gap: false, moved: (0, 0), brackets: 0 }
    }
}

impl Printer {
    fn row(&mut self, row: &Row<'_>) {
        if row.is_empty() {
            self.gap = true;
            return;
        }
        let closes = row.first() == "}";
        let fresh = self.fresh || closes;
        if closes {
            self.depth = self.depth.saturating_sub(1);
        }
        self.empty_line(closes);
        self.indent(row.column, fresh);
        self.tokens(row);
        self.out.push('\n');
        let last = row.tokens.last().map_or("", |(_, token)| token.text);
        if !row.tokens.is_empty() || fresh {
            self.fresh = row.ends || matches!(last, "{" | "}");
        }
    }

    /// One empty line where there were any, but not beside a brace.
    fn empty_line(&mut self, closes: bool) {
        let after_brace = self.out.is_empty() || self.out.ends_with("{\n");
        if std::mem::take(&mut self.gap) && !closes && !after_brace {
            self.out.push('\n');
        }
    }

    /// The blanks before a row: a statement's by its depth, a further line's as far moved as the statement.
    fn indent(&mut self, column: usize, fresh: bool) {
        if fresh {
            self.moved = (column, 2 * self.depth);
        }
        let (from, to) = self.moved;
        let indent = to + column.saturating_sub(from);
        self.out.extend(std::iter::repeat_n(' ', indent));
    }

    fn tokens(&mut self, row: &Row<'_>) {
        let mut prev: Option<&Token<'_>> = None;
        for (gap, token) in &row.tokens {
            if let Some(prev) = prev {
                let gap = self.gap(prev, token, *gap);
                self.out.extend(std::iter::repeat_n(' ', gap));
            }
            self.out.push_str(token.text);
            match token.kind {
                Kind::Open => self.brackets += 1,
                Kind::Close => self.brackets = self.brackets.saturating_sub(1),
                Kind::Edge if token.text == "{" => self.depth += 1,
                Kind::Edge if prev.is_some() => self.depth = self.depth.saturating_sub(1),
                Kind::Edge | Kind::Word | Kind::Number | Kind::Text | Kind::Brace | Kind::Mark => {}
            }
            prev = Some(token);
        }
        if let Some((gap, comment)) = row.comment {
            self.out.extend(std::iter::repeat_n(' ', if prev.is_some() { gap.max(1) } else { 0 }));
            self.out.push_str(comment);
        }
    }

    /// How many blanks stand between two tokens that had so many.
    fn gap(&self, prev: &Token<'_>, next: &Token<'_>, gap: usize) -> usize {
        const SPACED: [&str; 9] = ["->", "→", "==", "!=", "<=", ">=", "~", "{", "}"];
        let defines = self.brackets == 0 && (prev.text == "=" || next.text == "=");
        let spaced = SPACED.contains(&prev.text) || SPACED.contains(&next.text) || defines;
        match next.text {
            "," => 0,
            "}" if prev.text == "{" => 0,
            _ if spaced || matches!(prev.text, "," | ":") => gap.max(1),
            _ => gap,
        }
    }
}
