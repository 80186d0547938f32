//! Augmentation: small random changes of training images, `-> flip -> random_crop(32, pad=4)`.
//!
//! **Invariant**: what is drawn for an example depends on (seed, epoch, number of the example in its split) alone;
//! all images of one example are changed alike.

use super::args::Args;
use super::error::Result;
use super::random::{below, keyed};
use crate::check::net::SourceCall;
use rand_chacha::ChaCha8Rng;

/// One change of an image `[C, H, W]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Augment {
    /// Left and right exchanged in every second image.
    Flip,
    /// `pad` zeros on each side, then a window of the image's own size at a random place.
    RandomCrop { size: usize, pad: usize },
}

/// What a draw is keyed by besides the example.
#[derive(Clone, Copy, Debug)]
pub struct Draw {
    pub seed: u64,
    pub epoch: u64,
}

/// Reads a stage behind a source. Errors: an unknown stage or argument.
pub fn read(call: &SourceCall) -> Result<Augment> {
    match &*call.name {
        "flip" => Args::new(call, &[], &[], &[]).map(|_| Augment::Flip),
        "random_crop" => {
            let args = Args::new(call, &["size"], &["pad"], &[])?;
            let size = args.whole("size", None, 1 << 16)? as usize;
            Ok(Augment::RandomCrop { size, pad: args.whole("pad", Some(0), 1 << 16)? as usize })
        }
        other => Err(Args::new(call, &[], &[], &[])?.error("`flip` or `random_crop(32, pad=4)`", format!("`{other}`"))),
    }
}

/// Changes one example's image in place: `[C, height, width]`, row-major.
pub fn apply(stages: &[Augment], draw: Draw, row: u32, (height, width): (usize, usize), image: &mut [f32]) {
    if stages.is_empty() {
        return;
    }
    let mut rng = keyed(draw.seed, &format!("augment/{}/{row}", draw.epoch));
    for stage in stages {
        match *stage {
            Augment::Flip => flip(&mut rng, width, image),
            Augment::RandomCrop { pad, .. } => shift(&mut rng, pad, height, width, image),
        }
    }
}

fn flip(rng: &mut ChaCha8Rng, width: usize, image: &mut [f32]) {
    if below(rng, 2) == 1 {
        image.chunks_exact_mut(width).for_each(<[f32]>::reverse);
    }
}

/// `new[c, i, j] = old[c, i + down - pad, j + right - pad]`, 0 outside.
fn shift(rng: &mut ChaCha8Rng, pad: usize, height: usize, width: usize, image: &mut [f32]) {
    let down = below(rng, 2 * pad as u64 + 1) as usize;
    let right = below(rng, 2 * pad as u64 + 1) as usize;
    let old = image.to_vec();
    let plane = height * width;
    for (place, to) in image.iter_mut().enumerate() {
        let (channel, i, j) = (place / plane, place % plane / width, place % width);
        let (i, j) = ((i + down).wrapping_sub(pad), (j + right).wrapping_sub(pad));
        *to = if i < height && j < width { old[channel * plane + i * width + j] } else { 0.0 };
    }
}
