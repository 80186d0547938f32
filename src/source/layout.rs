//! The pass before the grammar: a text of the same length in which only the line ends that end a statement are left.
//!
//! It (a) blanks out comments; (b) pairs round and square brackets, at most 64 deep; (c) blanks out a line end inside a
//! pair, or before a token that goes on; (d) turns a `{` inside a body into byte 1 and its `}` into a blank; (e) reports
//! open texts, control characters and look-alikes, and puts what was meant in their place.
//!
//! **Invariants**: the result has the length of the source, byte for byte, so spans stay true; outside of texts it is
//! ASCII but for `→` and `×`; one scan to pair and one to write, so the cost is linear.

use super::scan::{Piece, Scan};
use super::strange;

/// How deep brackets may nest: it bounds the stack of every walk over a tree.
pub const MAX_DEPTH: usize = 64;

/// A range of bytes of the text.
pub(super) type Range = std::ops::Range<usize>;

/// What the layout pass makes of a text.
pub(super) struct Layout {
    /// As long as the source.
    pub text: String,
    /// Where comments stand, `#` included, line end not.
    pub comments: Vec<Range>,
    /// In order of place.
    pub faults: Vec<(Range, Fault)>,
}

/// What is wrong before any grammar is applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `(` or `[` without its partner.
    Unclosed,
    /// `)`, `]` or `}` without its partner.
    Stray,
    /// `(` closed by `]`, or the other way round; where the opening one stands.
    Mismatch(Range),
    /// The 65th open bracket.
    TooDeep,
    /// `"` without its partner.
    OpenText,
    /// A character that looks like another, and that other.
    LookAlike(char, &'static str),
    /// A character without a meaning here.
    Strange(char),
    /// A word with letters beyond a to z.
    ForeignWord,
}

/// Lays out a whole text.
pub(super) fn layout(source: &str) -> Layout {
    let (text, mut faults) = strange::replace(source);
    let paired = match pair(&text, &mut faults) {
        Ok(paired) => paired,
        Err(at) => return refused(source, at),
    };
    let mut writer = Writer::new(&text, &paired);
    for (piece, start, end) in Scan::new(&text) {
        writer.piece(piece, start, end);
    }
    faults.sort_by_key(|(at, _)| at.start);
    let text = String::from_utf8(writer.out).expect("only whole ASCII characters were replaced by ASCII");
    Layout { text, comments: writer.comments, faults }
}

/// A text nested too deeply is not read at all.
fn refused(source: &str, at: usize) -> Layout {
    Layout { text: " ".repeat(source.len()), comments: Vec::new(), faults: vec![(at..at + 1, Fault::TooDeep)] }
}

/// Which brackets have partners: the starts of both, in order. Fails at a bracket that is too deep.
fn pair(text: &str, faults: &mut Vec<(Range, Fault)>) -> Result<Vec<usize>, usize> {
    let mut pairs = Pairs { text, open: Vec::new(), paired: Vec::new(), faults };
    let mut lines = Lines::default();
    for (piece, start, end) in Scan::new(text) {
        match piece {
            Piece::Open if pairs.open.len() == MAX_DEPTH => return Err(start),
            Piece::Open => pairs.open.push(start),
            Piece::Close => pairs.close(start),
            Piece::OpenText => {
                pairs.faults.push((start..end, Fault::OpenText));
                pairs.open.clear();
            }
            Piece::OpenBrace if lines.braces > 0 => {}
            Piece::CloseBrace if lines.braces > 1 => {}
            Piece::OpenBrace | Piece::CloseBrace => pairs.give_up(),
            Piece::Word if lines.starts_item(text, start, end) => pairs.give_up(),
            Piece::Blank | Piece::LineEnd | Piece::Comment | Piece::Text => {}
            Piece::Word | Piece::Number | Piece::Mark => {}
        }
        if piece == Piece::CloseBrace && lines.braces == 0 {
            pairs.faults.push((start..end, Fault::Stray));
        }
        lines.step(text, piece, start, end);
    }
    pairs.give_up();
    let mut paired = pairs.paired;
    paired.sort_unstable();
    Ok(paired)
}

/// The stack of open brackets.
struct Pairs<'t, 'f> {
    text: &'t str,
    open: Vec<usize>,
    paired: Vec<usize>,
    faults: &'f mut Vec<(Range, Fault)>,
}

impl Pairs<'_, '_> {
    /// A closing bracket: the nearest open one of its kind is its partner. If there is none, or if enough closing ones
    /// stand here for all that are open, the nearest of the other kind is, which is a slip.
    fn close(&mut self, at: usize) {
        let bytes = self.text.as_bytes();
        let partner = if bytes[at] == b')' { b'(' } else { b'[' };
        let Some(&last) = self.open.last() else {
            return self.faults.push((at..at + 1, Fault::Stray));
        };
        let all_close = bytes[last] != partner && closing_run(&self.text[at..], self.open.len());
        let same = self.open.iter().rposition(|&open| bytes[open] == partner).filter(|_| !all_close);
        let Some(depth) = same else {
            self.open.pop();
            self.paired.extend([last, at]);
            return self.faults.push((at..at + 1, Fault::Mismatch(last..last + 1)));
        };
        for open in self.open.drain(depth + 1..) {
            self.faults.push((open..open + 1, Fault::Unclosed));
        }
        let open = self.open.pop().expect("rposition found it");
        self.paired.extend([open, at]);
    }

    /// No open bracket can be closed any more.
    fn give_up(&mut self) {
        for open in self.open.drain(..) {
            self.faults.push((open..open + 1, Fault::Unclosed));
        }
    }
}

/// Whether at least so many closing brackets follow, with blanks between them at most.
fn closing_run(rest: &str, count: usize) -> bool {
    let run = rest.chars().filter(|c| !matches!(c, ' ' | '\t')).take_while(|c| matches!(c, ')' | ']'));
    run.take(count).count() == count
}

/// How many braces are open, and whether an item could start here.
struct Lines {
    braces: usize,
    fresh: bool,
}

impl Default for Lines {
    fn default() -> Lines {
        Lines { braces: 0, fresh: true }
    }
}

impl Lines {
    /// Whether the word at the start of a line begins an item, as the grammar's `opening` does.
    fn starts_item(&self, text: &str, start: usize, end: usize) -> bool {
        const HEADS: [&str; 9] = ["net", "block", "optimiser", "optimizer", "data", "train", "test", "use", "let"];
        self.fresh && HEADS.contains(&&text[start..end]) && begins_name(&text[end..])
    }

    /// Goes over one piece; an item resets the braces, since items do not nest.
    fn step(&mut self, text: &str, piece: Piece, start: usize, end: usize) {
        match piece {
            Piece::OpenBrace => self.braces += 1,
            Piece::CloseBrace => self.braces = self.braces.saturating_sub(1),
            Piece::Word if self.starts_item(text, start, end) => {
                let within = matches!(&text[start..end], "let" | "use");
                self.braces = if within { self.braces } else { 0 };
            }
            Piece::Blank | Piece::LineEnd | Piece::Comment | Piece::Text | Piece::OpenText => {}
            Piece::Open | Piece::Close | Piece::Word | Piece::Number | Piece::Mark => {}
        }
        self.fresh = match piece {
            Piece::Blank | Piece::Comment => self.fresh,
            Piece::LineEnd | Piece::CloseBrace => true,
            Piece::Mark => &text[start..end] == ";",
            Piece::Text | Piece::OpenText | Piece::Open | Piece::Close => false,
            Piece::OpenBrace | Piece::Word | Piece::Number => false,
        };
    }
}

/// Whether blanks and then a name or a text follow.
fn begins_name(rest: &str) -> bool {
    let next = rest.trim_start_matches([' ', '\t']);
    next.len() < rest.len() && next.starts_with(|c: char| c == '"' || c.is_ascii_alphabetic())
}

/// Writes the laid-out text.
struct Writer<'t> {
    text: &'t str,
    out: Vec<u8>,
    comments: Vec<Range>,
    /// Starts of brackets with partners, ascending, and the first not yet passed.
    paired: &'t [usize],
    depth: usize,
    /// Line ends since the last token.
    ends: Vec<Range>,
    lines: Lines,
}

impl<'t> Writer<'t> {
    fn new(text: &'t str, paired: &'t [usize]) -> Writer<'t> {
        let out = text.as_bytes().to_vec();
        Writer { text, out, comments: Vec::new(), paired, depth: 0, ends: Vec::new(), lines: Lines::default() }
    }

    fn piece(&mut self, piece: Piece, start: usize, end: usize) {
        match piece {
            Piece::Blank => {}
            Piece::LineEnd => self.ends.push(start..end),
            Piece::Comment => {
                self.comments.push(start..end);
                self.blank(start..end);
            }
            Piece::Text | Piece::OpenText | Piece::Open | Piece::Close => self.token(start),
            Piece::OpenBrace | Piece::CloseBrace | Piece::Word | Piece::Number | Piece::Mark => self.token(start),
        }
        self.bracket(piece, start);
        self.lines.step(self.text, piece, start, end);
    }

    /// A token: the line ends before it vanish where it goes on.
    fn token(&mut self, start: usize) {
        let goes_on = self.depth > 0 || goes_on(&self.text[start..]);
        for end in std::mem::take(&mut self.ends) {
            if goes_on {
                self.blank(end);
            }
        }
    }

    /// Counts brackets with partners, and hides braces inside a body.
    fn bracket(&mut self, piece: Piece, start: usize) {
        if self.paired.first() == Some(&start) {
            self.paired = &self.paired[1..];
            self.depth = if piece == Piece::Open { self.depth + 1 } else { self.depth - 1 };
        }
        if piece == Piece::OpenBrace && self.lines.braces > 0 {
            self.out[start] = 1;
        }
        if piece == Piece::CloseBrace && self.lines.braces > 1 {
            self.out[start] = b' ';
        }
    }

    fn blank(&mut self, range: Range) {
        self.out[range].fill(b' ');
    }
}

/// Whether a line that begins so goes on with the statement before it.
fn goes_on(rest: &str) -> bool {
    const WORDS: [&str; 8] = ["then", "else", "and", "or", "over", "using", "as", "every"];
    let first = rest.chars().next().unwrap_or('\n');
    if first.is_ascii_alphabetic() {
        let end = rest.find(|c: char| c != '_' && !c.is_ascii_alphanumeric()).unwrap_or(rest.len());
        return WORDS.contains(&&rest[..end]);
    }
    matches!(first, '-' | '+' | '*' | '/' | '%' | '@' | '^' | '=' | '!' | '<' | '>' | '&' | '|')
        || matches!(first, ':' | '~' | ',' | '.' | '→' | '{')
}
