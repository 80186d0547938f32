//! Looking through definitions.

use crate::graph::{Access, Affine, Combine, Cond, Equation, ExprId, Graph, Tensor, TensorId};

/// The one piece of a tensor's definition.
pub fn only_piece(graph: &Graph, tensor: TensorId) -> Option<&Equation> {
    let [piece] = &graph.defs.get(&tensor)?.pieces[..] else { return None };
    Some(piece)
}

/// For each output axis of a piece that writes its whole tensor in place, the coordinate that it is; an axis that the
/// write leaves out or a coordinate that is more than an axis gives none.
pub fn coordinates(tensor: &Tensor, piece: &Equation) -> Option<Vec<usize>> {
    let mut places = vec![None; piece.n_out];
    for (at, form) in piece.write.iter().enumerate() {
        match form.as_axis() {
            Some(axis) if places[axis].is_none() && piece.axes[axis].extent == tensor.shape[at] => {
                places[axis] = Some(at);
            }
            Some(_) | None if form.as_number() == Some(0) && tensor.shape[at] == 1 => {}
            Some(_) | None => return None,
        }
    }
    places.into_iter().collect()
}

/// What an element of a map is, over the axes of whoever loads it; where the map's guards fail, 0.
pub fn value_at(graph: &mut Graph, access: &Access) -> Option<ExprId> {
    let piece = only_piece(graph, access.tensor)?;
    if piece.combine != Combine::None {
        return None;
    }
    let places = coordinates(&graph.tensors[access.tensor], piece)?;
    let map: Vec<Affine> = places.iter().map(|&at| access.index[at].clone()).collect();
    let guards = piece.guards.iter().map(|guard| guard.substitute(&map)).collect();
    let body = piece.body;
    let value = graph.exprs.substitute(body, &map);
    let zero = graph.exprs.number(0.0);
    Some(graph.exprs.select(Cond::Guards(guards), value, zero))
}
