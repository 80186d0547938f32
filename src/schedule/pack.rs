//! Copies of operands in the layout that vectors want: an output axis cut into blocks that lie innermost,
//! `r[n, k, i]` to `p[k / 8, n, i, k % 8]`, where a contraction gains more by it than the copy costs.
//!
//! **Invariants**: the graph stays valid; values stay; each copy is made once for all that load it.

use super::Group;
use super::classes::contraction;
use super::tile::Chooser;
use super::{segments, turns};
use crate::graph::{Access, Affine, Axis, Combine, Equation, Expr, Graph, Kind, Role, TensorId};
use indexmap::{IndexMap, IndexSet};

/// Cycles that it takes to copy an element out of line.
const COPY: f64 = 2.0;

/// Copies by tensor and coordinate.
type Copies = IndexMap<(TensorId, usize), TensorId>;

/// Gives contractions packed operands where that is cheaper, the copies counted. Gives the cycles of all contractions.
pub fn pack(graph: &mut Graph, needed: &mut IndexSet<TensorId>, chooser: &mut Chooser) -> f64 {
    let mut copies = Copies::new();
    let places: Vec<(TensorId, usize)> = graph
        .defs
        .iter()
        .filter(|d| needed.contains(d.0))
        .flat_map(|(&t, d)| (0..d.pieces.len()).map(move |n| (t, n)))
        .collect();
    let mut total = 0.0;
    let mut times: IndexMap<TensorId, Vec<(usize, bool)>> = IndexMap::new();
    // Those around come before those inside.
    for recurrence in segments::recurrences(graph) {
        recurrence.time.iter().for_each(|(&tensor, &time)| times.entry(tensor).or_default().push((time, false)));
    }
    for (tensor, number) in places {
        let piece = graph.defs[&tensor].pieces[number].clone();
        let loops = Loops { times: times.get(&tensor).map_or(&[], |times| times), members: &times };
        let Some((better, cost)) = better(graph, &mut copies, needed, (&piece, loops), chooser) else { continue };
        total += cost;
        if let Some(better) = better {
            graph.defs[&tensor].pieces[number] = better;
        }
    }
    total
}

/// The loops around a piece.
struct Loops<'t> {
    /// The coordinates that they run along, outermost first.
    times: &'t [(usize, bool)],
    /// All tensors that change in loops.
    members: &'t IndexMap<TensorId, Vec<(usize, bool)>>,
}

/// The piece over a packed operand, if that is the cheapest way, and the cycles of the cheapest way. None for what is
/// no contraction.
fn better(
    graph: &mut Graph,
    copies: &mut Copies,
    needed: &mut IndexSet<TensorId>,
    (piece, loops): (&Equation, Loops),
    chooser: &mut Chooser,
) -> Option<(Option<Equation>, f64)> {
    let one = turns::at_turn(graph, piece, loops.times);
    contraction(graph, &one)?;
    let product = contraction(graph, piece)?;
    let size = chooser.target.block();
    let mut cost = |graph: &mut Graph, piece: &Equation| {
        let one = turns::at_turn(graph, piece, loops.times);
        let turns: f64 = turns::of(&one.axes).into_iter().map(|a| f64::from(one.axes[a].extent)).product();
        let tile = chooser.choose(graph, &Group::alone("".into(), &one, false));
        tile.map_or(f64::INFINITY, |t| t.cost * turns)
    };
    let is_time = |axis: usize| loops.times.iter().any(|&(time, _)| piece.write[time].mentions(axis));
    let mut least = cost(graph, piece);
    if least.is_infinite() {
        // The general nest takes about a cycle a point.
        least = piece.axes.iter().map(|a| f64::from(a.extent)).product();
    }
    let mut best = None;
    for (operand, other) in [(&product.a, &product.b), (&product.b, &product.a)] {
        // A copy of what changes in a loop would have to be made in each turn.
        if !loops.times.is_empty() && loops.members.contains_key(&operand.tensor) {
            continue;
        }
        for (d, form) in operand.index.iter().enumerate() {
            let Some(axis) = form.as_axis().filter(|&a| a < piece.n_out && !is_time(a)) else { continue };
            let shape = &graph.tensors[operand.tensor].shape;
            let fits = piece.axes[axis].extent == shape[d] && shape[d].is_multiple_of(size);
            let once = operand.index.iter().filter(|f| f.mentions(axis)).count() == 1;
            if !fits || !once || other.index.iter().any(|f| f.mentions(axis)) {
                continue;
            }
            let known = copies.get(&(operand.tensor, d)).copied();
            let packed = known.unwrap_or_else(|| declare(graph, operand.tensor, d, size));
            let copying = if known.is_some() { 0.0 } else { COPY * elements(graph, operand.tensor) };
            let candidate = over(graph, piece, operand, (axis, d), packed, size);
            let total = cost(graph, &candidate) + copying;
            if total < least {
                least = total;
                best = Some((candidate, operand.tensor, d, packed));
            }
        }
    }
    let Some((candidate, tensor, d, packed)) = best else { return Some((None, least)) };
    if copies.insert((tensor, d), packed).is_none() {
        define(graph, tensor, d, packed, size);
        needed.insert(packed);
    }
    Some((Some(candidate), least))
}

fn elements(graph: &Graph, tensor: TensorId) -> f64 {
    graph.tensors[tensor].shape.iter().map(|&n| f64::from(n)).product()
}

fn declare(graph: &mut Graph, tensor: TensorId, d: usize, size: u32) -> TensorId {
    let source = graph.tensors[tensor].clone();
    let mut shape = source.shape.clone();
    let n = shape.remove(d);
    shape.insert(0, n / size);
    shape.push(size);
    graph.tensor(&format!("{}.packed", source.name), &shape, source.dtype, Kind::Defined, source.origin)
}

/// `packed[k / size, .., k % size] = tensor[.., k, ..]`
fn define(graph: &mut Graph, tensor: TensorId, d: usize, packed: TensorId, size: u32) {
    let shape = graph.tensors[packed].shape.clone();
    let axis = |(i, &extent): (usize, &u32)| Axis { extent, role: Role::Plain, hint: format!("d{i}").into() };
    let axes: Vec<Axis> = shape.iter().enumerate().map(axis).collect();
    let mut index: Vec<Affine> = (1..shape.len() - 1).map(Affine::axis).collect();
    index.insert(d, Affine::of(0, [(0, size as i32), (shape.len() - 1, 1)]));
    let body = graph.exprs.load(tensor, index);
    let write = (0..shape.len()).map(Affine::axis).collect();
    let (n_out, origin) = (axes.len(), graph.tensors[tensor].origin);
    graph.define(Equation {
        out: packed,
        axes,
        n_out,
        combine: Combine::None,
        write,
        guards: Vec::new(),
        body,
        origin,
    });
}

/// The piece with one output axis cut in two, loading the packed operand.
fn over(
    graph: &mut Graph,
    piece: &Equation,
    operand: &Access,
    (axis, d): (usize, usize),
    packed: TensorId,
    size: u32,
) -> Equation {
    let mut axes = piece.axes.clone();
    axes[axis].extent /= size;
    axes.insert(piece.n_out, Axis { extent: size, role: Role::Plain, hint: piece.axes[axis].hint.clone() });
    let place = |a: usize| if a < piece.n_out { a } else { a + 1 };
    let mut map: Vec<Affine> = (0..piece.axes.len()).map(|a| Affine::axis(place(a))).collect();
    map[axis] = Affine::of(0, [(axis, size as i32), (piece.n_out, 1)]);
    let body = graph.exprs.substitute(piece.body, &map);
    let wanted = operand.substitute(&map);
    let body = graph.exprs.replace_loads(body, |exprs, access| {
        (*access == wanted).then(|| {
            let mut index = access.index.clone();
            index.remove(d);
            index.insert(0, Affine::axis(axis));
            index.push(Affine::axis(piece.n_out));
            exprs.add(Expr::Load(Access { tensor: packed, index }))
        })
    });
    Equation {
        axes,
        n_out: piece.n_out + 1,
        write: piece.write.iter().map(|f| f.substitute(&map)).collect(),
        guards: piece.guards.iter().map(|g| g.substitute(&map)).collect(),
        body,
        ..piece.clone()
    }
}
