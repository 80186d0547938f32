//! Where a piece's reverse sweep starts: the gradient of each value that the piece combines.

use crate::graph::affine::strides;
use crate::graph::{Access, Affine, Cmp, Combine, Dtype, Equation, ExprId, Graph, Guard, Kind, Rel, Sign, TensorId};

/// The definition of the gradient of the loss by itself.
pub fn one(graph: &mut Graph, out: TensorId) -> Equation {
    let origin = graph.tensors[out].origin;
    let body = graph.exprs.number(1.0);
    let (axes, write, guards) = (Vec::new(), Vec::new(), Vec::new());
    Equation { out, axes, n_out: 0, combine: Combine::None, write, guards, body, origin }
}

/// The gradient of the body at each point, `arriving` being that of the element, and a guard where only some points
/// get it.
pub fn seed(graph: &mut Graph, piece: &Equation, arriving: ExprId) -> (ExprId, Option<Guard>) {
    match piece.combine {
        Combine::None | Combine::Sum => (arriving, None),
        Combine::Max | Combine::Prod if piece.axes[piece.n_out..].iter().all(|axis| axis.extent == 1) => {
            (arriving, None)
        }
        Combine::Max => (arriving, Some(is_first_maximum(graph, piece))),
        Combine::Prod => (of_factor(graph, piece, arriving), None),
        Combine::ArgMax => (graph.exprs.number(0.0), None),
    }
}

/// Defines `A[F(o)] = argmax over r of e`, over the same box, and says `lin(r) == A[F(o)]`.
fn is_first_maximum(graph: &mut Graph, piece: &Equation) -> Guard {
    let place = beside(graph, piece, "argmax", Combine::ArgMax, piece.body);
    let extents: Vec<u32> = piece.axes[piece.n_out..].iter().map(|axis| axis.extent).collect();
    let terms = strides(&extents).into_iter().enumerate();
    let number = Affine::of(0, terms.map(|(at, stride)| (piece.n_out + at, narrow(stride))));
    Guard { form: number, data: Some((Sign::Minus, place)), rel: Rel::Eq }
}

/// The product of the others: `y / e`, or where one factor is 0 the product of the rest for that one, 0 for all others.
fn of_factor(graph: &mut Graph, piece: &Equation, arriving: ExprId) -> ExprId {
    let (zero, one) = (graph.exprs.number(0.0), graph.exprs.number(1.0));
    let is_zero = graph.exprs.choose(Cmp::Eq, piece.body, zero, one, zero);
    let others = graph.exprs.choose(Cmp::Eq, piece.body, zero, one, piece.body);
    let zeros = beside(graph, piece, "zeros", Combine::Sum, is_zero);
    let product = beside(graph, piece, "nonzero", Combine::Prod, others);
    let exprs = &mut graph.exprs;
    let (zeros, product) = (exprs.load(zeros.tensor, zeros.index), exprs.load(product.tensor, product.index));
    let whole = exprs.mul(arriving, product);
    let quotient = exprs.div(whole, piece.body);
    let only = exprs.choose(Cmp::Eq, piece.body, zero, whole, zero);
    let single = exprs.choose(Cmp::Eq, zeros, one, only, zero);
    exprs.choose(Cmp::Eq, zeros, zero, quotient, single)
}

/// A tensor of the shape of the piece's, defined over the same points.
fn beside(graph: &mut Graph, piece: &Equation, name: &str, combine: Combine, body: ExprId) -> Access {
    let tensor = graph.tensors[piece.out].clone();
    let name = format!("{name}_{}", tensor.name);
    let out = graph.tensor(&name, &tensor.shape, Dtype::Real, Kind::Defined, piece.origin);
    graph.define(Equation { out, combine, body, ..piece.clone() });
    Access { tensor: out, index: piece.write.clone() }
}

fn narrow(stride: i64) -> i32 {
    i32::try_from(stride).expect("a reduced box has fewer than 2^31 points")
}
