//! Padding without tests: where the guards of a contraction only keep one operand's coordinates inside, that operand is
//! laid out with a border of zeros and the guards go.
//!
//! Tensors that nobody outside sees get their border in place, others are copied; so is an operand that vectors run
//! along but that keeps its layout. Where the border would cost many multiplications and what lies inside the guarded
//! axes is long, the guards stay: they are tested around the tile.
//! **Invariants**: the graph stays valid; a border is never written, so it is 0.

use super::classes::contraction;
use super::guards::rewrite_accesses;
use super::layout::Blocks;
use super::space::{Range, interval};
use crate::graph::{Access, Affine, Axis, Combine, Dtype, Equation, Expr, Graph, Guard, Kind, Rel, Role, TensorId};
use indexmap::{IndexMap, IndexSet};

/// Zeros before and behind, for each coordinate.
type Border = Vec<(i64, i64)>;

/// What is to be done.
#[derive(Default)]
struct Wanted {
    borders: IndexMap<TensorId, Border>,
    /// Pieces whose guards go.
    freed: IndexSet<(TensorId, usize)>,
    /// Pieces that load the copy of a tensor.
    redirected: IndexSet<((TensorId, usize), TensorId)>,
}

/// Gives operands of contractions their borders, and makes the copies that need them.
pub fn pad(graph: &mut Graph, needed: &mut IndexSet<TensorId>, blocks: &Blocks) {
    let wanted = wanted(graph, needed, blocks);
    let mut copies = IndexMap::new();
    let mut borders: IndexMap<TensorId, Border> = IndexMap::new();
    for (&tensor, border) in &wanted.borders {
        let target = match is_free(graph, tensor) {
            true => tensor,
            false => *copies.entry(tensor).or_insert_with(|| copy(graph, needed, blocks, tensor)),
        };
        let cut = target != tensor && blocks.kept.contains_key(&tensor);
        let border = border.iter().copied().chain(cut.then_some((0, 0))).collect();
        borders.insert(target, border);
    }
    for &((tensor, number), operand) in &wanted.redirected {
        let Some(&copy) = copies.get(&operand) else { continue };
        redirect(graph, blocks, (tensor, number), operand, copy);
    }
    for &(tensor, number) in &wanted.freed {
        graph.defs[&tensor].pieces[number].guards.clear();
    }
    spread(graph, &borders);
}

fn is_free(graph: &Graph, tensor: TensorId) -> bool {
    let outside = graph.outputs.iter().map(|o| o.1).chain(graph.updates.iter().flat_map(|u| [u.0, u.1]));
    matches!(graph.tensors[tensor].kind, Kind::Defined) && outside.into_iter().all(|t| t != tensor)
}

fn wanted(graph: &Graph, needed: &IndexSet<TensorId>, blocks: &Blocks) -> Wanted {
    let mut wanted = Wanted::default();
    for (&tensor, def) in graph.defs.iter().filter(|d| needed.contains(d.0)) {
        for (number, piece) in def.pieces.iter().enumerate() {
            let Some(product) = contraction(graph, piece) else { continue };
            let operands = [&product.a, &product.b];
            let borders = borders(graph, blocks, piece, operands);
            if borders.is_some() {
                wanted.freed.insert((tensor, number));
            }
            for (at, operand) in operands.into_iter().enumerate() {
                let border = borders.as_ref().map(|b| b[at].clone()).filter(|b| b.iter().any(|&b| b != (0, 0)));
                want(graph, blocks, piece, operand, border, (tensor, number), &mut wanted);
            }
        }
    }
    wanted
}

/// What one operand of one contraction needs: its border, and a copy if vectors must run along it.
fn want(
    graph: &Graph,
    blocks: &Blocks,
    piece: &Equation,
    operand: &Access,
    border: Option<Border>,
    place: (TensorId, usize),
    wanted: &mut Wanted,
) {
    let tensor = operand.tensor;
    let kept = blocks.kept.get(&tensor).copied().filter(|_| !is_free(graph, tensor));
    let along = kept.is_some_and(|d| {
        let output = operand.index[d].axes().all(|a| a < piece.n_out);
        let window = operand.index.iter().enumerate().any(|(i, f)| i != d && f.terms.len() > 1);
        operand.index[d].terms.len() == 2 && (output || window)
    });
    if border.is_none() && !along {
        return;
    }
    let none = vec![(0, 0); operand.index.len()];
    let border = border.unwrap_or_else(|| none.clone());
    let known = wanted.borders.entry(tensor).or_insert(none);
    for (k, b) in known.iter_mut().zip(border) {
        *k = (k.0.max(b.0), k.1.max(b.1));
    }
    if !is_free(graph, tensor) {
        wanted.redirected.insert((place, tensor));
    }
}

/// The borders of both operands that make all guards of a piece needless: each guard keeps a coordinate inside, and
/// where it does not hold, one factor is 0. None where there are no guards, or where they had better stay.
fn borders(graph: &Graph, blocks: &Blocks, piece: &Equation, operands: [&Access; 2]) -> Option<[Border; 2]> {
    let explains = |guard: &Guard, operand: &Access| {
        let shape = &graph.tensors[operand.tensor].shape;
        guard.rel == Rel::Ge
            && operand
                .index
                .iter()
                .zip(shape)
                .any(|(form, &n)| guard.form == *form || guard.form == form.times(-1).shift(n as i32 - 1))
    };
    let explained = piece.guards.iter().all(|g| operands.iter().any(|o| explains(g, o)));
    if piece.guards.is_empty() || !explained || pays_to_test(graph, blocks, piece, operands) {
        return None;
    }
    Some(operands.map(|operand| border(graph, piece, operand)))
}

/// How far an operand's coordinates leave it.
fn border(graph: &Graph, piece: &Equation, operand: &Access) -> Border {
    let ranges = ranges(piece);
    let one = |(form, &n): (&Affine, &u32)| {
        let (lo, hi) = interval(form, &ranges);
        ((-lo).max(0), (hi - i64::from(n) + 1).max(0))
    };
    operand.index.iter().zip(&graph.tensors[operand.tensor].shape).map(one).collect()
}

fn ranges(piece: &Equation) -> Vec<Range> {
    piece.axes.iter().map(|a| (0, i64::from(a.extent) - 1)).collect()
}

/// Whether many points are dead, vectors run along an output axis, and enough lies inside a test.
fn pays_to_test(graph: &Graph, blocks: &Blocks, piece: &Equation, operands: [&Access; 2]) -> bool {
    let guarded = |a: usize| piece.guards.iter().any(|g| g.form.mentions(a));
    let inside: u64 =
        (piece.n_out..piece.axes.len()).filter(|&a| !guarded(a)).map(|a| u64::from(piece.axes[a].extent)).product();
    let shares = operands.iter().flat_map(|operand| {
        let shape = &graph.tensors[operand.tensor].shape;
        operand.index.iter().zip(shape).map(|(form, &n)| live(piece, form, i64::from(n)))
    });
    let live: f64 = shares.product();
    blocks.cut.contains_key(&piece.out) && inside >= 16 && live < 0.75
}

/// The share of the points at which a coordinate is inside.
fn live(piece: &Equation, form: &Affine, n: i64) -> f64 {
    let mut values: IndexMap<i64, u64> = IndexMap::from([(i64::from(form.constant), 1)]);
    for &(axis, c) in &form.terms {
        let mut next = IndexMap::new();
        for (value, count) in values {
            for i in 0..i64::from(piece.axes[axis as usize].extent) {
                *next.entry(value + i64::from(c) * i).or_insert(0) += count;
            }
        }
        values = next;
    }
    let inside: u64 = values.iter().filter(|v| 0 <= *v.0 && *v.0 < n).map(|v| v.1).sum();
    inside as f64 / values.values().sum::<u64>().max(1) as f64
}

/// A copy of a tensor in the layout of the others; its definition comes with it.
fn copy(graph: &mut Graph, needed: &mut IndexSet<TensorId>, blocks: &Blocks, tensor: TensorId) -> TensorId {
    let source = graph.tensors[tensor].clone();
    let mut shape = source.shape.clone();
    let axis = |extent: u32, hint: &str| Axis { extent, role: Role::Plain, hint: hint.into() };
    let mut load: Vec<Affine> = (0..shape.len()).map(Affine::axis).collect();
    if let Some(&d) = blocks.kept.get(&tensor) {
        shape[d] /= blocks.size;
        shape.push(blocks.size);
        load[d] = Affine::of(0, [(d, blocks.size as i32), (shape.len() - 1, 1)]);
    }
    let name = format!("{}.laid", source.name);
    let new = graph.tensor(&name, &shape, Dtype::Real, Kind::Defined, source.origin);
    let axes: Vec<Axis> = shape.iter().enumerate().map(|(i, &n)| axis(n, &format!("d{i}"))).collect();
    let body = graph.exprs.load(tensor, load);
    let write = (0..shape.len()).map(Affine::axis).collect();
    let n_out = axes.len();
    let (combine, guards, origin) = (Combine::None, Vec::new(), source.origin);
    graph.define(Equation { out: new, axes, n_out, combine, write, guards, body, origin });
    needed.insert(new);
    new
}

/// Makes a piece load the copy.
fn redirect(graph: &mut Graph, blocks: &Blocks, (tensor, number): (TensorId, usize), from: TensorId, to: TensorId) {
    let body = graph.defs[&tensor].pieces[number].body;
    let size = blocks.size as i32;
    let cut = blocks.kept.get(&from).copied();
    let body = graph.exprs.replace_loads(body, |exprs, access| {
        if access.tensor != from {
            return None;
        }
        let mut index = access.index.clone();
        if let Some(d) = cut {
            let half = |inner: bool| {
                let terms = access.index[d].terms.iter().filter(|t| (t.1 == size) != inner);
                Affine::of(0, terms.map(|&(a, c)| (a as usize, if inner { c } else { c / size })))
            };
            index[d] = half(false);
            index.push(half(true));
        }
        Some(exprs.add(Expr::Load(Access { tensor: to, index })))
    });
    graph.defs[&tensor].pieces[number].body = body;
}

/// Widens tensors and moves all accesses to them.
fn spread(graph: &mut Graph, borders: &IndexMap<TensorId, Border>) {
    for (&tensor, border) in borders {
        for (n, (lo, hi)) in graph.tensors[tensor].shape.iter_mut().zip(border) {
            *n += (lo + hi) as u32;
        }
    }
    let moved = |access: &Access| {
        let border = borders.get(&access.tensor)?;
        let index = access.index.iter().zip(border).map(|(form, b)| form.shift(b.0 as i32)).collect();
        Some(Access { tensor: access.tensor, index })
    };
    rewrite_accesses(graph, &moved);
}
