//! Data sets: what is read, and what a wrong file is told.

use brolga::check::net::{Setting, SourceCall};
use brolga::data::{self, DataError, DataProblem, Extent, Place, Request, Split, Values, Want, Where};
use brolga::source::{Sources, Span};
use std::fs;
use std::io::Write;
use std::path::Path;

mod augment;
mod damage;
mod sequences;

fn text(value: &str) -> Setting {
    Setting::Text(value.into())
}

fn array(shape: &[u32], values: &[f64]) -> Setting {
    Setting::Array { shape: shape.to_vec(), values: values.into() }
}

/// A call; an empty name is an argument by position.
fn call(name: &str, args: Vec<(&str, Setting)>) -> SourceCall {
    let mut sources = Sources::default();
    let at = Span { source: sources.add("test.net", ""), start: 0, end: 0 };
    let named = |name: &str| if name.is_empty() { None } else { Some(name.into()) };
    let args = args.into_iter().map(|(name, value)| (named(name), value)).collect();
    SourceCall { name: name.into(), args, stages: vec![], at }
}

fn image(shape: &[usize]) -> Want {
    real("image", shape)
}

fn real(name: &str, shape: &[usize]) -> Want {
    Want { name: name.into(), shape: Extent::all_fixed(shape), classes: None }
}

fn label(classes: usize) -> Want {
    Want { name: "label".into(), shape: vec![], classes: Some(classes) }
}

fn load_in(folder: &Path, call: &SourceCall, split: &str, fields: &[Want]) -> Result<Split, DataError> {
    let place = Place::of(&folder.join("x.net"), None);
    let request = Request { split, fields, place: &place, seed: 1 };
    let loaded = data::load(call, &request);
    if loaded.is_ok() {
        data::facts(call, &request).expect("what loads has facts");
    }
    loaded
}

fn load(call: &SourceCall, split: &str, fields: &[Want]) -> Result<Split, DataError> {
    load_in(Path::new("."), call, split, fields)
}

fn reals(split: &Split, field: usize, rows: &[u32]) -> Vec<f32> {
    let bounds = split.bounds(rows);
    let mut out = vec![f32::NAN; rows.len() * split.shape_in(field, &bounds).iter().product::<usize>()];
    split.fill_f32(field, rows, None, &bounds, &mut out);
    out
}

fn labels(split: &Split, field: usize) -> Vec<i32> {
    let rows: Vec<u32> = (0..split.count as u32).collect();
    integers(split, field, &rows)
}

fn integers(split: &Split, field: usize, rows: &[u32]) -> Vec<i32> {
    let bounds = split.bounds(rows);
    let mut out = vec![-1; rows.len() * split.shape_in(field, &bounds).iter().product::<usize>()];
    split.fill_i32(field, rows, &bounds, &mut out);
    out
}

fn digits(split: &str) -> Split {
    load(&call("digits8x8", vec![]), split, &[image(&[1, 8, 8]), label(10)]).unwrap()
}

#[test]
fn the_split_of_the_digits_is_fixed() {
    let (train, test) = (digits("train"), digits("test"));
    assert_eq!((train.count, test.count), (1438, 359));
    // of the original order 0 1 2 3 4 5 6 7 8 9 0 1 ... the examples 4, 9, 14 are test
    assert_eq!(labels(&train, 1)[..12], [0, 1, 2, 3, 5, 6, 7, 8, 0, 1, 2, 3]);
    assert_eq!(labels(&test, 1)[..3], [4, 9, 4]);
    let first = reals(&train, 0, &[0]);
    assert_eq!(first[..8], [0.0, 0.0, 5.0 / 16.0, 13.0 / 16.0, 9.0 / 16.0, 1.0 / 16.0, 0.0, 0.0]);
    assert_eq!(first.iter().sum::<f32>(), 294.0 / 16.0);
    let valid = load(&call("digits8x8", vec![]), "valid", &[image(&[1, 8, 8]), label(10)]);
    assert_eq!(valid.unwrap_err().problem, DataProblem::Call);
}

#[test]
fn fields_that_do_not_fit_are_told() {
    let digits = call("digits8x8", vec![]);
    let error = load(&digits, "train", &[image(&[1, 9, 9]), label(10)]).unwrap_err();
    assert_eq!(error.to_string(), "digits8x8: expected [1, 9, 9] for `image` of each example, found [8, 8]");
    let error = load(&digits, "train", &[image(&[8, 8]), label(9)]).unwrap_err();
    assert_eq!(error.to_string(), "digits8x8: expected 9 classes for `label`, found 10: 0, 1, 2, ... 8, 9");
    let error = load(&digits, "train", &[image(&[8, 8])]).unwrap_err();
    assert_eq!(error.to_string(), "digits8x8: expected 1 field, found 2 fields");
    let error = load(&call("digits8x8", vec![("size", Setting::Number(8.0))]), "train", &[]).unwrap_err();
    assert_eq!(error.to_string(), "expected scale, shift in `digits8x8(...)`, found `size`");
}

#[test]
fn shuffles_are_permutations_keyed_by_seed_and_epoch() {
    let order = data::random::shuffle(1, 0, 10);
    assert_eq!(order, data::random::shuffle(1, 0, 10));
    assert_eq!(order, [9, 0, 6, 4, 8, 7, 5, 2, 1, 3], "fixed for all time: runs could not be repeated otherwise");
    assert_ne!(order, data::random::shuffle(1, 1, 10));
    assert_ne!(order, data::random::shuffle(2, 0, 10));
    let mut sorted = data::random::shuffle(7, 3, 1000);
    sorted.sort();
    assert!(sorted.into_iter().eq(0..1000));
}

/// An IDX file of bytes.
fn idx(sizes: &[u32], values: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, 8, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(values);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn idx_call() -> SourceCall {
    call("idx", vec![("", text("images")), ("", text("labels")), ("scale", Setting::Number(1.0 / 255.0))])
}

fn load_idx(images: &[u8], labels: &[u8]) -> Result<Split, DataError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("images"), images).unwrap();
    fs::write(folder.path().join("labels"), labels).unwrap();
    load_in(folder.path(), &idx_call(), "train", &[image(&[1, 2, 2]), label(3)])
}

#[test]
fn idx_reads_plain_and_gzip() {
    let images = idx(&[2, 2, 2], &[0, 51, 102, 255, 1, 2, 3, 4]);
    let split = load_idx(&images, &gzip(&idx(&[2], &[2, 0]))).unwrap();
    assert_eq!(reals(&split, 0, &[0]), [0.0, 0.2, 0.4, 1.0]);
    assert_eq!(labels(&split, 1), [2, 0]);
    assert!(matches!(split.fields[0].values, Values::Bytes(..)));
}

#[test]
fn a_damaged_idx_file_gets_one_message() {
    let (good, two) = (idx(&[2, 2, 2], &[0; 8]), idx(&[2], &[2, 0]));
    let told = |images: &[u8], labels: &[u8]| load_idx(images, labels).unwrap_err().to_string();
    let cut = told(&good[..20], &two);
    assert_eq!(
        cut,
        "images, byte 16: expected 8 bytes of values of the shape [2, 2, 2] that the header names, found that the file holds 4 more"
    );
    let long = told(&[&good[..], &[7]].concat(), &two);
    assert_eq!(long, "images, byte 24: expected the end after the values, found more bytes");
    let magic = told(b"PNG\x01aaaaaaaaaaa", &two);
    assert_eq!(
        magic,
        "images, byte 4: expected the magic number of an IDX file (00 00 08 03 for images), found 50 4e 47 01"
    );
    let empty = told(b"", &two);
    assert_eq!(empty, "images, byte 0: expected 4 bytes of the magic number, found that the file holds 0 more");
    let count = told(&good, &idx(&[3], &[0, 1, 2]));
    assert_eq!(count, "labels: expected 2 examples, as in the first file, found 3");
    let label = told(&good, &idx(&[2], &[2, 3]));
    assert_eq!(label, "labels, example 1: expected whole numbers from 0 to 2 for `label`, found 3");
}

#[test]
fn huge_sizes_are_refused_before_memory_is_asked_for() {
    let labels = idx(&[2], &[2, 0]);
    let huge = idx(&[u32::MAX, u32::MAX, u32::MAX], &[0; 8]);
    let error = load_idx(&huge, &labels).unwrap_err().to_string();
    assert!(error.contains("expected a number of values"), "{error}");
    let big = idx(&[60000, 28, 28], &[0; 8]);
    assert!(load_idx(&big, &labels).unwrap_err().to_string().contains("found that the file holds 8 more"));
    assert!(load_idx(&gzip(&big), &labels).unwrap_err().to_string().contains("can hold at most"));
}

#[test]
fn a_damaged_gzip_file_gets_one_message() {
    let (good, labels) = (gzip(&idx(&[2, 2, 2], &[9; 8])), idx(&[2], &[2, 0]));
    for cut in 3..good.len() {
        load_idx(&good[..cut], &labels).unwrap_err();
    }
    let mut wrong = good.clone();
    *wrong.iter_mut().rev().nth(6).unwrap() ^= 1; // in the checksum
    assert!(load_idx(&wrong, &labels).is_err());
}

#[test]
fn paths_stay_inside_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("project");
    fs::create_dir(&inside).unwrap();
    fs::write(folder.path().join("images"), idx(&[2, 2, 2], &[0; 8])).unwrap();
    fs::write(folder.path().join("labels"), idx(&[2], &[0, 1])).unwrap();
    let fields = [image(&[1, 2, 2]), label(3)];
    let up = call("idx", vec![("", text("../images")), ("", text("../labels"))]);
    assert_eq!(load_in(&inside, &up, "train", &fields).unwrap_err().problem, DataProblem::Outside);
    std::os::unix::fs::symlink(folder.path().join("images"), inside.join("images")).unwrap();
    assert_eq!(load_in(&inside, &idx_call(), "train", &fields).unwrap_err().problem, DataProblem::Outside);
    let place = Place::of(&inside.join("x.net"), Some(folder.path()));
    data::load(&idx_call(), &Request { split: "train", fields: &fields, place: &place, seed: 1 }).unwrap();
    let absent = load_in(&inside, &call("idx", vec![("", text("a")), ("", text("b"))]), "train", &fields).unwrap_err();
    assert_eq!(absent.problem, DataProblem::Absent);
    assert_eq!(absent.to_string(), "a: expected a file or folder, found no such file");
}

fn npy(descr: &str, fortran: &str, shape: &str, values: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    file.extend(values);
    file
}

fn load_npy(file: &[u8]) -> Result<Split, DataError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.npy"), file).unwrap();
    let want = real("x", &[3]);
    load_in(folder.path(), &call("npy", vec![("x", text("x.npy"))]), "train", &[want])
}

#[test]
fn npy_reads_kinds_orders_and_its_own_writing() {
    let bytes: Vec<u8> = [1i16, 2, 3, 4, 5, 6].iter().flat_map(|v| v.to_be_bytes()).collect();
    let split = load_npy(&npy(">i2", "False", "(2, 3)", &bytes)).unwrap();
    assert_eq!(reals(&split, 0, &[0, 1]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let split = load_npy(&npy(">i2", "True", "(2, 3)", &bytes)).unwrap();
    assert_eq!(reals(&split, 0, &[0, 1]), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    for shape in [&[2, 3][..], &[2, 3, 1]] {
        let mut file = Vec::new();
        data::npy::write_f32(&mut file, shape, &[0.5; 6]).unwrap();
        assert_eq!(file.len() % 64, 24, "values begin at a multiple of 64");
        assert_eq!(reals(&load_npy(&file).unwrap(), 0, &[1]), [0.5; 3]);
    }
}

#[test]
fn a_damaged_npy_file_gets_one_message() {
    let told = |file: &[u8]| load_npy(file).unwrap_err().to_string();
    let good = npy("<f4", "False", "(2, 3)", &[0; 24]);
    for cut in 0..good.len() {
        load_npy(&good[..cut]).unwrap_err();
    }
    assert!(
        told(&npy("<f4", "False", "(2, 3)", &[0; 25])).ends_with("expected the end after the values, found more bytes")
    );
    assert!(told(&npy("<c8", "False", "(2, 3)", &[0; 48])).contains("whole or real numbers of 1 to 8 bytes"));
    assert!(told(&npy("<f4", "Maybe", "(2, 3)", &[0; 24])).contains("fortran_order"));
    assert!(told(&npy("<f4", "False", "(2, 4)", &[0; 32])).contains("expected [3] for `x` of each example, found [4]"));
    assert!(told(&npy("<f4", "False", "(4294967296, 4294967296, 3)", &[0; 24])).contains("below 2^64"));
    assert!(told(&npy("<f4", "False", "(1000000000000,)", &[0; 24])).contains("found that the file holds 24 more"));
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    assert!(told(&long).contains("expected a header of at most 10000 bytes, found 4294967295"));
}

#[test]
fn npz_reads_members_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("all.npz")).unwrap();
    let mut archive = npyz::zip::ZipWriter::new(file);
    for (name, shape, size) in [("x", &[2, 3][..], 6), ("other", &[2, 1], 2)] {
        archive.start_file(format!("{name}.npy"), npyz::zip::write::FileOptions::default()).unwrap();
        data::npy::write_f32(&mut archive, shape, &vec![1.0; size]).unwrap();
    }
    archive.finish().unwrap();
    drop(archive);
    let x = real("x", &[3]);
    let label = label(2);
    let good = call("npz", vec![("", text("all.npz")), ("label", text("other"))]);
    let split = load_in(folder.path(), &good, "train", &[x.clone(), label.clone()]).unwrap();
    assert_eq!((reals(&split, 0, &[1]), labels(&split, 1)), (vec![1.0; 3], vec![1, 1]));
    let error = load_in(folder.path(), &call("npz", vec![("", text("all.npz"))]), "train", &[x, label]).unwrap_err();
    assert_eq!(error.to_string(), "all.npz: expected an array `label`, found other, x");
}

fn load_csv(file: &str, args: Vec<(&str, Setting)>) -> Result<Split, DataError> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.csv"), file).unwrap();
    let x = real("x", &[2]);
    let args = [vec![("", text("a.csv"))], args].concat();
    load_in(folder.path(), &call("csv", args), "train", &[x, label(2)])
}

#[test]
fn csv_takes_columns_by_name() {
    let list = Setting::List(vec![text("length"), text("width")]);
    let table = "species,width,length\nrose, 1,2\nlily,3,4.5\n";
    let split = load_csv(table, vec![("x", list), ("label", text("species"))]).unwrap();
    assert_eq!(reals(&split, 0, &[0, 1]), [2.0, 1.0, 4.5, 3.0]);
    assert_eq!(
        (labels(&split, 1), &split.fields[1].classes[..]),
        (vec![1, 0], &["lily".to_string(), "rose".into()][..])
    );
    let split = load_csv("x_0,x_1,label\n1,2,0\n", vec![]).unwrap();
    assert_eq!(reals(&split, 0, &[0]), [1.0, 2.0]);
    let bare = vec![("header", Setting::Truth(false)), ("separator", text(";"))];
    assert_eq!(reals(&load_csv("1;2;0\n3;4;1\n", bare).unwrap(), 0, &[1]), [3.0, 4.0]);
}

#[test]
fn a_damaged_csv_file_gets_one_message() {
    let told = |file: &str| load_csv(file, vec![]).unwrap_err().to_string();
    assert_eq!(told("x_0,x_1,label\n1,2,0\n1,two,1\n"), "a.csv, line 3: expected a number for `x`, found `two`");
    assert_eq!(told("x_0,x_1,label\n1,2\n"), "a.csv, line 2: expected 3 columns, found 2");
    assert_eq!(told("a,b,label\n1,2,0\n"), "a.csv: expected a column `x_0`, found the columns a, b, label");
    assert_eq!(
        told("x_0,x_1,label\n1,2,7\n"),
        "a.csv, example 0: expected whole numbers from 0 to 1 for `label`, found 7"
    );
    assert_eq!(told("x_0,x_1,label\n"), "a.csv: expected 1 to 2^32 examples, found 0");
    assert_eq!(told("x_0,x_1,label\n1,inf,0\n"), "a.csv, line 2: expected a number for `x`, found `inf`");
}

fn write_image(path: &Path, width: u32, height: u32, colour: [u8; 3]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(width, height, image::Rgb(colour)).save(path).unwrap();
}

fn folder_call(resize: bool) -> SourceCall {
    call("folder", vec![("", text("pets")), ("resize", Setting::Truth(resize))])
}

#[test]
fn a_folder_holds_a_folder_for_each_class() {
    let root = tempfile::tempdir().unwrap();
    write_image(&root.path().join("pets/dog/b.png"), 3, 2, [255, 0, 51]);
    write_image(&root.path().join("pets/cat/a.png"), 3, 2, [0, 102, 0]);
    write_image(&root.path().join("pets/dog/a.jpg"), 6, 4, [9, 9, 9]);
    fs::write(root.path().join("pets/dog/.hidden.png"), "no image").unwrap();
    fs::write(root.path().join("pets/dog/notes.txt"), "no image").unwrap();
    let fields = [image(&[3, 2, 3]), label(2)];
    let split = load_in(root.path(), &folder_call(true), "train", &fields).unwrap();
    assert_eq!((labels(&split, 1), split.fields[1].classes.join(" ")), (vec![0, 1, 1], "cat dog".to_string()));
    let dog = reals(&split, 0, &[2]);
    assert_eq!((dog[0], dog[6], dog[12]), (1.0, 0.0, 0.2), "channels are outermost");
    let error = load_in(root.path(), &folder_call(false), "train", &fields).unwrap_err();
    assert_eq!(error.to_string(), "pets/dog/a.jpg: expected an image of 2x3, found 4x6");
    let grey = load_in(root.path(), &folder_call(true), "train", &[image(&[1, 2, 3]), label(2)]).unwrap();
    assert_eq!(grey.shape_of(0, 0).iter().product::<usize>(), 6);
    let three = load_in(root.path(), &folder_call(true), "train", &[image(&[3, 2, 3]), label(3)]).unwrap_err();
    assert_eq!(three.to_string(), "pets: expected 3 classes for `label`, found 2: cat, dog");
}

#[test]
fn a_damaged_image_or_folder_gets_one_message() {
    let root = tempfile::tempdir().unwrap();
    write_image(&root.path().join("pets/cat/a.png"), 3, 2, [0, 102, 0]);
    let path = root.path().join("pets/cat/a.png");
    let good = fs::read(&path).unwrap();
    fs::write(&path, &good[..good.len() / 2]).unwrap();
    let fields = [image(&[3, 2, 3]), label(1)];
    let error = load_in(root.path(), &folder_call(false), "train", &fields).unwrap_err().to_string();
    assert!(error.starts_with("pets/cat/a.png: expected a PNG or JPEG image, found "), "{error}");
    let mut huge = good.clone();
    huge[16..20].copy_from_slice(&[0x7f; 4]); // the width in IHDR
    fs::write(&path, huge).unwrap();
    assert!(load_in(root.path(), &folder_call(false), "train", &fields).is_err());
    fs::remove_file(&path).unwrap();
    let error = load_in(root.path(), &folder_call(false), "train", &fields).unwrap_err();
    assert_eq!(error.to_string(), "pets/cat: expected PNG or JPEG images, found none");
}

#[test]
fn tables_and_random_numbers() {
    let x = real("x", &[2]);
    let fields = [x, label(2)];
    let list = Setting::List(vec![Setting::Number(1.0), Setting::Number(0.0)]);
    let table = call("table", vec![("x", array(&[2, 2], &[1.0, 2.0, 3.0, 4.0])), ("label", list)]);
    let split = load(&table, "train", &fields).unwrap();
    assert_eq!((reals(&split, 0, &[1]), labels(&split, 1)), (vec![3.0, 4.0], vec![1, 0]));
    let random = call("random", vec![("examples", Setting::Number(100.0))]);
    let (train, again) = (load(&random, "train", &fields).unwrap(), load(&random, "train", &fields).unwrap());
    assert_eq!(reals(&train, 0, &[0, 99]), reals(&again, 0, &[0, 99]));
    assert_ne!(reals(&train, 0, &[0]), reals(&load(&random, "test", &fields).unwrap(), 0, &[0]));
    assert!(labels(&train, 1).iter().all(|l| (0..2).contains(l)));
    let huge = call("random", vec![("examples", Setting::Number(2e9))]);
    assert!(load(&huge, "train", &fields).unwrap_err().to_string().contains("at most 2^31 values"));
}

#[test]
fn a_place_in_a_message() {
    let error = DataError::new(DataProblem::Damaged, "a.idx", "4 bytes", "3").at(Where::Byte(7)).help("look");
    assert_eq!((error.to_string().as_str(), error.code()), ("a.idx, byte 7: expected 4 bytes, found 3", "E0702"));
    assert_eq!(load(&call("foldr", vec![]), "train", &[]).unwrap_err().problem, DataProblem::Call);
}
