//! Rewrites of accesses, those inside conditions too.

use super::space::{Seen, visit_equation};
use crate::graph::{Access, Expr, ExprId, Graph, Guard, TensorId};
use std::collections::HashMap;

/// The body with the data of each guard in its conditions replaced where `change` has an answer.
pub fn map_guard_data(graph: &mut Graph, body: ExprId, change: &dyn Fn(&Access) -> Option<Access>) -> ExprId {
    if graph.exprs.below(&[body]).iter().all(|&e| !matches!(graph.exprs[e], Expr::Select(..))) {
        return body;
    }
    graph.exprs.rebuild(body, &mut HashMap::new(), &mut |_, _| None, &mut |guard| with_data(guard, change))
}

/// A guard with its data replaced where `change` has an answer.
pub fn with_data(guard: &Guard, change: &dyn Fn(&Access) -> Option<Access>) -> Guard {
    let mut guard = guard.clone();
    if let Some((_, access)) = &mut guard.data {
        *access = change(access).unwrap_or_else(|| access.clone());
    }
    guard
}

/// Replaces every access, read or written, that `change` has an answer for.
pub fn rewrite_accesses(graph: &mut Graph, change: &dyn Fn(&Access) -> Option<Access>) {
    let places: Vec<(TensorId, usize)> =
        graph.defs.iter().flat_map(|(&t, d)| (0..d.pieces.len()).map(move |n| (t, n))).collect();
    for (tensor, number) in places {
        let piece = &graph.defs[&tensor].pieces[number];
        let write = Access { tensor, index: piece.write.clone() };
        let mut touched = change(&write).is_some();
        visit_equation(graph, piece, &mut |seen| {
            if let Seen::Load(access) | Seen::Data(access) = seen {
                touched |= change(access).is_some();
            }
        });
        if !touched {
            continue;
        }
        let body = piece.body;
        let body = graph.exprs.replace_loads(body, |exprs, access| Some(exprs.add(Expr::Load(change(access)?))));
        let body = map_guard_data(graph, body, change);
        let piece = &mut graph.defs[&tensor].pieces[number];
        piece.body = body;
        piece.guards = piece.guards.iter().map(|g| with_data(g, change)).collect();
        piece.write = change(&write).unwrap_or(write).index;
    }
}
