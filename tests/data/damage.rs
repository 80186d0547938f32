//! Files that are cut off, changed or made up: every one loads or gets one message, none a panic or too much memory.

use super::{call, gzip, idx, image, label, load_in, npy, real, text, write_image};
use brolga::check::net::{Setting, SourceCall};
use brolga::data::{self, Extent, Place, Request, Want, random};
use std::fs;
use std::path::Path;

/// A source with a whole file of its own.
struct Case {
    call: SourceCall,
    file: &'static str,
    bytes: Vec<u8>,
    fields: Vec<Want>,
}

fn open(name: &str, rest: &[usize], classes: Option<usize>) -> Want {
    let shape = [vec![Extent::Each("T".into())], Extent::all_fixed(rest)].concat();
    Want { name: name.into(), shape, classes }
}

const TABLE: &str = "id,x_0,x_1,label\nA,1,2,0\nA,3.5,-4e1,1\nB,\"5\",6,1\n";
const SERIES: &str = "# c\n@univariate false\n@dimensions 2\n@classLabel true a b\n@data\n1,2:3,4:a\n5:6:b\n";

fn archive() -> Vec<u8> {
    let mut archive = npyz::zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, shape, size) in [("x", &[2, 3][..], 6), ("label", &[2], 2)] {
        archive.start_file(format!("{name}.npy"), npyz::zip::write::FileOptions::default()).unwrap();
        data::npy::write_f32(&mut archive, shape, &vec![1.0; size]).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

fn picture() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    write_image(&folder.path().join("a.png"), 5, 4, [200, 10, 30]);
    fs::read(folder.path().join("a.png")).unwrap()
}

fn cases() -> Vec<Case> {
    let of = |name: &str, args: Vec<(&str, Setting)>| call(name, [vec![("", text("a"))], args].concat());
    let sequence = || of("csv", vec![("sequence", text("id"))]);
    let ragged = vec![open("x", &[2], None), open("label", &[], Some(2))];
    let vocab = vec![open("text", &[], Some(4)), open("next", &[], Some(4))];
    let window = || of("characters", vec![("window", Setting::Number(3.0))]);
    let case =
        |call, bytes: &[u8], fields: &[Want]| Case { call, file: "a", bytes: bytes.to_vec(), fields: fields.to_vec() };
    let numbers: Vec<u8> = [1f32, 2.0, 3.0, 4.0, 5.0, 6.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let one = [image(&[1, 2, 2])];
    vec![
        case(of("idx", vec![]), &idx(&[2, 2, 2], &[7; 8]), &one),
        case(of("idx", vec![]), &gzip(&idx(&[2, 2, 2], &[7; 8])), &one),
        case(of("npy", vec![]), &npy("<f4", "False", "(2, 3)", &numbers), &[real("x", &[3])]),
        case(of("npz", vec![]), &archive(), &[real("x", &[3]), label(2)]),
        case(of("csv", vec![]), TABLE.as_bytes(), &[real("x", &[2]), label(2)]),
        case(sequence(), TABLE.as_bytes(), &ragged),
        case(sequence(), &gzip(TABLE.as_bytes()), &ragged),
        case(of("ts", vec![]), SERIES.as_bytes(), &[open("x", &[2], None), label(2)]),
        case(of("ts", vec![]), &gzip(SERIES.as_bytes()), &[open("x", &[2], None), label(2)]),
        case(window(), "abcä abc".replace(' ', "").as_bytes(), &vocab),
        case(window(), &gzip("abcäabc".as_bytes()), &vocab),
        Case {
            call: of("folder", vec![("resize", Setting::Truth(true))]),
            file: "a/only/a.png",
            bytes: picture(),
            fields: vec![image(&[3, 4, 4]), label(1)],
        },
    ]
}

/// Loads; what is refused is refused in words.
fn look(folder: &Path, case: &Case, bytes: &[u8]) -> bool {
    let path = folder.join(case.file);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    let place = Place::of(&folder.join("x.net"), None);
    let request = Request { split: "train", fields: &case.fields, place: &place, seed: 1 };
    if let Err(error) = data::facts(&case.call, &request) {
        assert!(error.to_string().contains("expected "), "{error}");
    }
    match data::load(&case.call, &request) {
        Ok(split) => {
            let rows: Vec<u32> = (0..split.count as u32).collect();
            let bounds = split.bounds(&rows);
            for field in 0..split.fields.len() {
                let size = rows.len() * split.shape_in(field, &bounds).iter().product::<usize>();
                if split.fields[field].is_index() {
                    split.fill_i32(field, &rows, &bounds, &mut vec![0; size]);
                } else {
                    split.fill_f32(field, &rows, None, &bounds, &mut vec![0.0; size]);
                }
            }
            true
        }
        Err(error) => {
            let told = error.to_string();
            assert!(told.contains("expected ") && !error.expected.is_empty() && !error.found.is_empty(), "{told}");
            assert!(told.len() < 400, "one message is short: {told}");
            false
        }
    }
}

#[test]
fn files_that_are_cut_off() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        assert!(look(folder.path(), &case, &case.bytes), "{} reads its own file", case.call.name);
        let read = (0..case.bytes.len()).filter(|&cut| look(folder.path(), &case, &case.bytes[..cut])).count();
        // A text, a table or a series may end after any of its examples; formats that tell their length may not.
        let is_text = matches!(&*case.call.name, "csv" | "ts" | "characters") && case.bytes[0] != 0x1f;
        assert!(
            is_text || read <= usize::from(&*case.call.name == "folder") * 12,
            "{}: {read} were read",
            case.call.name
        );
    }
}

#[test]
fn files_with_changed_bytes() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = random::keyed(5, &case.call.name);
        let mut pick = |n: usize| random::below(&mut rng, n as u64) as usize;
        for _ in 0..150 {
            let mut bytes = case.bytes.clone();
            for _ in 0..=pick(3) {
                let (at, to) = (pick(bytes.len()), [pick(256) as u8, 0, 0xff, b',', b':', b'\n', b'9', b'-'][pick(8)]);
                match pick(3) {
                    0 => bytes[at] = to,
                    1 => bytes.insert(at, to),
                    _ => bytes[at] ^= 1 << pick(8),
                }
            }
            look(folder.path(), &case, &bytes);
        }
    }
}

#[test]
fn files_of_noise() {
    for case in cases() {
        let folder = tempfile::tempdir().unwrap();
        let mut rng = random::keyed(6, &case.call.name);
        let mut pick = |n: usize| random::below(&mut rng, n as u64) as usize;
        for length in 0..60 {
            let head = pick(case.bytes.len());
            let noise: Vec<u8> = (0..length).map(|_| pick(256) as u8).collect();
            look(folder.path(), &case, &[&case.bytes[..head], &noise].concat());
        }
    }
}

#[test]
fn many_dimensions_ask_for_no_more_memory_than_the_line_has_values() {
    // A million values in the first dimension and a million empty dimensions: a table of them would be 4 TB.
    let line = format!("{}1:{}a\n", "1,".repeat(1_000_000), ":".repeat(1_000_000));
    let file = format!("@classLabel true a\n@data\n{line}");
    let case = Case {
        call: call("ts", vec![("", text("a"))]),
        file: "a",
        bytes: vec![],
        fields: vec![open("x", &[2], None), label(1)],
    };
    assert!(!look(tempfile::tempdir().unwrap().path(), &case, file.as_bytes()));
}

#[test]
fn padding_that_would_not_fit_is_no_matter_of_the_file() {
    // One long and many short examples: kept as they are, padded only within a batch.
    let short: String = (0..2000).map(|id| format!("{id},1\n")).collect();
    let file = format!("id,x\n{short}{}", "long,2\n".repeat(20_000));
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), file).unwrap();
    let source = call("csv", vec![("", text("a")), ("sequence", text("id"))]);
    let split = load_in(folder.path(), &source, "train", &[open("x", &[], None)]).unwrap();
    assert_eq!(split.count, 2001);
    let data::Values::Real(values) = &split.fields[0].values else { panic!("numbers") };
    assert_eq!(values.len(), 22_000);
    assert_eq!(split.bounds(&[3, 5]).get("T"), Some(1));
    assert_eq!(split.bounds(&[3, 2000]).get("T"), Some(20_000));
}
