//! Puts tensors into buffers and kernels into steps.
//!
//! **Invariants**: each tensor has one buffer, but for the new value of a parameter or state that is written in place;
//! kernels that differ in names only are one kernel.

use super::body::elem;
use super::nest::{self, buffer};
use crate::graph::{Graph, Kind, TensorId};
use crate::ids::Symbol;
use crate::kernel::build::KernelBuilder;
use crate::kernel::{BufferAccess, Elem, Kernel};
use crate::plan::{Buffer, BufferId, KernelId, Place, Plan, Step};
use crate::schedule::space::elements;
use crate::schedule::{self, Group, Schedule, sequence};
use indexmap::IndexMap;

/// A plan in the making.
pub struct Planner<'a> {
    schedule: &'a Schedule,
    plan: Plan,
    buffers: IndexMap<TensorId, BufferId>,
    /// New values that are written over the old ones.
    in_place: IndexMap<TensorId, TensorId>,
    kernels: IndexMap<String, KernelId>,
}

impl<'a> Planner<'a> {
    /// Nothing planned yet.
    pub fn new(schedule: &'a Schedule) -> Planner<'a> {
        Planner {
            schedule,
            plan: Plan::default(),
            buffers: IndexMap::new(),
            in_place: IndexMap::new(),
            kernels: IndexMap::new(),
        }
    }

    /// The whole plan.
    pub fn plan(mut self) -> Plan {
        let graph = &self.schedule.graph;
        for (id, tensor) in graph.tensors.iter() {
            if matches!(tensor.kind, Kind::Input) {
                let buffer = self.buffer(id);
                self.plan.inputs.push((tensor.name.clone(), buffer));
            }
        }
        self.in_place = sequence::in_place(self.schedule);
        let schedule = self.schedule;
        self.plan.steps = schedule.steps.iter().map(|step| self.step(step)).collect();
        self.outputs();
        self.copies();
        self.settle();
        self.plan
    }

    fn graph(&self) -> &'a Graph {
        &self.schedule.graph
    }

    /// The buffer of a tensor, made when first asked for.
    fn buffer(&mut self, tensor: TensorId) -> BufferId {
        let tensor = self.in_place.get(&tensor).copied().unwrap_or(tensor);
        if let Some(&known) = self.buffers.get(&tensor) {
            return known;
        }
        let t = &self.graph().tensors[tensor];
        let place = match &t.kind {
            Kind::Input | Kind::Defined => Place::Arena { offset: 0, first: u32::MAX, last: 0 },
            Kind::Param | Kind::State => Place::Store(t.name.clone()),
            Kind::Const(data) => Place::Constant(data.iter().map(|&x| x as f32).collect()),
            Kind::Noise { key, normal } => Place::Noise { key: key.clone(), normal: *normal },
            Kind::Host(expr) => Place::Host(expr.clone()),
        };
        let (name, shape, len) = (t.name.clone(), t.shape.clone(), elements(&t.shape).max(1) as u32);
        let id = self.plan.buffers.push(Buffer { name, shape, elem: elem(t.dtype), len, place });
        self.buffers.insert(tensor, id);
        id
    }

    /// A kernel, or the one that differs in names only.
    fn kernel(&mut self, kernel: Kernel) -> KernelId {
        let key = key(&kernel);
        if let Some(&known) = self.kernels.get(&key) {
            return known;
        }
        let id = self.plan.kernels.push(kernel);
        self.kernels.insert(key, id);
        id
    }

    fn step(&mut self, step: &schedule::Step) -> Step {
        match step {
            schedule::Step::Fill(tensor) => self.fill(*tensor),
            schedule::Step::Group(group) => self.group(group),
            schedule::Step::Loop { name, trip, body } => {
                let body = body.iter().map(|step| self.step(step)).collect();
                Step::Loop { name: name.clone(), trip: *trip, body }
            }
        }
    }

    fn fill(&mut self, tensor: TensorId) -> Step {
        let kernel = fill(self.graph(), tensor);
        let buffers = vec![self.buffer(tensor)];
        let kernel = self.kernel(kernel);
        Step::Call { kernel, buffers, in_place: false }
    }

    fn group(&mut self, group: &Group) -> Step {
        let graph = self.graph();
        let (kernel, tensors) = match &group.tile {
            Some(tile) => super::contract::lower(graph, group, tile),
            None => {
                super::scatter::lower(graph, group).unwrap_or_else(|| nest::lower(graph, group, self.schedule.target))
            }
        };
        let buffers: Vec<BufferId> = tensors.iter().map(|&t| self.buffer(t)).collect();
        let in_place = group.members.iter().any(|m| self.in_place.contains_key(&m.out));
        let kernel = self.kernel(kernel);
        Step::Call { kernel, buffers, in_place }
    }

    /// An output that an update overwrites is put aside.
    fn outputs(&mut self) {
        let graph = self.graph();
        for (name, tensor) in &graph.outputs {
            let mut buffer = self.buffer(*tensor);
            if graph.updates.iter().any(|u| u.0 == *tensor) {
                buffer = self.aside(buffer);
            }
            self.plan.outputs.push((name.clone(), buffer));
        }
    }

    /// A copy of a buffer as it is now.
    fn aside(&mut self, from: BufferId) -> BufferId {
        let place = Place::Arena { offset: 0, first: u32::MAX, last: 0 };
        let to = self.plan.buffers.push(Buffer { place, ..self.plan.buffers[from].clone() });
        self.plan.steps.push(Step::Copy { from, to });
        to
    }

    /// New values that could not be written in place; one that another copy overwrites is first put aside.
    fn copies(&mut self) {
        let graph = self.graph();
        let olds: Vec<TensorId> = graph.updates.iter().map(|u| u.0).collect();
        let mut last = Vec::new();
        for &(old, new) in &graph.updates {
            if self.in_place.contains_key(&new) || old == new {
                continue;
            }
            let (mut from, to) = (self.buffer(new), self.buffer(old));
            if olds.contains(&new) {
                from = self.aside(from);
            }
            last.push(Step::Copy { from, to });
        }
        self.plan.steps.extend(last);
    }

    /// Lifetimes in the arena, and offsets.
    fn settle(&mut self) {
        let last = self.plan.steps.len().saturating_sub(1) as u32;
        let mut alive: IndexMap<BufferId, (u32, u32)> = IndexMap::new();
        for (at, step) in self.plan.steps.iter().enumerate() {
            for b in used(step) {
                alive.entry(b).or_insert((at as u32, 0)).1 = at as u32;
            }
        }
        for (_, b) in &self.plan.inputs {
            alive.entry(*b).or_insert((0, 0)).0 = 0;
        }
        for (_, b) in &self.plan.outputs {
            alive.entry(*b).or_insert((0, 0)).1 = last;
        }
        for (id, (from, to)) in alive {
            if let Place::Arena { first, last, .. } = &mut self.plan.buffers[id].place {
                (*first, *last) = (from, to);
            }
        }
    }
}

fn used(step: &Step) -> Vec<BufferId> {
    match step {
        Step::Call { buffers, .. } => buffers.clone(),
        Step::Copy { from, to } => vec![*from, *to],
        Step::Loop { body, .. } => body.iter().flat_map(used).collect(),
    }
}

/// All that matters of a kernel: its text without names.
fn key(kernel: &Kernel) -> String {
    let buffers: Vec<(Elem, u32, BufferAccess)> = kernel.buffers.iter().map(|b| (b.elem, b.len, b.access)).collect();
    format!("{buffers:?} {:?} {:?} {:?} {:?}", kernel.turns, kernel.parts, kernel.values, kernel.body)
}

/// A kernel that clears a tensor.
fn fill(graph: &Graph, tensor: TensorId) -> Kernel {
    let name: Symbol = "clear".into();
    let target = buffer(graph, tensor, BufferAccess::Write);
    let mut e = KernelBuilder::new(&name);
    let (elem, len) = (target.elem, i64::from(target.len));
    e.buffer(&target.name, elem, target.len, BufferAccess::Write);
    let zero = |e: &mut KernelBuilder, lanes| match elem {
        Elem::F32 => e.f32(0.0, lanes),
        Elem::I32 => e.i32(0, lanes),
    };
    if len >= 16 {
        e.each("i", (len / 16) as u32, |e, i| {
            let value = zero(e, 16);
            e.store(0, crate::kernel::Address::from(i) * 16, value);
        });
    }
    for i in len / 16 * 16..len {
        let value = zero(&mut e, 1);
        e.store(0, i, value);
    }
    e.finish()
}
