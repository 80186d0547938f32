//! The whole compiler, a line a stage: the file to read first.
//!
//! Text to tree to checked net is [`front`]; checked net to graph is [`graph`]; graph to kernels and a plan is
//! [`plan`]; plan to machine code is [`program`]. `emit.rs` shows what lies between.

use crate::check::net::{Checked, Flat, Objective};
use crate::check::{self, Options};
use crate::diagnostic::Diagnostic;
use crate::grad::{self, step};
pub use crate::graph::elaborate::Binding;
use crate::graph::{self, Graph, normal, rewrite};
use crate::lower;
use crate::plan::{self, Plan};
use crate::problem::{Problems, Seen};
use crate::runtime::program::Program;
use crate::source::{SourceId, Sources};
use crate::target::Target;

/// What a program is to compute for a batch.
#[derive(Clone, Copy, Debug)]
pub enum Job<'a> {
    /// One training step: the loss, new parameters, new state.
    Train(&'a Objective),
    /// The loss and its gradients to the parameters and, if true, to the inputs.
    Gradients(&'a Objective, bool),
    /// The same with each recurrence as a copy for each step: what loops do is compared with it.
    Unrolled(&'a Objective, bool),
    /// The outputs of a net, of a report or of a test.
    Forward(&'a Flat),
}

/// Text to checked net. `path` is how messages name the file.
pub fn front(path: &str, text: &str, options: &Options) -> (Checked, Problems) {
    let mut sources = Sources::default();
    let file = sources.add(path, text);
    check::check(sources, file, options)
}

/// What to tell of a file's problems, with repairs that were tried on its text and helped.
pub fn told(checked: &Checked, problems: &Problems, path: &str, options: &Options) -> Vec<Diagnostic> {
    let own = checked.sources.iter().next().map(|(_, source)| source.text.clone()).unwrap_or_default();
    let mut recheck = |source: SourceId, text: &str| {
        let (again, found) = match source.index() {
            0 => front(path, text, options),
            _used => front(path, &own, &options.with_file(&checked.sources.get(source).path, text)),
        };
        let told = found.diagnostics(&again.sources, &again.sizes);
        let seen = |d: &Diagnostic| d.labels.first().map(|l| Seen { code: d.code, start: l.at.start, end: l.at.end });
        told.iter().filter_map(seen).collect()
    };
    problems.with_fixes(&checked.sources, &checked.sizes, &mut recheck)
}

/// Checked net to graph, for a number of examples and the lengths that the net leaves open. Needs a net without errors.
pub fn graph(checked: &Checked, job: Job, binding: impl Into<Binding>) -> Graph {
    let binding = binding.into();
    match job {
        Job::Train(objective) => step::training(checked, objective, binding),
        Job::Gradients(objective, inputs) => step::gradients(checked, objective, binding, inputs, false),
        Job::Unrolled(objective, inputs) => step::gradients(checked, objective, binding, inputs, true),
        Job::Forward(flat) => step::forward(checked, flat, binding),
    }
}

/// Graph to graph: normal form, solved guards, and the rewrites that save work. Keeps values up to rounding.
pub fn optimise(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    normal::normalise_all(&mut graph);
    grad::solve_equalities(&mut graph);
    rewrite::cost(&mut graph, u32::MAX);
    if let Err(broken) = graph::check::check(&graph) {
        panic!("bug: {broken}");
    }
    graph
}

/// Graph to kernels and a plan.
pub fn plan(graph: &Graph, target: Target) -> Plan {
    laid_out(lower::lower(&optimise(graph), target))
}

/// The plan with a place in the arena for every buffer.
pub fn laid_out(mut plan: Plan) -> Plan {
    plan::layout::layout(&mut plan);
    plan
}

/// Plan to machine code.
///
/// # Errors
/// When the machine refuses memory, or the plan breaks its own rules.
pub fn program(plan: Plan, target: Target) -> Result<Program, String> {
    Program::new(plan, target)
}
