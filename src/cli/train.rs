//! `brolga train FILE`: trains, shows how it goes, saves a checkpoint after each epoch.
//!
//! Standard output has a line for each epoch; a terminal also gets a bar. A signal (Ctrl-C) saves and ends with 130,
//! `--resume` goes on from there with the same bits as if nothing had happened.

use super::common::{Common, Failure, Loaded, Outcome};
use super::watch::Watch;
use super::{output, splits, weights};
use crate::data::Split;
use crate::train::checkpoint::{self, Checkpoint, Purpose};
use crate::train::epoch::{self, Course, Ended, TrainError};
use crate::train::progress::Progress;
use crate::train::session::Session;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// Go on from the last checkpoint in runs/
    #[arg(long)]
    resume: bool,
    /// In place of the file's number of epochs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    epochs: Option<u64>,
    /// End after so many steps
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    steps: Option<u64>,
    /// Which `train` of the file, counted from 1
    #[arg(long, value_name = "N", default_value_t = 1)]
    item: usize,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let loaded = common.load_with_data(&args.file)?;
    let course = course(&loaded, common, args)?;
    let data = Data::read(&loaded, common, &course)?;
    let mut session = Session::new(&loaded.checked, common.target(), common.threads(), course.seed);
    let mut progress = start(args, common, &loaded, &course, &data.train, &mut session)?;
    output::line(&headline(&loaded, &session, &course, &data, common));
    let stop = Stop::listen()?;
    let mut watch = Watch::new(common, &loaded, &course, &data, args.resume)?;
    let ended =
        epoch::train(&mut session, &course, &data.train, &mut progress, &|| stop.asked(), &mut |s, p, whole| {
            if whole { watch.epoch(s, p) } else { watch.step(s, p) }
        });
    watch.clear();
    match ended? {
        Ended::Complete => watch.close(),
        Ended::Early => {
            let waited = progress.waited;
            let plural = if waited == 1 { "" } else { "s" };
            output::line(&format!("no better for {waited} epoch{plural}: stopped early"));
            watch.close()
        }
        Ended::Stopped => {
            watch.save(&session, &progress, &weights::last(&loaded))?;
            output::note(&format!(
                "stopped after step {}; `brolga train {} --resume` goes on",
                progress.step, args.file
            ));
            Ok(stop.code())
        }
    }
}

/// The `train` item with what the command line says in its place.
fn course(loaded: &Loaded, common: &Common, args: &Args) -> Result<Course, Failure> {
    let count = loaded.checked.trainings.len();
    if !(1..=count).contains(&args.item) {
        let wanted = if args.item == 1 { String::new() } else { format!(" number {}", args.item) };
        return Err(Failure::new(format!("{} has no `train`{wanted}", args.file)));
    }
    let mut course = Course::of(&loaded.checked, args.item - 1);
    course.epochs = args.epochs.unwrap_or(course.epochs);
    course.steps = args.steps.or(course.steps.filter(|_| args.epochs.is_none()));
    course.seed = common.seed.unwrap_or(course.seed);
    Ok(course)
}

/// What is trained on, and what metrics are taken on.
pub struct Data {
    pub train: Split,
    /// `valid`, else `test`; with neither metrics are taken on `train`.
    judge: Option<(&'static str, Split)>,
}

impl Data {
    fn read(loaded: &Loaded, common: &Common, course: &Course) -> Result<Data, Failure> {
        let dataset = splits::dataset(loaded, &loaded.checked.trainings[course.training])?;
        let train = splits::must(loaded, common, dataset, "train", course.seed)?;
        for name in ["valid", "test"] {
            if let Some(split) = splits::load(loaded, common, dataset, name, course.seed)? {
                return Ok(Data { train, judge: Some((name, split)) });
            }
        }
        Ok(Data { train, judge: None })
    }

    /// The split that metrics are taken on, and its name.
    pub fn judge(&self) -> (&'static str, &Split) {
        self.judge.as_ref().map_or(("train", &self.train), |(name, split)| (name, split))
    }
}

/// Loads what `--resume` or `--weights` name; says where the training begins.
fn start(
    args: &Args,
    common: &Common,
    loaded: &Loaded,
    course: &Course,
    split: &Split,
    session: &mut Session,
) -> Result<Progress, Failure> {
    if !args.resume {
        if let Some(path) = &common.weights {
            weights::load(common, path, session)?;
        }
        return Ok(Progress::default());
    }
    let path = common.weights.clone().unwrap_or_else(|| weights::last(loaded));
    let checkpoint = Checkpoint::read(&path).map_err(|error| weights::told(common, session, &error))?;
    checkpoint::agree(&path, &checkpoint.names, split).map_err(|error| weights::told(common, session, &error))?;
    let (seed, progress) = (checkpoint.seed, checkpoint.progress.clone());
    if seed != course.seed {
        let text =
            format!("{} was trained with seed {seed}, not {}: `--seed {seed}` goes on", path.display(), course.seed);
        return Err(Failure::new(text));
    }
    if checkpoint.source != checkpoint::digest(loaded.text.as_bytes()) {
        output::note(&format!("note: {} was changed since {} was written", args.file, path.display()));
    }
    let fitting = checkpoint.fit(&path, &weights::wanted(session), Purpose::Resume);
    let tensors = fitting.map_err(|error| weights::told(common, session, &error))?;
    weights::put(session, tensors);
    Ok(progress)
}

fn headline(loaded: &Loaded, session: &Session, course: &Course, data: &Data, common: &Common) -> String {
    let training = &loaded.checked.trainings[course.training];
    let trained = loaded.checked.params.iter().filter(|(_, param)| param.trained);
    let shapes = trained.map(|(_, param)| crate::train::random::shape(session.checked, param));
    let numbers: usize = shapes.map(|shape| shape.iter().product::<usize>()).sum();
    let (numbers, examples) = (thousands(numbers as u64), thousands(data.train.count as u64));
    let (steps, threads) = (course.batches(data.train.count), common.threads());
    let plural = if threads == 1 { "" } else { "s" };
    let nets = training.nets.join(", ");
    format!("{nets}: {numbers} parameters, {examples} examples, {steps} steps an epoch, {threads} thread{plural}")
}

/// Set by SIGINT and SIGTERM; a second one ends the process at once.
struct Stop {
    asked: Arc<AtomicBool>,
    signal: Arc<AtomicUsize>,
}

impl Stop {
    fn listen() -> Result<Stop, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag;
        let stop = Stop { asked: Arc::default(), signal: Arc::default() };
        let listen = |signal: i32| {
            flag::register_conditional_shutdown(signal, 128 + signal, stop.asked.clone())?;
            flag::register_usize(signal, stop.signal.clone(), signal as usize)?;
            flag::register(signal, stop.asked.clone())
        };
        for signal in [SIGINT, SIGTERM] {
            listen(signal).map_err(|e| Failure::new(format!("cannot listen for signals: {e}")))?;
        }
        Ok(stop)
    }

    fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    /// 130 after SIGINT, 143 after SIGTERM.
    fn code(&self) -> u8 {
        128 + self.signal.load(Ordering::Relaxed) as u8
    }
}

impl From<TrainError> for Failure {
    fn from(error: TrainError) -> Failure {
        match error {
            TrainError::Run(error) => error.into(),
            TrainError::Diverged { .. } => Failure::new(format!("{error}; a smaller `lr` often helps")),
        }
    }
}

/// `61,706`
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
