//! Stages behind a source: what they do, and what their draws depend on.

use super::{array, call, digits, image, label, load, real, reals};
use brolga::check::net::{Setting, SourceCall};
use brolga::data::{Draw, Split};

fn number(n: f64) -> Setting {
    Setting::Number(n)
}

fn with(stages: Vec<SourceCall>) -> Split {
    let mut source = call("digits8x8", vec![]);
    source.stages = stages;
    load(&source, "train", &[image(&[1, 8, 8]), label(10)]).unwrap()
}

fn drawn(split: &Split, field: usize, seed: u64, epoch: u64, rows: &[u32]) -> Vec<f32> {
    let bounds = split.bounds(rows);
    let mut out = vec![f32::NAN; rows.len() * split.shape_in(field, &bounds).iter().product::<usize>()];
    split.fill_f32(field, rows, Some(Draw { seed, epoch }), &bounds, &mut out);
    out
}

fn stages() -> Vec<(&'static str, SourceCall)> {
    let by = |name: &'static str, n: f64| (name, call(name, vec![("", number(n))]));
    let crop = call("random_crop", vec![("", number(8.0)), ("pad", number(2.0))]);
    vec![
        ("flip", call("flip", vec![])),
        ("random_crop", crop),
        by("rotate", 20.0),
        by("cutout", 3.0),
        by("brightness", 0.3),
        by("jitter", 0.1),
    ]
}

#[test]
fn each_stage_is_keyed_by_seed_epoch_example_and_place() {
    let rows: Vec<u32> = (0..40).collect();
    let plain = reals(&digits("train"), 0, &rows);
    for (name, stage) in stages() {
        let split = with(vec![stage.clone()]);
        let all = drawn(&split, 0, 1, 0, &rows);
        assert_ne!(all, plain, "{name} changes something");
        assert_eq!(reals(&split, 0, &rows), plain, "{name} changes nothing in evaluation");
        for row in [0, 5, 39] {
            let own = row as usize * 64..(row as usize + 1) * 64;
            assert_eq!(all[own.clone()], drawn(&split, 0, 1, 0, &[row]), "{name}: not by the batch");
            assert_eq!(all[own], drawn(&split, 0, 1, 0, &[7, row])[64..], "{name}: not by the place in the batch");
        }
        assert_ne!(all, drawn(&split, 0, 1, 1, &rows), "{name}: by the epoch");
        assert_ne!(all, drawn(&split, 0, 2, 0, &rows), "{name}: by the seed");
        // The same stage again draws anew: twice a flip is not always the picture itself.
        let twice = with(vec![stage.clone(), stage]);
        let again = drawn(&twice, 0, 1, 0, &rows);
        assert!(again != all && again != plain, "{name}: by the place of the stage");
    }
}

#[test]
fn a_flip_turns_every_second_image() {
    let split = with(vec![call("flip", vec![])]);
    let rows: Vec<u32> = (0..1000).collect();
    let (old, new) = (reals(&split, 0, &rows), drawn(&split, 0, 3, 0, &rows));
    let mut turned = 0;
    for (old, new) in old.chunks(64).zip(new.chunks(64)) {
        let mirror: Vec<f32> = old.chunks(8).flat_map(|line| line.iter().rev().copied()).collect();
        assert!(new == old || new == mirror);
        turned += usize::from(new == mirror);
    }
    assert!((440..=560).contains(&turned), "{turned} of 1000");
}

/// A picture `[1, 4, 4]` of 1 to 16 and a mask of their negatives, with these stages, drawn in one epoch.
fn pair(stages: Vec<SourceCall>, epoch: u64) -> (Vec<f32>, Vec<f32>) {
    let picture: Vec<f64> = (1..=16).map(f64::from).collect();
    let mask: Vec<f64> = picture.iter().map(|v| -v).collect();
    let shape = [1, 1, 4, 4];
    let mut source = call("table", vec![("a", array(&shape, &picture)), ("b", array(&shape, &mask))]);
    source.stages = stages;
    let split = load(&source, "train", &[real("a", &[1, 4, 4]), real("b", &[1, 4, 4])]).unwrap();
    (drawn(&split, 0, 1, epoch, &[0]), drawn(&split, 1, 1, epoch, &[0]))
}

#[test]
fn picture_and_mask_are_changed_alike() {
    for (name, stage) in stages().into_iter().take(4) {
        let stage = if name == "random_crop" {
            call("random_crop", vec![("", number(4.0)), ("pad", number(2.0))])
        } else {
            stage
        };
        let changes = (0..20).map(|epoch| pair(vec![stage.clone(), call("flip", vec![])], epoch));
        let changed = changes.filter(|(picture, mask)| {
            let opposite: Vec<f32> = mask.iter().map(|v| -v).collect();
            assert_eq!(*picture, opposite, "{name}");
            *picture != (1..=16).map(|v| v as f32).collect::<Vec<_>>()
        });
        assert!(changed.count() > 5, "{name} changes pictures");
    }
}

#[test]
fn a_crop_shifts_and_fills_with_zeros() {
    let crop = call("random_crop", vec![("", number(4.0)), ("pad", number(1.0))]);
    let mut seen = std::collections::BTreeSet::new();
    for epoch in 0..60 {
        let (picture, _) = pair(vec![crop.clone()], epoch);
        let places = (-1i32..=1).flat_map(|down| (-1i32..=1).map(move |right| (down, right)));
        let place = places.into_iter().find(|(down, right)| {
            (0..16).all(|p| {
                let (i, j) = (p / 4 + down, p % 4 + right);
                let inside = (0..4).contains(&i) && (0..4).contains(&j);
                picture[p as usize] == if inside { (i * 4 + j + 1) as f32 } else { 0.0 }
            })
        });
        seen.insert(place.expect("a crop is a shifted picture"));
    }
    assert_eq!(seen.len(), 9, "all places come");
}

#[test]
fn a_turn_keeps_the_centre_and_goes_both_ways() {
    // By hand: a bright pixel right of the centre of a 5x5 picture turns about it on a circle of radius 2.
    let mut picture = vec![0.0; 25];
    (picture[12], picture[14]) = (1.0, 9.0);
    let mut source = call("table", vec![("a", array(&[1, 1, 5, 5], &picture))]);
    source.stages = vec![call("rotate", vec![("", number(90.0))])];
    let split = load(&source, "train", &[real("a", &[1, 5, 5])]).unwrap();
    let (mut up, mut down) = (0, 0);
    for epoch in 0..50 {
        let new = drawn(&split, 0, 1, epoch, &[0]);
        assert!((new[12] - 1.0).abs() < 1e-5, "the centre stays: {new:?}");
        let above: f32 = new[..10].iter().sum();
        let below: f32 = new[15..].iter().sum();
        up += usize::from(above > below);
        down += usize::from(below > above);
    }
    assert!(up > 10 && down > 10, "{up} up, {down} down");
}

#[test]
fn a_cutout_is_one_square_of_zeros() {
    let split = with(vec![call("brightness", vec![("", number(0.0))]), call("cutout", vec![("", number(3.0))])]);
    let rows: Vec<u32> = (0..50).collect();
    let ones = vec![1.0; 64];
    let mut source = call("table", vec![("a", array(&[1, 1, 8, 8], &ones))]);
    source.stages = vec![call("cutout", vec![("", number(3.0))])];
    let table = load(&source, "train", &[real("a", &[1, 8, 8])]).unwrap();
    let mut sizes = std::collections::BTreeSet::new();
    for epoch in 0..200 {
        let new = drawn(&table, 0, 1, epoch, &[0]);
        let hit: Vec<usize> = (0..64).filter(|p| new[*p] == 0.0).collect();
        let (top, bottom) = (hit[0] / 8, hit[hit.len() - 1] / 8);
        let (left, right) = (hit.iter().map(|p| p % 8).min().unwrap(), hit.iter().map(|p| p % 8).max().unwrap());
        assert_eq!(hit.len(), (bottom - top + 1) * (right - left + 1), "a rectangle without holes");
        sizes.insert(hit.len());
    }
    assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [4, 6, 9], "3x3, cut at edges and corners");
    assert_eq!(reals(&split, 0, &rows), reals(&digits("train"), 0, &rows));
}

#[test]
fn normalising_is_for_every_split_and_by_channel() {
    let stage = |mean: Setting, std: Setting| call("normalise", vec![("mean", mean), ("std", std)]);
    let mut source = call("digits8x8", vec![]);
    source.stages = vec![stage(number(0.5), number(0.25))];
    let fields = [image(&[1, 8, 8]), label(10)];
    let split = load(&source, "test", &fields).unwrap();
    let expected: Vec<f32> = reals(&digits("test"), 0, &[3]).iter().map(|v| (v - 0.5) / 0.25).collect();
    assert_eq!(reals(&split, 0, &[3]), expected);
    assert_eq!(drawn(&split, 0, 1, 0, &[3]), expected);

    let mut table = call("table", vec![("x", array(&[1, 2, 1, 2], &[1.0, 2.0, 3.0, 4.0]))]);
    table.stages = vec![stage(array(&[2], &[1.0, 3.0]), array(&[2], &[1.0, 2.0]))];
    let split = load(&table, "train", &[real("x", &[2, 1, 2])]).unwrap();
    assert_eq!(reals(&split, 0, &[0]), [0.0, 1.0, 0.0, 0.5]);
    let mut rows = call("table", vec![("x", array(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]))]);
    rows.stages = table.stages;
    let split = load(&rows, "train", &[real("x", &[2, 2])]).unwrap();
    assert_eq!(reals(&split, 0, &[0]), [0.0, -0.5, 2.0, 0.5], "of a series the last axis");
}

#[test]
fn stages_that_do_not_fit_are_told() {
    let told = |split: &str, stage: SourceCall| {
        let mut source = call("digits8x8", vec![]);
        source.stages = vec![stage];
        load(&source, split, &[image(&[1, 8, 8]), label(10)]).unwrap_err().to_string()
    };
    let flip = call("flip", vec![]);
    assert_eq!(told("test", flip.clone()), "expected augmentation on `train` only, found `-> flip` on `test`");
    assert!(told("train", call("mirror", vec![])).ends_with("found `mirror`"));
    assert_eq!(
        told("train", call("random_crop", vec![("", number(7.0))])),
        "expected a crop of 8x8, the size of `image`, in `random_crop(...)`, found 7"
    );
    assert_eq!(told("train", call("rotate", vec![])), "expected `degrees`, a number in `rotate(...)`, found nothing");
    let std = vec![("mean", number(0.0)), ("std", number(0.0))];
    assert_eq!(told("train", call("normalise", std)), "expected `std` above 0 in `normalise(...)`, found 0");
    let mean = vec![("mean", array(&[2], &[0.0, 1.0])), ("std", number(1.0))];
    assert_eq!(
        told("train", call("normalise", mean)),
        "expected one finite number or 1, one for each channel, as `mean` in `normalise(...)`, found [0, 1]"
    );
    let of = call("jitter", vec![("", number(0.1)), ("of", Setting::Text("label".into()))]);
    assert!(told("train", of).ends_with("found `label`"));

    let mut table = call("table", vec![("x", array(&[1, 2], &[1.0, 2.0])), ("y", array(&[1], &[1.0]))]);
    table.stages = vec![flip];
    let fields = [real("x", &[2]), real("y", &[])];
    let error = load(&table, "train", &fields).unwrap_err().to_string();
    assert_eq!(error, "expected a field that is an image [C, H, W] in `flip(...)`, found none");
    table.stages = vec![call("jitter", vec![("", number(0.1))])];
    let error = load(&table, "train", &fields).unwrap_err().to_string();
    assert!(error.contains("`of=\"FIELD\"`, unless one field alone holds real numbers"), "{error}");
}
