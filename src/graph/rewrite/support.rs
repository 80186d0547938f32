//! M1 and C4: a tensor that is known outside a guard (0 because nobody writes there, or minus infinity because that is
//! chosen there) passes the guard to the equations that load it, where it ends as a guard of theirs.

use super::look::{inverse, only_piece};
use crate::graph::normal::normalise;
use crate::graph::order::order;
use crate::graph::{Access, Affine, Binary, Combine, Cond, Equation, Expr, ExprId, Exprs, Graph, Guard, TensorId};

/// Which supports are passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Minus infinity, and 0 where it is divided: these decide what is a number.
    Meaning,
    /// 0 where it is multiplied or added up, by affine guards: these save work.
    Cost,
}

/// What a tensor is where one of the guards, over its coordinates, fails.
struct Support {
    guards: Vec<Guard>,
    value: f64,
}

/// Passes supports from each definition to those that read it, in the order of dependence; `may` is asked before each.
/// In a circle of definitions those that stand later pass nothing to those before: that saves less, and is right.
pub fn spread(graph: &mut Graph, reach: Reach, may: &mut dyn FnMut() -> bool) {
    let order = order(graph);
    let mut supports: Vec<Option<Support>> = (0..graph.tensors.len()).map(|_| None).collect();
    for out in order {
        for at in 0..graph.defs[&out].pieces.len() {
            let piece = graph.defs[&out].pieces[at].clone();
            if let Some(new) = narrowed(graph, &supports, piece, reach)
                && may()
            {
                graph.defs[&out].pieces[at] = new;
            }
        }
        supports[out.index()] = support(graph, out, reach);
    }
}

fn support(graph: &Graph, tensor: TensorId, reach: Reach) -> Option<Support> {
    let piece = only_piece(graph, tensor)?;
    let inverse = inverse(&graph.tensors[tensor], piece)?;
    let mut map = inverse.axes.clone();
    map.resize(piece.axes.len(), Affine::number(0));
    let over_outputs = |guard: &&Guard| !(piece.n_out..piece.axes.len()).any(|axis| guard.mentions(axis));
    let (guards, value) = match &graph.exprs[piece.body] {
        Expr::Select(Cond::Guards(guards), _, other)
            if piece.guards.is_empty()
                && inverse.is_whole()
                && piece.combine == Combine::None
                && graph.exprs.as_number(*other) == Some(f64::NEG_INFINITY) =>
        {
            (guards, f64::NEG_INFINITY)
        }
        Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => {
            (&piece.guards, 0.0)
        }
    };
    let fits = |guard: &&Guard| over_outputs(guard) && (reach == Reach::Meaning || guard.data.is_none());
    let own = guards.iter().filter(fits).map(|guard| guard.substitute(&map));
    let guards: Vec<Guard> = inverse.guards.iter().cloned().chain(own).collect();
    (!guards.is_empty()).then_some(Support { guards, value })
}

/// The piece with the guards that its loads bring; none if there are no new ones.
fn narrowed(graph: &mut Graph, supports: &[Option<Support>], piece: Equation, reach: Reach) -> Option<Equation> {
    let mut loads: Vec<Access> = Vec::new();
    graph.exprs.each_access(piece.body, |access| {
        if supports.get(access.tensor.index()).is_some_and(Option::is_some) && !loads.contains(access) {
            loads.push(access.clone());
        }
    });
    let mut best: Option<Equation> = None;
    for load in loads {
        let Some(Some(support)) = supports.get(load.tensor.index()) else { continue };
        let now = best.as_ref().unwrap_or(&piece).clone();
        if passes(&graph.exprs, now.body, &load, support, reach)
            && let Some(new) = narrowed_by(graph, now, &load, support)
        {
            best = Some(new);
        }
    }
    best
}

/// Whether a support is of the reach's kind at this load.
fn passes(exprs: &Exprs, body: ExprId, load: &Access, support: &Support, reach: Reach) -> bool {
    let divided = |id: ExprId| match exprs[id] {
        Expr::Binary(Binary::Div, a, _) => exprs.below(&[a]).iter().any(|&id| exprs.as_load(id) == Some(load)),
        Expr::Binary(..) | Expr::Const(_) | Expr::Load(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Select(..) => {
            false
        }
    };
    reach == Reach::Cost || support.value == f64::NEG_INFINITY || exprs.below(&[body]).into_iter().any(divided)
}

/// The load becomes a select, which must end as guards of the equation.
fn narrowed_by(graph: &mut Graph, piece: Equation, load: &Access, support: &Support) -> Option<Equation> {
    let guards: Vec<Guard> = support.guards.iter().map(|guard| guard.substitute(&load.index)).collect();
    if guards.iter().all(|guard| piece.guards.contains(guard)) {
        return None;
    }
    let outside = graph.exprs.number(support.value);
    let selects = count_selects(&graph.exprs, piece.body);
    let before = piece.guards.clone();
    let mut new = piece;
    new.body = graph.exprs.replace_loads(new.body, |exprs, access| {
        (access == load).then(|| {
            let inner = exprs.add(Expr::Load(access.clone()));
            exprs.select(Cond::Guards(guards.clone()), inner, outside)
        })
    });
    let empty = Equation { body: graph.exprs.number(0.0), ..new.clone() };
    let new = normalise(&mut graph.exprs, &graph.tensors, new).unwrap_or(empty);
    (count_selects(&graph.exprs, new.body) <= selects && new.guards != before).then_some(new)
}

fn count_selects(exprs: &Exprs, body: ExprId) -> usize {
    exprs.below(&[body]).into_iter().filter(|&id| matches!(exprs[id], Expr::Select(..))).count()
}
