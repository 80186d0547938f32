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
                let load = load.unwrap_or_else(|| define(graph, self.piece, path, id));
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

fn is_costly(exprs: &Exprs, id: ExprId) -> bool {
    matches!(exprs[id], Expr::Unary(op, _) if unary(op).costly)
}

/// Defines the function over the box of the piece and gives a load of it. A map's takes its shape and write.
fn define(graph: &mut Graph, piece: &Equation, path: &Path, function: ExprId) -> ExprId {
    let tensor = graph.tensors[piece.out].clone();
    let is_map = piece.n_out == piece.axes.len();
    let (shape, write) = if is_map {
        (tensor.shape, piece.write.clone())
    } else {
        let extents = piece.axes.iter().map(|axis| axis.extent).collect();
        (extents, (0..piece.axes.len()).map(Affine::axis).collect())
    };
    let out = graph.tensor(&format!("slope_{}", tensor.name), &shape, Dtype::Real, Kind::Defined, piece.origin);
    let (more, body) = split_path(&mut graph.exprs, path, function);
    let guards = piece.guards.iter().cloned().chain(more).collect();
    let (axes, origin) = (piece.axes.clone(), piece.origin);
    let n_out = axes.len();
    graph.define(Equation { out, axes, n_out, combine: Combine::None, write: write.clone(), guards, body, origin });
    graph.exprs.load(out, write)
}
