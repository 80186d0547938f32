//! Lays tensors out with channels innermost, `x[b, c, i, j]` to `x[b, i, j, c]`: the way for nets whose channels fill
//! vectors, at any batch.
//!
//! A channel is found by structure: a coordinate that every access subscripts with a bare axis, that parameters are
//! walked through with, and whose extent is a multiple of a tile's vectors. **Invariants**: the graph stays valid and
//! its outputs and updates keep their layout and their values.

use super::guards::rewrite_accesses;
use super::layout::Classes;
use crate::graph::{Access, Graph, Kind, TensorId};
use crate::target::Target;
use indexmap::{IndexMap, IndexSet};

/// Moves the channels of all tensors that nobody outside sees to the end; false if there are none.
pub fn last(graph: &mut Graph, needed: &IndexSet<TensorId>, target: Target) -> bool {
    let size = target.block();
    let classes = Classes::new(graph, needed);
    let outside = graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().flat_map(|u| [u.0, u.1]));
    let outside: IndexSet<TensorId> = outside.collect();
    let mut moved: IndexMap<TensorId, usize> = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        if !matches!(tensor.kind, Kind::Defined) || outside.contains(&id) || !needed.contains(&id) {
            continue;
        }
        let channel = |&d: &usize| tensor.shape[d].is_multiple_of(size) && classes.is_channel(graph, id, d);
        if let Some(d) = (0..tensor.shape.len()).rev().find(channel)
            && d + 1 < tensor.shape.len()
        {
            moved.insert(id, d);
        }
    }
    for (&tensor, &d) in &moved {
        let shape = &mut graph.tensors[tensor].shape;
        let n = shape.remove(d);
        shape.push(n);
    }
    rewrite_accesses(graph, &|access| {
        let &d = moved.get(&access.tensor)?;
        let mut index = access.index.clone();
        let form = index.remove(d);
        index.push(form);
        Some(Access { tensor: access.tensor, index })
    });
    !moved.is_empty()
}
