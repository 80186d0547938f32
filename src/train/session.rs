//! The programs of one file, compiled when first met for each batch size and length, over one store of parameters and state.
//!
//! **Invariant**: the store holds every parameter and state of the checked file, by path, row-major, whatever programs
//! exist; so programs of different batch sizes, and of training and evaluation, see the same numbers.

use super::random;
use crate::check;
use crate::check::net::{Checked, Flat, Measure, Metric, Objective};
use crate::compile::{self, Binding, Job};
use crate::graph::{Graph, elaborate};
use crate::ids::Symbol;
use crate::runtime::pool::Pool;
use crate::runtime::program::{Moment, Program};
use crate::runtime::store::Store;
use crate::size::{Poly, show};
use crate::target::Target;
use indexmap::IndexMap;
use std::collections::BTreeMap;
use std::time::Duration;

/// Which of a file's programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// A training step: (`train` item, objective).
    Step(usize, usize),
    /// Loss and gradients: (`train` item, objective, gradients to inputs too).
    Gradients(usize, usize, bool),
    /// The same without loops.
    Unrolled(usize, usize, bool),
    /// A report, or a loss in evaluation: (`train` item, which, pass); behind its passes comes the value itself.
    Measure(usize, Metric, usize),
    /// Pictures: (`train` item, `show`).
    Show(usize, usize),
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
    programs: IndexMap<(Work, Binding), Compiled>,
    /// Which of them some work ran last, by its number of examples.
    last: IndexMap<(Work, u32), usize>,
}

/// A program, and the inputs of it that hold sizes of each example.
struct Compiled {
    program: Program,
    lengths: Vec<(Symbol, Poly)>,
}

/// The inputs of a run, by name.
pub trait Inputs {
    /// Writes the real input `name` of the batch, examples one after another. False if there is none.
    fn real(&mut self, name: &str, out: &mut [f32]) -> bool;
    /// Writes the index input `name`. False if there is none.
    fn index(&mut self, name: &str, out: &mut [i32]) -> bool;
    /// The shape that the input `name` has in the batch, without the batch. None: as declared.
    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        let _ = name;
        None
    }
    /// The shape that the input `name` has in one example of the batch. None: that of the batch.
    fn shape_of(&self, name: &str, example: usize) -> Option<Vec<usize>> {
        let _ = (name, example);
        None
    }
    /// Whether examples of the batch have lengths of their own.
    fn is_ragged(&self) -> bool {
        false
    }
}

/// What a session can run into.
#[derive(Clone, Debug, PartialEq)]
pub enum RunError {
    /// An input of the program that nobody gives.
    NoInput(String),
    /// The machine refuses.
    Machine(String),
    /// The lengths that are there are not those that the net takes.
    Lengths(String),
}

impl std::fmt::Display for RunError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            RunError::NoInput(name) => write!(f, "nothing gives the input `{name}`"),
            RunError::Machine(why) => write!(f, "this machine refuses: {why}"),
            RunError::Lengths(why) => f.write_str(why),
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
        Session { checked, store, target, pool: Pool::new(threads), programs: IndexMap::new(), last: IndexMap::new() }
    }

    /// The lengths that the inputs give to what the net leaves open.
    ///
    /// # Errors
    /// When they do not fit the net.
    pub fn binding(&self, work: Work, batch: u32, inputs: &dyn Inputs) -> Result<Binding, RunError> {
        let mut binding = Binding::from(batch);
        let flat = self.flat(work);
        if flat.lengths.is_empty() {
            return Ok(binding);
        }
        for (name, declared) in flat.open_inputs(&self.checked.sizes) {
            let Some(shape) = inputs.shape(name) else { continue };
            if !check::bind(&self.checked.sizes, declared, &shape, &mut binding.sizes) {
                let declared = show::shape(&self.checked.sizes, declared);
                let at: Vec<String> = binding.sizes.iter().map(|(name, n)| format!("{name} = {n}")).collect();
                let so_far = if at.is_empty() { String::new() } else { format!(" ({})", at.join(", ")) };
                let told = format!("`{name}` is {shape:?} in this batch; declared is {declared}{so_far}");
                return Err(RunError::Lengths(told));
            }
        }
        binding.ragged = inputs.is_ragged();
        flat.fits(&binding.sizes).map_err(|unfit| RunError::Lengths(unfit.told(&self.checked.sources)))?;
        if binding.ragged
            && let Some(at) = elaborate::not_ragged(self.checked, flat)
        {
            let (line, _) = self.checked.sources.position(at);
            let text = self.checked.sources.text(at);
            let told =
                format!("examples of different lengths do not go together in line {line}, `{text}`: `batch = 1`");
            return Err(RunError::Lengths(told));
        }
        Ok(binding)
    }

    /// The program of some work, compiled now if this binding is met for the first time.
    ///
    /// # Errors
    /// When the machine refuses memory for it.
    pub fn program(&mut self, work: Work, at: &Binding) -> Result<&mut Program, RunError> {
        let place = self.compiled(work, at)?;
        Ok(&mut self.programs[place].program)
    }

    /// The same, by its place among the programs.
    fn compiled(&mut self, work: Work, at: &Binding) -> Result<usize, RunError> {
        let key = (work, at.clone());
        if let Some(place) = self.programs.get_index_of(&key) {
            return Ok(place);
        }
        let graph = self.graph(work, at.clone());
        let plan = compile::plan(&graph, self.target);
        let program = compile::program(plan, self.target).map_err(RunError::Machine)?;
        Ok(self.programs.insert_full(key, Compiled { program, lengths: graph.lengths }).0)
    }

    /// The place of the program whose inputs were filled last; without any, that of a net that leaves no length open.
    fn filled(&mut self, work: Work, batch: u32) -> Result<usize, RunError> {
        match self.last.get(&(work, batch)) {
            Some(&place) => Ok(place),
            None => self.compiled(work, &Binding::from(batch)),
        }
    }

    /// The graph of some work for a batch.
    pub fn graph(&self, work: Work, at: impl Into<Binding>) -> Graph {
        compile::graph(self.checked, self.job(work), at)
    }

    /// Runs a program on a batch; its outputs are read by [`Session::output`] afterwards.
    ///
    /// # Errors
    /// When an input is missing or does not fit, or the machine refuses.
    pub fn run(&mut self, work: Work, batch: u32, moment: &Moment, inputs: &mut dyn Inputs) -> Result<(), RunError> {
        self.fill(work, batch, inputs)?;
        self.rerun(work, batch, moment)
    }

    /// Writes the inputs of a program.
    ///
    /// # Errors
    /// When one is missing or does not fit.
    pub fn fill(&mut self, work: Work, batch: u32, inputs: &mut dyn Inputs) -> Result<(), RunError> {
        let at = self.binding(work, batch, inputs)?;
        let place = self.compiled(work, &at)?;
        if at.ragged {
            self.fill_lengths(work, (place, &at), inputs);
        }
        let Compiled { program, lengths } = &mut self.programs[place];
        let names = program.inputs().map(|(name, _)| name.clone());
        let names: Vec<Symbol> = names.filter(|name| lengths.iter().all(|(own, _)| own != name)).collect();
        for name in names {
            let given = match program.input_f32(&name) {
                Some(out) => inputs.real(&name, out),
                None => program.input_i32(&name).is_some_and(|out| inputs.index(&name, out)),
            };
            if !given {
                return Err(RunError::NoInput(name.to_string()));
            }
        }
        self.last.insert((work, batch), place);
        Ok(())
    }

    /// Writes the sizes of each example.
    fn fill_lengths(&mut self, work: Work, (place, at): (usize, &Binding), inputs: &dyn Inputs) {
        let each: Vec<BTreeMap<Symbol, i64>> =
            (0..at.batch as usize).map(|example| self.lengths_of(work, at, inputs, example)).collect();
        let Compiled { program, lengths } = &mut self.programs[place];
        for (name, size) in lengths.iter() {
            // What nothing needs is no input of the program.
            let Some(out) = program.input_i32(name) else { continue };
            for (out, known) in out.iter_mut().zip(&each) {
                let n = size.value_at(known).ok().flatten().and_then(|n| i32::try_from(n).ok());
                *out = n.expect("a size of an example is at most that of its batch");
            }
        }
    }

    /// The lengths of one example of a batch.
    pub fn lengths_of(&self, work: Work, at: &Binding, inputs: &dyn Inputs, example: usize) -> BTreeMap<Symbol, i64> {
        let mut known = BTreeMap::new();
        for (name, declared) in self.flat(work).open_inputs(&self.checked.sizes) {
            if let Some(shape) = inputs.shape_of(name, example) {
                check::bind(&self.checked.sizes, declared, &shape, &mut known);
            }
        }
        for (name, &n) in &at.sizes {
            known.entry(name.clone()).or_insert(n);
        }
        known
    }

    /// Runs a program again on the inputs that it holds.
    ///
    /// # Errors
    /// When the machine refuses.
    pub fn rerun(&mut self, work: Work, batch: u32, moment: &Moment) -> Result<(), RunError> {
        let place = self.filled(work, batch)?;
        let program = &mut self.programs[place].program;
        program.run(&mut self.store, &self.pool, moment).map_err(RunError::Machine)
    }

    /// As `rerun`, and keeps the least times so far: see [`Program::run_timed`].
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
        let place = self.filled(work, batch)?;
        let program = &mut self.programs[place].program;
        program.run_timed(&mut self.store, &self.pool, moment, least).map_err(RunError::Machine)
    }

    /// An output of the last run of a program, row-major, the batch first where the output depends on the example.
    pub fn output(&self, work: Work, batch: u32, name: &str) -> Option<&[f32]> {
        let place = self.last.get(&(work, batch))?;
        self.programs[*place].program.output(name)
    }

    /// The binding of the last run of some work on so many examples.
    pub fn last(&self, work: Work, batch: u32) -> Option<&Binding> {
        let place = self.last.get(&(work, batch))?;
        self.programs.get_index(*place).map(|((_, at), _)| at)
    }

    /// The equations of some work.
    pub fn flat(&self, work: Work) -> &'a Flat {
        match self.job(work) {
            Job::Train(objective) | Job::Gradients(objective, _) | Job::Unrolled(objective, _) => &objective.flat,
            Job::Forward(flat) => flat,
        }
    }

    /// How a metric of a `train` item is taken.
    pub fn measure(&self, training: usize, metric: Metric) -> &'a Measure {
        let training = &self.checked.trainings[training];
        match metric {
            Metric::Report(i) => &training.reports[i].measure,
            Metric::Loss(i) => &training.objectives[i].evaluate,
        }
    }

    fn job(&self, work: Work) -> Job<'a> {
        let objective =
            |training: usize, i: usize| -> &'a Objective { &self.checked.trainings[training].objectives[i] };
        let flat = |flat: &'a Flat| Job::Forward(flat);
        match work {
            Work::Step(training, i) => Job::Train(objective(training, i)),
            Work::Gradients(training, i, inputs) => Job::Gradients(objective(training, i), inputs),
            Work::Unrolled(training, i, inputs) => Job::Unrolled(objective(training, i), inputs),
            Work::Measure(training, metric, pass) => {
                let measure = self.measure(training, metric);
                flat(measure.passes.get(pass).map_or(&measure.flat, |pass| &pass.flat))
            }
            Work::Show(training, i) => flat(&self.checked.trainings[training].shows[i].flat),
            Work::Net(net) => flat(&self.checked.nets[net].evaluate),
            Work::Test(test) => flat(&self.checked.tests[test].flat),
        }
    }
}
