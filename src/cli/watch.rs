//! What a training shows and saves while it runs: a line for each epoch, the log, pictures, checkpoints.

use super::common::{Common, Failure, Loaded, Outcome};
use super::train::Data;
use super::{output, show, weights};
use crate::check::loss_name;
use crate::check::net::{Every, Metric};
use crate::ids::Symbol;
use crate::train::checkpoint::{self, Checkpoint};
use crate::train::epoch::Course;
use crate::train::measure;
use crate::train::progress::Progress;
use crate::train::session::Session;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::Instant;

/// What is shown and saved while a training runs.
pub struct Watch<'a> {
    common: &'a Common,
    loaded: &'a Loaded,
    course: &'a Course,
    data: &'a Data,
    log: std::fs::File,
    bar: ProgressBar,
    since: Instant,
    /// The best epoch's line, if something is kept.
    kept: Option<String>,
}

impl<'a> Watch<'a> {
    /// Opens the log.
    ///
    /// # Errors
    /// When the folder of the run cannot be written.
    pub fn new(
        common: &'a Common,
        loaded: &'a Loaded,
        course: &'a Course,
        data: &'a Data,
        resume: bool,
    ) -> Result<Watch<'a>, Failure> {
        let folder = weights::folder(loaded);
        let path = folder.join("log.jsonl");
        let open = || {
            std::fs::create_dir_all(&folder)?;
            std::fs::OpenOptions::new().create(true).write(true).append(resume).truncate(!resume).open(&path)
        };
        let log = open().map_err(|e| Failure::io(&path, "write", &e))?;
        let bar =
            if std::io::stderr().is_terminal() { bar(course.batches(data.train.count)) } else { ProgressBar::hidden() };
        Ok(Watch { common, loaded, course, data, log, bar, since: Instant::now(), kept: None })
    }

    /// Takes note of a step.
    ///
    /// # Errors
    /// When a picture cannot be written.
    pub fn step(&mut self, session: &mut Session, progress: &Progress) -> Result<(), Failure> {
        if !self.bar.is_hidden() {
            self.bar.set_position(progress.batches);
            self.bar.set_prefix(format!("epoch {}/{}", progress.epoch + 1, self.epochs()));
            self.bar.set_message(losses(progress).join("   "));
        }
        let due = |every: Every| match every {
            Every::Steps(n) => progress.step.is_multiple_of(u64::from(n)).then_some(progress.step),
            Every::Epochs(_) => None,
        };
        self.show(session, &due)
    }

    /// Takes the metrics, writes the line, the log, pictures and the checkpoints.
    ///
    /// # Errors
    /// When the machine refuses, or a file cannot be written.
    pub fn epoch(&mut self, session: &mut Session, progress: &mut Progress) -> Result<(), Failure> {
        let (on, split) = self.data.judge();
        let mut metrics = Vec::new();
        for (place, report) in self.course.reports.iter().enumerate() {
            let value = measure::metric(session, self.course, Metric::Report(place), split)?;
            metrics.push((report.name.clone(), value));
        }
        let mut better = false;
        if let Some(keep) = self.course.keep {
            let value = match keep.metric {
                Metric::Report(place) => metrics[place].1,
                Metric::Loss(place) => {
                    let value = measure::metric(session, self.course, keep.metric, split)?;
                    metrics.push((self.course.losses[place].name.clone(), value));
                    value
                }
            };
            better = progress.judge(value, keep.highest);
        }
        let line = self.line(progress, on, &metrics);
        self.bar.suspend(|| output::line(&line));
        self.log(progress, on, &metrics)?;
        let whole = progress.batches == self.course.batches(self.data.train.count);
        let number = progress.epoch;
        let due = |every: Every| match every {
            Every::Epochs(n) => (whole && number.is_multiple_of(u64::from(n))).then_some(number),
            Every::Steps(_) => None,
        };
        self.show(session, &due)?;
        let rested = if whole { progress.rested() } else { progress.clone() };
        if better {
            self.kept = Some(line);
            self.save(session, &rested, &weights::best(self.loaded))?;
        }
        self.save(session, &rested, &weights::last(self.loaded))?;
        self.since = Instant::now();
        Ok(())
    }

    /// Draws the pictures that are due; `due` gives the number in the file's name.
    fn show(&self, session: &mut Session, due: &dyn Fn(Every) -> Option<u64>) -> Result<(), Failure> {
        let training = &self.loaded.checked.trainings[self.course.training];
        for (place, item) in training.shows.iter().enumerate() {
            if let Some(number) = due(item.every) {
                let path = weights::folder(self.loaded).join(format!("{}_{number:04}.png", item.name));
                show::write(self.loaded, session, self.course, place, self.data.judge().1, &path)?;
            }
        }
        Ok(())
    }

    /// How many epochs there will be, the last perhaps in part.
    fn epochs(&self) -> u64 {
        let examples = self.data.train.count;
        self.course.total(examples).div_ceil(self.course.batches(examples).max(1))
    }

    /// `epoch  3/10   loss 0.3120   accuracy 0.9810 on test   1.2 s`
    fn line(&self, progress: &Progress, on: &str, metrics: &[(Symbol, f64)]) -> String {
        let (all, batches) = (self.epochs(), self.course.batches(self.data.train.count).max(1));
        let width = all.to_string().len();
        let mut text = format!("epoch {:>width$}/{all}   ", progress.step.div_ceil(batches));
        text += &losses(progress).join("   ");
        for (name, value) in metrics {
            text += &format!("   {name} {value:.4}");
        }
        if !metrics.is_empty() {
            text += &format!(" on {on}");
        }
        format!("{text}   {:.1} s", self.since.elapsed().as_secs_f64())
    }

    fn log(&mut self, progress: &Progress, on: &str, metrics: &[(Symbol, f64)]) -> Result<(), Failure> {
        let metrics: serde_json::Map<String, serde_json::Value> =
            metrics.iter().map(|(name, value)| (name.to_string(), (*value).into())).collect();
        let seconds = self.since.elapsed().as_secs_f64();
        let mut line = serde_json::json!({ "epoch": progress.epoch, "step": progress.step });
        let losses = progress.mean_losses();
        let names = (0..losses.len()).map(|objective| loss_name(objective, losses.len()));
        names.zip(&losses).for_each(|(name, loss)| line[&*name] = (*loss).into());
        (line["on"], line["metrics"], line["seconds"]) = (on.into(), metrics.into(), seconds.into());
        let path = weights::folder(self.loaded).join("log.jsonl");
        writeln!(self.log, "{line}").map_err(|e| Failure::io(&path, "write", &e))
    }

    /// Writes a checkpoint.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, session: &Session, progress: &Progress, path: &std::path::Path) -> Result<(), Failure> {
        let source = checkpoint::digest(self.loaded.text.as_bytes());
        let tensors = weights::saved(session);
        let (seed, progress, names) = (self.course.seed, progress.clone(), self.data.train.names());
        let checkpoint = Checkpoint { source, seed, progress, names, tensors };
        checkpoint.write(path).map_err(|error| weights::told(self.common, session, &error))
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.bar.finish_and_clear();
    }

    /// Says what was saved.
    ///
    /// # Errors
    /// None.
    pub fn close(&self) -> Outcome {
        if let Some(kept) = &self.kept {
            let kept = kept.rsplit_once("   ").map_or(&**kept, |(line, _)| line);
            output::line(&format!("best: {kept}   in {}", weights::best(self.loaded).display()));
        }
        output::line(&format!("saved {}", weights::last(self.loaded).display()));
        Ok(0)
    }
}

/// `loss 0.3120`; of several objectives `loss_1 1.2034`, `loss_2 0.7001`.
fn losses(progress: &Progress) -> Vec<String> {
    let losses = progress.mean_losses();
    let named = losses.iter().enumerate();
    named.map(|(i, loss)| format!("{} {loss:.4}", loss_name(i, losses.len()))).collect()
}

fn bar(steps: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len}  {msg}  {eta}").expect("the template is right");
    ProgressBar::new(steps).with_style(style)
}
