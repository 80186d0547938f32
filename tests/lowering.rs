//! Plans against the oracle: every kernel by the definition of kernels, buffers poisoned before the run.

use brolga::graph::interp;
use brolga::graph::text::read;
use brolga::graph::{Dtype, Graph, Kind, TensorId};
use brolga::kernel::interp::{Data, run_turn};
use brolga::kernel::{Elem, Kernel};
use brolga::lower::lower;
use brolga::plan::{Buffer, BufferId, Place, Plan, Step};
use brolga::target::Target;
use indexmap::IndexMap;

mod cases;
mod functions;
pub mod nets;
mod recurrent;
mod speed;

/// Numbers from a fixed sequence, in (-1, 1).
pub struct Numbers(pub u64);

impl Numbers {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
    /// A multiple of 1/1024, so that every product of two is exact.
    pub fn real(&mut self) -> f64 {
        self.below(2047) as f64 / 1024.0 - 1.0
    }
}

/// What is given to a graph: every tensor that no equation and no constant defines.
pub fn given(graph: &Graph, numbers: &mut Numbers) -> IndexMap<TensorId, Vec<f64>> {
    let mut out = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        let size: u32 = tensor.shape.iter().product();
        let outside =
            matches!(tensor.kind, Kind::Input | Kind::Param | Kind::State | Kind::Noise { .. } | Kind::Host(_));
        if outside {
            let mut one = || match tensor.dtype {
                Dtype::Real => numbers.real(),
                Dtype::Index(n) => numbers.below(u64::from(n)) as f64,
            };
            out.insert(id, (0..size).map(|_| one()).collect());
        }
    }
    out
}

fn data(values: &[f64], elem: Elem) -> Data {
    match elem {
        Elem::F32 => Data::F32(values.iter().map(|&x| x as f32).collect()),
        Elem::I32 => Data::I32(values.iter().map(|&x| x as i32).collect()),
    }
}

/// Runs a plan by the kernels' interpreter; gives the outputs and what updates leave, by name.
pub fn execute(plan: &Plan, graph: &Graph, given: &IndexMap<TensorId, Vec<f64>>) -> IndexMap<String, Vec<f64>> {
    execute_with(plan, graph, given, &run_turn)
}

/// A way to run a kernel on data, in some turn of the loops around it.
type Runs<'a> = &'a dyn Fn(&Kernel, &mut [Data], &[u64]);

/// The same with another way to run a kernel. The plan is laid out and checked first; what is written to one buffer of the
/// arena spoils all others that lie there.
pub fn execute_with(
    plan: &Plan,
    graph: &Graph,
    given: &IndexMap<TensorId, Vec<f64>>,
    runs: Runs,
) -> IndexMap<String, Vec<f64>> {
    let plan = &brolga::compile::laid_out(plan.clone());
    brolga::plan::check::check(plan).unwrap();
    let by_name: IndexMap<String, &Vec<f64>> =
        given.iter().map(|(t, v)| (graph.tensors[*t].name.to_string(), v)).collect();
    let mut memory: Vec<Data> = Vec::new();
    for (_, buffer) in plan.buffers.iter() {
        memory.push(match &buffer.place {
            Place::Arena { .. } => poison(buffer),
            Place::Store(name) => data(by_name[&name.to_string()], buffer.elem),
            Place::Constant(values) => Data::F32(values.to_vec()),
            Place::Noise { .. } | Place::Host(_) => data(by_name[&buffer.name.to_string()], buffer.elem),
        });
    }
    for (name, id) in &plan.inputs {
        memory[id.index()] = data(by_name[&name.to_string()], plan.buffers[*id].elem);
    }
    steps(plan, &plan.steps, &mut memory, &mut Vec::new(), runs);
    let stores = plan.buffers.iter().filter_map(|(id, b)| match &b.place {
        Place::Store(name) => Some((name.to_string(), id)),
        Place::Arena { .. } | Place::Constant(_) | Place::Noise { .. } | Place::Host(_) => None,
    });
    let outputs = plan.outputs.iter().map(|(name, id)| (format!("out {name}"), *id));
    outputs.chain(stores).map(|(name, id)| (name, reals(&memory[id.index()]))).collect()
}

fn poison(buffer: &Buffer) -> Data {
    match buffer.elem {
        Elem::F32 => Data::F32(vec![f32::NAN; buffer.len as usize]),
        Elem::I32 => Data::I32(vec![i32::MAX; buffer.len as usize]),
    }
}

/// Puts data into a buffer, and poison into all others that share its bytes.
fn write(plan: &Plan, memory: &mut [Data], to: BufferId, data: Data) {
    memory[to.index()] = data;
    let bytes = |b: &Buffer| match &b.place {
        Place::Arena { offset, .. } => Some((*offset, offset + 4 * u64::from(b.len))),
        Place::Store(_) | Place::Constant(_) | Place::Noise { .. } | Place::Host(_) => None,
    };
    let Some((from, end)) = bytes(&plan.buffers[to]) else { return };
    for (id, other) in plan.buffers.iter().filter(|(id, _)| *id != to) {
        if bytes(other).is_some_and(|(first, last)| first < end && from < last) {
            memory[id.index()] = poison(other);
        }
    }
}

fn reals(data: &Data) -> Vec<f64> {
    match data {
        Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
        Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
    }
}

/// Runs steps inside loops whose turns are given.
fn steps(plan: &Plan, list: &[Step], memory: &mut Vec<Data>, turns: &mut Vec<u64>, runs: Runs) {
    for step in list {
        match step {
            Step::Call { kernel, buffers, .. } => {
                call(plan, *kernel, buffers, memory, &|kernel, data| runs(kernel, data, turns));
            }
            Step::Copy { from, to } => {
                let data = memory[from.index()].clone();
                write(plan, memory, *to, data);
            }
            Step::Loop { trip, body, .. } => {
                for turn in 0..u64::from(*trip) {
                    turns.push(turn);
                    steps(plan, body, memory, turns, runs);
                    turns.pop();
                }
            }
        }
    }
}

/// Runs one kernel; buffers that a step names twice are one memory.
fn call(
    plan: &Plan,
    kernel: brolga::plan::KernelId,
    buffers: &[brolga::plan::BufferId],
    memory: &mut [Data],
    runs: &dyn Fn(&Kernel, &mut [Data]),
) {
    let kernel = &plan.kernels[kernel];
    let mut own: Vec<Data> = buffers.iter().map(|b| memory[b.index()].clone()).collect();
    runs(kernel, &mut own);
    for ((b, declared), data) in buffers.iter().zip(&kernel.buffers).zip(own) {
        if declared.access != brolga::kernel::BufferAccess::Read {
            write(plan, memory, *b, data);
        }
    }
}

/// Lowers a textual graph, runs it, and compares outputs and updates with the oracle: `ulps` of the largest element.
pub fn check_text(text: &str, ulps: f64) {
    let graph = read(text).unwrap();
    check_graph(&graph, ulps, 1);
}

/// As `check_text`, for a graph.
pub fn check_graph(graph: &Graph, ulps: f64, seed: u64) {
    let given = given(graph, &mut Numbers(seed));
    let want = interp::run(graph, &given).unwrap();
    let plan = lower(graph, Target::Clif);
    let got = execute(&plan, graph, &given);
    for (name, tensor) in &graph.outputs {
        compare(graph, name, &got[&format!("out {name}")], &want[tensor], ulps);
    }
    for (old, new) in &graph.updates {
        let name = &graph.tensors[*old].name;
        compare(graph, name, &got[&name.to_string()], &want[new], ulps);
    }
}

fn compare(graph: &Graph, name: &str, got: &[f64], want: &[f64], ulps: f64) {
    let scale = want.iter().fold(1e-6f64, |m, x| if x.is_finite() { m.max(x.abs()) } else { m });
    for (i, (g, w)) in got.iter().zip(want).enumerate() {
        let close = (g - w).abs() <= ulps * scale * 2f64.powi(-24) || g == w || (g.is_nan() && w.is_nan());
        assert!(close, "{name}[{i}] is {g}, should be {w}\n{}", brolga::graph::text::print(graph));
    }
}
