//! Training: first values, the loop, checkpoints.

use brolga::check::net::{Initialiser, Metric};
use brolga::data::{self, Extent, FieldData, Split, Starts, Values};
use brolga::runtime::program::Moment;
use brolga::train::checkpoint::{Checkpoint, CheckpointError, Purpose, Saved};
use brolga::train::epoch::{self, Course, Ended, Machine, Measured, TrainError};
use brolga::train::measure;
use brolga::train::metrics::{self, Confusion};
use brolga::train::progress::Progress;
use brolga::train::random;
use brolga::train::session::{Inputs, RunError, Work};
use std::fs;
use std::path::Path;

/// `y = w . x + noise-free`, by plain stochastic gradient descent with momentum: a machine small enough for a test.
struct Line {
    weight: Vec<f32>,
    speed: Vec<f32>,
    out: Vec<f32>,
}

impl Line {
    fn new() -> Line {
        let weight = random::values(&Initialiser::Normal { mean: 0.0, deviation: 1.0 }, 1, "Line.weight", &[3]);
        Line { weight, speed: vec![0.0; 3], out: vec![] }
    }

    fn saved(&self) -> Vec<Saved> {
        let one = |path: &str, values: &[f32]| Saved { path: path.into(), shape: vec![3], values: values.to_vec() };
        vec![one("Line.weight", &self.weight), one("optimiser/0/v/Line.weight", &self.speed)]
    }
}

impl Machine for Line {
    fn run(&mut self, work: Work, batch: u32, moment: &Moment, inputs: &mut dyn Inputs) -> Result<(), RunError> {
        let (mut x, mut y) = (vec![0.0; 3 * batch as usize], vec![0.0; batch as usize]);
        if !inputs.real("x", &mut x) || !inputs.real("y", &mut y) {
            return Err(RunError::NoInput("x".into()));
        }
        let error = |weight: &[f32], x: &[f32], y: f32| x.iter().zip(weight).map(|(x, w)| x * w).sum::<f32>() - y;
        let errors: Vec<f32> = x.chunks(3).zip(&y).map(|(x, y)| error(&self.weight, x, *y)).collect();
        self.out = errors.iter().map(|e| e * e).collect();
        if let Work::Step(..) = work {
            let rate = 0.2 / (1.0 + moment.step as f32 / moment.steps as f32);
            for k in 0..3 {
                let gradient: f32 =
                    errors.iter().zip(x.chunks(3)).map(|(e, x)| 2.0 * e * x[k]).sum::<f32>() / batch as f32;
                self.speed[k] = 0.5 * self.speed[k] + gradient;
                self.weight[k] -= rate * self.speed[k];
            }
            self.out = vec![self.out.iter().sum::<f32>() / batch as f32];
        }
        Ok(())
    }

    fn output(&self, _: Work, _: u32, _: &str) -> Option<&[f32]> {
        Some(&self.out)
    }
}

fn line_data() -> Split {
    let mut rng = data::random::keyed(7, "line");
    let x: Vec<f32> = (0..30).map(|_| data::random::unit_f32(&mut rng)).collect();
    let y = x.chunks(3).map(|x| x[0] - 2.0 * x[1] + 0.5 * x[2]).collect();
    let field = |name: &str, shape: &[usize], values| FieldData {
        name: name.into(),
        shape: Extent::all_fixed(shape),
        starts: Starts::Every(shape.iter().product()),
        values: Values::Real(values),
        classes: vec![],
    };
    Split { fields: vec![field("x", &[3], x), field("y", &[], y)], count: 10, augment: vec![], open: vec![] }
}

fn measured(name: &str, whole: bool) -> Measured {
    Measured { name: name.into(), passes: vec![], whole }
}

fn course() -> Course {
    let (reports, losses) = (vec![measured("error", false)], vec![measured("loss", false)]);
    Course { training: 0, reports, losses, epochs: 20, steps: None, batch: 4, seed: 3, keep: None, patience: None }
}

/// Trains until done or until `limit` steps are done; gives the losses of the epochs.
fn train(line: &mut Line, course: &Course, progress: &mut Progress, limit: u64) -> (Ended, Vec<f64>) {
    let (mut losses, done) = (Vec::new(), std::cell::Cell::new(0));
    let ended =
        epoch::train(line, course, &line_data(), progress, &|| done.get() >= limit, &mut |_, progress, whole| {
            done.set(progress.step);
            if whole {
                losses.extend(progress.mean_losses());
            }
            Ok::<(), TrainError>(())
        });
    (ended.unwrap(), losses)
}

#[test]
fn a_loss_falls_and_a_mean_is_over_all_examples() {
    let (mut line, mut progress) = (Line::new(), Progress::default());
    let (ended, losses) = train(&mut line, &course(), &mut progress, u64::MAX);
    assert_eq!((ended, progress.epoch, progress.step, losses.len()), (Ended::Complete, 20, 60, 20));
    assert!(losses[19] < 0.05 * losses[0], "{losses:?}");
    let error = measure::metric(&mut line, &course(), Metric::Report(0), &line_data()).unwrap();
    let whole = Course { reports: vec![measured("error", true)], ..course() };
    let together = measure::metric(&mut line, &whole, Metric::Report(0), &line_data()).unwrap();
    assert!(error < losses[0] && (error - together).abs() <= 1e-15, "{error} {together}");
}

#[test]
fn a_training_that_was_interrupted_gives_the_same_bits() {
    let (mut whole, mut progress) = (Line::new(), Progress::default());
    let (_, losses) = train(&mut whole, &course(), &mut progress, u64::MAX);
    for limit in 1..60 {
        let (mut first, mut progress) = (Line::new(), Progress::default());
        let (ended, mut seen) = train(&mut first, &course(), &mut progress, limit);
        assert_eq!((ended, progress.step), (Ended::Stopped, limit));
        let saved = Checkpoint { source: String::new(), seed: 3, progress, names: vec![], tensors: first.saved() };
        let read = Checkpoint::from_bytes(Path::new("x"), saved.to_bytes()).unwrap();
        let (mut second, mut progress) = (Line::new(), read.progress);
        second.weight = read.tensors[0].values.clone();
        second.speed = read.tensors[1].values.clone();
        seen.extend(train(&mut second, &course(), &mut progress, u64::MAX).1);
        assert_eq!((second.saved(), seen), (whole.saved(), losses.clone()), "stopped after {limit}");
    }
}

#[test]
fn steps_override_epochs() {
    let (mut line, mut progress) = (Line::new(), Progress::default());
    let (ended, losses) = train(&mut line, &Course { steps: Some(7), ..course() }, &mut progress, u64::MAX);
    assert_eq!((ended, progress.step, progress.epoch, losses.len()), (Ended::Complete, 7, 2, 3));
}

#[test]
fn a_loss_that_is_no_number_ends_the_training() {
    let mut line = Line::new();
    line.weight[0] = f32::INFINITY;
    let ended =
        epoch::train(&mut line, &course(), &line_data(), &mut Progress::default(), &|| false, &mut |_, _, _| {
            Ok::<(), TrainError>(())
        });
    assert!(matches!(ended, Err(TrainError::Diverged { epoch: 1, step: 1, .. })));
}

#[test]
fn first_values_are_keyed_by_seed_and_path() {
    let uniform = Initialiser::Uniform { low: -2.0, high: 1.0 };
    let a = random::values(&uniform, 1, "Net.a", &[1000]);
    assert_eq!(a, random::values(&uniform, 1, "Net.a", &[1000]));
    assert_ne!(a, random::values(&uniform, 1, "Net.b", &[1000]));
    assert_ne!(a, random::values(&uniform, 2, "Net.a", &[1000]));
    assert!(a.iter().all(|v| (-2.0..1.0).contains(v)));
    let mean = a.iter().sum::<f32>() / 1000.0;
    assert!((mean + 0.5).abs() < 0.1, "5 standard errors of 0.87 / sqrt(1000) are 0.14: {mean}");
    let normal = random::values(&Initialiser::Normal { mean: 3.0, deviation: 2.0 }, 1, "Net.n", &[999]);
    let (mean, square) =
        (normal.iter().sum::<f32>() / 999.0, normal.iter().map(|v| (v - 3.0).powi(2)).sum::<f32>() / 999.0);
    assert!((mean - 3.0).abs() < 0.3 && (square - 4.0).abs() < 0.9, "{mean} {square}");
    assert_eq!(random::values(&Initialiser::Value(0.1), 1, "x", &[2, 1]), [0.1, 0.1]);
    assert_eq!(random::values(&Initialiser::Array([1.0, 2.0].into()), 1, "x", &[2]), [1.0, 2.0]);
}

#[test]
fn orthogonal_matrices_are_orthogonal_each_by_itself() {
    for shape in [[4, 5, 5], [2, 3, 7], [2, 7, 3]] {
        let [matrices, rows, cols] = shape;
        let values = random::values(&Initialiser::Orthogonal, 1, "Net.U", &shape);
        assert_eq!(values.len(), matrices * rows * cols);
        for matrix in values.chunks(rows * cols) {
            let vector = |i: usize| -> Vec<f32> {
                if rows <= cols {
                    matrix[i * cols..(i + 1) * cols].to_vec()
                } else {
                    (0..rows).map(|r| matrix[r * cols + i]).collect()
                }
            };
            for i in 0..rows.min(cols) {
                for j in 0..rows.min(cols) {
                    let dot: f32 = vector(i).iter().zip(vector(j)).map(|(a, b)| a * b).sum();
                    // values are rounded once to f32: each of at most 7 products is off by 2 * 2^-24, each sum by 2^-24
                    let bound = 21.0 / 16_777_216.0;
                    assert!((dot - f32::from(u8::from(i == j))).abs() <= bound, "{shape:?} {i} {j} {dot}");
                }
            }
        }
        assert_ne!(values[..rows * cols], values[rows * cols..2 * rows * cols]);
    }
}

fn small() -> Checkpoint {
    let losses = vec![0.1, -3.5];
    let progress = Progress { epoch: 2, batches: 1, step: 7, losses, examples: 4, best: Some(-0.25), waited: 3 };
    let tensors = vec![
        Saved { path: "Net.conv_1.weight".into(), shape: vec![2, 1], values: vec![1.5, f32::MIN_POSITIVE] },
        Saved { path: "Net.conv_1.bias".into(), shape: vec![], values: vec![-0.0] },
        Saved { path: "optimiser/0/v/Net.conv_1.weight".into(), shape: vec![2, 1], values: vec![0.0, 3.0] },
    ];
    let names =
        vec![("text".into(), vec!["\n".to_string(), "\"".into(), "ä".into()]), ("label".into(), vec!["cat".into()])];
    Checkpoint { source: brolga::train::checkpoint::digest(b"net"), seed: 9, progress, names, tensors }
}

#[test]
fn a_checkpoint_comes_back_as_it_was() {
    let bytes = small().to_bytes();
    assert_eq!(bytes, small().to_bytes());
    let read = Checkpoint::from_bytes(Path::new("x"), bytes.clone()).unwrap();
    assert_eq!(read, small());
    assert_eq!(read.tensors[1].values[0].to_bits(), (-0.0f32).to_bits());
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("Net.conv_1.weight").unwrap().shape(), [2, 1], "other programs read it too");
}

#[test]
fn a_checkpoint_with_any_bit_flipped_or_cut_anywhere_is_refused() {
    let bytes = small().to_bytes();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut wrong = bytes.clone();
            wrong[place] ^= 1 << bit;
            let read = Checkpoint::from_bytes(Path::new("x"), wrong);
            assert!(matches!(read, Err(CheckpointError::Damaged { .. })), "bit {bit} of byte {place}: {read:?}");
        }
        let read = Checkpoint::from_bytes(Path::new("x"), bytes[..place].to_vec());
        assert!(matches!(read, Err(CheckpointError::Damaged { .. })), "cut at {place}");
    }
    let long = Checkpoint::from_bytes(Path::new("x"), [&bytes[..], b"x"].concat());
    assert!(matches!(long, Err(CheckpointError::Damaged { .. })));
}

#[test]
fn a_checkpoint_of_another_net_is_refused_with_names_and_shapes() {
    let mut wanted = small().tensors;
    small().fit(Path::new("x"), &wanted, Purpose::Resume).unwrap();
    wanted[0].shape = vec![2, 2];
    wanted[1].path = "Net.conv_1.offset".into();
    let error = small().fit(Path::new("a.safetensors"), &wanted, Purpose::Resume).unwrap_err();
    assert_eq!(error.to_string(), "a.safetensors: the checkpoint is of another net: 3 tensors differ");
    let notes = [
        "`Net.conv_1.weight` is [2, 1] in the file, [2, 2] in the net",
        "`Net.conv_1.offset` [] is not in the file",
        "`Net.conv_1.bias` [] of the file is not in the net",
    ];
    assert_eq!(error.notes(), notes);
    let only: Vec<Saved> = small().tensors[..2].to_vec();
    assert_eq!(small().fit(Path::new("x"), &only, Purpose::Weights).unwrap(), only);
    assert!(small().fit(Path::new("x"), &only, Purpose::Resume).is_err());
}

#[test]
fn a_checkpoint_replaces_the_old_one_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("runs/net/last.safetensors");
    small().write(&path).unwrap();
    let newer = Checkpoint { seed: 10, ..small() };
    newer.write(&path).unwrap();
    assert_eq!(Checkpoint::read(&path).unwrap(), newer);
    let names: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["last.safetensors"], "no temporary file is left");
    fs::write(folder.path().join("file"), "").unwrap();
    let error = small().write(&folder.path().join("file/last.safetensors")).unwrap_err();
    assert!(matches!(error, CheckpointError::Unwritten { .. }));
    let absent = Checkpoint::read(&folder.path().join("none")).unwrap_err();
    assert!(matches!(absent, CheckpointError::Absent { .. }));
}

#[test]
fn a_confusion_matrix_finds_the_worst_classes() {
    let mut confusion = Confusion::new(4);
    for (truth, predicted) in [(0, 0), (0, 1), (0, 2), (1, 1), (2, 2), (2, 1), (2, 1)] {
        confusion.add(truth, predicted);
    }
    let worst = confusion.worst();
    assert_eq!(confusion.row(2), [0, 2, 1, 0]);
    let seen: Vec<_> = worst.iter().map(|w| (w.class, w.examples, w.right, w.taken_for)).collect();
    assert_eq!(seen, [(0, 3, 1, Some((1, 1))), (2, 3, 1, Some((1, 2))), (1, 1, 1, None)]);
    assert_eq!(metrics::argmax(&[f32::NAN, 1.0, 3.0, 3.0]), 2);
}
