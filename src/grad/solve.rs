//! From scatter to gather: `out[map(z)] += body(z)` over a box becomes equations whose write is injective. `frame`
//! finds the axes, here they become equations.

use super::frame::{Frame, is_equality, windows};
use crate::graph::affine::{disjoint, ranges};
use crate::graph::normal::normalise;
use crate::graph::{Affine, Axis, Combine, Equation, ExprId, Exprs, Graph, Guard, OriginId, Rel, Tensor, TensorId};
use crate::ids::Arena;

/// `out[map(z)] = combine over z of body(z), where all guards hold`: no axis is an output axis yet.
#[derive(Clone, Debug)]
pub struct Scatter {
    pub out: TensorId,
    pub axes: Vec<Axis>,
    pub map: Vec<Affine>,
    pub combine: Combine,
    pub guards: Vec<Guard>,
    pub body: ExprId,
    pub origin: OriginId,
}

impl From<Equation> for Scatter {
    fn from(e: Equation) -> Scatter {
        Scatter {
            out: e.out,
            axes: e.axes,
            map: e.write,
            combine: e.combine,
            guards: e.guards,
            body: e.body,
            origin: e.origin,
        }
    }
}

/// The equations, in normal form and with disjoint images, that together mean the scatter. Affine guards are solved
/// where that makes the box smaller.
pub fn gather(exprs: &mut Exprs, tensors: &Arena<Tensor>, scatter: &Scatter) -> Vec<Equation> {
    let Some(frame) = Frame::new(scatter) else { return Vec::new() };
    let shape = &tensors[scatter.out].shape;
    let frame = frame.solve(shape);
    let mut equations = |frames: &[Frame]| -> Vec<Equation> {
        let found: Vec<Equation> = frames.iter().map(|frame| equation(frame, exprs, scatter)).collect();
        found.into_iter().filter_map(|equation| normalise(exprs, tensors, equation)).collect()
    };
    let pieces = equations(&frame.clone().unroll());
    if are_disjoint(&pieces) { pieces } else { equations(&[frame.with_plain_phases().inside(shape, 0)]) }
}

/// Solves the affine equality guards, and pairs of inequalities, of all definitions where that makes boxes smaller:
/// forward ones like those of transposed and grouped convolutions, and those of gradients. Comes after differentiation: the gradient of what is solved is worse
/// than the solved gradient. Values stay as they are.
pub fn solve_equalities(graph: &mut Graph) {
    for def in graph.defs.values_mut() {
        if !def.pieces.iter().any(is_solvable) {
            continue;
        }
        let mut pieces = Vec::new();
        for piece in &def.pieces {
            match is_solvable(piece) {
                true => pieces.extend(gather(&mut graph.exprs, &graph.tensors, &Scatter::from(piece.clone()))),
                false => pieces.push(piece.clone()),
            }
        }
        if are_disjoint(&pieces) {
            def.pieces = pieces;
        }
    }
}

/// An argmax numbers the points of its box, so it keeps it.
fn is_solvable(piece: &Equation) -> bool {
    let guards = &piece.guards;
    piece.combine != Combine::ArgMax && (guards.iter().any(is_equality) || !windows(guards, &piece.axes).is_empty())
}

/// Whether it can be seen that no two pieces write the same place. (Phases of a coordinate that also mentions axes
/// claimed by another one are disjoint, but not by intervals and residues.)
fn are_disjoint(pieces: &[Equation]) -> bool {
    let boxes: Vec<_> = pieces.iter().map(|piece| ranges(&piece.axes)).collect();
    let apart = |a: usize, b: usize| disjoint(&pieces[a].write, &boxes[a], &pieces[b].write, &boxes[b]);
    (0..pieces.len()).all(|b| (0..b).all(|a| apart(a, b)))
}

/// The scatter in the axes of the frame.
fn equation(frame: &Frame, exprs: &mut Exprs, scatter: &Scatter) -> Equation {
    let (order, n_out) = frame.order();
    let rename = frame.renaming(&order);
    let values: Vec<Affine> = frame.values.iter().map(|form| form.substitute(&rename)).collect();
    let axes: Vec<Axis> = order.iter().map(|&axis| frame.axes[axis].clone()).collect();
    let combine = match scatter.combine {
        _ if n_out == axes.len() => Combine::None,
        Combine::None => Combine::Sum,
        Combine::Sum | Combine::Prod | Combine::Max | Combine::ArgMax => scatter.combine,
    };
    let guard = |form: &Affine, rel| Guard { form: form.substitute(&rename), data: None, rel };
    let old = scatter.guards.iter().filter(|guard| !is_equality(guard)).map(|guard| guard.substitute(&values));
    let ranges = frame.ranges.iter().map(|form| guard(form, Rel::Ge));
    let equal = frame.equal.iter().map(|form| guard(form, Rel::Eq));
    let guards: Vec<Guard> = old.chain(ranges).chain(equal).collect();
    let write = frame.map.iter().map(|form| form.substitute(&rename)).collect();
    let body = exprs.substitute(scatter.body, &values);
    Equation { out: scatter.out, axes, n_out, combine, write, guards, body, origin: scatter.origin }
}
