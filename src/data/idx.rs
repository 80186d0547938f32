//! `idx(images, labels, scale=1, shift=0)`: the format of MNIST, plain or gzip, one file a field.
//!
//! Two zero bytes, a byte for the kind of number, a byte for the rank, then each size and all values, big-endian
//! (<http://yann.lecun.com/exdb/mnist/>); the first axis counts the examples.

use super::args::Args;
use super::array::{NumberKind, read_values};
use super::bytes::Bytes;
use super::error::{DataError, DataProblem, Result};
use super::fit::{Column, Raw, show};
use super::{Format, Request, product};
use crate::check::{FieldFacts, Range, SplitFacts};

/// Ranks above this are no picture, sound or table.
const MOST_AXES: u8 = 8;

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "idx",
    usage: "idx(\"images.gz\", \"labels.gz\", scale=1, shift=0): a file for each field, in their order",
    positional: &["images", "labels", "third", "fourth"],
    named: &["scale", "shift"],
    takes_fields: false,
    scale: 1.0,
    white: 255.0,
    load,
    facts,
};

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let (mut columns, mut count) = (Vec::new(), None);
    for path in paths(args, request)? {
        let mut bytes = Bytes::open(&request.place.find(path)?)?;
        let (kind, sizes) = header(&mut bytes)?;
        let total = product(&sizes).filter(|n| *n <= super::MOST_VALUES);
        let values = read_values(&mut bytes, kind, true, total, "values")?;
        bytes.end("the values")?;
        agree(path, &mut count, sizes[0])?;
        columns.push(Column::new(path, &sizes[1..], values));
    }
    Ok(Raw { columns, count: count.unwrap_or(0) })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    let (mut fields, mut count) = (Vec::new(), None);
    for path in paths(args, request)? {
        let (_, sizes) = header(&mut Bytes::open(&request.place.find(path)?)?)?;
        agree(path, &mut count, sizes[0])?;
        let shape = sizes[1..].iter().copied().map(Range::one).collect();
        fields.push(FieldFacts { shape: Some(shape), ..FieldFacts::default() });
    }
    Ok(SplitFacts { fields, examples: count.map(|n| n as u64), ..SplitFacts::default() })
}

fn paths<'a>(args: &Args<'a>, request: &Request) -> Result<Vec<&'a str>> {
    let names = FORMAT.positional.get(..request.fields.len());
    let names = names.ok_or_else(|| args.error("data of at most 4 fields", request.fields.len().to_string()))?;
    names.iter().map(|name| args.text(name)).collect()
}

/// All files of one source hold equally many examples.
pub fn agree(path: &str, count: &mut Option<usize>, here: usize) -> Result<()> {
    match *count.get_or_insert(here) {
        first if first == here => Ok(()),
        first => Err(DataError::new(
            DataProblem::Unfit,
            path,
            format!("{first} examples, as in the first file"),
            here.to_string(),
        )),
    }
}

fn header(bytes: &mut Bytes) -> Result<(NumberKind, Vec<usize>)> {
    let [a, b, kind, axes] = bytes.array("the magic number").map_err(|e| e.help(HELP))?;
    let kinds = [(0x08, "u1"), (0x09, "i1"), (0x0b, "i2"), (0x0c, "i4"), (0x0d, "f4"), (0x0e, "f8")];
    let found = kinds.iter().find(|(code, _)| *code == kind).and_then(|(_, name)| NumberKind::named(name));
    let (0, 0, Some(kind), 1..=MOST_AXES) = (a, b, found, axes) else {
        let found = format!("{a:02x} {b:02x} {kind:02x} {axes:02x}");
        return Err(bytes.error("the magic number of an IDX file (00 00 08 03 for images)", found).help(HELP));
    };
    let size = |_| bytes.array("a size").map(|four| u32::from_be_bytes(four) as usize);
    let sizes: Vec<usize> = (0..axes).map(size).collect::<Result<_>>()?;
    let total = product(&sizes).and_then(|n| (n as u64).checked_mul(kind.width()));
    bytes.promise(total, &format!("values of the shape {} that the header names", show(&sizes)))?;
    Ok((kind, sizes))
}

const HELP: &str = "is it the file that was meant, and was it fetched whole? A `.gz` may stay packed";
