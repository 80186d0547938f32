//! Looking through definitions.

use crate::graph::{Access, Affine, Combine, Cond, Equation, ExprId, Graph, Guard, Rel, Tensor, TensorId};

/// The one piece of a tensor's definition.
pub fn only_piece(graph: &Graph, tensor: TensorId) -> Option<&Equation> {
    let [piece] = &graph.defs.get(&tensor)?.pieces[..] else { return None };
    Some(piece)
}

/// A write read backwards, over the coordinates of the tensor.
pub struct Inverse {
    /// The value of each output axis.
    pub axes: Vec<Affine>,
    /// What holds of the coordinates that are written.
    pub guards: Vec<Guard>,
}

impl Inverse {
    /// Whether every element is written, but for the piece's own guards.
    pub fn is_whole(&self) -> bool {
        self.guards.is_empty()
    }
}

/// The inverse of a write whose coordinates are numbers, or an axis of their own, from somewhere on, up or down.
pub fn inverse(tensor: &Tensor, piece: &Equation) -> Option<Inverse> {
    let mut axes = vec![None; piece.n_out];
    let mut guards = Vec::new();
    for (at, form) in piece.write.iter().enumerate() {
        let rest = Affine::axis(at).shift(-form.constant);
        match form.terms[..] {
            [] if tensor.shape[at] == 1 => {}
            [] => guards.push(Guard { form: rest, data: None, rel: Rel::Eq }),
            [(axis, sign @ (1 | -1))] if axes[usize::from(axis)].is_none() => {
                let extent = piece.axes[usize::from(axis)].extent;
                let value = rest.times(sign);
                if extent < tensor.shape[at] {
                    let last = value.times(-1).shift(i32::try_from(extent).ok()? - 1);
                    guards.push(Guard { form: value.clone(), data: None, rel: Rel::Ge });
                    guards.push(Guard { form: last, data: None, rel: Rel::Ge });
                }
                axes[usize::from(axis)] = Some(value);
            }
            _ => return None,
        }
    }
    Some(Inverse { axes: axes.into_iter().collect::<Option<_>>()?, guards })
}

/// What an element of a map is, over the axes of whoever loads it; where the map's guards fail, 0.
pub fn value_at(graph: &mut Graph, access: &Access) -> Option<ExprId> {
    let piece = only_piece(graph, access.tensor)?;
    if piece.combine != Combine::None {
        return None;
    }
    let inverse = inverse(&graph.tensors[access.tensor], piece)?;
    let map: Vec<Affine> = inverse.axes.iter().map(|form| form.substitute(&access.index)).collect();
    let box_guards = inverse.guards.iter().map(|guard| guard.substitute(&access.index));
    let guards = box_guards.chain(piece.guards.iter().map(|guard| guard.substitute(&map))).collect();
    let body = piece.body;
    let value = graph.exprs.substitute(body, &map);
    let zero = graph.exprs.number(0.0);
    Some(graph.exprs.select(Cond::Guards(guards), value, zero))
}
