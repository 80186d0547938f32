//! `folder("path", resize=false, scale=1/255, shift=0)`: a folder for each class, PNG and JPEG images in it.
//!
//! Classes are the sub-folders in sorted order, examples their files in sorted order; names that begin with a dot and
//! files of other endings are passed over. `[1, H, W]` reads grey, `[3, H, W]` red, green, blue; with `resize=true`
//! an image of another size is scaled to the declared one (bilinear), without it is a finding.

use super::args::Args;
use super::error::{DataError, DataProblem, Result};
use super::extent::Extent;
use super::fit::{Column, Raw, RawValues, Scaling, Want, show};
use super::place::Located;
use super::{Format, Request, product};
use crate::check::{FieldFacts, Range, SplitFacts};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, imageops::FilterType};
use std::path::{Path, PathBuf};

/// Wider or higher pictures are refused before they are unpacked.
const MOST_SIDE: u32 = 1 << 14;
/// Deflate makes at most 1,032 bytes of one (RFC 1951), each of 8 pixels in a PNG of two colours; JPEG makes fewer.
const PIXELS_A_BYTE: u64 = 8 * 1032;

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "folder",
    usage: "folder(\"path\", resize=false, scale=1/255, shift=0): a folder for each class",
    positional: &["path"],
    named: &["resize", "scale", "shift"],
    takes_fields: false,
    scale: 1.0 / 255.0,
    white: 255.0,
    load,
    facts,
};

/// One image file and the number of its class.
struct Picture {
    /// For messages: `animals/train/bear/1.png`.
    shown: String,
    full: PathBuf,
    class: u8,
}

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let root = request.place.find(args.text("path")?)?;
    let (classes, pictures) = list(&root)?;
    let want = image_field(args, request)?;
    let resize = args.truth("resize", false)?;
    let shape = picture_shape(args, want)?;
    let total = product(&shape).and_then(|size| size.checked_mul(pictures.len()));
    if total.is_none_or(|total| total > super::MOST_VALUES) {
        let found = format!("{} images", pictures.len());
        return Err(DataError::new(DataProblem::Unfit, &root.shown, "at most 2^31 pixel values", found));
    }
    let mut pixels = Vec::new();
    for picture in &pictures {
        pixels.extend(read(&picture.full, &picture.shown, &shape, resize)?);
    }
    let labels = RawValues::Bytes(pictures.iter().map(|picture| picture.class).collect());
    let images = Column::new(&root.shown, &shape, RawValues::Bytes(pixels));
    let labels = Column { classes, ..Column::new(&root.shown, &[], labels) };
    Ok(Raw { columns: vec![images, labels], count: pictures.len() })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    let root = request.place.find(args.text("path")?)?;
    let (classes, pictures) = list(&root)?;
    let want = picture_shape(args, image_field(args, request)?)?;
    let first = &pictures[0];
    let shape = match args.truth("resize", false)? {
        true => want,
        false => {
            let (width, height) = open(&first.full, &first.shown)?.dimensions();
            vec![want[0], height as usize, width as usize]
        }
    };
    let image = FieldFacts { shape: Some(shape.into_iter().map(Range::one).collect()), ..FieldFacts::default() };
    let (shape, count) = (Some(vec![]), Some(classes.len()));
    let label = FieldFacts { shape, classes: count, names: classes, ..FieldFacts::default() };
    Ok(SplitFacts { fields: vec![image, label], examples: Some(pictures.len() as u64), ..SplitFacts::default() })
}

/// The first field is the image, the second the class.
fn image_field<'a>(args: &Args, request: &Request<'a>) -> Result<&'a Want> {
    match request.fields {
        [image, label]
            if image.classes.is_none()
                && label.classes.is_some()
                && matches!(image.shape[..], [Extent::Fixed(1 | 3), _, _]) =>
        {
            Ok(image)
        }
        _ => {
            Err(args
                .error("two fields, an image [1, H, W] or [3, H, W] and a label index(n)", "other fields of `data`"))
        }
    }
}

/// Pictures of one split are all of one size.
fn picture_shape(args: &Args, image: &Want) -> Result<Vec<usize>> {
    let expected = || format!("`{}` of a size written in numbers", image.name);
    image.fixed().ok_or_else(|| args.error(expected(), show(&image.shape)))
}

/// Classes, and all images in order of class and name. Errors: no class, a class without images, more than 256.
fn list(root: &Located) -> Result<(Vec<String>, Vec<Picture>)> {
    let folders: Vec<PathBuf> = entries(&root.full, &root.shown)?.into_iter().filter(|path| path.is_dir()).collect();
    let classes: Vec<String> = folders.iter().map(|path| name(path)).collect();
    if classes.is_empty() || classes.len() > 256 {
        let found = super::count(classes.len(), "folder");
        let error = DataError::new(DataProblem::Unfit, &root.shown, "1 to 256 folders, one for each class", found);
        return Err(error.help("images stand in a folder of their class: `train/bear/1.png`"));
    }
    let mut pictures = Vec::new();
    for (class, folder) in folders.iter().enumerate() {
        let shown = format!("{}/{}", root.shown.trim_end_matches('/'), classes[class]);
        let before = pictures.len();
        let images = entries(folder, &shown)?.into_iter().filter(|path| is_image(path));
        pictures.extend(images.map(|full| Picture {
            shown: format!("{shown}/{}", name(&full)),
            full,
            class: class as u8,
        }));
        if pictures.len() == before {
            return Err(DataError::new(DataProblem::Unfit, &shown, "PNG or JPEG images", "none"));
        }
    }
    Ok((classes, pictures))
}

/// What a folder holds, sorted by name, without what begins with a dot.
fn entries(folder: &Path, shown: &str) -> Result<Vec<PathBuf>> {
    let io = |e: std::io::Error| DataError::io(shown, "a folder that can be read", &e);
    let paths = std::fs::read_dir(folder).map_err(io)?.map(|entry| entry.map(|e| e.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<std::io::Result<_>>().map_err(io)?;
    paths.retain(|path| !name(path).starts_with('.'));
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned())
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
    ending.is_some_and(|e| ["png", "jpg", "jpeg"].contains(&&*e))
}

/// An image whose header is read and believed: so many pixels can be in a file of its length.
fn open(path: &Path, shown: &str) -> Result<impl ImageDecoder> {
    let io = |e: std::io::Error| DataError::io(shown, "an image that can be read", &e);
    let length = std::fs::metadata(path).map_err(io)?.len();
    let mut reader = ImageReader::open(path).map_err(io)?.with_guessed_format().map_err(io)?;
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(MOST_SIDE), Some(MOST_SIDE));
    reader.limits(limits);
    let decoder = reader.into_decoder().map_err(|e| damaged(shown, &e))?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > length.saturating_mul(PIXELS_A_BYTE) {
        let found = format!("{width}x{height} in the header of a file of {length} bytes");
        return Err(DataError::new(DataProblem::Damaged, shown, "a PNG or JPEG image", found));
    }
    Ok(decoder)
}

fn damaged(shown: &str, error: &image::ImageError) -> DataError {
    DataError::new(DataProblem::Damaged, shown, "a PNG or JPEG image", error.to_string())
}

/// One image as bytes `[C, H, W]`.
fn read(path: &Path, shown: &str, shape: &[usize], resize: bool) -> Result<Vec<u8>> {
    let image = DynamicImage::from_decoder(open(path, shown)?).map_err(|e| damaged(shown, &e))?;
    let (height, width) = (shape[1], shape[2]);
    let image = match (image.height() as usize, image.width() as usize) {
        same if same == (height, width) => image,
        _ if resize => image.resize_exact(width as u32, height as u32, FilterType::Triangle),
        (h, w) => {
            let error =
                DataError::new(DataProblem::Unfit, shown, format!("an image of {height}x{width}"), format!("{h}x{w}"));
            return Err(error.help("`resize=true` scales all images to the declared size"));
        }
    };
    Ok(planes(&image, shape[0]))
}

/// Pixels, channels outermost.
fn planes(image: &DynamicImage, channels: usize) -> Vec<u8> {
    if channels == 1 {
        return image.to_luma8().into_raw();
    }
    let pixels = image.to_rgb8().into_raw();
    (0..3).flat_map(|channel| pixels.iter().skip(channel).step_by(3)).copied().collect()
}

/// One image file for a net's input `[C, H, W]`: resized to it, bytes scaled. Errors: no such file, no image.
pub fn image_values(path: &Path, shape: &[usize], scaling: Scaling) -> Result<Vec<f32>> {
    let shown = path.to_string_lossy();
    let [1 | 3, height, width] = *shape else {
        let found = show(shape);
        return Err(DataError::new(DataProblem::Unfit, &shown, "a net that takes [1, H, W] or [3, H, W]", found));
    };
    let bytes = read(path, &shown, &[shape[0], height, width], true)?;
    Ok(bytes.into_iter().map(|byte| (scaling.scale * f64::from(byte) + scaling.shift) as f32).collect())
}
