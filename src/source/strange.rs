//! Characters beyond ASCII: what they were meant to be, put in their place at equal length.
//!
//! **Invariant**: the text that comes out has as many bytes as the one that went in, each character replaced by as many
//! bytes as it had; texts and comments are left as they are.

use super::layout::{Fault, Range};
use super::scan::{Piece, Scan};
use std::collections::BTreeSet;

/// Look-alikes: what stands in the file, what was meant.
const LOOK_ALIKES: &[(char, &str)] = &[
    ('−', "-"),
    ('–', "-"),
    ('—', "-"),
    ('‐', "-"),
    ('⇒', "->"),
    ('⟶', "->"),
    ('➔', "->"),
    ('≤', "<="),
    ('≥', ">="),
    ('≠', "!="),
    ('·', "*"),
    ('∗', "*"),
    ('⋅', "*"),
    ('÷', "/"),
    ('⁄', "/"),
    ('…', "..."),
    ('“', "\""),
    ('”', "\""),
    ('„', "\""),
    ('«', "\""),
    ('»', "\""),
    ('，', ","),
    ('；', ";"),
    ('：', ":"),
    ('（', "("),
    ('）', ")"),
    ('［', "["),
    ('］', "]"),
    ('｛', "{"),
    ('｝', "}"),
    ('＝', "="),
];

/// The text with all characters beyond ASCII replaced, outside of texts and comments, and what there is to say of them.
pub(super) fn replace(source: &str) -> (String, Vec<(Range, Fault)>) {
    let mut replacer = Replacer { out: source.as_bytes().to_vec(), faults: Vec::new(), known: BTreeSet::new() };
    let mut quoted = None;
    for (piece, start, end) in Scan::new(source) {
        match piece {
            Piece::LineEnd => quoted = None,
            Piece::Mark => replacer.mark(source, start, end, &mut quoted),
            Piece::Word if quoted.is_none() => replacer.word(source, start, end),
            Piece::Number => replacer.word(source, start, end),
            Piece::Blank | Piece::Comment | Piece::Text | Piece::OpenText | Piece::Word => {}
            Piece::Open | Piece::Close | Piece::OpenBrace | Piece::CloseBrace => {}
        }
    }
    let out = String::from_utf8(replacer.out).expect("whole characters were replaced by ASCII");
    (out, replacer.faults)
}

struct Replacer<'t> {
    out: Vec<u8>,
    faults: Vec<(Range, Fault)>,
    /// Words that were reported once.
    known: BTreeSet<&'t str>,
}

impl<'t> Replacer<'t> {
    /// A single character: `quoted` is the start of a text opened by a typographic quote on this line.
    fn mark(&mut self, source: &str, start: usize, end: usize, quoted: &mut Option<usize>) {
        let found = source[start..end].chars().next().expect("a piece is not empty");
        match found {
            '\u{feff}' | '\u{a0}' | '\u{2007}' | '\u{202f}' | '\u{3000}' => self.put(start, end, ""),
            '→' | '×' => {}
            ' '..='~' => {}
            c => match LOOK_ALIKES.iter().find(|(odd, _)| *odd == c) {
                Some((_, "\"")) => self.quote(start, end, c, quoted),
                Some((_, meant)) if quoted.is_none() => {
                    self.faults.push((start..end, Fault::LookAlike(c, meant)));
                    self.put(start, end, meant);
                }
                Some(_) => {}
                None if quoted.is_some() => {}
                None => {
                    self.faults.push((start..end, Fault::Strange(c)));
                    self.put(start, end, "");
                }
            },
        }
    }

    /// A typographic quote: the opening one becomes `"` at its last byte, the closing one at its first.
    fn quote(&mut self, start: usize, end: usize, found: char, quoted: &mut Option<usize>) {
        self.put(start, end, "");
        match quoted.take() {
            Some(_) => self.out[start] = b'"',
            None => {
                self.faults.push((start..end, Fault::LookAlike(found, "\"")));
                self.out[end - 1] = b'"';
                *quoted = Some(start);
            }
        }
    }

    /// A word: letters beyond a to z become `z`, and each such word is reported where it first stands.
    fn word(&mut self, source: &'t str, start: usize, end: usize) {
        let word = &source[start..end];
        if word.is_ascii() {
            return;
        }
        if self.known.insert(word) {
            self.faults.push((start..end, Fault::ForeignWord));
        }
        for byte in &mut self.out[start..end] {
            *byte = if byte.is_ascii() { *byte } else { b'z' };
        }
    }

    /// Writes `meant` at the start and blanks behind it.
    fn put(&mut self, start: usize, end: usize, meant: &str) {
        self.out[start..end].fill(b' ');
        self.out[start..start + meant.len()].copy_from_slice(meant.as_bytes());
    }
}
