//! Every example checks without an error, its own tests hold, and training it for a few steps makes the loss fall.

use brolga::check::net::Checked;
use brolga::check::{Options, Used};
use brolga::compile::{self, Binding};
use brolga::data::{self, Place, Request, Split, random, told};
use brolga::graph::Dtype;
use brolga::runtime::program::Moment;
use brolga::target::Target;
use brolga::train::epoch::Batch;
use brolga::train::session::{Inputs, Session, Work};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|e| e == "net"));
    found.sort();
    assert!(found.len() >= 7, "examples are missing");
    found
}

/// One batch, always the same: classes in turn, each with a brightness of its own, so that there is something to learn.
struct Learnable {
    rng: ChaCha8Rng,
    classes: HashMap<String, u32>,
    batch: usize,
    /// Of inputs whose lengths are open.
    shapes: HashMap<String, Vec<usize>>,
}

impl Inputs for Learnable {
    fn real(&mut self, _name: &str, out: &mut [f32]) -> bool {
        let one = out.len() / self.batch;
        for (example, values) in out.chunks_mut(one).enumerate() {
            let level = (example % 10) as f32 / 10.0;
            values.iter_mut().for_each(|value| *value = level + 0.2 * random::unit_f32(&mut self.rng));
        }
        true
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.shapes.get(name).cloned()
    }

    fn index(&mut self, name: &str, out: &mut [i32]) -> bool {
        let classes = self.classes.get(name).copied().unwrap_or(1) as i32;
        out.iter_mut().enumerate().for_each(|(example, value)| *value = example as i32 % classes);
        true
    }
}

/// An example, checked with the one that others take blocks of.
fn with_blocks(path: &Path) -> Checked {
    let text = std::fs::read_to_string(path).unwrap();
    let blocks = std::fs::read_to_string(path.with_file_name("blocks.net")).unwrap();
    let mut options = Options::default();
    options.files.insert("blocks.net".into(), Used::Text { shown: "blocks.net".into(), text: blocks.into() });
    let (checked, problems) = compile::front("test.net", &text, &options);
    assert!(!problems.has_errors(), "{}", path.display());
    checked
}

/// The data that an example's training names, which come with it.
fn own_data(path: &Path, checked: &Checked) -> Split {
    let dataset = &checked.datasets[checked.trainings[0].data.unwrap()];
    let (split, call) = dataset.splits.iter().find(|(name, _)| &**name == "train").unwrap();
    let (fields, place) = (told::wants(checked, dataset), Place::of(path, None));
    data::load(call, &Request { split, fields: &fields, place: &place, seed: 1 }).unwrap()
}

/// The first objective's loss before and after some steps on the first examples of its own data.
fn learn_over_time(path: &Path, checked: &Checked, batch: u32, steps: u64) -> (f32, f32) {
    let split = own_data(path, checked);
    let rows: Vec<u32> = (0..batch).collect();
    let mut session = Session::new(checked, Target::detect(), 2, 1);
    let mut losses = Vec::new();
    for step in 1..=steps {
        let moment = Moment { seed: 1, step, steps, first_example: 0 };
        let bounds = split.bounds(&rows);
        let mut inputs = Batch { split: &split, rows: &rows, draw: None, bounds, renamed: &[] };
        session.run(Work::Step(0, 0), batch, &moment, &mut inputs).unwrap();
        losses.push(session.output(Work::Step(0, 0), batch, "loss").unwrap()[0]);
    }
    (losses[0], losses[losses.len() - 1])
}

/// The first objective's loss before and after some steps of all on one batch.
fn learn(checked: &Checked, batch: u32, steps: u64) -> (f32, f32) {
    let mut session = Session::new(checked, Target::detect(), 2, 1);
    let works: Vec<Work> = (0..checked.trainings[0].objectives.len()).map(|i| Work::Step(0, i)).collect();
    let flat = session.flat(works[0]);
    // Six steps, where a length is open.
    let at: BTreeMap<_, _> = flat.lengths.iter().map(|(name, (limits, _))| (name.clone(), limits.low.max(6))).collect();
    let number = |size: &_| checked.sizes.value(*size).unwrap().value_at(&at).unwrap().unwrap() as usize;
    let shapes: HashMap<String, Vec<usize>> = flat
        .open_inputs(&checked.sizes)
        .map(|(name, shape)| (name.to_string(), shape.iter().map(number).collect()))
        .collect();
    let index = session.graph(works[0], Binding { sizes: at.clone(), ..batch.into() });
    let classes = index.tensors.iter().filter_map(|(_, t)| match t.dtype {
        Dtype::Index(n) => Some((t.name.to_string(), n)),
        Dtype::Real => None,
    });
    let mut inputs =
        Learnable { rng: random::keyed(1, "examples"), classes: classes.collect(), batch: batch as usize, shapes };
    let mut losses = Vec::new();
    for step in 1..=steps {
        let moment = Moment { seed: 1, step, steps, first_example: 0 };
        for &work in &works {
            inputs.rng = random::keyed(1, "examples");
            session.run(work, batch, &moment, &mut inputs).unwrap();
        }
        losses.push(session.output(works[0], batch, "loss").unwrap()[0]);
    }
    (losses[0], losses[losses.len() - 1])
}

#[test]
fn every_example_checks() {
    for path in examples() {
        with_blocks(&path);
    }
}

#[test]
fn every_training_makes_its_loss_fall() {
    for path in examples() {
        let checked = with_blocks(&path);
        let Some(training) = checked.trainings.first() else { continue };
        // Large nets on few examples: what is tested is the way, not the speed.
        let large = checked.params.iter().count() > 100 || path.ends_with("recitation.net");
        let (batch, steps) = if large { (4, 6) } else { (training.batch.min(20), 40) };
        let (first, last) = match training.objectives[0].flat.lengths.is_empty() {
            true => learn(&checked, batch, steps),
            false => learn_over_time(&path, &checked, batch.min(8), steps),
        };
        assert!(first.is_finite() && last < 0.9 * first, "{}: {first} to {last}", path.display());
    }
}
