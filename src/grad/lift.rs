//! Costly functions in a gradient become tensors of their own (invariant I3), under the conditions of their place.

use super::sweep::{Path, split_path};
use crate::graph::scalar::unary;
use crate::graph::{Affine, Combine, Dtype, Equation, Expr, ExprId, Exprs, Graph, Kind};
use indexmap::IndexMap;
use std::collections::HashMap;

/// The functions lifted out of the gradients of one piece.
pub struct Lifts<'a> {
    piece: &'a Equation,
    known: IndexMap<(Path, ExprId), ExprId>,
}

impl Lifts<'_> {
    /// None lifted yet.
    pub fn new(piece: &Equation) -> Lifts<'_> {
        Lifts { piece, known: IndexMap::new() }
    }

    /// The factor with loads in the place of costly functions.
    pub fn lift(&mut self, graph: &mut Graph, path: &Path, factor: ExprId) -> ExprId {
        let mut loads = HashMap::new();
        for id in graph.exprs.below(&[factor]) {
            if is_costly(&graph.exprs, id) {
                let load = self.known.get(&(path.clone(), id)).copied();
                let load = load.unwrap_or_else(|| define(graph, "slope", self.piece, path, id));
                self.known.insert((path.clone(), id), load);
                loads.insert(id, load);
            }
        }
        if loads.is_empty() {
            return factor;
        }
        graph.exprs.rebuild(factor, &mut loads, &mut |_, _| None, &mut |guard| guard.clone())
    }
}

/// Gives each product over a body with a costly function that body as a tensor: its gradient divides by the factors and
/// compares them with 0, and a costly function may stand in neither place.
pub fn lift_factors(graph: &mut Graph) {
    let costly = |graph: &Graph, piece: &Equation| {
        piece.combine == Combine::Prod
            && graph.exprs.below(&[piece.body]).into_iter().any(|id| is_costly(&graph.exprs, id))
    };
    let places = graph.defs.iter().flat_map(|(&out, def)| (0..def.pieces.len()).map(move |at| (out, at)));
    for (out, at) in places.collect::<Vec<_>>() {
        let piece = graph.defs[&out].pieces[at].clone();
        if costly(graph, &piece) {
            let factors = define(graph, "factors", &piece, &Path::new(), piece.body);
            graph.defs[&out].pieces[at].body = factors;
        }
    }
}

fn is_costly(exprs: &Exprs, id: ExprId) -> bool {
    matches!(exprs[id], Expr::Unary(op, _) if unary(op).costly)
}

/// Defines `body` over the box of the piece and gives a load of it. A map's takes its shape and write.
fn define(graph: &mut Graph, word: &str, piece: &Equation, path: &Path, body: ExprId) -> ExprId {
    let tensor = graph.tensors[piece.out].clone();
    let is_map = piece.n_out == piece.axes.len();
    let (shape, write) = if is_map {
        (tensor.shape, piece.write.clone())
    } else {
        let extents = piece.axes.iter().map(|axis| axis.extent).collect();
        (extents, (0..piece.axes.len()).map(Affine::axis).collect())
    };
    let out = graph.tensor(&format!("{word}_{}", tensor.name), &shape, Dtype::Real, Kind::Defined, piece.origin);
    let (more, body) = split_path(&mut graph.exprs, path, body);
    let guards = piece.guards.iter().cloned().chain(more).collect();
    let (axes, origin) = (piece.axes.clone(), piece.origin);
    let n_out = axes.len();
    graph.define(Equation { out, axes, n_out, combine: Combine::None, write: write.clone(), guards, body, origin });
    graph.exprs.load(out, write)
}
