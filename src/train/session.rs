//! The programs of one file, compiled when first met for each batch size, over one store of parameters and state.
//!
//! **Invariant**: the store holds every parameter and state of the checked file, by path, row-major, whatever programs
//! exist; so programs of different batch sizes, and of training and evaluation, see the same numbers.

use super::random;
use crate::check::net::{Checked, Flat, Objective};
use crate::compile::{self, Job};
use crate::graph::Graph;
use crate::ids::Symbol;
use crate::runtime::pool::Pool;
use crate::runtime::program::{Moment, Program};
use crate::runtime::store::Store;
use crate::target::Target;
use indexmap::IndexMap;
use std::time::Duration;

/// Which of a file's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// A training step: (`train` item, objective).
    Step(usize, usize),
    /// Loss and gradients: (`train` item, objective, gradients to inputs too).
    Gradients(usize, usize, bool),
    /// (`train` item, report)
    Report(usize, usize),
    /// A net in evaluation.
    Net(usize),
    /// A test's values.
    Test(usize),
}

/// One checked file at work.
pub struct Session<'a> {
    pub checked: &'a Checked,
    pub store: Store,
    pub target: Target,
    pool: Pool,
    programs: IndexMap<(Work, u32), Program>,
}

/// The inputs of a run, by name.
pub trait Inputs {
    /// Writes the real input `name` of the batch, examples one after another. False if there is none.
    fn real(&mut self, name: &str, out: &mut [f32]) -> bool;
    /// Writes the index input `name`. False if there is none.
    fn index(&mut self, name: &str, out: &mut [i32]) -> bool;
}

/// What a session can run into.
#[derive(Clone, Debug, PartialEq)]
pub enum RunError {
    /// An input of the program that nobody gives.
    NoInput(String),
    /// The machine refuses.
    Machine(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RunError::NoInput(name) => write!(f, "nothing gives the input `{name}`"),
            RunError::Machine(why) => write!(f, "this machine refuses: {why}"),
        }
    }
}

impl<'a> Session<'a> {
    /// A session with freshly drawn parameters, on `threads` threads.
    pub fn new(checked: &'a Checked, target: Target, threads: usize, seed: u64) -> Session<'a> {
        let mut store = Store::new();
        for (_, param) in checked.params.iter() {
            store.set(&param.path, &random::initial(checked, param, seed));
        }
        Session { checked, store, target, pool: Pool::new(threads), programs: IndexMap::new() }
    }

    /// The program of some work for a batch, compiled now if it is met for the first time.
    ///
    /// # Errors
    /// When the machine refuses memory for it.
    pub fn program(&mut self, work: Work, batch: u32) -> Result<&mut Program, RunError> {
        let key = (work, batch);
        if !self.programs.contains_key(&key) {
            let plan = compile::plan(&self.graph(work, batch), self.target);
            let program = compile::program(plan, self.target).map_err(RunError::Machine)?;
            self.programs.insert(key, program);
        }
        Ok(&mut self.programs[&key])
    }

    /// The graph of some work for a batch.
    pub fn graph(&self, work: Work, batch: u32) -> Graph {
        compile::graph(self.checked, self.job(work), batch)
    }

    /// Runs a program on a batch; its outputs are read from [`Session::program`] afterwards.
    ///
    /// # Errors
    /// When an input is missing, or the machine refuses.
    pub fn run(&mut self, work: Work, batch: u32, moment: &Moment, inputs: &mut dyn Inputs) -> Result<(), RunError> {
        self.fill(work, batch, inputs)?;
        self.rerun(work, batch, moment)
    }

    /// Writes the inputs of a program.
    ///
    /// # Errors
    /// When one is missing.
    pub fn fill(&mut self, work: Work, batch: u32, inputs: &mut dyn Inputs) -> Result<(), RunError> {
        let program = self.program(work, batch)?;
        let names: Vec<Symbol> = program.inputs().map(|(name, _)| name.clone()).collect();
        for name in names {
            let given = match program.input_f32(&name) {
                Some(out) => inputs.real(&name, out),
                None => program.input_i32(&name).is_some_and(|out| inputs.index(&name, out)),
            };
            if !given {
                return Err(RunError::NoInput(name.to_string()));
            }
        }
        Ok(())
    }

    /// Runs a program again on the inputs that it holds.
    ///
    /// # Errors
    /// When the machine refuses.
    pub fn rerun(&mut self, work: Work, batch: u32, moment: &Moment) -> Result<(), RunError> {
        self.program(work, batch)?;
        let program = &mut self.programs[&(work, batch)];
        program.run(&mut self.store, &self.pool, moment).map_err(RunError::Machine)
    }

    /// As `rerun` on one thread, and keeps the least times so far: see [`Program::run_timed`].
    ///
    /// # Errors
    /// When the machine refuses.
    pub fn rerun_timed(
        &mut self,
        work: Work,
        batch: u32,
        moment: &Moment,
        least: &mut Vec<Vec<Duration>>,
    ) -> Result<(), RunError> {
        self.program(work, batch)?;
        let program = &mut self.programs[&(work, batch)];
        program.run_timed(&mut self.store, moment, least).map_err(RunError::Machine)
    }

    /// An output of the last run of a program, row-major, the batch first where the output depends on the example.
    pub fn output(&self, work: Work, batch: u32, name: &str) -> Option<&[f32]> {
        self.programs.get(&(work, batch))?.output(name)
    }

    fn job(&self, work: Work) -> Job<'a> {
        let objective =
            |training: usize, i: usize| -> &'a Objective { &self.checked.trainings[training].objectives[i] };
        let flat = |flat: &'a Flat| Job::Forward(flat);
        match work {
            Work::Step(training, i) => Job::Train(objective(training, i)),
            Work::Gradients(training, i, inputs) => Job::Gradients(objective(training, i), inputs),
            Work::Report(training, i) => flat(&self.checked.trainings[training].reports[i].flat),
            Work::Net(net) => flat(&self.checked.nets[net].evaluate),
            Work::Test(test) => flat(&self.checked.tests[test].flat),
        }
    }
}
