//! `show fake every epoch`: a sheet of pictures, one for each of the first examples.

use super::common::{Failure, Loaded};
use crate::data::told::wants;
use crate::data::{Pictures, Request, Split};
use crate::runtime::program::Moment;
use crate::train::epoch::{Batch, Course, bounds};
use crate::train::session::{Session, Work};
use image::{Rgb, RgbImage};
use std::path::Path;

/// Pictures a sheet, eight in a row.
const MOST: usize = 64;
const COLUMNS: usize = 8;
/// Pixels between pictures.
const GAP: usize = 2;

/// Writes the sheet of a `show`, as an evaluation of the first examples of `split` gives it. Noise is that of step 0,
/// so that sheets of different epochs can be compared. Grey is as the data's source has it: its black is black.
///
/// # Errors
/// When the machine refuses, or the file cannot be written.
pub fn write(
    loaded: &Loaded,
    session: &mut Session,
    course: &Course,
    place: usize,
    split: &Split,
    path: &Path,
) -> Result<(), Failure> {
    let work = Work::Show(course.training, place);
    let rows: Vec<u32> = (0..split.count.min(MOST) as u32).collect();
    let batch = rows.len() as u32;
    let moment = Moment { seed: course.seed, step: 0, steps: 1, first_example: 0 };
    session.run(
        work,
        batch,
        &moment,
        &mut Batch { split, rows: &rows, draw: None, bounds: bounds(split, &rows), renamed: &[] },
    )?;
    let item = &loaded.checked.trainings[course.training].shows[place];
    let shape = &item.flat.tensors[item.flat.outputs[0].1].shape;
    let shape: Vec<usize> = shape.iter().map(|&n| loaded.checked.sizes.number(n).map_or(0, |n| n as usize)).collect();
    let values = session.output(work, batch, "value").expect("the program has its output");
    let sheet = sheet(values, &shape, &pictures(loaded, course)?);
    let text = |e: image::ImageError| Failure::new(format!("cannot write {}: {e}", path.display()));
    let mut bytes = std::io::Cursor::new(Vec::new());
    sheet.write_to(&mut bytes, image::ImageFormat::Png).map_err(text)?;
    super::common::write_bytes(path, bytes.get_ref())
}

/// How the data's source turns bytes into numbers.
fn pictures(loaded: &Loaded, course: &Course) -> Result<Pictures, Failure> {
    let data = loaded.checked.trainings[course.training].data.map(|place| &loaded.checked.datasets[place]);
    let Some((dataset, (split, call))) = data.and_then(|data| Some((data, data.splits.first()?))) else {
        return Ok(Pictures::plain());
    };
    let fields = wants(&loaded.checked, dataset);
    let request = Request { split, fields: &fields, place: &loaded.place, seed: course.seed };
    Ok(Pictures::of(call, &request, 0)?)
}

/// Pictures `[H, W]` or `[C, H, W]`, one after another, side by side.
fn sheet(values: &[f32], shape: &[usize], pictures: &Pictures) -> RgbImage {
    let (channels, height, width) = match *shape {
        [height, width] => (1, height, width),
        [channels, height, width] => (channels, height, width),
        _ => panic!("bug: the checker has seen that this is a picture: {shape:?}"),
    };
    let size = (channels * height * width).max(1);
    let count = values.len() / size;
    let (columns, lines) = (count.clamp(1, COLUMNS), count.div_ceil(COLUMNS).max(1));
    let side = |count: usize, pixels: usize| (count * (pixels + GAP) - GAP) as u32;
    let mut sheet = RgbImage::from_pixel(side(columns, width), side(lines, height), Rgb([255, 255, 255]));
    for (number, picture) in values.chunks_exact(size).enumerate() {
        let (left, top) = (number % COLUMNS * (width + GAP), number / COLUMNS * (height + GAP));
        for place in 0..height * width {
            let colour = |channel: usize| pictures.byte(picture[channel.min(channels - 1) * height * width + place]);
            let (x, y) = (left + place % width, top + place / width);
            sheet.put_pixel(x as u32, y as u32, Rgb([colour(0), colour(1), colour(2)]));
        }
    }
    sheet
}
