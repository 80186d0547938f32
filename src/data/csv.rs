//! `csv("a.csv", ...)`: a table, a line an example, its columns by name.
//!
//! A field of one number takes the column of its name, or the one that `FIELD="column"` names; a field of n numbers
//! takes n columns: `FIELD=["a", "b"]`, else `FIELD_0` to `FIELD_n-1`. Without a header (`header=false`) columns are
//! taken in order. A class may be written as a text; classes are then numbered in sorted order.

use super::args::Args;
use super::error::{DataError, DataProblem, Result, Where};
use super::fit::{Column, Raw, RawValues, Want, few};
use super::place::Located;
use super::{Format, Request};
use crate::check::net::Setting;
use crate::check::{FieldFacts, SplitFacts};
use std::collections::BTreeSet;

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "csv",
    usage: "csv(\"a.csv\", FIELD=\"column\", FIELD=[\"column\", ...], header=true, separator=\",\", scale=1, shift=0)",
    positional: &["path"],
    named: &["header", "separator", "sequence", "scale", "shift"],
    takes_fields: true,
    scale: 1.0,
    white: 1.0,
    load,
    facts,
};

type Reader = csv::Reader<std::fs::File>;

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let file = request.place.find(args.text("path")?)?;
    let (mut reader, header) = open(args, &file)?;
    let places = places(args, request, &file, header.as_deref())?;
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); request.fields.len()];
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| damaged(&file, &e))?;
        lines.push(record.position().map_or(0, csv::Position::line));
        for (cells, places) in cells.iter_mut().zip(&places) {
            cells.extend(places.iter().map(|&p| record.get(p).unwrap_or("").to_string()));
        }
    }
    let wants = request.fields.iter().zip(&cells);
    let columns = wants.map(|(want, cells)| column(&file, want, cells, &lines)).collect::<Result<_>>()?;
    Ok(Raw { columns, count: lines.len() })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    let file = request.place.find(args.text("path")?)?;
    let (_, header) = open(args, &file)?;
    places(args, request, &file, header.as_deref())?;
    let field = |want: &Want| FieldFacts { shape: Some(want.shape.clone()), ..FieldFacts::default() };
    Ok(SplitFacts { fields: request.fields.iter().map(field).collect(), examples: None })
}

fn open(args: &Args, file: &Located) -> Result<(Reader, Option<Vec<String>>)> {
    if args.get("sequence").is_some() {
        return Err(args.error("tables of single examples", "`sequence`, which groups lines"));
    }
    let separator = if args.get("separator").is_some() { args.text("separator")? } else { "," };
    let [separator] = separator.as_bytes() else { return Err(args.error("`separator` of one byte", separator)) };
    let header = args.truth("header", true)?;
    let mut builder = csv::ReaderBuilder::new();
    builder.delimiter(*separator).has_headers(header).trim(csv::Trim::All);
    let mut reader = builder.from_path(&file.full).map_err(|e| damaged(file, &e))?;
    let names = if header { Some(reader.headers().map_err(|e| damaged(file, &e))?.clone()) } else { None };
    Ok((reader, names.map(|names| names.iter().map(str::to_string).collect())))
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
fn places(args: &Args, request: &Request, file: &Located, header: Option<&[String]>) -> Result<Vec<Vec<usize>>> {
    let mut next = 0;
    let mut one = |want: &Want| {
        let size: usize = want.shape.iter().product();
        let Some(header) = header else {
            next += size;
            return Ok((next - size..next).collect());
        };
        let names = column_names(args, want, size)?;
        names.iter().map(|name| find(name, file, header)).collect()
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

fn column_names(args: &Args, want: &Want, size: usize) -> Result<Vec<String>> {
    let text = |setting: &Setting| match setting {
        Setting::Text(text) => Some(text.to_string()),
        Setting::Number(_) | Setting::Truth(_) | Setting::Array { .. } | Setting::List(_) => None,
    };
    let given = match args.get(&want.name) {
        None if want.shape.is_empty() => Some(vec![want.name.to_string()]),
        None => Some((0..size).map(|place| format!("{}_{place}", want.name)).collect()),
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

fn column(file: &Located, want: &Want, cells: &[String], lines: &[u64]) -> Result<Column> {
    let (path, shape) = (file.shown.clone(), want.shape.clone());
    let numbers: Vec<Option<f64>> =
        cells.iter().map(|cell| cell.parse().ok().filter(|v: &f64| v.is_finite())).collect();
    if want.classes.is_some() && numbers.iter().any(Option::is_none) {
        let classes: BTreeSet<&String> = cells.iter().collect();
        let classes: Vec<String> = classes.into_iter().cloned().collect();
        let number = |cell: &String| classes.binary_search(cell).expect("every cell is in the set of cells") as i64;
        return Ok(Column { path, shape, values: RawValues::Whole(cells.iter().map(number).collect()), classes });
    }
    let size: usize = want.shape.iter().product();
    let real = |(place, number): (usize, &Option<f64>)| {
        number.map(|v| v as f32).ok_or_else(|| {
            let found = format!("`{}`", cells[place]);
            let error = DataError::new(DataProblem::Damaged, &path, format!("a number for `{}`", want.name), found);
            error.at(Where::Line(lines[place / size.max(1)]))
        })
    };
    let values = RawValues::Real(numbers.iter().enumerate().map(real).collect::<Result<_>>()?);
    Ok(Column { path, shape, values, classes: vec![] })
}
