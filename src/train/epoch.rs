//! The loop: epochs of shuffled batches, each step of each objective in turn.
//!
//! **Invariants**: what happens in a step depends on (source, seed, epoch, number of the batch) alone, so that a
//! training that was interrupted after any step and goes on from its checkpoint gives the same bits as one that was not;
//! the last, smaller batch is used; sums run in the order of the examples.

use super::progress::Progress;
use super::session::{Inputs, RunError, Session, Work};
use crate::check::loss_name;
use crate::check::net::{self, Checked, Keep, Part};
use crate::data::random::shuffle;
use crate::data::{Bounds, Draw, Sizes, Split};
use crate::ids::Symbol;
use crate::runtime::program::Moment;

/// What runs the compiled programs: a session, or in tests something smaller.
pub trait Machine {
    /// Runs a program on a batch.
    ///
    /// # Errors
    /// When an input is missing, or the machine refuses.
    fn run(&mut self, work: Work, batch: u32, moment: &Moment, inputs: &mut dyn Inputs) -> Result<(), RunError>;

    /// An output of the last run of a program; the batch is its first axis where it depends on the example.
    fn output(&self, work: Work, batch: u32, name: &str) -> Option<&[f32]>;
}

/// A `train` item, ready to run.
#[derive(Clone, Debug)]
pub struct Course {
    /// Its place in the file.
    pub training: usize,
    pub reports: Vec<Measured>,
    /// By objective, the loss in evaluation.
    pub losses: Vec<Measured>,
    pub epochs: u64,
    /// Stops after so many steps, whatever `epochs` says.
    pub steps: Option<u64>,
    pub batch: usize,
    pub seed: u64,
    /// What decides which epoch is kept.
    pub keep: Option<Keep>,
    /// Stops when that has not been better for so many epochs.
    pub patience: Option<u64>,
}

/// How a metric of a `train` item is taken of a split.
#[derive(Clone, Debug)]
pub struct Measured {
    pub name: Symbol,
    /// What each pass over the split puts together, before the metric itself.
    pub passes: Vec<Vec<Part>>,
    /// The split is one batch.
    pub whole: bool,
}

/// Some examples of a split as the inputs of a program.
pub struct Batch<'a> {
    pub split: &'a Split,
    pub rows: &'a [u32],
    /// In training, examples are augmented.
    pub draw: Option<Draw>,
    /// What each open size is in this batch.
    pub bounds: Bounds,
    /// What a program calls an input, and the field that it takes; other inputs have the names of fields.
    pub renamed: &'a [(Symbol, Symbol)],
}

/// How a call of [`train`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All epochs or steps are done.
    Complete,
    /// What is kept has not been better for as long as the file's patience lasts.
    Early,
    /// It was asked to stop; the checkpoint goes on from here.
    Stopped,
}

/// Why a training ended early.
#[derive(Clone, Debug, PartialEq)]
pub enum TrainError {
    Run(RunError),
    /// The loss is no finite number any more.
    Diverged {
        epoch: u64,
        step: u64,
        objective: usize,
        loss: f32,
    },
}

impl Machine for Session<'_> {
    fn run(&mut self, work: Work, batch: u32, moment: &Moment, inputs: &mut dyn Inputs) -> Result<(), RunError> {
        Session::run(self, work, batch, moment, inputs)
    }

    fn output(&self, work: Work, batch: u32, name: &str) -> Option<&[f32]> {
        Session::output(self, work, batch, name)
    }
}

impl Course {
    /// The `train` item at a place of the file.
    pub fn of(checked: &Checked, training: usize) -> Course {
        let item = &checked.trainings[training];
        let measured = |name: Symbol, measure: &net::Measure| {
            let passes = measure.passes.iter().map(|pass| pass.parts.clone()).collect();
            Measured { name, passes, whole: measure.whole }
        };
        let losses = item.objectives.iter().enumerate();
        let losses = losses.map(|(i, o)| measured(loss_name(i, item.objectives.len()), &o.evaluate));
        Course {
            training,
            reports: item.reports.iter().map(|r| measured(r.name.clone(), &r.measure)).collect(),
            losses: losses.collect(),
            epochs: u64::from(item.epochs),
            steps: item.steps.map(u64::from),
            batch: item.batch as usize,
            seed: item.seed,
            keep: item.keep,
            patience: item.patience.map(u64::from),
        }
    }

    /// The reports and then the losses, `loss` or, of several objectives, `loss_1`, `loss_2`; a report may have taken
    /// the name of a loss, which is then left out.
    pub fn metrics(&self) -> Vec<(Symbol, net::Metric)> {
        let reports = self.reports.iter().enumerate().map(|(i, r)| (r.name.clone(), net::Metric::Report(i)));
        let mut all: Vec<_> = reports.collect();
        for (i, loss) in self.losses.iter().enumerate() {
            if all.iter().all(|(taken, _)| *taken != loss.name) {
                all.push((loss.name.clone(), net::Metric::Loss(i)));
            }
        }
        all
    }

    /// How a metric is taken.
    pub fn measured(&self, metric: net::Metric) -> &Measured {
        match metric {
            net::Metric::Report(i) => &self.reports[i],
            net::Metric::Loss(i) => &self.losses[i],
        }
    }

    /// Batches of one epoch.
    pub fn batches(&self, examples: usize) -> u64 {
        examples.div_ceil(self.batch) as u64
    }

    /// Whether the kept metric has not been better for too long.
    pub fn is_tired(&self, progress: &Progress) -> bool {
        self.patience.is_some_and(|patience| progress.waited >= patience)
    }

    /// Steps in all.
    pub fn total(&self, examples: usize) -> u64 {
        self.steps.unwrap_or(self.epochs * self.batches(examples))
    }
}

/// Trains from `progress` on. `event` is told after each step (false) and each epoch (true, the progress still holding
/// its loss, so that it is [`Progress::rested`] that is saved then); it may evaluate and save.
/// `stop` is asked after each step.
///
/// # Errors
/// What the machine says, or that the loss is no number.
pub fn train<M: Machine, E: From<TrainError>>(
    machine: &mut M,
    course: &Course,
    split: &Split,
    progress: &mut Progress,
    stop: &dyn Fn() -> bool,
    event: &mut dyn FnMut(&mut M, &mut Progress, bool) -> Result<(), E>,
) -> Result<Ended, E> {
    let total = course.total(split.count);
    while progress.step < total {
        if progress.batches == 0 && course.is_tired(progress) {
            return Ok(Ended::Early);
        }
        let order = shuffle(course.seed, progress.epoch, split.count);
        while progress.batches < course.batches(split.count) && progress.step < total {
            let from = progress.batches as usize * course.batch;
            let rows = &order[from..(from + course.batch).min(order.len())];
            step(machine, course, split, rows, progress, total)?;
            event(machine, progress, false)?;
            if stop() && progress.step < total {
                return Ok(Ended::Stopped);
            }
        }
        let whole = progress.batches == course.batches(split.count);
        progress.epoch += u64::from(whole);
        event(machine, progress, true)?;
        if whole {
            *progress = progress.rested();
        }
    }
    Ok(Ended::Complete)
}

/// One step of each objective on a batch.
fn step<M: Machine>(
    machine: &mut M,
    course: &Course,
    split: &Split,
    rows: &[u32],
    progress: &mut Progress,
    steps: u64,
) -> Result<(), TrainError> {
    let moment = Moment { seed: course.seed, step: progress.step + 1, steps, first_example: 0 };
    let draw = Some(Draw { seed: course.seed, epoch: progress.epoch });
    let size = rows.len() as u32;
    progress.losses.resize(course.losses.len(), 0.0);
    for objective in 0..course.losses.len() {
        let work = Work::Step(course.training, objective);
        machine.run(
            work,
            size,
            &moment,
            &mut Batch { split, rows, draw, bounds: bounds(split, rows), renamed: &[] },
        )?;
        let loss = machine.output(work, size, "loss").and_then(|loss| loss.first().copied());
        let loss = loss.expect("a training step has the output `loss`");
        if !loss.is_finite() {
            return Err(TrainError::Diverged { epoch: progress.epoch + 1, step: moment.step, objective, loss });
        }
        progress.losses[objective] += f64::from(loss) * rows.len() as f64;
    }
    progress.examples += rows.len() as u64;
    progress.batches += 1;
    progress.step += 1;
    Ok(())
}

/// What each open size is in a batch. Where examples have their own it is a little more than the largest, so that few
/// programs serve all batches: at most four for each doubling.
pub fn bounds(split: &Split, rows: &[u32]) -> Bounds {
    let exact = split.bounds(rows);
    let wide = split.open.iter().zip(exact.iter()).map(|(open, (symbol, size))| {
        let size = match &open.sizes {
            Sizes::Same(_) => size,
            Sizes::Each(all) => {
                let step = (size.max(1).ilog2()).saturating_sub(2).max(2);
                let most = all.iter().copied().max().unwrap_or(size);
                size.next_multiple_of(1 << step).min(most)
            }
        };
        (symbol.clone(), size)
    });
    Bounds::new(wide.collect())
}

impl Batch<'_> {
    fn any_field(&self, name: &str) -> Option<usize> {
        self.field(name, false).or_else(|| self.field(name, true))
    }

    fn field(&self, name: &str, index: bool) -> Option<usize> {
        let field = self.renamed.iter().find(|(input, _)| **input == *name).map_or(name, |(_, field)| field);
        self.split.field(field).filter(|&field| self.split.fields[field].is_index() == index)
    }
}

impl Inputs for Batch<'_> {
    fn real(&mut self, name: &str, out: &mut [f32]) -> bool {
        let field = self.field(name, false);
        field.map(|field| self.split.fill_f32(field, self.rows, self.draw, &self.bounds, out)).is_some()
    }

    fn index(&mut self, name: &str, out: &mut [i32]) -> bool {
        self.field(name, true).map(|field| self.split.fill_i32(field, self.rows, &self.bounds, out)).is_some()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let field = self.any_field(name)?;
        Some(self.split.shape_in(field, &self.bounds).to_vec())
    }

    fn shape_of(&self, name: &str, example: usize) -> Option<Vec<usize>> {
        let field = self.any_field(name)?;
        Some(self.split.shape_of(field, *self.rows.get(example)?).to_vec())
    }

    fn is_ragged(&self) -> bool {
        self.split.open.iter().any(|open| {
            let wide = self.bounds.get(&open.symbol);
            self.rows.iter().any(|&row| Some(open.sizes.of(row)) != wide)
        })
    }
}

impl From<RunError> for TrainError {
    fn from(error: RunError) -> TrainError {
        TrainError::Run(error)
    }
}

impl std::fmt::Display for TrainError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            TrainError::Run(error) => error.fmt(f),
            TrainError::Diverged { epoch, step, objective, loss } => {
                let which = if *objective == 0 { String::new() } else { format!(" of objective {}", objective + 1) };
                write!(f, "the loss{which} is {loss} after step {step}, in epoch {epoch}: the training has diverged")
            }
        }
    }
}
