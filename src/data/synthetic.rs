//! `random(examples=1000)`: no data, but numbers of the right shapes, for timing and trying out.
//!
//! Real values are uniform on [0, 1), labels uniform over their classes; keyed by (seed, split, field).

use super::args::Args;
use super::error::Result;
use super::fit::{Column, Raw, RawValues, Want};
use super::random::{below, keyed, unit_f32};
use super::{Format, Request, product};
use crate::check::{FieldFacts, SplitFacts};

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "random",
    usage: "random(examples=1000, seed=1): seed is that of the training unless given",
    positional: &["examples"],
    named: &["seed", "scale", "shift"],
    takes_fields: false,
    scale: 1.0,
    white: 1.0,
    load,
    facts,
};

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let examples = examples(args)?;
    let seed = args.whole("seed", Some(request.seed), u64::MAX)?;
    let columns = request.fields.iter().map(|want| column(args, want, examples, seed, request.split));
    Ok(Raw { columns: columns.collect::<Result<_>>()?, count: examples })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    let field = |want: &Want| FieldFacts { shape: Some(want.shape.clone()), classes: want.classes, names: vec![] };
    Ok(SplitFacts { fields: request.fields.iter().map(field).collect(), examples: Some(examples(args)? as u64) })
}

fn examples(args: &Args) -> Result<usize> {
    Ok(args.whole("examples", None, super::MOST_VALUES as u64)? as usize)
}

fn column(args: &Args, want: &Want, examples: usize, seed: u64, split: &str) -> Result<Column> {
    let total = product(&want.shape).and_then(|size| size.checked_mul(examples));
    let total = total.filter(|total| *total <= super::MOST_VALUES);
    let total = total.ok_or_else(|| args.error("at most 2^31 values", format!("{examples} examples")))?;
    let mut rng = keyed(seed, &format!("random/{split}/{}", want.name));
    let values = match want.classes {
        Some(classes) => RawValues::Whole((0..total).map(|_| below(&mut rng, classes as u64) as i64).collect()),
        None => RawValues::Real((0..total).map(|_| unit_f32(&mut rng)).collect()),
    };
    Ok(Column { path: "random".to_string(), shape: want.shape.clone(), values, classes: vec![] })
}
