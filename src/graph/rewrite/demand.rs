//! C5: what all readers of a tensor ask of its coordinates (guards that their equations share, and the part of it that
//! they read at all) becomes guards of its definition. Readers come first, so demand goes all the way up.

use super::cost::Fuel;
use crate::graph::affine::Range;
use crate::graph::facts::Facts;
use crate::graph::mix::QuickMap;
use crate::graph::normal::normalise;
use crate::graph::order::{components, reads};
use crate::graph::{Access, Affine, Cond, Equation, Expr, ExprId, Graph, Guard, Rel, TensorId};

/// What the readers seen so far share.
struct Demand {
    /// Of each coordinate.
    ranges: Vec<Range>,
    /// Over the coordinates.
    guards: Vec<Guard>,
}

/// Narrows all definitions to what is asked of them, but for those that need each other in a circle.
pub fn narrow(graph: &mut Graph, fuel: &mut Fuel) {
    let components = components(graph);
    let mut demands: QuickMap<TensorId, Demand> = QuickMap::default();
    let wanted = graph.outputs.iter().map(|output| output.1).chain(graph.updates.iter().map(|update| update.1));
    for tensor in wanted {
        demands.insert(tensor, everything(graph, tensor));
    }
    for component in components.iter().rev() {
        // Of a circle not all readers have asked: they may ask for everything.
        let circle = component.iter().any(|out| reads_any(graph, *out, component));
        for out in component.iter().rev() {
            if let Some(demand) = demands.remove(out).filter(|_| !circle) {
                apply(graph, *out, &demand, fuel);
            }
        }
        for piece in component.iter().flat_map(|out| &graph.defs[out].pieces) {
            ask(graph, piece, &mut demands);
        }
    }
}

fn reads_any(graph: &Graph, out: TensorId, tensors: &[TensorId]) -> bool {
    graph.defs[&out].pieces.iter().flat_map(|piece| reads(&graph.exprs, piece)).any(|read| tensors.contains(&read))
}

fn everything(graph: &Graph, tensor: TensorId) -> Demand {
    let ranges = graph.tensors[tensor].shape.iter().map(|&extent| Range::below(extent)).collect();
    Demand { ranges, guards: Vec::new() }
}

/// Adds the demand as guards to the pieces.
fn apply(graph: &mut Graph, out: TensorId, demand: &Demand, fuel: &mut Fuel) {
    let mut guards = demand.guards.clone();
    for (at, range) in demand.ranges.iter().enumerate() {
        let bound = |form: Affine| Guard { form, data: None, rel: Rel::Ge };
        if range.low > 0 {
            guards.push(bound(Affine::axis(at).shift(-(range.low as i32))));
        }
        if range.high + 1 < i64::from(graph.tensors[out].shape[at]) {
            guards.push(bound(Affine::term(at, -1).shift(range.high as i32)));
        }
    }
    let facts: Vec<bool> = graph.defs[&out].pieces.iter().map(|piece| is_new(graph, piece, &guards)).collect();
    if !facts.contains(&true) || !fuel.take() {
        return;
    }
    let pieces = std::mem::take(&mut graph.defs[&out].pieces);
    let pieces = pieces.into_iter().filter_map(|mut piece| {
        let more = guards.iter().map(|guard| guard.substitute(&piece.write));
        piece.guards.splice(0..0, more.collect::<Vec<_>>());
        normalise(&mut graph.exprs, &graph.tensors, piece)
    });
    let pieces = pieces.collect();
    graph.defs[&out].pieces = pieces;
}

/// Whether the guards say something that the piece does not know.
fn is_new(graph: &Graph, piece: &Equation, guards: &[Guard]) -> bool {
    let facts = Facts::new(&piece.axes).with(&graph.tensors, &piece.guards);
    guards.iter().any(|guard| !facts.implies(&guard.substitute(&piece.write)))
}

/// Records what a piece asks of the tensors that it loads.
fn ask(graph: &Graph, piece: &Equation, demands: &mut QuickMap<TensorId, Demand>) {
    let affine: Vec<Guard> = piece.guards.iter().filter(|guard| guard.data.is_none()).cloned().collect();
    let facts = Facts::new(&piece.axes).with(&graph.tensors, &affine);
    for (_, access) in piece.guards.iter().filter_map(|guard| guard.data.as_ref()) {
        join(graph, access, &facts, &[], demands);
    }
    if graph.exprs.below(&[piece.body]).into_iter().any(|id| matches!(graph.exprs[id], Expr::Select(..))) {
        ask_body(graph, piece.body, &facts, &affine, demands);
    } else {
        graph.exprs.each_access(piece.body, |access| join(graph, access, &facts, &affine, demands));
    }
}

fn ask_body(graph: &Graph, body: ExprId, facts: &Facts, guards: &[Guard], demands: &mut QuickMap<TensorId, Demand>) {
    match &graph.exprs[body] {
        Expr::Load(access) => join(graph, access, facts, guards, demands),
        Expr::Select(Cond::Guards(conditions), x, y) => {
            for (_, access) in conditions.iter().filter_map(|guard| guard.data.as_ref()) {
                join(graph, access, facts, guards, demands);
            }
            let affine: Vec<Guard> = conditions.iter().filter(|guard| guard.data.is_none()).cloned().collect();
            let inside = facts.clone().with(&graph.tensors, &affine);
            ask_body(graph, *x, &inside, &[guards, &affine].concat(), demands);
            ask_body(graph, *y, &facts.clone().without(&graph.tensors, conditions), guards, demands);
        }
        Expr::Const(_) | Expr::Index(_) | Expr::Unary(..) | Expr::Binary(..) | Expr::Select(..) => {
            graph.exprs.children(body).into_iter().for_each(|child| ask_body(graph, child, facts, guards, demands));
        }
    }
}

/// One load more.
fn join(graph: &Graph, access: &Access, facts: &Facts, guards: &[Guard], demands: &mut QuickMap<TensorId, Demand>) {
    if !graph.defs.contains_key(&access.tensor) || facts.is_dead() {
        return;
    }
    let shape = &graph.tensors[access.tensor].shape;
    let whole = access.index.iter().zip(shape);
    let ranges = whole.map(|(form, &extent)| {
        let (range, whole) = (form.range(&facts.ranges), Range::below(extent));
        Range::of(range.low.max(whole.low), range.high.min(whole.high))
    });
    let ranges: Vec<Range> = ranges.collect();
    match demands.get_mut(&access.tensor) {
        None => {
            let guards = guards.iter().filter_map(|guard| over_coordinates(guard, access)).collect();
            demands.insert(access.tensor, Demand { ranges, guards });
        }
        Some(demand) => {
            demand.guards.retain(|guard| facts.implies(&guard.substitute(&access.index)));
            for (known, range) in demand.ranges.iter_mut().zip(ranges) {
                *known = Range::of(known.low.min(range.low), known.high.max(range.high));
            }
        }
    }
}

/// A guard of the reader as one of the coordinates that it loads, if they tell all its axes; one of several axes, as
/// ranges are seen apart.
fn over_coordinates(guard: &Guard, access: &Access) -> Option<Guard> {
    let mut form = Affine::number(guard.form.constant);
    for &(axis, factor) in &guard.form.terms {
        let told = access.index.iter().enumerate().find_map(|(at, coordinate)| match coordinate.terms[..] {
            [(only, sign @ (1 | -1))] if only == axis => Some(Affine::axis(at).shift(-coordinate.constant).times(sign)),
            _ => None,
        });
        form = form.plus_times(factor, &told?);
    }
    (form.terms.len() > 1).then_some(Guard { form, data: None, rel: guard.rel })
}
