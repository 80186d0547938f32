//! M3: a look-up takes one element, so `sum(w: if w == data then f(x[w], y))` is `f(sum(w: if w == data then x[w]), y)`:
//! what does not mention the pinned axis is split off, each load that does becomes a look-up of its own.

use crate::graph::normal::sure_pin;
use crate::graph::{
    Access, Affine, Combine, Dtype, Equation, Expr, ExprId, Graph, Guard, Kind, Origin, OriginRole, TensorId,
};

/// Splits all pinned sums that are more than one load.
pub fn split(graph: &mut Graph) {
    let outs: Vec<TensorId> = graph.defs.keys().copied().collect();
    for out in outs {
        for at in 0..graph.defs[&out].pieces.len() {
            let piece = graph.defs[&out].pieces[at].clone();
            if let Some(outer) = split_piece(graph, piece) {
                graph.defs[&out].pieces[at] = outer;
            }
        }
    }
}

/// The equation around the look-ups, which are defined; none if there is nothing to split.
fn split_piece(graph: &mut Graph, mut piece: Equation) -> Option<Equation> {
    if !is_one_point(graph, &piece) || graph.exprs.as_load(piece.body).is_some() {
        return None;
    }
    let pinned = piece.n_out..piece.axes.len();
    let mut only_loads = true;
    for id in graph.exprs.below(&[piece.body]) {
        only_loads &= match &graph.exprs[id] {
            Expr::Index(form) => !pinned.clone().any(|axis| form.mentions(axis)),
            Expr::Select(crate::graph::Cond::Guards(guards), _, _) => {
                !guards.iter().any(|guard| pinned.clone().any(|axis| guard.mentions(axis)))
            }
            Expr::Const(_) | Expr::Load(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => true,
        };
    }
    if !only_loads {
        return None;
    }
    let mut loads: Vec<Access> = Vec::new();
    graph.exprs.each_access(piece.body, |access| {
        let mentions = access.index.iter().any(|form| form.axes().any(|axis| axis >= piece.n_out));
        if mentions && !loads.contains(access) {
            loads.push(access.clone());
        }
    });
    let look_ups: Vec<ExprId> = loads.iter().map(|load| look_up(graph, &piece, load)).collect();
    piece.body = graph
        .exprs
        .replace_loads(piece.body, |_, access| loads.iter().position(|load| load == access).map(|at| look_ups[at]));
    piece.guards = piece.guards.iter().filter(|guard| !mentions_reduced(&piece, guard)).cloned().collect();
    piece.axes.truncate(piece.n_out);
    piece.combine = Combine::None;
    Some(piece)
}

/// Whether each reduced axis is pinned to one value, and no other guard mentions one.
fn is_one_point(graph: &Graph, piece: &Equation) -> bool {
    let mut pins = Vec::new();
    for guard in &piece.guards {
        match sure_pin(&graph.tensors, piece, guard) {
            Some(axis) if !pins.contains(&axis) => pins.push(axis),
            Some(_) | None if mentions_reduced(piece, guard) => return false,
            Some(_) | None => {}
        }
    }
    piece.combine == Combine::Sum && piece.axes.len() > piece.n_out && pins.len() == piece.axes.len() - piece.n_out
}

fn mentions_reduced(piece: &Equation, guard: &Guard) -> bool {
    (piece.n_out..piece.axes.len()).any(|axis| guard.mentions(axis))
}

/// Defines the look-up of one load over the output axes, and loads it there.
fn look_up(graph: &mut Graph, piece: &Equation, load: &Access) -> ExprId {
    let Origin { path, at, .. } = graph.origins[piece.origin].clone();
    let origin = graph.origins.push(Origin { path, at, role: OriginRole::Lifted });
    let tensor = &graph.tensors[piece.out];
    let (name, shape) = (format!("{}.at", tensor.name), tensor.shape.clone());
    let out = graph.tensor(&name, &shape, Dtype::Real, Kind::Defined, origin);
    let body = graph.exprs.add(Expr::Load(load.clone()));
    graph.define(Equation { out, body, origin, ..piece.clone() });
    let index: Vec<Affine> = piece.write.clone();
    graph.exprs.load(out, index)
}
