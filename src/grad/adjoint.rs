//! A piece `u[F(o)] = combine over r of [guards] e(o, r)` and each load `v[G(o, r)]` in it give
//!
//! ```text
//! dv[G(o, r)] += [guards] du[F(o)] * de/dv(o, r)
//! ```
//!
//! which `solve` turns into equations. Definitions are only added, none is looked at in the order of evaluation.

use super::parts::{Parts, assemble};
use super::reach::active;
use super::solve::{Scatter, gather};
use super::sweep::{Flow, Start, split_path, sweep};
use super::{lift, seed};
use crate::graph::{Combine, Dtype, Equation, Graph, Guard, Kind, Origin, OriginId, OriginRole, TensorId};
use indexmap::IndexMap;

/// Adds the definitions of the gradients of `loss` (shape `[]`) with respect to each of `wrt` (real, parameters or
/// inputs), and gives their tensors, of the same shapes; where nothing flows the definition is empty, which is 0. A product over a
/// costly body is split first; else definitions are only added.
pub fn differentiate(graph: &mut Graph, loss: TensorId, wrt: &[TensorId]) -> Vec<TensorId> {
    assert!(graph.tensors[loss].shape.is_empty(), "bug: a loss is a number");
    lift::lift_factors(graph);
    let active = active(graph, loss, wrt);
    let mut gradients: IndexMap<TensorId, TensorId> = IndexMap::new();
    for &tensor in active.iter().chain(wrt) {
        gradients.entry(tensor).or_insert_with(|| gradient_tensor(graph, tensor));
    }
    let mut parts: IndexMap<TensorId, Parts> = gradients.values().map(|&gradient| (gradient, Parts::new())).collect();
    if let Some(&gradient) = gradients.get(&loss) {
        let one = seed::one(graph, gradient);
        parts[&gradient].push(vec![one]);
    }
    for (&tensor, &gradient) in gradients.iter().take(active.len()) {
        let pieces = graph.defs.get(&tensor).map_or(Vec::new(), |def| def.pieces.clone());
        for piece in &pieces {
            for scatter in contributions(graph, piece, gradient, &gradients) {
                let pieces = gather(&mut graph.exprs, &graph.tensors, &scatter);
                parts[&scatter.out].push(pieces);
            }
        }
    }
    for (gradient, parts) in parts {
        assemble(graph, gradient, parts);
    }
    wrt.iter().map(|tensor| gradients[tensor]).collect()
}

fn gradient_tensor(graph: &mut Graph, of: TensorId) -> TensorId {
    let tensor = graph.tensors[of].clone();
    let origin = adjoint_origin(graph, tensor.origin);
    graph.tensor(&format!("d_{}", tensor.name), &tensor.shape, Dtype::Real, Kind::Defined, origin)
}

fn adjoint_origin(graph: &mut Graph, of: OriginId) -> OriginId {
    let Origin { path, at, .. } = graph.origins[of].clone();
    graph.origins.push(Origin { path, at, role: OriginRole::Adjoint })
}

/// What a piece whose value has the gradient `du` gives to the gradients of what it loads.
fn contributions(
    graph: &mut Graph,
    piece: &Equation,
    du: TensorId,
    gradients: &IndexMap<TensorId, TensorId>,
) -> Vec<Scatter> {
    if piece.combine == Combine::ArgMax {
        return Vec::new();
    }
    let origin = adjoint_origin(graph, piece.origin);
    let piece = Equation { origin, ..piece.clone() };
    let arriving = graph.exprs.load(du, piece.write.clone());
    let (seed, guard) = seed::seed(graph, &piece, arriving);
    let is_map = piece.n_out == piece.axes.len();
    let stored = is_map.then(|| graph.exprs.load(piece.out, piece.write.clone()));
    let start = Start { body: piece.body, seed, stored };
    let flows = sweep(&mut graph.exprs, start, &|tensor| gradients.contains_key(&tensor));
    let mut lifts = lift::Lifts::new(&piece);
    flows
        .into_iter()
        .map(|flow| {
            let factor = lifts.lift(graph, &flow.path, flow.factor);
            scatter(graph, &piece, guard.clone(), Flow { factor, ..flow }, gradients)
        })
        .collect()
}

/// A flow over the box of its piece.
fn scatter(
    graph: &mut Graph,
    piece: &Equation,
    guard: Option<Guard>,
    flow: Flow,
    gradients: &IndexMap<TensorId, TensorId>,
) -> Scatter {
    let (more, body) = split_path(&mut graph.exprs, &flow.path, flow.factor);
    let guards = piece.guards.iter().cloned().chain(guard).chain(more).collect();
    Scatter {
        out: gradients[&flow.access.tensor],
        axes: piece.axes.clone(),
        map: flow.access.index,
        combine: Combine::Sum,
        guards,
        body,
        origin: piece.origin,
    }
}
