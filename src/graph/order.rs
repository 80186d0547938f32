//! Who reads whom: the tensors an equation reads, and an order in which every tensor comes after those it reads, but for
//! those that read each other; these stand together. What orders *them* is found by `recurrence`.

use super::{Access, Def, Equation, Exprs, Graph, TensorId};
use crate::circles::strong;

/// The tensors that the guards and the body of an equation read; one may come more than once.
pub fn reads(exprs: &Exprs, eq: &Equation) -> Vec<TensorId> {
    let mut found = Vec::new();
    each_read(exprs, eq, &mut |access| found.push(access.tensor));
    found
}

/// All that the guards and the body of an equation load.
pub fn each_read(exprs: &Exprs, eq: &Equation, see: &mut dyn FnMut(&Access)) {
    eq.guards.iter().filter_map(|guard| guard.data.as_ref()).for_each(|(_, access)| see(access));
    exprs.each_access(eq.body, see);
}

fn def_reads(exprs: &Exprs, def: &Def) -> Vec<TensorId> {
    def.pieces.iter().flat_map(|piece| reads(exprs, piece)).collect()
}

/// The defined tensors, each after those it reads, else in the order of their definitions; tensors that read each other
/// in a circle stand side by side.
pub fn order(graph: &Graph) -> Vec<TensorId> {
    components(graph).into_iter().flatten().collect()
}

/// The same in groups: the strongly connected components, each after those it reads. A component of one tensor may
/// still read itself.
pub fn components(graph: &Graph) -> Vec<Vec<TensorId>> {
    let nodes: Vec<TensorId> = graph.defs.keys().copied().collect();
    let mut place = vec![usize::MAX; graph.tensors.len()];
    nodes.iter().enumerate().for_each(|(at, node)| place[node.index()] = at);
    let next = |at: usize| {
        let reads = def_reads(&graph.exprs, &graph.defs[&nodes[at]]).into_iter();
        reads.map(|tensor| place[tensor.index()]).filter(|&to| to != usize::MAX).collect()
    };
    let found = strong(nodes.len(), next).into_iter();
    found.map(|component| component.into_iter().map(|at| nodes[at]).collect()).collect()
}
