//! A plan made runnable: its kernels compiled, its buffers placed, each step bound to both. A run allocates nothing.
//!
//! **Invariant**: made only of plans and kernels that their checks have passed.

use super::arena::{Memory, Span, copy};
use super::jit::{Bound, Code, Flushed, flushed};
use super::pool::Pool;
use super::store::Store;
use crate::graph::{HostExpr, scalar};
use crate::ids::Symbol;
use crate::kernel::{self, Elem, Kernel};
use crate::noise::Noise;
use crate::plan::{self, Buffer, BufferId, Place, Plan, Step};
use crate::target::Target;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// When a run takes place: all that noise and host numbers depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    pub seed: u64,
    /// From 1.
    pub step: u64,
    /// In all.
    pub steps: u64,
    /// The number of the batch's first example.
    pub first_example: u64,
}

/// A compiled plan and its memory.
pub struct Program {
    plan: Plan,
    code: Arc<Code>,
    /// One for each of the plan's buffers; none for what lies in a store that is not bound yet.
    spans: Vec<Option<Span>>,
    steps: Vec<Ready>,
    /// The version of the store that `steps` are bound to.
    bound: Option<u64>,
    /// By kernel, whether waking the other threads pays.
    long: Vec<bool>,
}

/// A step with its memory.
enum Ready {
    Call { bound: Bound, long: bool },
    Copy { from: Span, to: Span },
    Loop { trip: u64, body: Vec<Ready> },
}

/// Stretches in which the parts of a kernel are timed.
const STRETCHES: u64 = 64;

impl Ready {
    fn run_timed(&self, set: &Flushed, pool: &Pool, least: &mut Vec<Duration>) {
        let mut time = |at: usize, work: &dyn Fn()| {
            least.resize(least.len().max(at + 1), Duration::MAX);
            let start = Instant::now();
            work();
            least[at] = start.elapsed().min(least[at]);
        };
        match self {
            Ready::Copy { .. } | Ready::Loop { .. } => {
                time(0, &|| run(std::slice::from_ref(self), set, pool, &mut [0; plan::DEPTH], 0));
            }
            Ready::Call { bound, .. } => {
                let step = bound.parts().div_ceil(STRETCHES).max(1);
                for (at, first) in (0..bound.parts()).step_by(step as usize).enumerate() {
                    time(at, &|| bound.run_flushed(set, &[], first, (first + step).min(bound.parts())));
                }
            }
        }
    }
}

/// Machine instructions of a whole kernel below which it runs on the caller alone: some five microseconds, against one
/// or two that it takes to fork and join.
const SHORT: u64 = 30_000;

impl Program {
    /// Checks a laid-out plan and its kernels, compiles them and places the buffers.
    ///
    /// # Errors
    /// What a check finds, which is a bug of the compiler, or what the system refuses.
    pub fn new(plan: Plan, target: Target) -> Result<Program, String> {
        // `Code::compile` checks the kernels.
        plan::check::check(&plan)?;
        let kernels: Vec<&Kernel> = plan.kernels.iter().map(|(_, kernel)| kernel).collect();
        let code = Code::compile(&kernels, target)?;
        let bytes = usize::try_from(plan.arena).map_err(|_| format!("an arena of {} bytes", plan.arena))?;
        let arena = Memory::new(bytes);
        let spans = plan.buffers.iter().map(|(_, buffer)| place(buffer, &arena)).collect();
        let long = kernels.iter().map(|kernel| kernel::cost::instructions(kernel) > SHORT).collect();
        Ok(Program { plan, code, spans, steps: Vec::new(), bound: None, long })
    }

    /// The plan that it runs.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What the caller fills before each run.
    pub fn inputs(&self) -> impl Iterator<Item = (&Symbol, &Buffer)> {
        self.plan.inputs.iter().map(|(name, id)| (name, &self.plan.buffers[*id]))
    }

    /// What the caller reads after a run.
    pub fn outputs(&self) -> impl Iterator<Item = (&Symbol, &Buffer)> {
        self.plan.outputs.iter().map(|(name, id)| (name, &self.plan.buffers[*id]))
    }

    /// An input's numbers, to fill. A run may use the memory for other things: fill it before each.
    pub fn input_f32(&mut self, name: &str) -> Option<&mut [f32]> {
        self.input(name, Elem::F32).map(Span::f32_mut)
    }

    /// An input of whole numbers, to fill before each run.
    pub fn input_i32(&mut self, name: &str) -> Option<&mut [i32]> {
        self.input(name, Elem::I32).map(Span::i32_mut)
    }

    fn input(&mut self, name: &str, elem: Elem) -> Option<&mut Span> {
        let (_, id) = self.plan.inputs.iter().find(|input| &*input.0 == name)?;
        if self.plan.buffers[*id].elem != elem {
            return None;
        }
        self.spans[id.index()].as_mut()
    }

    /// An output's numbers, as the last run has left them; none before the first. What a net keeps in the store is read
    /// there.
    pub fn output(&self, name: &str) -> Option<&[f32]> {
        self.bound?;
        let (_, id) = self.plan.outputs.iter().find(|output| &*output.0 == name)?;
        let buffer = &self.plan.buffers[*id];
        match (&buffer.place, buffer.elem) {
            (Place::Store(_), _) | (_, Elem::I32) => None,
            (_, Elem::F32) => self.spans[id.index()].as_ref().map(Span::f32),
        }
    }

    /// Runs all steps once: draws the noise, evaluates the host's numbers, calls the kernels in order.
    ///
    /// # Errors
    /// If the store lacks a buffer, or has it in another length.
    pub fn run(&mut self, store: &mut Store, pool: &Pool, moment: &Moment) -> Result<(), String> {
        if self.bound != Some(store.version()) {
            self.bind(store)?;
        }
        self.fill(moment);
        flushed(|set| run(&self.steps, set, pool, &mut [0; plan::DEPTH], 0));
        Ok(())
    }

    /// As `run`, where only loops have more than this thread, and keeps the least time that each stretch of each step took so far: the sum of a
    /// step's stretches is its time on a machine that does nothing else meanwhile.
    ///
    /// # Errors
    /// As `run`.
    pub fn run_timed(
        &mut self,
        store: &mut Store,
        pool: &Pool,
        moment: &Moment,
        least: &mut Vec<Vec<Duration>>,
    ) -> Result<(), String> {
        if self.bound != Some(store.version()) {
            self.bind(store)?;
        }
        self.fill(moment);
        least.resize(self.steps.len(), Vec::new());
        flushed(|set| self.steps.iter().zip(least).for_each(|(step, least)| step.run_timed(set, pool, least)));
        Ok(())
    }

    /// Binds each step to its buffers.
    fn bind(&mut self, store: &Store) -> Result<(), String> {
        for (id, buffer) in self.plan.buffers.iter() {
            if let Place::Store(name) = &buffer.place {
                self.spans[id.index()] = Some(stored(store, name, buffer)?);
            }
        }
        self.steps = self.plan.steps.iter().map(|step| self.ready(step)).collect();
        self.bound = Some(store.version());
        Ok(())
    }

    fn ready(&self, step: &Step) -> Ready {
        match step {
            Step::Call { kernel, buffers, .. } => {
                let spans: Vec<Span> = buffers.iter().map(|&b| self.span(b).clone()).collect();
                let bound = self.code.bind(kernel.index(), &spans);
                Ready::Call { bound, long: self.long[kernel.index()] }
            }
            Step::Copy { from, to } => Ready::Copy { from: self.span(*from).clone(), to: self.span(*to).clone() },
            Step::Loop { trip, body, .. } => {
                Ready::Loop { trip: u64::from(*trip), body: body.iter().map(|step| self.ready(step)).collect() }
            }
        }
    }

    fn span(&self, buffer: BufferId) -> &Span {
        self.spans[buffer.index()].as_ref().expect("bind has placed all buffers")
    }

    /// Writes what the runtime makes before each run.
    fn fill(&mut self, moment: &Moment) {
        for ((_, buffer), span) in self.plan.buffers.iter().zip(&mut self.spans) {
            match (&buffer.place, span) {
                (Place::Noise { key, normal }, Some(span)) => {
                    let noise = Noise::new(moment.seed, key, moment.step, *normal);
                    noise.fill(span.f32_mut(), moment.first_example, per_example(buffer));
                }
                (Place::Host(expr), Some(span)) => span.f32_mut().fill(host(expr, moment)),
                (
                    Place::Arena { .. } | Place::Store(_) | Place::Constant(_) | Place::Noise { .. } | Place::Host(_),
                    _,
                ) => {}
            }
        }
    }
}

/// Runs steps inside `depth` loops, whose turns are the first of `turns`.
fn run(steps: &[Ready], set: &Flushed, pool: &Pool, turns: &mut [u64; plan::DEPTH], depth: usize) {
    for step in steps {
        match step {
            Ready::Call { bound, long: false } => bound.run_flushed(set, &turns[..depth], 0, bound.parts()),
            Ready::Call { bound, long: true } => {
                let turns = &turns[..depth];
                pool.run(bound.parts(), &|first, end| bound.run(turns, first, end));
            }
            Ready::Copy { from, to } => copy(from, to),
            Ready::Loop { trip, body } => {
                for turn in 0..*trip {
                    turns[depth] = turn;
                    run(body, set, pool, turns, depth + 1);
                }
            }
        }
    }
}

/// The memory of a buffer that no store holds.
fn place(buffer: &Buffer, arena: &Arc<Memory>) -> Option<Span> {
    let len = buffer.len as usize;
    match &buffer.place {
        Place::Arena { offset, .. } => {
            let offset = usize::try_from(*offset).expect("plan::check has seen it inside the arena");
            Some(Span::new(arena, offset, len))
        }
        Place::Store(_) => None,
        Place::Constant(values) => Some(constant(values, buffer.elem)),
        Place::Noise { .. } | Place::Host(_) => Some(Span::alone(len)),
    }
}

fn constant(values: &[f32], elem: Elem) -> Span {
    let mut span = Span::alone(values.len());
    match elem {
        Elem::F32 => span.f32_mut().copy_from_slice(values),
        Elem::I32 => span.i32_mut().iter_mut().zip(values).for_each(|(to, &from)| *to = from as i32),
    }
    span
}

fn stored(store: &Store, name: &str, buffer: &Buffer) -> Result<Span, String> {
    let Some(span) = store.span(name) else {
        return Err(format!("the store has no {name}"));
    };
    if span.len() != buffer.len as usize {
        return Err(format!("{name} has {} numbers in the store, the plan wants {}", span.len(), buffer.len));
    }
    Ok(span.clone())
}

/// Elements of one example: the first axis is the batch.
fn per_example(buffer: &Buffer) -> usize {
    let batch = buffer.shape.first().copied().unwrap_or(1).max(1);
    (buffer.len / batch) as usize
}

fn host(expr: &HostExpr, moment: &Moment) -> f32 {
    scalar::host(expr, moment.step as f64, moment.steps as f64) as f32
}
