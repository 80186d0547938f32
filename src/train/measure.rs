//! Numbers that are taken of a whole split: means of reports and losses, and what they must know of all examples first.
//!
//! **Invariant**: sums run in f64, in the order of the examples, whatever the batches are.

use super::epoch::{Batch, Course, Machine};
use super::session::{Inputs, RunError, Work};
use crate::check::net::{Metric, Part, Reduction};
use crate::data::Split;
use crate::ids::Symbol;
use crate::runtime::program::Moment;

/// A metric's value on a split: its passes, then the mean over all examples.
///
/// # Errors
/// What the machine says.
pub fn metric<M: Machine>(
    machine: &mut M,
    course: &Course,
    metric: Metric,
    split: &Split,
) -> Result<f64, RunError> {
    let measured = course.measured(metric);
    let mut run = Run { seed: course.seed, size: course.batch, known: Vec::new(), renamed: &[] };
    if measured.whole {
        run.size = split.count;
    }
    for (number, parts) in measured.passes.iter().enumerate() {
        let work = Work::Measure(course.training, metric, number);
        let mut sums: Vec<Sum> = parts.iter().map(|_| Sum::default()).collect();
        run.over(machine, split, work, &mut |machine, rows| {
            let output = |name: &str| machine.output(work, rows.len() as u32, name).expect("a pass has its outputs");
            for (sum, part) in sums.iter_mut().zip(parts) {
                sum.add(part, rows.len(), output(&part.name), part.points.as_ref().map(|name| output(name)));
            }
        })?;
        run.known.extend(parts.iter().zip(sums).map(|(part, sum)| (part.name.clone(), sum.result(part))));
    }
    let work = Work::Measure(course.training, metric, measured.passes.len());
    let mut sum = 0.0;
    run.over(machine, split, work, &mut |machine, rows| {
        let values = machine.output(work, rows.len() as u32, "value").expect("the program has its output");
        let each = if values.len() == rows.len() { 1.0 } else { rows.len() as f64 / values.len() as f64 };
        sum += values.iter().map(|v| f64::from(*v) * each).sum::<f64>();
    })?;
    Ok(sum / split.count as f64)
}

/// Runs a program over all examples of a split in batches of `size`, in order; `seen` reads its outputs.
///
/// # Errors
/// What the machine says.
pub fn over<M: Machine>(
    machine: &mut M,
    seed: u64,
    split: &Split,
    size: usize,
    work: Work,
    renamed: &[(Symbol, Symbol)],
    seen: &mut dyn FnMut(&M, &[u32]),
) -> Result<(), RunError> {
    Run { seed, size, known: Vec::new(), renamed }.over(machine, split, work, seen)
}

/// What the runs of one metric share.
struct Run<'a> {
    seed: u64,
    /// Examples at once.
    size: usize,
    /// What earlier passes came to, by the name of the input.
    known: Vec<(Symbol, Vec<f32>)>,
    renamed: &'a [(Symbol, Symbol)],
}

impl Run<'_> {
    fn over<M: Machine>(
        &self,
        machine: &mut M,
        split: &Split,
        work: Work,
        seen: &mut dyn FnMut(&M, &[u32]),
    ) -> Result<(), RunError> {
        let all: Vec<u32> = (0..split.count as u32).collect();
        for rows in all.chunks(self.size) {
            let moment = Moment { seed: self.seed, step: 0, steps: 1, first_example: u64::from(rows[0]) };
            let batch = Batch { split, rows, draw: None, bounds: super::epoch::bounds(split, rows), renamed: self.renamed };
            machine.run(work, rows.len() as u32, &moment, &mut Knowing { batch, known: &self.known })?;
            seen(machine, rows);
        }
        Ok(())
    }
}

/// A batch, and what is known of all.
struct Knowing<'a> {
    batch: Batch<'a>,
    known: &'a [(Symbol, Vec<f32>)],
}

impl Inputs for Knowing<'_> {
    fn real(&mut self, name: &str, out: &mut [f32]) -> bool {
        match self.known.iter().find(|(known, _)| **known == *name) {
            Some((_, values)) => {
                out.copy_from_slice(values);
                true
            }
            None => self.batch.real(name, out),
        }
    }

    fn index(&mut self, name: &str, out: &mut [i32]) -> bool {
        self.batch.index(name, out)
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.batch.shape(name)
    }

    fn shape_of(&self, name: &str, example: usize) -> Option<Vec<usize>> {
        self.batch.shape_of(name, example)
    }

    fn is_ragged(&self) -> bool {
        self.batch.is_ragged()
    }
}

/// The parts of the examples so far, put together element by element.
#[derive(Default)]
struct Sum {
    values: Vec<f64>,
    /// Of a mean.
    points: f64,
    begun: bool,
}

impl Sum {
    /// Adds `rows` examples' parts, one after another.
    fn add(&mut self, part: &Part, rows: usize, values: &[f32], points: Option<&[f32]>) {
        for example in values.chunks_exact((values.len() / rows).max(1)) {
            if !self.begun {
                self.values = example.iter().map(|v| f64::from(*v)).collect();
                self.begun = true;
                continue;
            }
            for (sum, value) in self.values.iter_mut().zip(example) {
                let value = f64::from(*value);
                *sum = match part.by {
                    Reduction::Sum | Reduction::Mean => *sum + value,
                    Reduction::Prod => *sum * value,
                    Reduction::Max => if value < *sum { *sum } else { value },
                    Reduction::Min => if *sum < value { *sum } else { value },
                    Reduction::ArgMax => panic!("bug: an argmax has no parts"),
                };
            }
        }
        self.points += points.map_or(rows as f64, |points| points.iter().map(|n| f64::from(*n)).sum());
    }

    fn result(&self, part: &Part) -> Vec<f32> {
        let by = if part.by == Reduction::Mean { self.points } else { 1.0 };
        self.values.iter().map(|value| (value / by) as f32).collect()
    }
}
