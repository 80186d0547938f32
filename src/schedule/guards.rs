//! Rewrites of the accesses inside conditions, which the rebuilding of bodies passes by.

use crate::graph::{Access, Expr, ExprId, Graph, Guard};
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
