//! Stages behind a source: `-> normalise(mean=0.5, std=0.2) -> flip -> random_crop(32, pad=4)`.
//!
//! `normalise` is part of what the net sees and may stand on every split. All others are augmentation: small random
//! changes of training examples, on `train` alone.
//!
//! **Invariants**: what a stage draws for an example depends on (seed, epoch, number of the example in its split, place
//! of the stage) alone, never on the batch or the threads; the images of one example (picture and mask) are turned and
//! shifted alike; only an example's own values are changed, not what pads it in a batch.

use super::args::Args;
use super::error::Result;
use super::extent::{Extent, runs};
use super::fit::{Want, show};
use super::random::{below, keyed, unit_f64};
use crate::check::net::{Setting, SourceCall};
use crate::noise::Noise;
use rand_chacha::ChaCha8Rng;

/// A stage with the fields that it changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Augment {
    pub change: Change,
    /// Positions in the data's fields.
    pub fields: Vec<usize>,
}

/// One change: of images `[C, H, W]`, or of any real values.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Left and right exchanged in every second image.
    Flip,
    /// `pad` zeros on each side, then a window of the image's own size at a random place.
    RandomCrop { size: usize, pad: usize },
    /// About its centre by an angle uniform on ±`degrees`; bilinear, zeros from outside.
    Rotate { degrees: f64 },
    /// Zeros in a square of `size` whose centre is a random pixel (DeVries and Taylor 2017, arXiv:1708.04552).
    Cutout { size: usize },
    /// Times a number uniform on 1 ± `by`.
    Brightness { by: f64 },
    /// Plus normal noise of standard deviation `std`, for each value its own.
    Jitter { std: f64 },
    /// `(x - mean) / std`, one number for all or one for each channel: of `[C, H, W]` the first axis, of others the last
    /// one that is not open.
    Normalise { mean: Vec<f32>, std: Vec<f32>, axis: usize },
}

/// What a draw is keyed by besides the example.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    pub seed: u64,
    pub epoch: u64,
}

const STAGES: &str = "`flip`, `random_crop(32, pad=4)`, `rotate(15)`, `cutout(8)`, `brightness(0.2)`, `jitter(0.1)` or \
                      `normalise(mean=0.5, std=0.2)`";

/// Reads a stage behind a source. Errors: an unknown stage or argument; no field that it could change.
pub fn read(call: &SourceCall, wants: &[Want]) -> Result<Augment> {
    match &*call.name {
        "flip" => {
            let args = Args::new(call, &[], &[], &[])?;
            Ok(Augment { change: Change::Flip, fields: images(&args, wants)? })
        }
        "random_crop" => {
            let args = Args::new(call, &["size"], &["pad"], &[])?;
            let size = args.whole("size", None, 1 << 16)? as usize;
            let fields = images(&args, wants)?;
            check_crop(&args, size, fields.iter().map(|&field| &wants[field]))?;
            Ok(Augment {
                change: Change::RandomCrop { size, pad: args.whole("pad", Some(0), 1 << 16)? as usize },
                fields,
            })
        }
        "rotate" => {
            let args = Args::new(call, &["degrees"], &[], &[])?;
            let degrees = between(&args, "degrees", 0.0, 180.0)?;
            Ok(Augment { change: Change::Rotate { degrees }, fields: images(&args, wants)? })
        }
        "cutout" => {
            let args = Args::new(call, &["size"], &[], &[])?;
            let size = args.whole("size", None, 1 << 16)? as usize;
            Ok(Augment { change: Change::Cutout { size }, fields: images(&args, wants)? })
        }
        "brightness" => {
            let args = Args::new(call, &["by"], &["of"], &[])?;
            let by = between(&args, "by", 0.0, 1.0)?;
            Ok(Augment { change: Change::Brightness { by }, fields: vec![one(&args, wants)?] })
        }
        "jitter" => {
            let args = Args::new(call, &["std"], &["of"], &[])?;
            let std = between(&args, "std", 0.0, f64::from(f32::MAX))?;
            Ok(Augment { change: Change::Jitter { std }, fields: vec![one(&args, wants)?] })
        }
        "normalise" | "normalize" => {
            let args = Args::new(call, &[], &["mean", "std", "of"], &[])?;
            let field = one(&args, wants)?;
            let axis = channels(&wants[field]);
            let count = axis.and_then(|axis| wants[field].shape[axis].fixed());
            let mean = numbers(&args, "mean", count)?;
            let std = numbers(&args, "std", count)?;
            if std.contains(&0.0) {
                return Err(args.error("`std` above 0", "0"));
            }
            let axis = axis.unwrap_or(0);
            Ok(Augment { change: Change::Normalise { mean, std, axis }, fields: vec![field] })
        }
        other => Err(Args::new(call, &[], &[], &[])?.error(STAGES, format!("`{other}`"))),
    }
}

/// The fields that are images.
fn images(args: &Args, wants: &[Want]) -> Result<Vec<usize>> {
    let is_image = |field: &usize| wants[*field].classes.is_none() && wants[*field].shape.len() == 3;
    let fields: Vec<usize> = (0..wants.len()).filter(is_image).collect();
    if fields.is_empty() { Err(args.error("a field that is an image [C, H, W]", "none")) } else { Ok(fields) }
}

/// The field that `of` names, else the only real one.
fn one(args: &Args, wants: &[Want]) -> Result<usize> {
    let real: Vec<usize> = (0..wants.len()).filter(|&field| wants[field].classes.is_none()).collect();
    if args.get("of").is_none() {
        let found = super::count(real.len(), "field");
        return match real[..] {
            [field] => Ok(field),
            _ => Err(args.error("`of=\"FIELD\"`, unless one field alone holds real numbers", found)),
        };
    }
    let name = args.text("of")?;
    let field = real.into_iter().find(|&field| *wants[field].name == *name);
    field.ok_or_else(|| args.error("`of` to name a field of real numbers", format!("`{name}`")))
}

fn check_crop<'a>(args: &Args, size: usize, mut images: impl Iterator<Item = &'a Want>) -> Result<()> {
    let differs = |want: &&Want| want.shape[1..] != [Extent::Fixed(size), Extent::Fixed(size)];
    let Some(want) = images.find(differs) else { return Ok(()) };
    let expected = format!("a crop of {}x{}, the size of `{}`,", want.shape[1], want.shape[2], want.name);
    Err(args.error(expected, size.to_string()))
}

fn between(args: &Args, name: &str, least: f64, most: f64) -> Result<f64> {
    if args.get(name).is_none() {
        return Err(args.error(format!("`{name}`, a number"), "nothing"));
    }
    let number = args.number(name, 0.0)?;
    if (least..=most).contains(&number) {
        return Ok(number);
    }
    Err(args.error(format!("`{name}` to be a number from {least} to {most}"), number.to_string()))
}

/// The axis that `normalise` takes its numbers along.
fn channels(want: &Want) -> Option<usize> {
    match want.shape.len() {
        3 => Some(0),
        axes => (0..axes).rev().find(|&axis| want.shape[axis].fixed().is_some()),
    }
}

/// One number, or one for each channel.
fn numbers(args: &Args, name: &str, count: Option<usize>) -> Result<Vec<f32>> {
    let values: Vec<f32> = match args.get(name) {
        Some(Setting::Array { shape, values }) if shape.len() == 1 => values.iter().map(|v| *v as f32).collect(),
        Some(Setting::List(list)) => {
            let number = |setting: &Setting| if let Setting::Number(n) = setting { Some(*n as f32) } else { None };
            list.iter().map(number).collect::<Option<_>>().unwrap_or_default()
        }
        Some(_) => vec![args.number(name, 0.0)? as f32],
        None => return Err(args.error(format!("`{name}`, a number or a list of numbers"), "nothing")),
    };
    let fits = values.len() == 1 || Some(values.len()) == count;
    if fits && values.iter().all(|v| v.is_finite()) {
        return Ok(values);
    }
    let many = count.map_or_else(String::new, |n| format!(" or {n}, one for each channel,"));
    Err(args.error(format!("one finite number{many} as `{name}`"), show(&values)))
}

impl Augment {
    /// Whether it is drawn, so that it belongs on `train` alone.
    pub fn is_drawn(&self) -> bool {
        !matches!(self.change, Change::Normalise { .. })
    }
}

/// Changes one example of a field in place: an array of shape `own` that lies in one of shape `wide`. Without `draw`
/// only what is not drawn is done.
pub fn apply(
    stages: &[Augment],
    field: usize,
    draw: Option<Draw>,
    row: u32,
    (own, wide): (&[usize], &[usize]),
    values: &mut [f32],
) {
    let here = |(_, stage): &(usize, &Augment)| stage.fields.contains(&field) && (draw.is_some() || !stage.is_drawn());
    let mut stages = stages.iter().enumerate().filter(here).peekable();
    if stages.peek().is_none() {
        return;
    }
    if own == wide {
        return stages.for_each(|(place, stage)| stage.change.apply(place, draw, row, own, values));
    }
    let mut alone = vec![0.0; own.iter().product()];
    runs(own, wide, &mut |from, at, len| alone[from..from + len].copy_from_slice(&values[at..at + len]));
    stages.for_each(|(place, stage)| stage.change.apply(place, draw, row, own, &mut alone));
    runs(own, wide, &mut |from, at, len| values[at..at + len].copy_from_slice(&alone[from..from + len]));
}

impl Change {
    fn apply(&self, place: usize, draw: Option<Draw>, row: u32, shape: &[usize], values: &mut [f32]) {
        let rng = || {
            let draw = draw.expect("what is drawn is applied with a draw");
            keyed(draw.seed, &format!("augment/{}/{row}/{place}", draw.epoch))
        };
        match self {
            Change::Flip => flip(&mut rng(), shape, values),
            Change::RandomCrop { pad, .. } => shift(&mut rng(), *pad, shape, values),
            Change::Rotate { degrees } => rotate((2.0 * unit_f64(&mut rng()) - 1.0) * degrees, shape, values),
            Change::Cutout { size } => cutout(&mut rng(), *size, shape, values),
            Change::Brightness { by } => {
                let factor = (1.0 + (2.0 * unit_f64(&mut rng()) - 1.0) * by) as f32;
                values.iter_mut().for_each(|value| *value *= factor);
            }
            Change::Jitter { std } => {
                let draw = draw.expect("what is drawn is applied with a draw");
                let noise = Noise::new(draw.seed, &format!("augment/{place}"), draw.epoch, true);
                let add = |(at, value): (usize, &mut f32)| *value += *std as f32 * noise.at(u64::from(row), at as u64);
                values.iter_mut().enumerate().for_each(add);
            }
            Change::Normalise { mean, std, axis } => normalise(mean, std, *axis, shape, values),
        }
    }
}

fn flip(rng: &mut ChaCha8Rng, shape: &[usize], image: &mut [f32]) {
    if below(rng, 2) == 1 {
        image.chunks_exact_mut(shape[2]).for_each(<[f32]>::reverse);
    }
}

/// `new[c, i, j] = old[c, i + down - pad, j + right - pad]`, 0 outside.
fn shift(rng: &mut ChaCha8Rng, pad: usize, shape: &[usize], image: &mut [f32]) {
    let down = below(rng, 2 * pad as u64 + 1) as usize;
    let right = below(rng, 2 * pad as u64 + 1) as usize;
    let (old, height, width) = (image.to_vec(), shape[1], shape[2]);
    let plane = height * width;
    for (place, to) in image.iter_mut().enumerate() {
        let (channel, i, j) = (place / plane, place % plane / width, place % width);
        let (i, j) = ((i + down).wrapping_sub(pad), (j + right).wrapping_sub(pad));
        *to = if i < height && j < width { old[channel * plane + i * width + j] } else { 0.0 };
    }
}

/// `new(p) = old(R (p - m) + m)`, m the centre, R a turn by the angle, `old` bilinear between its pixels and 0 outside.
fn rotate(degrees: f64, shape: &[usize], image: &mut [f32]) {
    let (sin, cos) = libm::sincos(degrees.to_radians());
    let (old, height, width) = (image.to_vec(), shape[1], shape[2]);
    let (middle_i, middle_j) = ((height as f64 - 1.0) / 2.0, (width as f64 - 1.0) / 2.0);
    let plane = height * width;
    for (place, to) in image.iter_mut().enumerate() {
        let (channel, i, j) = (place / plane, place % plane / width, place % width);
        let (y, x) = (i as f64 - middle_i, j as f64 - middle_j);
        let (y, x) = (cos * y - sin * x + middle_i, sin * y + cos * x + middle_j);
        let (top, left) = (libm::floor(y), libm::floor(x));
        let pixel = |i: f64, j: f64| {
            let inside = i >= 0.0 && j >= 0.0 && i < height as f64 && j < width as f64;
            if inside { f64::from(old[channel * plane + i as usize * width + j as usize]) } else { 0.0 }
        };
        let (down, right) = (y - top, x - left);
        let above = (1.0 - right) * pixel(top, left) + right * pixel(top, left + 1.0);
        let below = (1.0 - right) * pixel(top + 1.0, left) + right * pixel(top + 1.0, left + 1.0);
        *to = ((1.0 - down) * above + down * below) as f32;
    }
}

fn cutout(rng: &mut ChaCha8Rng, size: usize, shape: &[usize], image: &mut [f32]) {
    let (height, width) = (shape[1], shape[2]);
    if height * width == 0 {
        return;
    }
    let middle = (below(rng, height as u64) as usize, below(rng, width as u64) as usize);
    let hit = |at: usize, middle: usize| at + size / 2 >= middle && at + size / 2 < middle + size;
    for (place, value) in image.iter_mut().enumerate() {
        let (i, j) = (place % (height * width) / width, place % width);
        if hit(i, middle.0) && hit(j, middle.1) {
            *value = 0.0;
        }
    }
}

/// By channel; see [`Change::Normalise`].
fn normalise(mean: &[f32], std: &[f32], axis: usize, shape: &[usize], values: &mut [f32]) {
    let count = mean.len().max(std.len());
    let inner: usize = shape.iter().skip(axis + 1).product();
    let pick = |list: &[f32], channel: usize| if list.len() == 1 { list[0] } else { list[channel] };
    for (place, value) in values.iter_mut().enumerate() {
        let channel = place / inner.max(1) % count;
        *value = (*value - pick(mean, channel)) / pick(std, channel);
    }
}
