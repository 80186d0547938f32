//! `csv("a.csv", ...)`: a table, a line an example or a step of one, its columns by name; plain or gzip.
//!
//! A field of one number takes the column of its name, or the one that `FIELD="column"` names; a field of n numbers
//! takes n columns: `FIELD=["a", "b"]`, else `FIELD_0` to `FIELD_n-1` or `FIELD1` to `FIELDn`. Without a header
//! (`header=false`) columns are taken in order. A class may be written as a text; classes are then numbered in sorted
//! order.
//!
//! With `sequence="id"` neighbouring lines of one `id` are the steps of one example: a field with an open size takes its
//! columns from each of them, one without has the same value on all of them.

use super::args::Args;
use super::bytes::Bytes;
use super::error::{DataError, DataProblem, Result, Where};
use super::fit::{self, Raw, Want, few, show};
use super::place::Located;
use super::sequence::Growing;
use super::{Format, Request};
use crate::check::net::Setting;
use crate::check::{FieldFacts, Range, SplitFacts};
use std::collections::HashSet;

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "csv",
    usage: "csv(\"a.csv\", FIELD=\"column\", FIELD=[\"column\", ...], sequence=\"column\", header=true, separator=\",\", scale=1, shift=0)",
    positional: &["path"],
    named: &["header", "separator", "sequence", "scale", "shift"],
    takes_fields: true,
    scale: 1.0,
    white: 1.0,
    load,
    facts,
};

type Reader = csv::Reader<Bytes<'static>>;

/// An open table, and which columns are for what.
struct Table {
    file: Located,
    reader: Reader,
    /// The column whose value is the same on all lines of a sequence.
    id: Option<usize>,
    /// For each field its columns.
    places: Vec<Vec<usize>>,
}

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let mut table = open(args, request)?;
    let mut fields: Vec<Growing> = request.fields.iter().map(Growing::new).collect();
    let (mut count, mut last, mut seen) = (0, None, HashSet::new());
    let mut record = csv::StringRecord::new();
    while table.reader.read_record(&mut record).map_err(|e| damaged(&table.file, &e))? {
        let line = record.position().map_or(0, csv::Position::line);
        let wrong = |expected: String, found: &str| {
            let found = format!("`{}`", shorter(found));
            DataError::new(DataProblem::Damaged, &table.file.shown, expected, found).at(Where::Line(line))
        };
        let id = table.id.map(|place| record.get(place).unwrap_or(""));
        let begins = id.is_none() || last.as_deref() != id;
        if begins && count > 0 {
            fields.iter_mut().for_each(Growing::close);
        }
        if let (true, Some(id)) = (begins, id) {
            if !seen.insert(id.to_string()) {
                let help = "sort the lines by it, so that each sequence stands in one piece";
                return Err(wrong("a sequence that has not been there yet".to_string(), id).help(help));
            }
            last = Some(id.to_string());
        }
        count += usize::from(begins);
        for ((want, field), places) in request.fields.iter().zip(&mut fields).zip(&table.places) {
            for &place in places {
                let cell = record.get(place).unwrap_or("");
                if !field.push(cell) {
                    return Err(wrong(format!("a number for `{}`", want.name), cell));
                }
            }
            if !begins && !field.grows() && !field.repeats() {
                let expected = format!("one value of `{}` on all lines of a sequence", want.name);
                let cell = record.get(places[0]).unwrap_or("");
                return Err(
                    wrong(expected, cell).help(format!("`{}: [T, ...]` takes a value from each line", want.name))
                );
            }
        }
    }
    fields.iter_mut().for_each(Growing::close);
    let columns = fields.into_iter().map(|field| field.column(&table.file.shown)).collect::<Result<_>>()?;
    Ok(Raw { columns, count })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    if open(args, request)?.id.is_some() {
        return fit::facts(load(args, request)?, request.fields);
    }
    let field = |want: &Want| {
        let shape = want.fixed().map(|shape| shape.into_iter().map(Range::one).collect());
        FieldFacts { shape, ..FieldFacts::default() }
    };
    Ok(SplitFacts { fields: request.fields.iter().map(field).collect(), ..SplitFacts::default() })
}

fn open(args: &Args, request: &Request) -> Result<Table> {
    let file = request.place.find(args.text("path")?)?;
    let separator = if args.get("separator").is_some() { args.text("separator")? } else { "," };
    let [separator] = separator.as_bytes() else { return Err(args.error("`separator` of one byte", separator)) };
    check_open(args, request)?;
    let named = args.truth("header", true)?;
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(*separator).has_headers(named).trim(csv::Trim::All);
    let mut reader = builder.from_reader(Bytes::open(&file)?);
    let names = if named { Some(reader.headers().map_err(|e| damaged(&file, &e))?.clone()) } else { None };
    let header: Option<Vec<String>> = names.map(|names| names.iter().map(str::to_string).collect());
    let id = match (args.get("sequence"), &header) {
        (None, _) => None,
        (Some(_), Some(header)) => Some(find(args.text("sequence")?, &file, header)?),
        (Some(_), None) => Some(args.whole("sequence", None, 1 << 16)? as usize),
    };
    let places = places(args, request, &file, header.as_deref(), id)?;
    Ok(Table { file, reader, id, places })
}

/// Open sizes and `sequence` need each other.
fn check_open(args: &Args, request: &Request) -> Result<()> {
    let open = request.fields.iter().find(|want| want.fixed().is_none());
    match (open, args.get("sequence").is_some()) {
        (Some(want), false) => {
            let expected = format!("`sequence=\"column\"`, since `{}` is {}", want.name, show(&want.shape));
            Err(args.error(expected, "nothing that says which lines belong together"))
        }
        (None, true) => {
            Err(args.error("a field with an open size such as `x: [T, 3]`, as there is `sequence`", "none"))
        }
        (Some(_), true) => {
            match request.fields.iter().find(|want| want.fixed().is_none() && want.open_axis().is_none()) {
                Some(want) => Err(args.error(format!("one open size in `{}`", want.name), show(&want.shape))),
                None => Ok(()),
            }
        }
        (None, false) => Ok(()),
    }
}

fn damaged(file: &Located, error: &csv::Error) -> DataError {
    let line = error.position().map_or(Where::Whole, |p| Where::Line(p.line()));
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        let expected = super::count(*expected_len as usize, "column");
        return DataError::new(DataProblem::Damaged, &file.shown, expected, len.to_string()).at(line);
    }
    DataError::new(DataProblem::Damaged, &file.shown, "a table", error.to_string()).at(line)
}

/// For each field its columns.
fn places(
    args: &Args,
    request: &Request,
    file: &Located,
    header: Option<&[String]>,
    id: Option<usize>,
) -> Result<Vec<Vec<usize>>> {
    let mut rest = (0..).filter(|place| Some(*place) != id);
    let mut one = |want: &Want| {
        let size = Growing::new(want).step_size();
        match header {
            Some(header) => {
                let names = column_names(args, want, size, header)?;
                names.iter().map(|name| find(name, file, header)).collect()
            }
            None => Ok(rest.by_ref().take(size).collect()),
        }
    };
    request.fields.iter().map(&mut one).collect()
}

fn find(name: &str, file: &Located, header: &[String]) -> Result<usize> {
    let missing = || {
        let found = format!("the columns {}", few(header));
        DataError::new(DataProblem::Unfit, &file.shown, format!("a column `{name}`"), found)
            .help("FIELD=\"column\" or FIELD=[\"a\", \"b\"] in the call says which columns a field takes")
    };
    header.iter().position(|column| column == name).ok_or_else(missing)
}

fn column_names(args: &Args, want: &Want, size: usize, header: &[String]) -> Result<Vec<String>> {
    let text = |setting: &Setting| match setting {
        Setting::Text(text) => Some(text.to_string()),
        Setting::Number(_) | Setting::Truth(_) | Setting::Array { .. } | Setting::List(_) => None,
    };
    let single = want.sizes().iter().flatten().all(|size| *size == 1);
    let given = match args.get(&want.name) {
        None if single => Some(vec![want.name.to_string()]),
        None => Some(numbered(want, size, header)),
        Some(Setting::List(list)) => list.iter().map(text).collect(),
        Some(one) => text(one).map(|name| vec![name]),
    };
    match given {
        Some(names) if names.len() == size => Ok(names),
        Some(names) => {
            Err(args.error(format!("{} for `{}`", super::count(size, "column"), want.name), names.len().to_string()))
        }
        None => Err(args.error(format!("`{}` to be a text or a list of texts", want.name), "another value")),
    }
}

/// `x_0`, `x_1`, ... or, where these are not all there, `x1`, `x2`, ...
fn numbered(want: &Want, size: usize, header: &[String]) -> Vec<String> {
    let from_0: Vec<String> = (0..size).map(|place| format!("{}_{place}", want.name)).collect();
    let from_1: Vec<String> = (1..=size).map(|place| format!("{}{place}", want.name)).collect();
    let there = |names: &[String]| names.iter().all(|name| header.contains(name));
    if !there(&from_0) && there(&from_1) { from_1 } else { from_0 }
}

/// At most so much of a cell is shown.
fn shorter(cell: &str) -> String {
    cell.chars().take(40).collect()
}
