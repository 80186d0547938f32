//! `characters("a.txt", window=128)`: a text as windows of numbered characters, each with the same window one further.
//!
//! The first field is characters 0 to w-1 of a window, the second, if there is one, characters 1 to w: what follows each.
//! Windows do not overlap; what is left at the end and fills none is left out. `from` and `to` are shares of the text,
//! so that one file is split without a character in both parts: `to=0.9` for `train`, `from=0.9` for `valid`.
//!
//! **Invariant**: the vocabulary is the sorted set of the characters of the whole file (or of the file `vocabulary`),
//! whatever part is read, so that a character has one number in all splits.

use super::args::Args;
use super::bytes::Bytes;
use super::error::{DataError, DataProblem, Result, Where};
use super::fit::{self, Column, Raw, RawValues};
use super::{Format, Request, count};
use crate::check::{Counted, SplitFacts};
use std::collections::BTreeSet;

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "characters",
    usage: "characters(\"a.txt\", window=128, from=0, to=1, vocabulary=\"a.txt\"): fields are a text and what follows it",
    positional: &["path"],
    named: &["window", "from", "to", "vocabulary"],
    takes_fields: false,
    scale: 1.0,
    white: 1.0,
    load,
    facts,
};

/// Larger texts are refused: two fields of 4 bytes for each character would not fit into memory.
const MOST_BYTES: u64 = 1 << 30;

fn load(args: &Args, request: &Request) -> Result<Raw> {
    if let Some(want) = request.fields.iter().find(|want| want.classes.is_none() || want.shape.len() != 1) {
        return Err(args.error(format!("`{}: [T] of index(vocab)`", want.name), "a field of another kind"));
    }
    let shifts = request.fields.len();
    if !(1..=2).contains(&shifts) {
        return Err(args.error("one field or two: a text, and what follows each of its characters", shifts.to_string()));
    }
    let path = args.text("path")?;
    let text = read(path, request)?;
    let names = match args.get("vocabulary") {
        Some(_) => vocabulary(&read(args.text("vocabulary")?, request)?),
        None => vocabulary(&text),
    };
    let part = part(args, &text)?;
    let tokens = numbered(path, part, &names)?;
    let window = args.whole("window", Some(128), 1 << 24)? as usize;
    if window == 0 {
        return Err(args.error("`window` from 1 on", "0"));
    }
    let last = shifts - 1;
    let windows = tokens.len().saturating_sub(last) / window;
    if windows == 0 {
        let expected = format!("at least {} for one window", count(window + last, "character"));
        let found = count(tokens.len(), "character");
        return Err(
            DataError::new(DataProblem::Unfit, path, expected, found).help("a smaller `window` reads shorter texts")
        );
    }
    let column = |shift: usize| {
        let values = RawValues::Whole(tokens[shift..shift + windows * window].to_vec());
        Column { classes: names.clone(), counted: Counted::Characters, ..Column::new(path, &[window], values) }
    };
    Ok(Raw { columns: (0..shifts).map(column).collect(), count: windows })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    fit::facts(load(args, request)?, request.fields)
}

fn read(path: &str, request: &Request) -> Result<String> {
    let mut bytes = Bytes::open(&request.place.find(path)?)?;
    let text = String::from_utf8(bytes.rest(MOST_BYTES, "text")?);
    text.map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let found = format!("the byte {:02x}", error.as_bytes()[at]);
        DataError::new(DataProblem::Damaged, path, "a text in UTF-8", found).at(Where::Byte(at as u64))
    })
}

/// All characters, sorted.
fn vocabulary(text: &str) -> Vec<String> {
    let all: BTreeSet<char> = text.chars().collect();
    all.into_iter().map(String::from).collect()
}

/// The part of the text that `from` and `to` say, in whole characters.
fn part<'a>(args: &Args, text: &'a str) -> Result<&'a str> {
    let (from, to) = (args.number("from", 0.0)?, args.number("to", 1.0)?);
    if !(0.0 <= from && from < to && to <= 1.0) {
        return Err(args.error("shares with 0 <= from < to <= 1", format!("from {from} to {to}")));
    }
    let all = text.chars().count();
    let place = |share: f64| {
        let chars = libm::floor(share * all as f64) as usize;
        text.char_indices().nth(chars).map_or(text.len(), |(at, _)| at)
    };
    Ok(&text[place(from)..place(to)])
}

fn numbered(path: &str, text: &str, names: &[String]) -> Result<Vec<i64>> {
    let names: Vec<char> = names.iter().filter_map(|name| name.chars().next()).collect();
    let number = |(at, c): (usize, char)| {
        names.binary_search(&c).map(|number| number as i64).map_err(|_| {
            let line = 1 + text[..at].matches('\n').count() as u64;
            let found = format!("{c:?}");
            let error = DataError::new(DataProblem::Unfit, path, "characters of `vocabulary`", found);
            error.at(Where::Line(line))
        })
    };
    text.char_indices().map(number).collect()
}
