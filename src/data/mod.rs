//! Data sets: a table of formats, a file each. A source's call (`idx("a.gz", "b.gz", scale=1/255)`) becomes a
//! [`Split`] in memory, or one finding that names path, place, expected and found.
//!
//! **Invariants**: no size that a file names is believed before it is held against the file's length; nothing depends
//! on the order in which a folder is listed.

pub mod args;
pub mod array;
pub mod augment;
mod bytes;
mod characters;
mod csv;
mod digits8x8;
pub mod error;
pub mod extent;
mod fit;
mod folder;
mod idx;
pub mod npy;
pub mod place;
pub mod random;
mod sequence;
pub mod split;
mod synthetic;
mod table;
pub mod told;
mod ts;

pub use augment::{Augment, Change, Draw};
pub use error::{DataError, DataProblem, Where};
pub use extent::{Bounds, Extent, Open, Sizes};
use fit::Scaling;
pub use fit::{RawValues, Want};
pub use place::Place;
pub use split::{FieldData, Split, Starts, Values};

use crate::check::SplitFacts;
use crate::check::net::SourceCall;
use args::Args;
use error::Result;
use fit::Raw;

/// A row of the table: a source that `.net` files may call.
pub struct Format {
    /// As called.
    pub name: &'static str,
    /// How it is called, with the defaults.
    pub usage: &'static str,
    /// Arguments in order.
    pub positional: &'static [&'static str],
    /// Arguments by name only.
    pub named: &'static [&'static str],
    /// Whether the data's fields are arguments too.
    pub takes_fields: bool,
    /// What real values are multiplied by unless `scale` says otherwise.
    pub scale: f64,
    /// What stands for white in pictures that it holds, before `scale`.
    pub white: f64,
    load: fn(&Args, &Request) -> Result<Raw>,
    facts: fn(&Args, &Request) -> Result<SplitFacts>,
}

/// All sources.
pub const FORMATS: [Format; 10] = [
    digits8x8::FORMAT,
    idx::FORMAT,
    folder::FORMAT,
    csv::FORMAT,
    ts::FORMAT,
    characters::FORMAT,
    npy::NPY,
    npy::NPZ,
    table::FORMAT,
    synthetic::FORMAT,
];

/// What is asked of a source besides its arguments.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// `train`, `valid`, `test`
    pub split: &'a str,
    pub fields: &'a [Want],
    pub place: &'a Place,
    /// For what a source draws.
    pub seed: u64,
}

/// At most so many values in one field: 8 GiB as f32.
pub const MOST_VALUES: usize = 1 << 31;

/// Reads a split. Errors: the first finding.
pub fn load(call: &SourceCall, request: &Request) -> Result<Split> {
    let (format, args) = open(call, request)?;
    let augment = stages(call, request)?;
    let scaling = scaling(format, &args)?;
    let split = fit::fit((format.load)(&args, request)?, request.fields, scaling)?;
    Ok(Split { augment, ..split })
}

/// How picture files become what a net sees that was trained on a source.
#[derive(Clone, Debug)]
pub struct Pictures {
    scaling: Scaling,
    stages: Vec<Augment>,
    field: usize,
}

impl Pictures {
    /// For a net that no data tell of: bytes of 0 to 255 become 0 to 1.
    pub fn plain() -> Pictures {
        Pictures { scaling: Scaling { scale: 1.0 / 255.0, shift: 0.0 }, stages: vec![], field: 0 }
    }

    /// As the field at a position of a source.
    pub fn of(call: &SourceCall, request: &Request, field: usize) -> Result<Pictures> {
        let (format, args) = open(call, request)?;
        let Scaling { scale, shift } = scaling(format, &args)?;
        let scaling = Scaling { scale: scale * format.white / 255.0, shift };
        Ok(Pictures { scaling, stages: stages(call, request)?, field })
    }

    /// The byte, 0 to 255, that a net sees as this number.
    pub fn byte(&self, value: f32) -> u8 {
        ((f64::from(value) - self.scaling.shift) / self.scaling.scale).clamp(0.0, 255.0).round() as u8
    }

    /// One image file for a net's input `[C, H, W]`: resized to it. Errors: no such file, no image.
    pub fn read(&self, path: &std::path::Path, shape: &[usize]) -> Result<Vec<f32>> {
        let mut values = folder::image_values(path, shape, self.scaling)?;
        augment::apply(&self.stages, self.field, None, 0, (shape, shape), &mut values);
        Ok(values)
    }
}

fn scaling(format: &Format, args: &Args) -> Result<Scaling> {
    let scale = if format.named.contains(&"scale") { args.number("scale", format.scale)? } else { format.scale };
    let shift = if format.named.contains(&"shift") { args.number("shift", 0.0)? } else { 0.0 };
    Ok(Scaling { scale, shift })
}

/// What the files say of themselves; a finding of kind [`DataProblem::Absent`] where they are not there.
pub fn facts(call: &SourceCall, request: &Request) -> Result<SplitFacts> {
    let (format, args) = open(call, request)?;
    stages(call, request)?;
    let facts = (format.facts)(&args, request)?;
    let symbols = fit::symbols(&facts, request.fields);
    Ok(SplitFacts { symbols, ..facts })
}

fn open<'a>(call: &'a SourceCall, request: &Request) -> Result<(&'static Format, Args<'a>)> {
    static TABLE: [Format; FORMATS.len()] = FORMATS;
    let Some(format) = TABLE.iter().find(|format| format.name == &*call.name) else {
        let known: Vec<&str> = TABLE.iter().map(|format| format.name).collect();
        let known = format!("a source of data ({})", known.join(", "));
        return Err(DataError::new(DataProblem::Call, "", known, format!("`{}`", call.name)));
    };
    let fields: Vec<&str> = request.fields.iter().map(|want| &*want.name).collect();
    let free = if format.takes_fields { &fields[..] } else { &[] };
    let args = Args::new(call, format.positional, format.named, free);
    args.map(|args| (format, args)).map_err(|error| error.help(format!("usage: {}", format.usage)))
}

fn stages(call: &SourceCall, request: &Request) -> Result<Vec<Augment>> {
    let stages = call.stages.iter().map(|stage| augment::read(stage, request.fields)).collect::<Result<Vec<_>>>()?;
    let drawn = stages.iter().position(Augment::is_drawn).filter(|_| request.split != "train");
    if let Some(place) = drawn {
        let found = format!("`-> {}` on `{}`", call.stages[place].name, request.split);
        let error = DataError::new(DataProblem::Call, "", "augmentation on `train` only", found);
        return Err(DataError { call: Some(call.stages[place].at), ..error });
    }
    Ok(stages)
}

/// The product of sizes, `None` if it is beyond usize.
pub fn product(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |all, n| all.checked_mul(*n))
}

/// `1 field`, `3 fields`, `10 classes`
pub fn count(n: usize, what: &str) -> String {
    let many = if what.ends_with('s') { "es" } else { "s" };
    format!("{n} {what}{}", if n == 1 { "" } else { many })
}
