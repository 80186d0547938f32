//! `digits8x8()`: 1,797 handwritten digits of 8x8 pixels, in the binary (see `digits8x8.LICENSE.md` for their source).
//!
//! The split is fixed: of the original order, counted from 0, the examples 4, 9, 14, ... are `test` (359), all others
//! `train` (1,438). Pixels are 0 to 16, and 0 to 1 unless `scale` says otherwise.

use super::args::Args;
use super::error::Result;
use super::fit::{Column, Raw, RawValues};
use super::{Format, Request};
use crate::check::{FieldFacts, Range, SplitFacts};
use std::io::Read;

const PACKED: &[u8] = include_bytes!("digits8x8.bin.gz");
const COUNT: usize = 1797;
const PIXELS: usize = 64;
/// Every so many examples one is for the test.
const EVERY: usize = 5;

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "digits8x8",
    usage: "digits8x8(scale=1/16, shift=0)",
    positional: &[],
    named: &["scale", "shift"],
    takes_fields: false,
    scale: 1.0 / 16.0,
    white: 16.0,
    load,
    facts,
};

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let rows = rows(args, request)?;
    let bytes = unpack();
    let (labels, images) = bytes.split_at(COUNT);
    let pixels = rows.iter().flat_map(|&row| &images[row * PIXELS..(row + 1) * PIXELS]).copied().collect();
    let labels = rows.iter().map(|&row| labels[row]).collect();
    let column = |shape: &[usize], bytes| Column::new("digits8x8", shape, RawValues::Bytes(bytes));
    let labels = Column { classes: names(), ..column(&[], labels) };
    Ok(Raw { columns: vec![column(&[8, 8], pixels), labels], count: rows.len() })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    let examples = Some(rows(args, request)?.len() as u64);
    let image = FieldFacts { shape: Some(vec![Range::one(8); 2]), ..FieldFacts::default() };
    let label = FieldFacts { shape: Some(vec![]), classes: Some(10), names: names(), ..FieldFacts::default() };
    Ok(SplitFacts { fields: vec![image, label], examples, ..SplitFacts::default() })
}

fn rows(args: &Args, request: &Request) -> Result<Vec<usize>> {
    let is_test = |row: &usize| row % EVERY == EVERY - 1;
    match request.split {
        "train" => Ok((0..COUNT).filter(|row| !is_test(row)).collect()),
        "test" => Ok((0..COUNT).filter(is_test).collect()),
        other => Err(args.error("the split `train` or `test`", format!("`{other}`"))),
    }
}

fn names() -> Vec<String> {
    (0..10).map(|digit| digit.to_string()).collect()
}

/// First all labels, then all images.
fn unpack() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(COUNT * (PIXELS + 1));
    let mut reader = flate2::read::GzDecoder::new(PACKED);
    reader.read_to_end(&mut bytes).expect("the embedded digits are whole");
    assert_eq!(bytes.len(), COUNT * (PIXELS + 1), "the embedded digits are whole");
    bytes
}
