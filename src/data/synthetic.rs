//! `random(examples=1000)`: no data, but numbers of the right shapes, for timing and trying out.
//!
//! Real values are uniform on [0, 1), labels uniform over their classes; keyed by (seed, split, field). An open size
//! such as the T of `[T, 12]` is uniform on `shortest` to `length`, keyed by (seed, split, symbol).

use super::args::Args;
use super::error::Result;
use super::extent::Extent;
use super::fit::{self, Column, Raw, RawValues, Want};
use super::random::{below, keyed, unit_f32};
use super::{Format, Request};
use crate::check::{FieldFacts, Range, SplitFacts};

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "random",
    usage: "random(examples=1000, length=T, shortest=length, seed=1): seed is that of the training unless given",
    positional: &["examples"],
    named: &["length", "shortest", "seed", "scale", "shift"],
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
    let field = |want: &Want| {
        let axis = |extent: &Extent| extent.fixed().map_or_else(|| lengths(args), |size| Ok(Range::one(size)));
        let shape = Some(want.shape.iter().map(axis).collect::<Result<_>>()?);
        Ok(FieldFacts { shape, classes: want.classes, ..FieldFacts::default() })
    };
    let fields = request.fields.iter().map(field).collect::<Result<_>>()?;
    Ok(SplitFacts { fields, examples: Some(examples(args)? as u64), ..SplitFacts::default() })
}

fn examples(args: &Args) -> Result<usize> {
    Ok(args.whole("examples", None, super::MOST_VALUES as u64)? as usize)
}

/// What an open size may be.
fn lengths(args: &Args) -> Result<Range> {
    let most = args.whole("length", None, 1 << 24)?;
    let least = args.whole("shortest", Some(most), most)?;
    Ok(Range { least: least as usize, most: most as usize })
}

fn column(args: &Args, want: &Want, examples: usize, seed: u64, split: &str) -> Result<Column> {
    let shape: Vec<usize> = want.sizes().into_iter().map(|size| size.unwrap_or(1)).collect();
    let open = match want.shape.iter().position(|extent| extent.fixed().is_none()) {
        Some(axis) if want.open_axis().is_some() => {
            let range = lengths(args)?;
            let mut rng = keyed(seed, &format!("random/{split}/size/{}", want.shape[axis]));
            let spread = (range.most - range.least) as u64 + 1;
            let drawn = (0..examples).map(|_| range.least as u32 + below(&mut rng, spread) as u32);
            Some((axis, drawn.collect::<Vec<u32>>()))
        }
        Some(_) => return Err(args.error("at most one open size in a field", fit::show(&want.shape))),
        None => None,
    };
    let step = super::product(&shape);
    let rows = open.as_ref().map_or(examples as u64, |(_, sizes)| sizes.iter().map(|n| u64::from(*n)).sum());
    let total = step.and_then(|step| step.checked_mul(usize::try_from(rows).ok()?));
    let total = total.filter(|total| *total <= super::MOST_VALUES);
    let total = total.ok_or_else(|| args.error("at most 2^31 values", format!("{examples} examples")))?;
    let mut rng = keyed(seed, &format!("random/{split}/{}", want.name));
    let values = match want.classes {
        Some(classes) => RawValues::Whole((0..total).map(|_| below(&mut rng, classes as u64) as i64).collect()),
        None => RawValues::Real((0..total).map(|_| unit_f32(&mut rng)).collect()),
    };
    Ok(Column { open, ..Column::new("random", &shape, values) })
}
