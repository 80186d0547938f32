//! The parts of one gradient: those with disjoint images become pieces of one definition, overlapping ones are summed.

use crate::graph::affine::{disjoint, ranges};
use crate::graph::{
    Affine, Axis, Combine, Dtype, Equation, ExprId, Graph, Kind, Origin, OriginId, OriginRole, Role, TensorId,
};

/// What the uses of a tensor give to its gradient: for each a list of equations with disjoint images.
pub type Parts = Vec<Vec<Equation>>;

/// Defines the gradient as the sum of its parts.
pub fn assemble(graph: &mut Graph, out: TensorId, parts: Parts) {
    let mut layers = layers(parts);
    graph.defs.entry(out).or_default();
    if layers.len() <= 1 {
        layers.pop().into_iter().flatten().for_each(|piece| graph.define(piece));
        return;
    }
    let sum = Sum::new(graph, out);
    let terms: Vec<ExprId> = layers.into_iter().map(|layer| sum.term(graph, layer)).collect();
    let first = graph.exprs.number(0.0);
    let body = terms.into_iter().fold(first, |sum, term| graph.exprs.add_two(sum, term));
    let (axes, write, origin) = (sum.axes, sum.place, sum.origin);
    let n_out = axes.len();
    graph.define(Equation { out, axes, n_out, combine: Combine::None, write, guards: Vec::new(), body, origin });
}

/// Parts put together as long as their images are disjoint.
fn layers(parts: Parts) -> Parts {
    let mut layers = Parts::new();
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        match layers.iter_mut().find(|layer| are_disjoint(layer, &part)) {
            Some(layer) => layer.extend(part),
            None => layers.push(part),
        }
    }
    layers
}

fn are_disjoint(layer: &[Equation], part: &[Equation]) -> bool {
    let apart = |a: &Equation, b: &Equation| disjoint(&a.write, &ranges(&a.axes), &b.write, &ranges(&b.axes));
    layer.iter().all(|a| part.iter().all(|b| apart(a, b)))
}

/// An elementwise sum over the whole tensor.
struct Sum {
    out: TensorId,
    axes: Vec<Axis>,
    /// The axis of each coordinate.
    place: Vec<Affine>,
    origin: OriginId,
}

impl Sum {
    fn new(graph: &mut Graph, out: TensorId) -> Sum {
        let tensor = &graph.tensors[out];
        let axis = |(at, &extent): (usize, &u32)| Axis { extent, role: Role::Plain, hint: format!("i{at}").into() };
        let axes: Vec<Axis> = tensor.shape.iter().enumerate().map(axis).collect();
        let Origin { path, at, .. } = graph.origins[tensor.origin].clone();
        let origin = graph.origins.push(Origin { path, at, role: OriginRole::SumOfUses });
        Sum { out, place: (0..axes.len()).map(Affine::axis).collect(), axes, origin }
    }

    /// One layer's value at the place: the body of a map over the whole tensor, else an element of a tensor.
    fn term(&self, graph: &mut Graph, mut layer: Vec<Equation>) -> ExprId {
        if let [piece] = &layer[..]
            && let Some(axes) = self.whole_map(piece)
        {
            return graph.exprs.substitute(piece.body, &axes);
        }
        let tensor = graph.tensors[self.out].clone();
        let part =
            graph.tensor(&format!("part_{}", tensor.name), &tensor.shape, Dtype::Real, Kind::Defined, self.origin);
        for mut piece in layer.drain(..) {
            piece.out = part;
            graph.define(piece);
        }
        graph.exprs.load(part, self.place.clone())
    }

    /// For each axis of a map that writes every element where it stands, the sum's axis.
    fn whole_map(&self, piece: &Equation) -> Option<Vec<Affine>> {
        let mut axes = vec![None; piece.axes.len()];
        for (coordinate, form) in piece.write.iter().enumerate() {
            let extent = self.axes[coordinate].extent;
            match form.as_axis() {
                Some(axis) if piece.axes[axis].extent == extent && axes[axis].is_none() => {
                    axes[axis] = Some(Affine::axis(coordinate));
                }
                Some(_) | None if extent == 1 && form.as_number() == Some(0) => {}
                Some(_) | None => return None,
            }
        }
        let whole = piece.combine == Combine::None && piece.guards.is_empty();
        axes.into_iter().collect::<Option<Vec<Affine>>>().filter(|_| whole)
    }
}
