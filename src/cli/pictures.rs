//! `brolga new --pictures DIR`: drawn pictures of ten kinds, a folder for each, to train a net on without fetching any.
//!
//! 128x128 pixels unless asked otherwise, red, green, blue. Place, size, turn and colours are drawn by (split, kind, number) alone: the same
//! command writes the same pictures on every machine.

use super::common::Failure;
use crate::data::random::{below, keyed, unit_f64};
use image::{Rgb, RgbImage};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Whether a point, seen from the figure's middle with its size as 1, belongs to the figure.
type Figure = fn(f64, f64) -> bool;

/// The kinds in alphabetical order, as the folders are.
const KINDS: [(&str, Figure); 10] = [
    ("bars", |x, y| x.abs() < 1.0 && y.abs() < 1.0 && libm::floor(y * 2.5 + 0.5) as i64 % 2 == 0),
    ("chess", |x, y| x.abs() < 1.0 && y.abs() < 1.0 && (libm::floor(x * 2.0) + libm::floor(y * 2.0)) as i64 % 2 == 0),
    ("cross", |x, y| x.abs().max(y.abs()) < 1.0 && x.abs().min(y.abs()) < 0.3),
    ("disc", |x, y| x * x + y * y < 0.8),
    ("flower", |x, y| libm::sqrt(x * x + y * y) < 0.65 + 0.35 * libm::cos(5.0 * libm::atan2(y, x))),
    ("heart", |x, y| {
        let (x, y) = (1.2 * x, 0.25 - 1.2 * y);
        let a = x * x + y * y - 1.0;
        a * a * a - x * x * y * y * y < 0.0
    }),
    ("moon", |x, y| x * x + y * y < 1.0 && (x - 0.5) * (x - 0.5) + y * y > 0.7),
    ("ring", |x, y| (0.4..1.0).contains(&(x * x + y * y))),
    ("square", |x, y| x.abs().max(y.abs()) < 0.85),
    ("triangle", |x, y| y < 0.6 && y > 1.8 * x.abs() - 1.0),
];

/// Writes `count` pictures of each kind into `train`, a fifth of it (at least one) into `test`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path, count: u32, side: u32) -> Result<(), Failure> {
    for (split, count) in [("train", count), ("test", (count / 5).max(1))] {
        for (kind, figure) in KINDS {
            let folder = folder.join(split).join(kind);
            std::fs::create_dir_all(&folder).map_err(|e| Failure::io(&folder, "make", &e))?;
            for number in 0..count {
                let path = folder.join(format!("{number:04}.png"));
                let picture = draw(figure, side, &mut keyed(1, &format!("picture/{split}/{kind}/{number}")));
                picture.save(&path).map_err(|e| Failure::new(format!("cannot write {}: {e}", path.display())))?;
            }
        }
    }
    Ok(())
}

fn draw(figure: Figure, side: u32, rng: &mut ChaCha8Rng) -> RgbImage {
    // measures are those of a picture of 128 pixels
    let scale = f64::from(side) / 128.0;
    let mut between = |low: f64, high: f64| (low + (high - low) * unit_f64(rng)) * scale;
    let (size, turn) = (between(22.0, 46.0), between(-0.5, 0.5) / scale);
    let middle = f64::from(side) / 2.0;
    let (left, top) = (middle + between(-14.0, 14.0), middle + between(-14.0, 14.0));
    let (cos, sin) = (libm::cos(turn), libm::sin(turn));
    let (paper, ink) = colours(rng);
    let mut picture = RgbImage::new(side, side);
    for (i, j, pixel) in picture.enumerate_pixels_mut() {
        let (x, y) = ((f64::from(i) - left) / size, (f64::from(j) - top) / size);
        let inside = figure(cos * x + sin * y, cos * y - sin * x);
        let colour = if inside { ink } else { paper };
        // a little grain, so that no two pictures share an area
        *pixel = Rgb(colour.map(|value| value.saturating_add(below(rng, 16) as u8)));
    }
    picture
}

/// A light and a dark colour, either of which may be the paper's.
fn colours(rng: &mut ChaCha8Rng) -> ([u8; 3], [u8; 3]) {
    let mut colour = |low: u64| [(); 3].map(|()| (low + below(rng, 90)) as u8);
    let (dark, light) = (colour(0), colour(150));
    if below(rng, 2) == 0 { (light, dark) } else { (dark, light) }
}
