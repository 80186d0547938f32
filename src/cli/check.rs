//! `brolga check FILES`: mistakes of names, shapes and data; with `--fix` those that have a sure repair are repaired;
//! with `--emit` and `--time`, what the compiler makes of the file.

use super::common::{self, Common, Failure, Outcome};
use super::output;
use crate::check::net::Checked;
use crate::compile::{Binding, Job};
use crate::emit::{self, Stage};
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(clap::Args)]
pub struct Args {
    /// The files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Apply the first repair that was tried and found to help, as long as there is one
    #[arg(long)]
    fix: bool,
    /// Show stages: graph, grad, schedule, kernel, clif, asm, plan, or all
    #[arg(long, value_delimiter = ',', value_name = "STAGE")]
    emit: Vec<String>,
    /// For --emit: write each stage to a numbered file in this folder
    #[arg(short, value_name = "DIR")]
    out: Option<PathBuf>,
    /// For --emit and --time: examples at once
    #[arg(long)]
    batch: Option<u32>,
    /// Show how long each stage takes
    #[arg(long)]
    time: bool,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let wanted = stages(&args.emit)?;
    let mut worst = 0;
    for path in &args.files {
        let mut text = common::read_text(path)?;
        if args.fix {
            text = fix(path, text, common)?;
        }
        let began = Instant::now();
        let (checked, findings) = common.findings(path, &text, true)?;
        let took = began.elapsed();
        if !findings.is_empty() {
            output::text(&findings);
        }
        let Some(checked) = checked else {
            worst = 1;
            continue;
        };
        if findings.is_empty() && wanted.is_empty() && !args.time && !common.json() {
            output::line(&format!("{}: ok", path.display()));
        }
        if args.time {
            output::line(&format!("{:<18}{:>10.3} ms", "check", took.as_secs_f64() * 1e3));
        }
        if args.time || !wanted.is_empty() {
            emit(args, common, &checked, &wanted)?;
        }
    }
    Ok(worst)
}

fn stages(names: &[String]) -> Result<Vec<Stage>, Failure> {
    if names.iter().any(|name| name == "all") {
        return Ok(Stage::ALL.iter().map(|(stage, _)| *stage).collect());
    }
    let each = names.iter().map(|name| {
        let found = Stage::ALL.iter().find(|(_, known)| known == name).map(|(stage, _)| *stage);
        let known = || Stage::ALL.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(", ");
        found.ok_or_else(|| Failure::usage(format!("there is no stage `{name}`; there are {}, and all", known())))
    });
    each.collect()
}

/// The first training step of the file, or else its first net.
fn job(checked: &Checked) -> Option<(Job<'_>, u32)> {
    if let Some(training) = checked.trainings.first() {
        return Some((Job::Train(training.objectives.first()?), training.batch));
    }
    Some((Job::Forward(&checked.nets.first()?.evaluate), 1))
}

fn emit(args: &Args, common: &Common, checked: &Checked, wanted: &[Stage]) -> Result<(), Failure> {
    let Some((job, batch)) = job(checked) else {
        return Err(Failure::new("this file has nothing to compile: no `net`, no `train`"));
    };
    let binding = Binding::from(args.batch.unwrap_or(batch));
    let flat = match job {
        Job::Train(objective) | Job::Gradients(objective, _) | Job::Unrolled(objective, _) => &objective.flat,
        Job::Forward(flat) => flat,
    };
    flat.fits(&binding.sizes).map_err(|unfit| Failure::new(unfit.told(&checked.sources)))?;
    if args.time {
        for (stage, time) in emit::times(checked, job, &binding, common.target()).map_err(Failure::new)? {
            output::line(&format!("{stage:<18}{:>10.3} ms", time.as_secs_f64() * 1e3));
        }
    }
    let shown = emit::stages(checked, job, &binding, common.target(), wanted).map_err(Failure::new)?;
    for (number, (name, text)) in shown.iter().enumerate() {
        match &args.out {
            Some(folder) => write_stage(folder, number, name, text)?,
            None if shown.len() == 1 => output::text(text),
            None => output::text(&format!("==== {name}\n{text}\n")),
        }
    }
    Ok(())
}

fn write_stage(folder: &Path, number: usize, name: &str, text: &str) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| Failure::io(folder, "make", &error))?;
    let path = folder.join(format!("{number}-{name}.txt"));
    std::fs::write(&path, text).map_err(|error| Failure::io(&path, "write", &error))
}

/// Applies repairs until there is none, and writes the file if it changed.
fn fix(path: &Path, text: String, common: &Common) -> Result<String, Failure> {
    let (mut now, mut applied) = (text.clone(), 0);
    // Each repair clears a finding; a bound keeps two that undo each other from going on for ever.
    while applied < 50 {
        let Some(next) = common.first_fix(path, &now)? else { break };
        now = next;
        applied += 1;
    }
    if now != text {
        common::write_text(path, &now)?;
        output::note(&format!("{}: {applied} repaired", path.display()));
    }
    Ok(now)
}
