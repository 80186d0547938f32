//! A net that takes one step at a time, its past carried from step to step.
//!
//! **Invariant**: after n steps the outputs are those of the whole net on these n steps, at the last of them; the same
//! program runs at each step, so that its time does not depend on how many there were.

use super::session::{Inputs, RunError, Session, Work};
use crate::check::stepwise::{NOW, Past, Stepwise};
use crate::ids::Symbol;
use crate::runtime::program::Moment;

/// What one input is at one step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Real(Vec<f32>),
    Index(Vec<i32>),
}

/// A net under way.
pub struct Stepper<'a> {
    pub session: Session<'a>,
    net: usize,
    pasts: Vec<(&'a Past, Step)>,
    now: i32,
    seed: u64,
    most: Option<i64>,
}

impl<'a> Stepper<'a> {
    /// Before the first step. The session is one of the stepwise net's own file.
    pub fn new(stepwise: &'a Stepwise, session: Session<'a>, seed: u64) -> Stepper<'a> {
        let pasts = stepwise.pasts.iter().map(|past| (past, empty(past))).collect();
        Stepper { session, net: stepwise.net, pasts, now: 0, seed, most: stepwise.limits.high }
    }

    /// Takes a step: `given` are the net's inputs. Its outputs are then read by [`Stepper::output`].
    ///
    /// # Errors
    /// When an input is missing, the machine refuses, or the net takes no more steps.
    pub fn step(&mut self, given: &[(Symbol, Step)]) -> Result<(), RunError> {
        if self.most.is_some_and(|most| i64::from(self.now) >= most) {
            return Err(RunError::Lengths(format!("the net takes at most {} steps", self.now)));
        }
        let work = Work::Net(self.net);
        let moment = Moment { seed: self.seed, step: 0, steps: 1, first_example: 0 };
        let mut inputs = Present { given, pasts: &self.pasts, now: self.now };
        self.session.run(work, 1, &moment, &mut inputs)?;
        for (past, kept) in &mut self.pasts {
            match (&past.next, &past.of) {
                (Some(next), _) => {
                    let values = self.session.output(work, 1, next).expect("a past has its next one");
                    *kept = Step::Real(values.to_vec());
                }
                (None, Some(of)) => {
                    let step = given.iter().find(|(name, _)| name == of).map(|(_, step)| step);
                    push(past, kept, step.expect("the net took its inputs"));
                }
                (None, None) => {}
            }
        }
        self.now += 1;
        Ok(())
    }

    /// An output of the last step, row-major.
    pub fn output(&self, name: &str) -> Option<&[f32]> {
        self.session.output(Work::Net(self.net), 1, name)
    }

    /// How many steps were taken.
    pub fn steps(&self) -> u64 {
        self.now as u64
    }
}

/// Nothing was before the first step; what stands there is never chosen.
fn empty(past: &Past) -> Step {
    let size = past.outer * past.steps * past.inner;
    if past.is_index { Step::Index(vec![0; size]) } else { Step::Real(vec![0.0; size]) }
}

/// Forgets the oldest step and takes a new one.
fn push(past: &Past, kept: &mut Step, step: &Step) {
    match (kept, step) {
        (Step::Real(kept), Step::Real(step)) => shift(past, kept, step),
        (Step::Index(kept), Step::Index(step)) => shift(past, kept, step),
        (Step::Real(_), Step::Index(_)) | (Step::Index(_), Step::Real(_)) => {}
    }
}

fn shift<T: Copy>(past: &Past, kept: &mut [T], step: &[T]) {
    let block = past.steps * past.inner;
    for outer in 0..past.outer {
        let own = &mut kept[outer * block..(outer + 1) * block];
        own.copy_within(past.inner.., 0);
        own[block - past.inner..].copy_from_slice(&step[outer * past.inner..(outer + 1) * past.inner]);
    }
}

/// The inputs of one step.
struct Present<'s> {
    given: &'s [(Symbol, Step)],
    pasts: &'s [(&'s Past, Step)],
    now: i32,
}

impl Present<'_> {
    fn find(&self, name: &str) -> Option<&Step> {
        let given = self.given.iter().find(|(input, _)| **input == *name).map(|(_, step)| step);
        given.or_else(|| self.pasts.iter().find(|(past, _)| *past.input == *name).map(|(_, kept)| kept))
    }
}

impl Inputs for Present<'_> {
    fn real(&mut self, name: &str, out: &mut [f32]) -> bool {
        let Some(Step::Real(values)) = self.find(name).filter(|step| step.len() == out.len()) else { return false };
        out.copy_from_slice(values);
        true
    }

    fn index(&mut self, name: &str, out: &mut [i32]) -> bool {
        if name == NOW {
            out.fill(self.now);
            return true;
        }
        let Some(Step::Index(values)) = self.find(name).filter(|step| step.len() == out.len()) else { return false };
        out.copy_from_slice(values);
        true
    }
}

impl Step {
    fn len(&self) -> usize {
        match self {
            Step::Real(values) => values.len(),
            Step::Index(values) => values.len(),
        }
    }
}
