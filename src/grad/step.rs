//! One step as a graph: the objective over a batch, its gradients, clipping, and the optimiser's update.

use super::differentiate;
use crate::check::net::{Checked, Flat, Net, Objective};
use crate::graph::elaborate::{Binding, Elaboration};
use crate::graph::unroll::unroll;
use crate::graph::{
    Affine, Axis, Binary, Combine, Dtype, Equation, ExprId, Exprs, Graph, Kind, OriginId, OriginRole, Role, TensorId,
    Unary, normal, rewrite,
};
use crate::ids::Symbol;

/// What a flat list gives for a batch, without gradients; outputs have the batch as first axis where they depend on it.
pub fn forward(checked: &Checked, flat: &Flat, binding: Binding) -> Graph {
    let mut house = Elaboration::new(checked, binding);
    let tensors = house.add(flat, &[], OriginRole::Written);
    let origin = house.origin("outputs", None, OriginRole::Written);
    let outputs = flat.outputs.iter().map(|(name, id)| (name.clone(), tensors.get(&mut house.graph, *id, origin)));
    let outputs: Vec<(Symbol, TensorId)> = outputs.collect();
    house.graph.outputs = outputs;
    prepare(&mut house.graph);
    house.graph
}

/// A net in evaluation.
pub fn evaluation(checked: &Checked, net: &Net, binding: Binding) -> Graph {
    forward(checked, &net.evaluate, binding)
}

/// The objective's mean over the batch as output `loss`, and the gradient of each parameter that it trains as an
/// output of the parameter's name; with `inputs` also those of the real inputs, by their names. `unrolled`: without loops,
/// a copy of each recurrence for each step.
pub fn gradients(checked: &Checked, objective: &Objective, binding: Binding, inputs: bool, unrolled: bool) -> Graph {
    let mut step = Step::new(checked, objective, binding);
    if unrolled {
        let copies = unroll(&step.house.graph);
        step.house.graph = copies.expect("bug: the checker lets no recurrence through that has no order");
        prepare(&mut step.house.graph);
    }
    let mut wrt = step.trained.clone();
    if inputs {
        let graph = &step.house.graph;
        let real = |t: &&crate::graph::Tensor| matches!(t.kind, Kind::Input) && t.dtype == Dtype::Real;
        wrt.extend(graph.tensors.iter().filter(|(_, t)| real(t)).map(|(id, _)| id));
    }
    let gradients = differentiate(&mut step.house.graph, step.loss, &wrt);
    let mut graph = step.house.graph;
    graph.outputs = vec![("loss".into(), step.loss)];
    for (of, gradient) in wrt.iter().zip(gradients) {
        let name = graph.tensors[*of].name.clone();
        graph.outputs.push((name, gradient));
    }
    graph
}

/// A whole training step: output `loss`, and as updates the new values of parameters, optimiser state and kept state.
pub fn training(checked: &Checked, objective: &Objective, binding: Binding) -> Graph {
    let mut step = Step::new(checked, objective, binding);
    let trained = step.trained.clone();
    let mut gradients = differentiate(&mut step.house.graph, step.loss, &trained);
    if let Some(clip) = objective.clip {
        gradients = step.clipped(&gradients, clip);
    }
    for ((flat, &param), gradient) in objective.updates.iter().zip(&trained).zip(gradients) {
        step.update(flat, param, gradient);
    }
    let mut graph = step.house.graph;
    graph.outputs = vec![("loss".into(), step.loss)];
    graph.updates = step.updates;
    graph
}

/// Normal form, and the rewrites that belong to the meaning: before the adjoint and before any run.
fn prepare(graph: &mut Graph) {
    normal::normalise_all(graph);
    rewrite::meaning(graph);
}

struct Step<'a> {
    house: Elaboration<'a>,
    origin: OriginId,
    loss: TensorId,
    trained: Vec<TensorId>,
    updates: Vec<(TensorId, TensorId)>,
}

impl<'a> Step<'a> {
    fn new(checked: &'a Checked, objective: &Objective, binding: Binding) -> Step<'a> {
        let batch = binding.batch;
        let mut house = Elaboration::new(checked, binding);
        let tensors = house.add(&objective.flat, &[], OriginRole::Written);
        let origin = house.origin("objective", Some(objective.at), OriginRole::Written);
        let each = tensors.get(&mut house.graph, objective.flat.outputs[0].1, origin);
        let trained = objective.over.iter().map(|&param| house.param(param)).collect();
        let updates = objective.flat.updates.iter().map(|&(state, new)| {
            let new = tensors.get(&mut house.graph, new, origin);
            (house.param(state), new)
        });
        let updates = updates.collect();
        let mut step = Step { house, origin, loss: each, trained, updates };
        if step.house.graph.tensors[each].shape == [batch] {
            step.loss = step.mean(each, batch);
        }
        prepare(&mut step.house.graph);
        step
    }

    /// loss = sum(b: each[b]) / batch
    fn mean(&mut self, each: TensorId, batch: u32) -> TensorId {
        let load = self.exprs().load(each, vec![Affine::axis(0)]);
        let sum = self.reduced("loss.sum", &[batch], load);
        let (sum, share) = (self.exprs().load(sum, vec![]), self.exprs().number(1.0 / f64::from(batch)));
        let body = self.exprs().binary(Binary::Mul, sum, share);
        self.map("loss", &[], body)
    }

    /// Each gradient times min(1, clip / norm), the norm over all of them, summed in their order.
    fn clipped(&mut self, gradients: &[TensorId], clip: f64) -> Vec<TensorId> {
        let mut squares = self.exprs().number(0.0);
        for &gradient in gradients {
            let shape = self.house.graph.tensors[gradient].shape.clone();
            let element = self.exprs().load(gradient, (0..shape.len()).map(Affine::axis).collect());
            let square = self.exprs().binary(Binary::Mul, element, element);
            let sum = self.reduced("clip.square", &shape, square);
            let sum = self.exprs().load(sum, vec![]);
            squares = self.exprs().binary(Binary::Add, squares, sum);
        }
        let root = self.exprs().unary(Unary::Sqrt, squares);
        let norm = self.map("clip.norm", &[], root);
        let (norm, clip) = (self.exprs().load(norm, vec![]), self.exprs().number(clip));
        let most = self.exprs().binary(Binary::Max, norm, clip);
        let share = self.exprs().binary(Binary::Div, clip, most);
        let share = self.map("clip.share", &[], share);
        let scale = |step: &mut Step, gradient: TensorId| {
            let shape = step.house.graph.tensors[gradient].shape.clone();
            let element = step.exprs().load(gradient, (0..shape.len()).map(Affine::axis).collect());
            let share = step.exprs().load(share, vec![]);
            let body = step.exprs().binary(Binary::Mul, element, share);
            step.map("clip.gradient", &shape, body)
        };
        gradients.iter().map(|&gradient| scale(self, gradient)).collect()
    }

    fn update(&mut self, flat: &Flat, param: TensorId, gradient: TensorId) {
        let given = [("w", param), ("g", gradient)];
        let tensors = self.house.add(flat, &given, OriginRole::Update);
        let new = |step: &mut Step, id| tensors.get(&mut step.house.graph, id, step.origin);
        for &(state, id) in &flat.updates {
            let new = new(self, id);
            self.updates.push((self.house.param(state), new));
        }
        let new = new(self, flat.outputs[0].1);
        self.updates.push((param, new));
    }

    fn exprs(&mut self) -> &mut Exprs {
        &mut self.house.graph.exprs
    }

    /// A new tensor of `shape`, `body` over its axes.
    fn map(&mut self, name: &str, shape: &[u32], body: ExprId) -> TensorId {
        let out = self.house.graph.tensor(name, shape, Dtype::Real, Kind::Defined, self.origin);
        let write = (0..shape.len()).map(Affine::axis).collect();
        self.define(out, shape, shape.len(), Combine::None, write, body);
        out
    }

    /// A new number, the sum of `body` over a box.
    fn reduced(&mut self, name: &str, extents: &[u32], body: ExprId) -> TensorId {
        let out = self.house.graph.tensor(name, &[], Dtype::Real, Kind::Defined, self.origin);
        self.define(out, extents, 0, Combine::Sum, vec![], body);
        out
    }

    fn define(
        &mut self,
        out: TensorId,
        extents: &[u32],
        n_out: usize,
        combine: Combine,
        write: Vec<Affine>,
        body: ExprId,
    ) {
        let axes = extents.iter().enumerate();
        let axes = axes.map(|(i, &extent)| Axis { extent, role: Role::Plain, hint: format!("i{i}").into() }).collect();
        let origin = self.origin;
        self.house.graph.define(Equation { out, axes, n_out, combine, write, guards: vec![], body, origin });
    }
}
