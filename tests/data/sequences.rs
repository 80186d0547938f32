//! Sequences: texts in windows, tables with a line a step, `.ts` files, and how ragged examples lie in a batch.

use super::{array, call, integers, label, labels, load, load_in, real, reals, text};
use brolga::check::net::Setting;
use brolga::check::{Counted, Range, SplitFacts};
use brolga::data::{self, Bounds, DataError, Draw, Extent, Place, Request, Split, Want};
use std::fs;

fn number(n: f64) -> Setting {
    Setting::Number(n)
}

/// A field whose axes are names and numbers: `[T, 3]`.
fn open(name: &str, shape: &[&str], classes: Option<usize>) -> Want {
    let axis = |size: &&str| size.parse().map_or_else(|_| Extent::Each((*size).into()), Extent::Fixed);
    Want { name: name.into(), shape: shape.iter().map(axis).collect(), classes }
}

fn with_file(
    source: &str,
    file: &[u8],
    args: Vec<(&str, Setting)>,
    fields: &[Want],
) -> (Result<Split, DataError>, Result<SplitFacts, DataError>) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), file).unwrap();
    let call = call(source, [vec![("", text("a"))], args].concat());
    let place = Place::of(&folder.path().join("x.net"), None);
    let facts = data::facts(&call, &Request { split: "train", fields, place: &place, seed: 1 });
    (load_in(folder.path(), &call, "train", fields), facts)
}

fn read(source: &str, file: &str, args: Vec<(&str, Setting)>, fields: &[Want]) -> Split {
    with_file(source, file.as_bytes(), args, fields).0.unwrap()
}

fn told(source: &str, file: &str, args: Vec<(&str, Setting)>, fields: &[Want]) -> String {
    with_file(source, file.as_bytes(), args, fields).0.unwrap_err().to_string()
}

fn pair(vocab: usize) -> [Want; 2] {
    [open("text", &["T"], Some(vocab)), open("next", &["T"], Some(vocab))]
}

#[test]
fn a_text_is_windows_and_what_follows() {
    let window = vec![("window", number(4.0))];
    let split = read("characters", "abcab bca\nxx", window.clone(), &pair(6));
    // sorted: '\n' ' ' a b c x
    assert_eq!(split.fields[0].classes.concat(), "\n abcx");
    assert_eq!(split.count, 2, "12 characters: 2 windows of 4 have a next one");
    assert_eq!(labels(&split, 0), [2, 3, 4, 2, 3, 1, 3, 4]);
    assert_eq!(labels(&split, 1), [3, 4, 2, 3, 1, 3, 4, 2]);
    assert_eq!(split.bounds(&[0, 1]), Bounds::new(vec![("T".into(), 4)]));
    // 9 characters have 8 with a next one; 8 have 7
    assert_eq!(read("characters", "abcabcabc", window.clone(), &pair(3)).count, 2);
    assert_eq!(read("characters", "abcabcab", window.clone(), &pair(3)).count, 1);
    // a text alone needs no next character
    assert_eq!(read("characters", "abcabcab", window, &pair(3)[..1]).count, 2);
    let german = read("characters", "äöüä", vec![("window", number(3.0))], &pair(3));
    assert_eq!(labels(&german, 1), [1, 2, 0], "by characters, not by bytes");
    let fixed = [open("text", &["3"], Some(3)), open("next", &["3"], Some(3))];
    assert_eq!(read("characters", "äöüä", vec![("window", number(3.0))], &fixed).open.len(), 0);
}

#[test]
fn parts_of_a_text_share_its_vocabulary_and_no_character() {
    let file = "aaaaabbbbbcccccddddd";
    let part = |from: f64, to: f64| {
        let args = vec![("window", number(2.0)), ("from", number(from)), ("to", number(to))];
        read("characters", file, args, &pair(4))
    };
    let (train, valid) = (part(0.0, 0.75), part(0.75, 1.0));
    assert_eq!((train.count, valid.count), (7, 2));
    assert_eq!(train.fields[0].classes, valid.fields[0].classes);
    assert_eq!(labels(&train, 1), [0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2], "ends before the first d");
    assert_eq!(labels(&valid, 0), [3; 4]);
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.txt"), "hello").unwrap();
    fs::write(folder.path().join("b.txt"), "hole").unwrap();
    let other = call("characters", vec![("", text("b.txt")), ("window", number(3.0)), ("vocabulary", text("a.txt"))]);
    assert_eq!(labels(&load_in(folder.path(), &other, "valid", &pair(4)).unwrap(), 0), [1, 3, 2]);
    fs::write(folder.path().join("b.txt"), "ho\nle").unwrap();
    let error = load_in(folder.path(), &other, "valid", &pair(4)).unwrap_err().to_string();
    assert_eq!(error, "b.txt, line 1: expected characters of `vocabulary`, found '\\n'");
}

#[test]
fn a_text_that_does_not_fit_is_told() {
    let args = |name: &'static str, n: f64| vec![(name, number(n))];
    let file = "abcab bca\nxx";
    assert_eq!(
        told("characters", file, args("window", 4.0), &pair(5)),
        "a: expected 5 characters for `text`, found 6: '\\n', ' ', 'a', ... 'c', 'x'"
    );
    assert_eq!(
        told("characters", file, vec![], &pair(6)),
        "a: expected at least 129 characters for one window, found 12 characters"
    );
    assert_eq!(
        told("characters", file, args("window", 0.0), &pair(6)),
        "expected `window` from 1 on in `characters(...)`, found 0"
    );
    assert!(told("characters", file, args("to", 1.5), &pair(6)).contains("0 <= from < to <= 1"));
    assert!(told("characters", file, args("from", 1.0), &pair(6)).contains("0 <= from < to <= 1"));
    let fields = [open("text", &["T"], Some(6)), real("next", &[])];
    assert!(told("characters", file, vec![], &fields).contains("`next: [T] of index(vocab)`"));
    let (loaded, facts) = with_file("characters", b"abc\xffdef", args("window", 2.0), &pair(6));
    assert_eq!(loaded.unwrap_err().to_string(), "a, byte 3: expected a text in UTF-8, found the byte ff");
    assert!(facts.is_err());
    let facts = with_file("characters", file.as_bytes(), args("window", 4.0), &pair(5)).1.unwrap();
    let field = &facts.fields[1];
    assert_eq!(
        (field.classes, field.counted, field.names.concat().as_str()),
        (Some(6), Counted::Characters, "\n abcx")
    );
    assert_eq!(facts.symbols, [("T".into(), Range::one(4))]);
}

/// Lengths 3, 1, 2.
const WALKS: &str = "id,x1,x2,label\nA,1,2,0\nA,3,4,1\nA,5,6,0\nB,7,8,1\nC,9,10,1\nC,11,12,0\n";

fn walk_fields() -> [Want; 2] {
    [open("x", &["T", "2"], None), open("label", &["T"], Some(2))]
}

fn by_id() -> Vec<(&'static str, Setting)> {
    vec![("sequence", text("id"))]
}

#[test]
fn lines_of_one_id_are_the_steps_of_one_example() {
    let split = read("csv", WALKS, by_id(), &walk_fields());
    assert_eq!(split.count, 3);
    let mut lengths = [0; 4];
    assert!(split.fill_sizes("T", &[2, 0, 1, 0], &mut lengths));
    assert_eq!(lengths, [2, 3, 1, 3]);
    assert!(!split.fill_sizes("S", &[0], &mut [0]));
    assert_eq!(reals(&split, 0, &[1]), [7.0, 8.0], "alone it is as long as it is");
    assert_eq!(reals(&split, 0, &[2, 1]), [9.0, 10.0, 11.0, 12.0, 7.0, 8.0, 0.0, 0.0]);
    assert_eq!(integers(&split, 1, &[1, 0, 2]), [1, 0, 0, 0, 1, 0, 1, 0, 0]);
    assert_eq!(split.shape_of(0, 2)[..], [2, 2]);
    // A plan for longer batches may be used for shorter ones.
    let mut wide = vec![f32::NAN; 10];
    split.fill_f32(0, &[2], None, &Bounds::new(vec![("T".into(), 5)]), &mut wide);
    assert_eq!(wide, [9.0, 10.0, 11.0, 12.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    let facts = with_file("csv", WALKS.as_bytes(), by_id(), &walk_fields()).1.unwrap();
    assert_eq!(facts.symbols, [("T".into(), Range { least: 1, most: 3 })]);
    assert_eq!(facts.examples, Some(3));
}

#[test]
fn a_field_takes_columns_in_the_order_of_its_axes() {
    let list = Setting::List(vec![text("x2"), text("x1")]);
    let split = read("csv", WALKS, [by_id(), vec![("x", list)]].concat(), &walk_fields());
    assert_eq!(reals(&split, 0, &[0]), [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]);
    let turned = [open("x", &["2", "T"], None), open("label", &["T"], Some(2))];
    let split = read("csv", WALKS, by_id(), &turned);
    assert_eq!(reals(&split, 0, &[0]), [1.0, 3.0, 5.0, 2.0, 4.0, 6.0]);
    assert_eq!(reals(&split, 0, &[1, 2]), [7.0, 0.0, 8.0, 0.0, 9.0, 11.0, 10.0, 12.0]);
    let from_0 = WALKS.replace("x1,x2", "x_0,x_1");
    assert_eq!(reals(&read("csv", &from_0, by_id(), &walk_fields()), 0, &[1]), [7.0, 8.0]);
    let bare: String = WALKS.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let args = vec![("header", Setting::Truth(false)), ("sequence", number(0.0))];
    assert_eq!(reals(&read("csv", &bare, args, &walk_fields()), 0, &[1]), [7.0, 8.0]);
    let one = [open("x1", &["T"], None), open("label", &["T", "1"], Some(2))];
    let split = read("csv", WALKS, by_id(), &one);
    assert_eq!((reals(&split, 0, &[2]), integers(&split, 1, &[2])), (vec![9.0, 11.0], vec![1, 0]));
}

#[test]
fn a_class_of_a_sequence_is_the_same_on_all_its_lines() {
    let file = "id,x1,x2,who\nA,1,2,cat\nA,3,4,cat\nB,7,8,ant\n";
    let fields = [open("x", &["T", "2"], None), Want { name: "who".into(), shape: vec![], classes: Some(2) }];
    let split = read("csv", file, by_id(), &fields);
    assert_eq!((labels(&split, 1), split.fields[1].classes.join(" ")), (vec![1, 0], "ant cat".to_string()));
    let error = told("csv", &file.replace("3,4,cat", "3,4,ant"), by_id(), &fields);
    assert_eq!(error, "a, line 3: expected one value of `who` on all lines of a sequence, found `ant`");
    let pairs = [open("x", &["T", "2"], None), real("x_of", &[2])];
    let list = ("x_of", Setting::List(vec![text("x1"), text("x1")]));
    let error = told("csv", file, [by_id(), vec![list]].concat(), &pairs);
    assert_eq!(error, "a, line 3: expected one value of `x_of` on all lines of a sequence, found `3`");
}

#[test]
fn a_wrong_table_of_sequences_is_told() {
    let fields = walk_fields();
    let error = told("csv", WALKS, vec![], &fields);
    assert_eq!(
        error,
        "expected `sequence=\"column\"`, since `x` is [T, 2] in `csv(...)`, found nothing that says which lines belong together"
    );
    let error = told("csv", WALKS, by_id(), &[real("x1", &[])]);
    assert!(error.starts_with("expected a field with an open size such as `x: [T, 3]`"), "{error}");
    let again = format!("{WALKS}A,1,2,0\n");
    assert_eq!(
        told("csv", &again, by_id(), &fields),
        "a, line 8: expected a sequence that has not been there yet, found `A`"
    );
    let error = told("csv", &WALKS.replace("7,8", "7,eight"), by_id(), &fields);
    assert_eq!(error, "a, line 5: expected a number for `x`, found `eight`");
    let error = told("csv", &WALKS.replace("8,1\n", "8,2\n"), by_id(), &fields);
    assert_eq!(error, "a, example 1: expected whole numbers from 0 to 1 for `label`, found 2");
    let error = told("csv", "id,x1,x2,label\n", by_id(), &fields);
    assert_eq!(error, "a: expected 1 to 2^32 examples, found 0");
    let error = told("csv", WALKS, vec![("sequence", text("walk"))], &fields);
    assert_eq!(error, "a: expected a column `walk`, found the columns id, x1, x2, label");
    let fixed = [open("x", &["3", "2"], None), open("label", &["T"], Some(2))];
    let error = told("csv", WALKS, by_id(), &fixed);
    assert_eq!(error, "a: expected a column `x_0`, found the columns id, x1, x2, label");
    let both = [open("x", &["T", "S"], None), open("label", &["T"], Some(2))];
    assert!(told("csv", WALKS, by_id(), &both).contains("one open size in `x`"));
}

const SPEECH: &str = "# about it\n@problemName Speech\n@timeStamps false\n@univariate false\n@dimensions 2\n\
                      @equalLength false\n@classLabel true b a\n@data\n1,2,3:4,5,6:a\n7:8:b\n\n9,10:11,12:a\n";

fn speech_fields() -> [Want; 2] {
    [open("x", &["T", "2"], None), label(2)]
}

#[test]
fn a_ts_file_is_series_and_classes() {
    let split = read("ts", SPEECH, vec![], &speech_fields());
    assert_eq!((split.count, labels(&split, 1)), (3, vec![1, 0, 1]), "in the order of @classLabel");
    assert_eq!(split.fields[1].classes, ["b", "a"]);
    assert_eq!(reals(&split, 0, &[0]), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    assert_eq!(reals(&split, 0, &[1, 2]), [7.0, 8.0, 0.0, 0.0, 9.0, 11.0, 10.0, 12.0]);
    let turned = [open("x", &["2", "T"], None), label(2)];
    assert_eq!(reals(&read("ts", SPEECH, vec![], &turned), 0, &[0]), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(read("ts", SPEECH, vec![], &[open("x", &["T", "2"], None), label(2)]).open.len(), 1);
    let one = "@univariate true\n@equalLength true\n@seriesLength 3\n@targetLabel true\n@data\n1,2,3:0.5\n4,5,6:-2\n";
    for shape in [&["T"][..], &["3"], &["T", "1"], &["1", "3"]] {
        let split = read("ts", one, vec![], &[open("x", shape, None), real("y", &[])]);
        assert_eq!((reals(&split, 0, &[1]), reals(&split, 1, &[0, 1])), (vec![4.0, 5.0, 6.0], vec![0.5, -2.0]));
    }
    let facts = with_file("ts", SPEECH.as_bytes(), vec![], &speech_fields()).1.unwrap();
    assert_eq!(facts.symbols, [("T".into(), Range { least: 1, most: 3 })]);
    assert_eq!(facts.fields[1].names, ["b", "a"]);
}

#[test]
fn a_wrong_ts_file_is_told() {
    let fields = speech_fields();
    let wrong = |from: &str, to: &str| told("ts", &SPEECH.replace(from, to), vec![], &fields);
    assert_eq!(wrong("7:8:b", "7:8:c"), "a, line 10: expected a class behind the last `:` (b, a), found `c`");
    assert_eq!(wrong("7:8:b", "7:b"), "a, line 10: expected 2 dimensions and a class, with `:` between them, found 1");
    assert_eq!(
        wrong("7:8:b", "7:8,9:b"),
        "a, line 10: expected 1 values, as in the first dimension, in dimension 2, found 2"
    );
    assert_eq!(wrong("4,5,6", "4,?,6"), "a, line 9: expected a number as value 2 of dimension 2, found `?`");
    assert_eq!(wrong("7:8:b", ":8:b"), "a, line 10: expected a number as value 1 of dimension 1, found ``");
    assert_eq!(wrong("@data\n", ""), "a, line 8: expected `@data` before the series, found `1,2,3:4,5,6:a`");
    assert_eq!(
        wrong("@dimensions 2", "@dimensions two"),
        "a, line 5: expected the number of dimensions, a whole number from 1 on, found `two`"
    );
    assert_eq!(
        wrong("@timeStamps false", "@timeStamps true"),
        "a, line 3: expected series without time stamps, found `@timeStamps true`"
    );
    assert_eq!(wrong("@univariate false", "@univariate no"), "a, line 4: expected true or false, found `no`");
    assert_eq!(
        wrong("@classLabel true b a", "@classLabel false"),
        "expected one field, since the series have no class in `ts(...)`, found two"
    );
    assert_eq!(
        wrong("@equalLength false", "@equalLength true\n@seriesLength 3"),
        "a, line 11: expected 3 values, as `@seriesLength` says, found 1"
    );
    let three = [open("x", &["T", "2"], None), label(3)];
    assert_eq!(told("ts", SPEECH, vec![], &three), "a: expected 3 classes for `label`, found 2: b, a");
    let fixed = [open("x", &["3", "2"], None), label(2)];
    assert_eq!(told("ts", SPEECH, vec![], &fixed), "a: expected [3, 2] for `x` of each example, found [1 to 3, 2]");
    let wide = [open("x", &["T", "3"], None), label(2)];
    assert_eq!(told("ts", SPEECH, vec![], &wide), "a: expected [T, 3] for `x` of each example, found [1 to 3, 2]");
}

#[test]
fn open_sizes_of_arrays_and_random_numbers() {
    let table = call("table", vec![("x", array(&[2, 3, 1], &[1.0; 6])), ("y", array(&[2, 3], &[1.0; 6]))]);
    let fields = [open("x", &["T", "1"], None), open("y", &["T"], None)];
    let split = load(&table, "train", &fields).unwrap();
    assert_eq!(split.bounds(&[0]).get("T"), Some(3));
    let other = call("table", vec![("x", array(&[2, 3, 1], &[1.0; 6])), ("y", array(&[2, 2], &[1.0; 4]))]);
    let error = load(&other, "train", &fields).unwrap_err().to_string();
    assert_eq!(error, "table, example 0: expected 3 steps of `y`, as many as of `x`, found 2");
    let none = call("table", vec![("x", array(&[2, 0, 1], &[])), ("y", array(&[2, 0], &[]))]);
    let error = load(&none, "train", &fields).unwrap_err().to_string();
    assert_eq!(error, "table, example 0: expected 1 to 2^31 steps for `x` in each example, found 0");

    let fields = [open("x", &["T", "3"], None), open("y", &["T"], Some(5)), open("z", &["S"], None), label(2)];
    let random = |args: Vec<(&'static str, Setting)>| call("random", [vec![("", number(200.0))], args].concat());
    let split = load(&random(vec![("length", number(9.0)), ("shortest", number(2.0))]), "train", &fields).unwrap();
    let rows: Vec<u32> = (0..200).collect();
    let (mut t, mut s) = (vec![0; 200], vec![0; 200]);
    assert!(split.fill_sizes("T", &rows, &mut t) && split.fill_sizes("S", &rows, &mut s));
    assert!(t.iter().all(|n| (2..=9).contains(n)) && (2..=9).all(|n| t.contains(&n)));
    assert_ne!(t, s, "symbols are drawn apart");
    let same = load(&random(vec![("length", number(9.0))]), "train", &fields).unwrap();
    assert_eq!(same.bounds(&rows), Bounds::new(vec![("T".into(), 9), ("S".into(), 9)]));
    let error = load(&random(vec![]), "train", &fields).unwrap_err().to_string();
    assert_eq!(error, "expected `length`, a whole number in `random(...)`, found nothing");
}

#[test]
fn what_is_added_to_a_ragged_example_does_not_depend_on_its_batch() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), WALKS).unwrap();
    let mut source = call("csv", [vec![("", text("a"))], by_id()].concat());
    source.stages = vec![call("jitter", vec![("", number(0.5))])];
    let split = load_in(folder.path(), &source, "train", &walk_fields()).unwrap();
    let draw = Some(Draw { seed: 1, epoch: 0 });
    let (mut alone, mut wide) = (vec![0.0; 4], vec![f32::NAN; 12]);
    split.fill_f32(0, &[2], draw, &split.bounds(&[2]), &mut alone);
    split.fill_f32(0, &[2, 0], draw, &split.bounds(&[2, 0]), &mut wide);
    assert_eq!(alone, wide[..4]);
    assert_eq!(wide[4..6], [0.0, 0.0], "what pads it stays 0");
    assert_ne!(alone, [9.0, 10.0, 11.0, 12.0]);
    let by_axis = vec![("mean", array(&[2], &[9.0, 0.0])), ("std", number(2.0))];
    source.stages = vec![call("normalise", by_axis)];
    let turned = [open("x", &["2", "T"], None), open("label", &["T"], Some(2))];
    let split = load_in(folder.path(), &source, "train", &turned).unwrap();
    assert_eq!(reals(&split, 0, &[2, 0])[..6], [0.0, 1.0, 0.0, 5.0, 6.0, 0.0]);
}

#[test]
fn the_data_of_the_examples_are_what_their_notices_say() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let plays = call("characters", vec![("", text("data/shakespeare.txt")), ("window", number(128.0))]);
    let split = load_in(&folder, &plays, "train", &pair(61)).unwrap();
    assert_eq!(split.count, 213_197 / 128);
    assert_eq!(split.fields[0].classes.concat(), "\n !',-.:;?ABCDEFGHIJKLMNOPQRSTUVWYZabcdefghijklmnopqrstuvwxyz");
    for (path, count, most) in [("data/vowels_train.ts.gz", 270, 26), ("data/vowels_test.ts.gz", 370, 29)] {
        let call = call("ts", vec![("", text(path))]);
        let fields = [open("x", &["T", "12"], None), Want { name: "speaker".into(), shape: vec![], classes: Some(9) }];
        let split = load_in(&folder, &call, "train", &fields).unwrap();
        let place = Place::of(&folder.join("x.net"), None);
        let facts = data::facts(&call, &Request { split: "train", fields: &fields, place: &place, seed: 1 }).unwrap();
        assert_eq!((split.count, facts.symbols), (count, vec![("T".into(), Range { least: 7, most })]));
        let speakers = labels(&split, 1);
        assert!((0..9).all(|s| speakers.iter().filter(|l| **l == s).count() >= 24));
    }
    let train = call("ts", vec![("", text("data/vowels_train.ts.gz"))]);
    let fields = [open("x", &["T", "12"], None), Want { name: "speaker".into(), shape: vec![], classes: Some(9) }];
    let split = load_in(&folder, &train, "train", &fields).unwrap();
    assert_eq!(reals(&split, 0, &[0])[..3], [1.860936, -0.207383, 0.261557], "the first step of the first utterance");
}
