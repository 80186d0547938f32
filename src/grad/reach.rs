//! Which tensors lie between the loss and what it is differentiated by.

use crate::graph::{Combine, Def, Dtype, Expr, ExprId, Exprs, Graph, TensorId, Unary};
use std::collections::HashSet;

/// The tensors that the loss depends on smoothly and that depend smoothly on one of `wrt`, from the loss down.
pub fn active(graph: &Graph, loss: TensorId, wrt: &[TensorId]) -> Vec<TensorId> {
    let below = below(graph, loss);
    let mut readers: Vec<Vec<usize>> = vec![Vec::new(); graph.tensors.len()];
    for (at, (_, loads)) in below.iter().enumerate() {
        loads.iter().for_each(|load| readers[load.index()].push(at));
    }
    let mut depends = vec![false; graph.tensors.len()];
    let mut open: Vec<TensorId> = wrt.to_vec();
    while let Some(tensor) = open.pop() {
        if !std::mem::replace(&mut depends[tensor.index()], true) {
            open.extend(readers[tensor.index()].iter().map(|&at| below[at].0));
        }
    }
    below.iter().map(|(tensor, _)| *tensor).filter(|tensor| depends[tensor.index()]).collect()
}

/// The tensors that the loss depends on, each with those it loads.
fn below(graph: &Graph, loss: TensorId) -> Vec<(TensorId, Vec<TensorId>)> {
    let mut found = Vec::new();
    let mut seen = vec![false; graph.tensors.len()];
    seen[loss.index()] = true;
    let mut next = vec![loss];
    while let Some(tensor) = next.pop() {
        let loads = graph.defs.get(&tensor).map_or(Vec::new(), |def| smooth_loads(graph, def));
        next.extend(loads.iter().filter(|load| !std::mem::replace(&mut seen[load.index()], true)));
        found.push((tensor, loads));
    }
    found
}

/// The real tensors that a gradient flows to.
fn smooth_loads(graph: &Graph, def: &Def) -> Vec<TensorId> {
    let mut found = Vec::new();
    for piece in def.pieces.iter().filter(|piece| piece.combine != Combine::ArgMax) {
        visit(&graph.exprs, piece.body, &mut HashSet::new(), &mut found);
    }
    found.retain(|load| graph.tensors[*load].dtype == Dtype::Real);
    found
}

fn visit(exprs: &Exprs, id: ExprId, seen: &mut HashSet<ExprId>, found: &mut Vec<TensorId>) {
    if !seen.insert(id) {
        return;
    }
    match &exprs[id] {
        Expr::Const(_) | Expr::Index(_) | Expr::Unary(Unary::Stop, _) => {}
        Expr::Load(access) => found.push(access.tensor),
        Expr::Unary(_, x) => visit(exprs, *x, seen, found),
        Expr::Binary(_, a, b) | Expr::Select(_, a, b) => {
            visit(exprs, *a, seen, found);
            visit(exprs, *b, seen, found);
        }
    }
}
