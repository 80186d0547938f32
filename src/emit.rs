//! Shows what lies between the stages of the walk, and how long each took: the only place that prints and times them.

use crate::check::net::Checked;
use crate::codegen;
use crate::compile::{self, Binding, Job};
use crate::graph::{Graph, text};
use crate::lower;
use crate::plan;
use crate::schedule;
use crate::target::Target;
use std::time::{Duration, Instant};

/// A stage whose result can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The equations of the forward pass.
    Graph,
    /// The equations of all that is computed: gradients, update.
    Grad,
    /// What is computed together, and how.
    Schedule,
    /// The kernels, as text.
    Kernel,
    /// Cranelift's input.
    Clif,
    /// Machine code.
    Asm,
    /// Steps and buffers.
    Plan,
}

impl Stage {
    /// All stages in the order of the walk, with the names that the command line uses.
    pub const ALL: [(Stage, &'static str); 7] = [
        (Stage::Graph, "graph"),
        (Stage::Grad, "grad"),
        (Stage::Schedule, "schedule"),
        (Stage::Kernel, "kernel"),
        (Stage::Clif, "clif"),
        (Stage::Asm, "asm"),
        (Stage::Plan, "plan"),
    ];
}

/// The texts of the wanted stages of a job for a batch, in the order of the walk.
///
/// # Errors
/// When Cranelift refuses a kernel.
pub fn stages(
    checked: &Checked,
    job: Job,
    binding: &Binding,
    target: Target,
    wanted: &[Stage],
) -> Result<Vec<(&'static str, String)>, String> {
    let mut shown = Vec::new();
    if wanted.contains(&Stage::Graph) {
        let forward = match job {
            Job::Train(objective) | Job::Gradients(objective, _) | Job::Unrolled(objective, _) => {
                Job::Forward(&objective.flat)
            }
            Job::Forward(_) => job,
        };
        shown.push(("graph", graph_text(&compile::graph(checked, forward, binding.clone()))));
    }
    if wanted.iter().all(|stage| *stage == Stage::Graph) {
        return Ok(shown);
    }
    let whole = compile::graph(checked, job, binding.clone());
    let optimised = compile::optimise(&whole);
    let schedule = schedule::schedule(&optimised, target);
    let plan = compile::laid_out(lower::follow(&schedule));
    for (stage, name) in Stage::ALL.into_iter().filter(|(stage, _)| wanted.contains(stage)) {
        let text = match stage {
            Stage::Graph => continue,
            Stage::Grad => graph_text(&optimised),
            Stage::Schedule => schedule::text::print(&schedule),
            Stage::Kernel => each_kernel(&plan, |kernel| Ok(kernel.to_string()))?,
            Stage::Clif => each_kernel(&plan, codegen::show::clif)?,
            Stage::Asm => each_kernel(&plan, |kernel| codegen::show::asm(kernel, target))?,
            Stage::Plan => plan.to_string(),
        };
        shown.push((name, text));
    }
    Ok(shown)
}

/// A graph, and below it what of it is computed one time after the other.
fn graph_text(graph: &Graph) -> String {
    text::print(graph) + &text::recurrences(graph)
}

/// How long each stage of the walk takes for a job, from the checked net to machine code.
///
/// # Errors
/// When the machine refuses memory.
pub fn times(
    checked: &Checked,
    job: Job,
    binding: &Binding,
    target: Target,
) -> Result<Vec<(&'static str, Duration)>, String> {
    let mut clock = Clock { last: Instant::now(), times: Vec::new() };
    let graph = compile::graph(checked, job, binding.clone());
    clock.lap("elaborate, grad");
    let graph = compile::optimise(&graph);
    clock.lap("rewrite");
    let schedule = schedule::schedule(&graph, target);
    clock.lap("schedule");
    let plan = compile::laid_out(lower::follow(&schedule));
    clock.lap("lower");
    compile::program(plan, target)?;
    clock.lap("codegen");
    Ok(clock.times)
}

struct Clock {
    last: Instant,
    times: Vec<(&'static str, Duration)>,
}

impl Clock {
    fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        self.times.push((stage, now - self.last));
        self.last = now;
    }
}

fn each_kernel(
    plan: &plan::Plan,
    show: impl Fn(&crate::kernel::Kernel) -> Result<String, String>,
) -> Result<String, String> {
    let texts: Result<Vec<String>, String> = plan.kernels.iter().map(|(_, kernel)| show(kernel)).collect();
    Ok(texts?.join("\n"))
}
