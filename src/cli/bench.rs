//! `brolga bench NET --mode train|infer`: how long a step takes.
//!
//! A training step is that of each objective in turn. Protocol: f32, data already in memory, the loss read back every
//! training step; the first step timed from the start of the process; then warm-up; then the median, minimum and ninth
//! decile of at least 7 steps and `--seconds` seconds; steps under 0.2 ms are timed in groups.

use super::common::{Common, Failure, Outcome};
use super::output;
use crate::compile::{self, Binding};
use crate::data::random;
use crate::graph::Dtype;
use crate::runtime::program::Moment;
use crate::schedule;
use crate::train::session::{Inputs, Session, Work};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::time::{Duration, Instant};

#[derive(clap::Args)]
pub struct Args {
    /// The file
    file: String,
    /// What is timed
    #[arg(long, value_enum, default_value_t = Mode::Train)]
    mode: Mode,
    /// Examples at once; the file's own batch if not given
    #[arg(long)]
    batch: Option<u32>,
    /// How long to measure
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Show where the time goes instead: a line for each kernel
    #[arg(long)]
    profile: bool,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
enum Mode {
    Train,
    Infer,
}

/// What was measured, in milliseconds but for the last two.
struct Measured {
    median: f64,
    min: f64,
    p90: f64,
    n: usize,
    first: f64,
    /// Peak resident memory, MB.
    rss: f64,
    /// CPU seconds a second that other processes used meanwhile.
    others: f64,
}

pub fn run(args: &Args, common: &Common, start: Instant) -> Outcome {
    let loaded = common.load(&args.file)?;
    let checked = &loaded.checked;
    let (works, batch) = match args.mode {
        Mode::Train => {
            let training = checked.trainings.first().ok_or_else(|| Failure::new("this file has no `train`"))?;
            let steps = (0..training.objectives.len()).map(|objective| Work::Step(0, objective));
            (steps.collect::<Vec<_>>(), args.batch.unwrap_or(training.batch))
        }
        Mode::Infer => {
            checked.nets.first().ok_or_else(|| Failure::new("this file has no `net`"))?;
            (vec![Work::Net(0)], args.batch.unwrap_or(1))
        }
    };
    let threads = if args.profile { 1 } else { common.threads() };
    let mut session = Session::new(checked, common.target(), threads, common.seed.unwrap_or(1));
    for &work in &works {
        let nothing = Synthetic { rng: random::keyed(1, "bench"), classes: HashMap::new() };
        let at = session.binding(work, batch, &nothing)?;
        let classes = classes(&session, work, &at);
        session.fill(work, batch, &mut Synthetic { rng: random::keyed(1, "bench"), classes })?;
    }
    if args.profile {
        return profile(&mut session, (works[0], batch), args.seconds);
    }
    let mut step = 0;
    let mut one = || -> Result<(), Failure> {
        step += 1;
        let moment = Moment { seed: 1, step, steps: u64::MAX, first_example: 0 };
        for &work in &works {
            session.rerun(work, batch, &moment)?;
            if args.mode == Mode::Train {
                std::hint::black_box(session.output(work, batch, "loss").map(|loss| loss[0]));
            }
        }
        Ok(())
    };
    one()?;
    let measured = measure(&mut one, args.seconds, start.elapsed())?;
    print(&measured, common.json());
    Ok(0)
}

/// Runs for some seconds, each step of the plan by itself, and prints the least times.
fn profile(session: &mut Session, (work, batch): (Work, u32), seconds: f64) -> Outcome {
    let mut least = Vec::new();
    let (began, mut step) = (Instant::now(), 0);
    while step < 10 || began.elapsed().as_secs_f64() < seconds {
        step += 1;
        let moment = Moment { seed: 1, step, steps: u64::MAX, first_example: 0 };
        session.rerun_timed(work, batch, &moment, &mut least)?;
    }
    let at = session.last(work, batch).expect("the inputs are filled").clone();
    let schedule = schedule::schedule(&compile::optimise(&session.graph(work, at.clone())), session.target);
    let target = session.target;
    let least: Vec<Duration> = least.iter().map(|stretches| stretches.iter().sum()).collect();
    super::profile::print(session.program(work, &at)?.plan(), &schedule, &least, target);
    Ok(0)
}

/// How many values each index input of the program can take.
fn classes(session: &Session, work: Work, at: &Binding) -> HashMap<String, u32> {
    let graph = session.graph(work, at.clone());
    let index = graph.tensors.iter().filter_map(|(_, tensor)| match tensor.dtype {
        Dtype::Index(n) => Some((tensor.name.to_string(), n)),
        Dtype::Real => None,
    });
    index.collect()
}

/// Uniform numbers and classes.
struct Synthetic {
    rng: ChaCha8Rng,
    classes: HashMap<String, u32>,
}

impl Inputs for Synthetic {
    fn real(&mut self, _name: &str, out: &mut [f32]) -> bool {
        out.iter_mut().for_each(|value| *value = random::unit_f32(&mut self.rng));
        true
    }

    fn index(&mut self, name: &str, out: &mut [i32]) -> bool {
        let n = u64::from(self.classes.get(name).copied().unwrap_or(1));
        out.iter_mut().for_each(|value| *value = random::below(&mut self.rng, n) as i32);
        true
    }
}

fn measure(one: &mut impl FnMut() -> Result<(), Failure>, seconds: f64, first: Duration) -> Result<Measured, Failure> {
    let warm = Instant::now();
    let mut n = 0u32;
    while n < 3 || (warm.elapsed().as_secs_f64() < seconds / 4.0 && n < 500) {
        one()?;
        n += 1;
    }
    let per_step = warm.elapsed().as_secs_f64() / f64::from(n);
    let group = ((2e-4 / per_step) as usize).max(1);
    let (began, busy) = (Instant::now(), busy());
    let mut times = Vec::new();
    while times.len() < 7 || (began.elapsed().as_secs_f64() < seconds && times.len() < 5000) {
        let from = Instant::now();
        for _ in 0..group {
            one()?;
        }
        times.push(from.elapsed().as_secs_f64() / group as f64 * 1e3);
    }
    let now = self::busy();
    let others = ((now.0 - busy.0) - (now.1 - busy.1)) / began.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let n = times.len();
    let median = if n % 2 == 1 { times[n / 2] } else { (times[n / 2 - 1] + times[n / 2]) / 2.0 };
    let p90 = times[(n as f64 * 0.9) as usize];
    let first = first.as_secs_f64() * 1e3;
    Ok(Measured { median, min: times[0], p90, n, first, rss: rss_mb(), others: others.max(0.0) })
}

/// CPU seconds used so far by the whole machine and by this process; zeros where the system does not tell.
fn busy() -> (f64, f64) {
    // USER_HZ is 100 on every Linux that Rust supports.
    const TICKS: f64 = 100.0;
    let whole = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let fields: Vec<f64> =
        whole.lines().next().unwrap_or("").split_whitespace().skip(1).take(8).flat_map(str::parse).collect();
    let machine = if fields.len() == 8 { fields.iter().sum::<f64>() - fields[3] - fields[4] } else { 0.0 };
    let own = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let own = own
        .rsplit(')')
        .next()
        .unwrap_or("")
        .split_whitespace()
        .skip(11)
        .take(2)
        .flat_map(str::parse::<f64>)
        .sum::<f64>();
    (machine / TICKS, own / TICKS)
}

/// Peak resident memory in MB (1024 * 1024 bytes); 0 where the system does not tell.
fn rss_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or("");
    let kib: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).unwrap_or(0.0);
    kib / 1024.0
}

fn print(m: &Measured, json: bool) {
    let round = |value: f64, digits: f64| (value * digits).round() / digits;
    if json {
        let value = serde_json::json!({
            "ms": round(m.median, 1e5), "min_ms": round(m.min, 1e5), "p90_ms": round(m.p90, 1e5), "n": m.n,
            "first_ms": round(m.first, 1e3), "rss_mb": round(m.rss, 10.0), "others": round(m.others, 100.0),
        });
        return output::line(&value.to_string());
    }
    output::line(&format!("median     {:.4} ms  (min {:.4}, p90 {:.4}, {} steps)", m.median, m.min, m.p90, m.n));
    output::line(&format!("first step {:.1} ms after the start of the process", m.first));
    output::line(&format!("memory     {:.1} MB at its peak", m.rss));
    if m.others > 0.15 {
        output::line(&format!("others     used {:.2} CPU seconds a second meanwhile: measure again", m.others));
    }
}
