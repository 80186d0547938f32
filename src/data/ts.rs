//! `ts("a.ts")`: time series with a class each, in the text format of the UCR and UEA archives; plain or gzip.
//!
//! Lines that begin with `#` or `%` are comments. `@key value` lines tell of the series, `@data` begins them. Then a
//! line is an example: its dimensions with `:` between them, the values of each with `,`, and behind the last `:` its
//! class (Bagnall et al., *The UEA multivariate time series classification archive*, 2018, arXiv:1811.00075). The
//! dimensions of one example have equal lengths; examples may differ. Keys are read without regard to case.
//!
//! The first field takes the series as `[T, dimensions]`, `[dimensions, T]` or, with one dimension, `[T]`; the second
//! takes the class, numbered in the order of the `@classLabel` line, or with `@targetLabel` a number.

use super::args::Args;
use super::bytes::Bytes;
use super::error::{DataError, DataProblem, Result, Where};
use super::fit::{self, Column, Raw, RawValues, Want};
use super::place::Located;
use super::sequence::number;
use super::{Format, Request};
use crate::check::SplitFacts;
use std::io::{BufRead, BufReader, Read};

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "ts",
    usage: "ts(\"a.ts\", scale=1, shift=0): fields are a series and its class",
    positional: &["path"],
    named: &["scale", "shift"],
    takes_fields: false,
    scale: 1.0,
    white: 1.0,
    load,
    facts,
};

/// A longer line is no series.
const MOST_LINE: u64 = 1 << 28;

/// What the lines before `@data` say.
#[derive(Default)]
struct Head {
    /// In the order of the file; empty if the series have none.
    classes: Vec<String>,
    target: bool,
    dimensions: Option<usize>,
    /// `@equalLength true`, with the length if it is told.
    equal: bool,
    length: Option<usize>,
}

/// The series as they are read, `[dimensions, T]` each.
#[derive(Default)]
struct Series {
    dimensions: usize,
    values: Vec<f32>,
    lengths: Vec<u32>,
    classes: Vec<i64>,
    targets: Vec<f32>,
}

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let file = request.place.find(args.text("path")?)?;
    let mut lines = Lines::open(&file)?;
    let head = head(&mut lines)?;
    let (series, label) = fields(args, request, &head)?;
    let mut read = Series { dimensions: head.dimensions.unwrap_or(0), ..Series::default() };
    while lines.next()? {
        if !lines.text.is_empty() {
            example(&lines, &head, &mut read)?;
        }
    }
    let count = read.lengths.len();
    let mut columns = vec![read.column(&file, series)];
    match label {
        Some(_) if head.target => columns.push(Column::new(&file.shown, &[], RawValues::Real(read.targets))),
        Some(_) => {
            let labels = Column::new(&file.shown, &[], RawValues::Whole(read.classes));
            columns.push(Column { classes: head.classes, ..labels });
        }
        None => {}
    }
    Ok(Raw { columns, count })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    fit::facts(load(args, request)?, request.fields)
}

/// The field of the series, and that of the class.
fn fields<'a>(args: &Args, request: &Request<'a>, head: &Head) -> Result<(&'a Want, Option<&'a Want>)> {
    let series = |want: &Want| want.classes.is_none() && matches!(want.shape.len(), 1 | 2);
    match request.fields {
        [one] if series(one) => Ok((one, None)),
        [one, label] if series(one) && (head.target || !head.classes.is_empty()) => Ok((one, Some(label))),
        [one, _] if series(one) => Err(args.error("one field, since the series have no class", "two")),
        _ => Err(args.error("a series `[T, dimensions]` and a class `index(n)`", "other fields")),
    }
}

fn head(lines: &mut Lines) -> Result<Head> {
    let mut head = Head::default();
    loop {
        if !lines.next()? {
            return Err(lines.error("`@data` before the series", "the end of the file"));
        }
        let Some(line) = lines.text.strip_prefix('@') else {
            if lines.text.is_empty() {
                continue;
            }
            return Err(lines.error("`@data` before the series", lines.shown()));
        };
        let mut words = line.split_whitespace();
        let key = words.next().unwrap_or("").to_ascii_lowercase();
        let rest: Vec<&str> = words.collect();
        let first = rest.first().copied().unwrap_or("");
        let whole = |what: &str| {
            let n = first.parse().ok().filter(|n| (1..=1usize << 24).contains(n));
            n.ok_or_else(|| lines.error(format!("{what}, a whole number from 1 on"), format!("`{first}`")))
        };
        match &*key {
            "data" => return Ok(head),
            "timestamps" if yes(lines, first)? => {
                return Err(lines.error("series without time stamps", "`@timeStamps true`"));
            }
            "missing" if yes(lines, first)? => {
                return Err(lines.error("series without missing values", "`@missing true`"));
            }
            "univariate" if yes(lines, first)? => head.dimensions = Some(1),
            "dimensions" | "dimension" => head.dimensions = Some(whole("the number of dimensions")?),
            "equallength" => head.equal = yes(lines, first)?,
            "serieslength" => head.length = Some(whole("the length of the series")?),
            "classlabel" if yes(lines, first)? => {
                head.classes = rest[1..].iter().map(|class| (*class).to_string()).collect();
                if head.classes.is_empty() {
                    return Err(lines.error("the names of the classes behind `@classLabel true`", "none"));
                }
            }
            "targetlabel" => head.target = yes(lines, first)?,
            // the rest tells of the data in words: problemName, missing, ...
            _other => {}
        }
    }
}

fn yes(lines: &Lines, word: &str) -> Result<bool> {
    match &*word.to_ascii_lowercase() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(lines.error("true or false", format!("`{word}`"))),
    }
}

/// One line of series and class.
fn example(lines: &Lines, head: &Head, read: &mut Series) -> Result<()> {
    let mut dimensions: Vec<&str> = lines.text.split(':').collect();
    let label = if head.target || !head.classes.is_empty() { dimensions.pop() } else { None };
    if read.dimensions == 0 {
        read.dimensions = dimensions.len();
    }
    if dimensions.len() != read.dimensions || dimensions.is_empty() {
        let class = if label.is_some() { " and a class" } else { "" };
        let expected = format!("{}{class}, with `:` between them", super::count(read.dimensions.max(1), "dimension"));
        return Err(lines.error(expected, dimensions.len().to_string()));
    }
    let mut length = None;
    for (d, dimension) in dimensions.iter().enumerate() {
        let mut steps = 0;
        for cell in dimension.split(',') {
            let value = number(cell.trim()).ok_or_else(|| {
                let found = format!("`{}`", cell.trim().chars().take(40).collect::<String>());
                lines.error(format!("a number as value {} of dimension {}", steps + 1, d + 1), found)
            })?;
            read.values.push(value as f32);
            steps += 1;
        }
        if *length.get_or_insert(steps) != steps {
            let expected = format!("{} values, as in the first dimension", length.unwrap_or(0));
            return Err(lines.error(format!("{expected}, in dimension {}", d + 1), steps.to_string()));
        }
    }
    let steps = length.unwrap_or(0);
    let told = if head.equal { head.length } else { None };
    if told.is_some_and(|told| told != steps) {
        return Err(lines.error(format!("{} values, as `@seriesLength` says", told.unwrap_or(0)), steps.to_string()));
    }
    read.lengths.push(steps as u32);
    let Some(label) = label.map(str::trim) else { return Ok(()) };
    if head.target {
        let target = number(label).ok_or_else(|| lines.error("a number behind the last `:`", format!("`{label}`")))?;
        read.targets.push(target as f32);
        return Ok(());
    }
    let place = head.classes.iter().position(|class| class == label);
    let known = || format!("a class behind the last `:` ({})", fit::few(&head.classes));
    read.classes.push(place.ok_or_else(|| lines.error(known(), format!("`{label}`")))? as i64);
    Ok(())
}

impl Series {
    /// In the order of axes that the field declares.
    fn column(&mut self, file: &Located, want: &Want) -> Column {
        let (d, values) = (self.dimensions, std::mem::take(&mut self.values));
        let lengths = self.lengths.clone();
        let equal = lengths.first().copied().filter(|first| lengths.iter().all(|n| n == first));
        let steps = equal.unwrap_or(1) as usize;
        let as_read = match want.sizes()[..] {
            [Some(_), None] => true,
            [Some(first), Some(second)] => first == d && second != d,
            _ => false,
        };
        let (shape, axis, values) = match want.shape.len() {
            1 if d == 1 => (vec![steps], 0, values),
            _ if as_read => (vec![d, steps], 1, values),
            _ => (vec![steps, d], 0, turn(&values, &lengths, d)),
        };
        let open = if equal.is_none() { Some((axis, lengths)) } else { None };
        Column { open, ..Column::new(&file.shown, &shape, RawValues::Real(values)) }
    }
}

/// Each example from `[dimensions, T]` to `[T, dimensions]`.
fn turn(values: &[f32], lengths: &[u32], dimensions: usize) -> Vec<f32> {
    let (mut begin, mut turned) = (0, Vec::with_capacity(values.len()));
    for &length in lengths {
        let own = &values[begin..begin + length as usize * dimensions];
        (0..length as usize).for_each(|t| turned.extend(own.iter().skip(t).step_by(length as usize)));
        begin += own.len();
    }
    turned
}

/// The lines of a file, comments left out.
struct Lines {
    reader: BufReader<Bytes<'static>>,
    path: String,
    /// The present line, trimmed.
    text: String,
    /// Its number, from 1.
    number: u64,
}

impl Lines {
    fn open(file: &Located) -> Result<Lines> {
        let reader = BufReader::new(Bytes::open(file)?);
        Ok(Lines { reader, path: file.shown.clone(), text: String::new(), number: 0 })
    }

    /// Goes to the next line that is no comment; false at the end.
    fn next(&mut self) -> Result<bool> {
        loop {
            let mut line = Vec::new();
            self.number += 1;
            let got = (&mut self.reader).take(MOST_LINE).read_until(b'\n', &mut line);
            let got = got.map_err(|e| self.error("a file that can be read", e.to_string()))? as u64;
            if got == 0 {
                return Ok(false);
            }
            if got == MOST_LINE && line.last() != Some(&b'\n') {
                return Err(self.error(format!("a line below {MOST_LINE} bytes"), "a longer one"));
            }
            if matches!(line.first(), Some(b'#' | b'%')) {
                continue;
            }
            let text = String::from_utf8(line).map_err(|_| self.error("a text in UTF-8", "other bytes"))?;
            self.text = text.trim().to_string();
            return Ok(true);
        }
    }

    fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        DataError::new(DataProblem::Damaged, &self.path, expected, found).at(Where::Line(self.number))
    }

    /// The beginning of the present line.
    fn shown(&self) -> String {
        format!("`{}`", self.text.chars().take(40).collect::<String>())
    }
}
