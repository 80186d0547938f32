//! Arrays that the command line reads and writes: `.npy`, `.npz`, `.json`.

use super::common::Failure;
use crate::check::{self, net::Checked};
use crate::data::{RawValues, npy};
use crate::size::{SizeId, Sizes, show};
use crate::train::session::Inputs;
use indexmap::IndexMap;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// An array, row-major.
#[derive(Clone, Debug)]
pub struct Array {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

/// What a net declares of an input.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub name: String,
    /// Of one example.
    pub shape: Vec<SizeId>,
    /// For whole numbers below n.
    pub classes: Option<usize>,
}

/// Arrays by name, held against what a net declares.
pub struct Given {
    pub arrays: IndexMap<String, Array>,
    /// Examples; 1 if none of the arrays has a batch axis.
    pub batch: u32,
    /// Whether the arrays have a batch axis.
    pub batched: bool,
}

/// Reads `x=a.npy`, `x=b.npz` (its member x), `x=c.json`, or `all.npz` (members by the inputs' names).
///
/// # Errors
/// When a file cannot be read, an input is missing or unknown, a shape or a class does not fit.
pub fn read(inputs: &[String], wanted: &[Wanted], checked: &Checked) -> Result<Given, Failure> {
    let mut arrays = IndexMap::new();
    for input in inputs {
        match input.split_once('=') {
            Some((name, path)) => {
                arrays.insert(name.to_string(), read_one(Path::new(path), name)?);
            }
            None => {
                let path = Path::new(input);
                for name in npy::members_of(path).map_err(|e| Failure::new(e.to_string()))? {
                    let array = read_one(path, &name)?;
                    arrays.insert(name, array);
                }
            }
        }
    }
    fit(arrays, wanted, &checked.sizes)
}

fn read_one(path: &Path, name: &str) -> Result<Array, Failure> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("npy") => from_npy(npy::read_file(path, None)),
        Some("npz") => from_npy(npy::read_file(path, Some(name))),
        Some("json") => from_json(path, name),
        _ => Err(Failure::usage(format!("{}: arrays are read from .npy, .npz and .json files", path.display()))),
    }
}

fn from_npy(read: crate::data::error::Result<npy::Array>) -> Result<Array, Failure> {
    let array = read.map_err(|error| Failure::new(error.to_string()))?;
    let values = match array.values {
        RawValues::Bytes(values) => values.into_iter().map(f64::from).collect(),
        RawValues::Real(values) => values.into_iter().map(f64::from).collect(),
        RawValues::Whole(values) => values.into_iter().map(|value| value as f64).collect(),
    };
    Ok(Array { shape: array.shape, values })
}

/// Nested lists of numbers; an object holds them by name.
fn from_json(path: &Path, name: &str) -> Result<Array, Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| Failure::io(path, "read", &error))?;
    let wrong = |what: String| Failure::new(format!("{}: {what}", path.display()));
    let value: Value = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let value = match &value {
        Value::Object(members) => members.get(name).ok_or_else(|| wrong(format!("no member `{name}`")))?,
        other => other,
    };
    let mut array = Array { shape: Vec::new(), values: Vec::new() };
    flatten(value, 0, &mut array).map_err(wrong)?;
    Ok(array)
}

fn flatten(value: &Value, depth: usize, out: &mut Array) -> Result<(), String> {
    match value {
        Value::Number(number) => {
            if depth != out.shape.len() {
                return Err("lists are nested unevenly".to_string());
            }
            out.values.push(number.as_f64().ok_or("a number that is too large")?);
            Ok(())
        }
        Value::Array(items) => {
            match out.shape.get(depth) {
                None if out.values.is_empty() => out.shape.push(items.len()),
                Some(known) if *known == items.len() => {}
                _ => return Err(format!("a list of {} where others are not so long", items.len())),
            }
            items.iter().try_for_each(|item| flatten(item, depth + 1, out))
        }
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => {
            Err("only numbers and lists make an array".to_string())
        }
    }
}

fn fit(mut arrays: IndexMap<String, Array>, wanted: &[Wanted], sizes: &Sizes) -> Result<Given, Failure> {
    let mut lengths = BTreeMap::new();
    let names = || wanted.iter().map(|w| format!("`{}`", w.name)).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = arrays.keys().find(|name| wanted.iter().all(|w| w.name != **name)) {
        return Err(Failure::usage(format!("there is no input `{unknown}`; the inputs are {}", names())));
    }
    let mut batch: Option<usize> = None;
    for want in wanted {
        let Some(array) = arrays.get(&want.name) else {
            return Err(Failure::usage(format!(
                "the input `{}` is missing: --input {}=FILE.npy",
                want.name, want.name
            )));
        };
        let extra = array.shape.len().checked_sub(want.shape.len());
        let mut fits = |shape: &[usize]| check::bind(sizes, &want.shape, shape, &mut lengths);
        let (rows, batched) = match extra {
            Some(0) if fits(&array.shape) => (1, false),
            Some(1) if fits(&array.shape[1..]) => (array.shape[0], true),
            _ => {
                let declared = show::shape(sizes, &want.shape);
                let known: Vec<String> = lengths.iter().map(|(name, n)| format!("{name} = {n}")).collect();
                let known = if known.is_empty() { String::new() } else { format!(" with {}", known.join(", ")) };
                return Err(Failure::new(format!(
                    "`{}` is {:?} here; the net takes {declared}{known}, or one more leading axis for the batch",
                    want.name, array.shape
                )));
            }
        };
        if batch.is_some_and(|known| known != rows) {
            return Err(Failure::new(format!(
                "`{}` has {rows} examples, another input {}",
                want.name,
                batch.unwrap_or(1)
            )));
        }
        if let Some(n) = want.classes {
            let outside = array.values.iter().find(|v| v.fract() != 0.0 || **v < 0.0 || **v >= n as f64);
            if let Some(value) = outside {
                return Err(Failure::new(format!(
                    "`{}` holds whole numbers from 0 to {}; here is {value}",
                    want.name,
                    n - 1
                )));
            }
        }
        batch = Some(rows);
        if !batched {
            // A single example is a batch of one.
            arrays[&want.name].shape.insert(0, 1);
        }
    }
    let rows = batch.unwrap_or(1);
    let batched = wanted.iter().any(|w| rows != 1 || arrays[&w.name].shape.len() > w.shape.len() + 1);
    let batch =
        u32::try_from(rows).ok().filter(|rows| *rows > 0).ok_or_else(|| Failure::new("there are no examples"))?;
    Ok(Given { arrays, batch, batched })
}

impl Inputs for Given {
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        // Fitting gave each array a batch axis.
        self.arrays.get(name).map(|array| array.shape[1..].to_vec())
    }

    fn real(&mut self, name: &str, out: &mut [f32]) -> bool {
        let Some(array) = self.arrays.get(name) else { return false };
        out.iter_mut().zip(&array.values).for_each(|(to, from)| *to = *from as f32);
        out.len() == array.values.len()
    }

    fn index(&mut self, name: &str, out: &mut [i32]) -> bool {
        let Some(array) = self.arrays.get(name) else { return false };
        out.iter_mut().zip(&array.values).for_each(|(to, from)| *to = *from as i32);
        out.len() == array.values.len()
    }
}

/// Writes arrays: one into a `.npy`, any number into an `.npz` or `.json`. The file appears whole or not at all.
///
/// # Errors
/// When the file cannot be written, or its kind does not hold several arrays.
pub fn write(path: &Path, arrays: &[(String, Array)], double: bool) -> Result<(), Failure> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| Failure::io(path, "write", &error);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
    match path.extension().and_then(|e| e.to_str()) {
        Some("npy") => {
            let [(_, array)] = arrays else {
                let names: Vec<&str> = arrays.iter().map(|(name, _)| name.as_str()).collect();
                return Err(Failure::usage(format!(
                    "a .npy holds one array, these are {}: use .npz",
                    names.join(", ")
                )));
            };
            write_npy(&mut file, array, double).map_err(failed)?;
        }
        Some("npz") => {
            let mut archive = npyz::zip::ZipWriter::new(&mut file);
            for (name, array) in arrays {
                let stored = npyz::zip::write::FileOptions::default();
                archive.start_file(format!("{name}.npy"), stored).map_err(|e| failed(std::io::Error::other(e)))?;
                write_npy(&mut archive, array, double).map_err(failed)?;
            }
            archive.finish().map_err(|e| failed(std::io::Error::other(e)))?;
        }
        Some("json") => {
            let members = arrays.iter().map(|(name, array)| (name.clone(), to_json(array)));
            let text = Value::Object(members.collect()).to_string();
            file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(failed)?;
        }
        _ => {
            return Err(Failure::usage(format!(
                "{}: arrays are written to .npy, .npz and .json files",
                path.display()
            )));
        }
    }
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path).map_err(|error| failed(error.error))?;
    Ok(())
}

fn write_npy(to: &mut impl Write, array: &Array, double: bool) -> std::io::Result<()> {
    if double {
        return npy::write_f64(to, &array.shape, &array.values);
    }
    let values: Vec<f32> = array.values.iter().map(|value| *value as f32).collect();
    npy::write_f32(to, &array.shape, &values)
}

/// Nested lists.
pub fn to_json(array: &Array) -> Value {
    nest(&array.shape, &array.values)
}

fn nest(shape: &[usize], values: &[f64]) -> Value {
    let Some((first, rest)) = shape.split_first() else { return Value::from(values[0]) };
    if *first == 0 {
        return Value::Array(Vec::new());
    }
    Value::Array(values.chunks(values.len() / first).map(|part| nest(rest, part)).collect())
}
