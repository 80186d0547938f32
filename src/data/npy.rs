//! `npy(x="a.npy", ...)` and `npz("a.npz", x="name", ...)`: numpy's arrays, the first axis counting the examples.
//!
//! A `.npy` is the magic `\x93NUMPY`, a version, the length of a header, the header (a Python dictionary with `descr`,
//! `fortran_order`, `shape`), and the values (numpy, NEP 1). An `.npz` is a zip of such files.

use super::args::Args;
use super::array::{NumberKind, read_values};
use super::bytes::Bytes;
use super::error::{DataError, DataProblem, Result};
use super::fit::{Column, Raw, RawValues, show};
use super::idx::agree;
use super::place::Located;
use super::{Format, Request, product};
use crate::check::{FieldFacts, Range, SplitFacts};
use npyz::zip::ZipArchive;
use std::fs::File;
use std::io::{Read, Seek, Write};

/// A header is about 128 bytes; numpy itself refuses more than 10,000.
const MOST_HEADER: u32 = 10_000;
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The row of the table of formats for single arrays.
pub const NPY: Format = Format {
    name: "npy",
    usage: "npy(\"x.npy\", \"y.npy\", scale=1, shift=0) or npy(FIELD=\"x.npy\", ...): a file for each field",
    positional: &["first", "second", "third", "fourth"],
    named: &["scale", "shift"],
    takes_fields: true,
    scale: 1.0,
    white: 255.0,
    load: |args, request| load(npy_arrays(args, request)?),
    facts: |args, request| facts(npy_arrays(args, request)?),
};

/// The row of the table of formats for archives.
pub const NPZ: Format = Format {
    name: "npz",
    usage: "npz(\"all.npz\", FIELD=\"name in the archive\", scale=1, shift=0): names are those of the fields unless given",
    positional: &["path"],
    named: &["scale", "shift"],
    takes_fields: true,
    scale: 1.0,
    white: 255.0,
    load: |args, request| load(npz_arrays(args, request)?),
    facts: |args, request| facts(npz_arrays(args, request)?),
};

/// An array in memory.
#[derive(Clone, Debug)]
pub struct Array {
    /// All axes, the first included.
    pub shape: Vec<usize>,
    /// Row-major.
    pub values: RawValues,
}

/// What a header says.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    pub kind: NumberKind,
    pub big_endian: bool,
    /// The first axis varies fastest.
    pub fortran: bool,
    pub shape: Vec<usize>,
}

/// An array that can be read: a file, or a member of an archive.
struct Stored {
    file: Located,
    member: Option<String>,
}

fn npy_arrays(args: &Args, request: &Request) -> Result<Vec<Stored>> {
    let place = |(number, want): (usize, &super::Want)| {
        let by_place = NPY.positional.get(number).filter(|name| args.get(name).is_some());
        let path = args.text(by_place.unwrap_or(&&*want.name))?;
        Ok(Stored { file: request.place.find(path)?, member: None })
    };
    request.fields.iter().enumerate().map(place).collect()
}

fn npz_arrays(args: &Args, request: &Request) -> Result<Vec<Stored>> {
    let file = request.place.find(args.text("path")?)?;
    let member = |want: &super::Want| {
        let given = args.get(&want.name).is_some();
        let member = if given { args.text(&want.name)? } else { &want.name };
        Ok(Stored { file: file.clone(), member: Some(member.to_string()) })
    };
    request.fields.iter().map(member).collect()
}

fn load(arrays: Vec<Stored>) -> Result<Raw> {
    let (mut columns, mut count) = (Vec::new(), None);
    for stored in arrays {
        let Array { shape, values } = stored.open(read)?;
        let path = stored.file.shown;
        let (first, shape) = split_first(&path, &shape)?;
        agree(&path, &mut count, first)?;
        columns.push(Column::new(&path, &shape, values));
    }
    Ok(Raw { columns, count: count.unwrap_or(0) })
}

fn facts(arrays: Vec<Stored>) -> Result<SplitFacts> {
    let (mut fields, mut count) = (Vec::new(), None);
    for stored in arrays {
        let Header { shape, .. } = stored.open(header)?;
        let (first, shape) = split_first(&stored.file.shown, &shape)?;
        agree(&stored.file.shown, &mut count, first)?;
        let shape = shape.into_iter().map(Range::one).collect();
        fields.push(FieldFacts { shape: Some(shape), ..FieldFacts::default() });
    }
    Ok(SplitFacts { fields, examples: count.map(|n| n as u64), ..SplitFacts::default() })
}

fn split_first(path: &str, shape: &[usize]) -> Result<(usize, Vec<usize>)> {
    let Some((first, rest)) = shape.split_first() else {
        return Err(DataError::new(
            DataProblem::Unfit,
            path,
            "an array whose first axis counts the examples",
            "one number",
        ));
    };
    Ok((*first, rest.to_vec()))
}

impl Stored {
    fn open<T>(&self, read: impl FnOnce(&mut Bytes) -> Result<T>) -> Result<T> {
        let Some(member) = &self.member else { return read(&mut Bytes::open(&self.file)?) };
        let file = File::open(&self.file.full).map_err(|e| DataError::io(&self.file.shown, "an archive", &e))?;
        with_member(&self.file.shown, file, member, read)
    }
}

/// The names of the arrays in an archive, in its order.
pub fn members(path: &str, file: impl Read + Seek) -> Result<Vec<String>> {
    let archive = ZipArchive::new(file).map_err(|e| damaged(path, &e.to_string()))?;
    let mut names: Vec<String> = archive.file_names().map(|n| n.trim_end_matches(".npy").to_string()).collect();
    names.sort();
    Ok(names)
}

fn damaged(path: &str, found: &str) -> DataError {
    DataError::new(DataProblem::Damaged, path, "an .npz archive", found)
}

/// Gives the bytes of one array of an archive.
pub fn with_member<T>(
    path: &str,
    file: impl Read + Seek,
    member: &str,
    read: impl FnOnce(&mut Bytes) -> Result<T>,
) -> Result<T> {
    let mut archive = ZipArchive::new(file).map_err(|e| damaged(path, &e.to_string()))?;
    let known = {
        let mut known: Vec<String> = archive.file_names().map(|n| n.trim_end_matches(".npy").to_string()).collect();
        known.sort();
        super::fit::few(&known)
    };
    let entry = archive.by_name(&format!("{member}.npy"));
    let entry = entry.map_err(|_| DataError::new(DataProblem::Unfit, path, format!("an array `{member}`"), known))?;
    let most = entry.size().min(entry.compressed_size().saturating_mul(1032).saturating_add(64));
    read(&mut Bytes::from_reader(&format!("{path}:{member}"), entry, most, false))
}

/// Reads a whole array. Errors: no such format, or another length than the header says.
pub fn read(bytes: &mut Bytes) -> Result<Array> {
    let Header { kind, big_endian, fortran, shape } = header(bytes)?;
    let count = product(&shape).filter(|n| *n <= super::MOST_VALUES);
    let values = read_values(bytes, kind, big_endian, count, "values")?;
    bytes.end("the values")?;
    let values = if fortran && shape.len() > 1 { transpose(values, &shape) } else { values };
    Ok(Array { shape, values })
}

/// Reads the header, and holds its sizes against the file's length.
pub fn header(bytes: &mut Bytes) -> Result<Header> {
    let magic: [u8; 8] = bytes.array("the magic number")?;
    if &magic[..6] != MAGIC || !matches!(magic[6], 1..=3) {
        let found = magic.iter().map(|b| format!("{b:02x}")).collect::<Vec<_>>().join(" ");
        return Err(bytes.error("the magic number of a .npy file (93 4e 55 4d 50 59, version 1 to 3)", found));
    }
    let length = match magic[6] {
        1 => u32::from(u16::from_le_bytes(bytes.array("the header's length")?)),
        _ => u32::from_le_bytes(bytes.array("the header's length")?),
    };
    if length > MOST_HEADER {
        return Err(bytes.error(format!("a header of at most {MOST_HEADER} bytes"), length.to_string()));
    }
    let text = bytes.take(u64::from(length), "the header")?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let header = parse_header(&text).map_err(|expected| bytes.error(expected, text.trim().to_string()))?;
    let total = product(&header.shape).and_then(|n| (n as u64).checked_mul(header.kind.width()));
    bytes.promise(total, &format!("values of the shape {} that the header names", show(&header.shape)))?;
    Ok(header)
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (10, 3), }`; an error says what was expected.
fn parse_header(text: &str) -> std::result::Result<Header, &'static str> {
    let after = |key: &str| {
        let at = text.find(&format!("'{key}':"))?;
        Some(text[at + key.len() + 3..].trim_start())
    };
    let descr = after("descr").and_then(|t| t.strip_prefix('\'')?.split_once('\'')).map(|(descr, _)| descr);
    let descr = descr.ok_or("a header with 'descr'")?;
    let (order, name) = descr.split_at_checked(1).ok_or("a header with 'descr'")?;
    let kind = NumberKind::named(name).ok_or("whole or real numbers of 1 to 8 bytes in 'descr'")?;
    let fortran = match after("fortran_order") {
        Some(rest) if rest.starts_with("True") => true,
        Some(rest) if rest.starts_with("False") => false,
        _ => return Err("a header with 'fortran_order'"),
    };
    let sizes = after("shape").and_then(|t| t.strip_prefix('(')?.split_once(')')).map(|(sizes, _)| sizes);
    let sizes = sizes.ok_or("a header with 'shape'")?.split(',').map(str::trim).filter(|size| !size.is_empty());
    let shape = sizes.map(|size| size.trim_end_matches('L').parse()).collect::<std::result::Result<Vec<_>, _>>();
    let shape = shape.map_err(|_| "sizes in 'shape' that are whole numbers")?;
    Ok(Header { kind, big_endian: order == ">", fortran, shape })
}

/// From the first axis fastest to the last axis fastest.
fn transpose(values: RawValues, shape: &[usize]) -> RawValues {
    match values {
        RawValues::Bytes(values) => RawValues::Bytes(transpose_list(&values, shape)),
        RawValues::Real(values) => RawValues::Real(transpose_list(&values, shape)),
        RawValues::Whole(values) => RawValues::Whole(transpose_list(&values, shape)),
    }
}

fn transpose_list<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let place = |mut number: usize| {
        let mut at = values.len();
        let axes = shape.iter().rev().map(|size| {
            at /= size;
            let index = number % size;
            number /= size;
            index * at
        });
        axes.sum::<usize>()
    };
    (0..values.len()).map(|number| values[place(number)]).collect()
}

/// Writes an array of f32 (`<f4`), row-major.
pub fn write_f32(to: &mut impl Write, shape: &[usize], values: &[f32]) -> std::io::Result<()> {
    write_header(to, "<f4", shape)?;
    values.iter().try_for_each(|value| to.write_all(&value.to_le_bytes()))
}

/// Writes an array of f64 (`<f8`), row-major.
pub fn write_f64(to: &mut impl Write, shape: &[usize], values: &[f64]) -> std::io::Result<()> {
    write_header(to, "<f8", shape)?;
    values.iter().try_for_each(|value| to.write_all(&value.to_le_bytes()))
}

fn write_header(to: &mut impl Write, descr: &str, shape: &[usize]) -> std::io::Result<()> {
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let sizes = if shape.len() == 1 { sizes.trim_end() } else { sizes.trim_end_matches(", ") };
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    // magic, version and length take 10 bytes; values begin at a multiple of 64, a line end before them
    let length = (10 + text.len() + 1).next_multiple_of(64) - 10;
    to.write_all(MAGIC)?;
    to.write_all(&[1, 0])?;
    to.write_all(&(length as u16).to_le_bytes())?;
    writeln!(to, "{text:<width$}", width = length - 1)
}

/// Reads an array that the command line names: a `.npy` file, or one member of an `.npz`.
pub fn read_file(path: &std::path::Path, member: Option<&str>) -> Result<Array> {
    let shown = path.display().to_string();
    let full = path.canonicalize().map_err(|e| DataError::io(&shown, "a file", &e))?;
    let stored = Stored { file: Located { shown, full }, member: member.map(str::to_string) };
    stored.open(read)
}

/// The names of the arrays of an `.npz` file.
pub fn members_of(path: &std::path::Path) -> Result<Vec<String>> {
    let shown = path.display().to_string();
    let file = File::open(path).map_err(|e| DataError::io(&shown, "an archive", &e))?;
    members(&shown, file)
}
