//! The table of a net: a row for each use of a block, from the checked net alone.
//!
//! **Invariant**: parameters, multiply-adds and activations of a row are those of the use itself and of all uses below
//! it; the rows without children, and `others`, add up to the whole net.

use super::net::{Binary, Checked, Flat, Net, ParamId, Piece, Scalar, TensorId, TensorKind, UseId};
use crate::ids::Symbol;
use crate::size::{Limits, Poly};
use crate::source::Span;
use indexmap::IndexSet;

/// One use of a block.
#[derive(Clone, Debug)]
pub struct Row {
    /// `Residual_3.conv_1`
    pub path: String,
    pub block: Symbol,
    /// Uses around it.
    pub depth: usize,
    /// Whether no block is used inside of it.
    pub leaf: bool,
    pub input: Vec<Poly>,
    pub output: Vec<Poly>,
    pub counts: Counts,
    /// The call.
    pub at: Span,
}

/// What a part of a net needs, for one example; in open lengths where the net has such.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Trained numbers, shared ones once.
    pub params: u64,
    /// A sum of products of two tensors counts its whole box, padding included.
    pub multiply_adds: Poly,
    /// Numbers that come out, of the use itself: what is kept for the backward pass at most.
    pub activations: Poly,
}

/// A net's table.
#[derive(Clone, Debug)]
pub struct Table {
    pub rows: Vec<Row>,
    pub total: Counts,
    /// What the net does outside of any block.
    pub others: Counts,
    /// What its open lengths may be, a line each.
    pub lengths: Vec<String>,
}

/// The table of a net in evaluation.
pub fn table(checked: &Checked, net: &Net) -> Table {
    let flat = &net.evaluate;
    let own: Vec<Own> = own_counts(checked, flat);
    // The net itself is the outermost use: its parts are the table.
    let whole = |id: UseId| flat.uses[id].parent.is_none() && flat.uses[id].block == net.name;
    let rows = flat.uses.ids().filter(|&id| !whole(id)).map(|id| row(checked, flat, id, &own, &net.name)).collect();
    let everything = flat.uses.ids().map(|id| id.index()).chain([flat.uses.len()]);
    let total = sum(checked, everything.map(|i| &own[i]), flat);
    let others = sum(checked, std::iter::once(&own[flat.uses.len()]), flat);
    let lengths = flat.lengths.iter().map(|(name, (limits, at))| length(checked, name, *limits, *at)).collect();
    Table { rows, total, others, lengths }
}

/// `T: 17 or more, asked by conv1d(4, 17) in line 3`
fn length(checked: &Checked, name: &Symbol, limits: Limits, at: Option<Span>) -> String {
    let asked = at.map_or(String::new(), |at| {
        let (line, _) = checked.sources.position(at);
        format!(", asked by {} in line {line}", checked.sources.text(at))
    });
    format!("{name}: {limits}{asked}")
}

/// What stands in one use itself.
#[derive(Clone, Debug, Default)]
struct Own {
    params: IndexSet<ParamId>,
    multiply_adds: Poly,
    output: Option<TensorId>,
}

/// For each use, and last for what is in none.
fn own_counts(checked: &Checked, flat: &Flat) -> Vec<Own> {
    let mut own = vec![Own::default(); flat.uses.len() + 1];
    let place = |of: Option<UseId>| of.map_or(flat.uses.len(), UseId::index);
    for (id, used) in flat.uses.iter() {
        own[id.index()].params.extend(used.params.iter().copied());
        own[id.index()].output = used.output;
    }
    let in_uses: IndexSet<ParamId> = own.iter().flat_map(|o| o.params.iter().copied()).collect();
    for (_, tensor) in flat.tensors.iter() {
        if let TensorKind::Param(param) = &tensor.kind
            && !in_uses.contains(param)
        {
            own[place(tensor.of)].params.insert(*param);
        }
    }
    for piece in &flat.pieces {
        let own = &mut own[place(piece.of)].multiply_adds;
        *own = plus(own, &multiply_adds(checked, piece));
    }
    own
}

fn row(checked: &Checked, flat: &Flat, id: UseId, own: &[Own], net: &Symbol) -> Row {
    let used = &flat.uses[id];
    let inside = |mut inner: UseId| loop {
        match (inner == id, flat.uses[inner].parent) {
            (true, _) => return true,
            (false, Some(parent)) => inner = parent,
            (false, None) => return false,
        }
    };
    let below: Vec<UseId> = flat.uses.ids().skip(id.index()).filter(|&inner| inside(inner)).collect();
    let mut counts = sum(checked, below.iter().map(|inner| &own[inner.index()]), flat);
    counts.activations = elements(&shape(checked, flat, used.output));
    let parents = std::iter::successors(used.parent, |&parent| flat.uses[parent].parent);
    let around = parents.filter(|&parent| flat.uses[parent].parent.is_some() || flat.uses[parent].block != *net);
    let mut names: Vec<&str> = around.map(|parent| &*flat.uses[parent].name).collect();
    let depth = names.len();
    names.reverse();
    names.push(&used.name);
    Row {
        path: names.join("."),
        block: used.block.clone(),
        depth,
        leaf: below.len() == 1,
        input: shape(checked, flat, used.input),
        output: shape(checked, flat, used.output),
        counts,
        at: used.at,
    }
}

fn sum<'a>(checked: &Checked, parts: impl Iterator<Item = &'a Own>, flat: &Flat) -> Counts {
    let mut params: IndexSet<ParamId> = IndexSet::new();
    let mut counts = Counts::default();
    for own in parts {
        params.extend(own.params.iter().copied());
        counts.multiply_adds = plus(&counts.multiply_adds, &own.multiply_adds);
        let output = own.output.map(|output| elements(&shape(checked, flat, Some(output))));
        counts.activations = plus(&counts.activations, &output.unwrap_or_default());
    }
    let trained = params.iter().map(|&id| &checked.params[id]).filter(|param| param.trained);
    counts.params = trained.map(|param| param.shape.iter().map(|&size| number(checked, size)).product::<u64>()).sum();
    counts
}

/// The sums of products in a piece, each with its whole box.
fn multiply_adds(checked: &Checked, piece: &Piece) -> Poly {
    let extents = |vars: &[super::net::VarId]| {
        let each: Vec<Poly> = vars.iter().map(|&var| size(checked, piece.vars[var].extent)).collect();
        elements(&each)
    };
    let mut found = Poly::zero();
    let mut open: Vec<(&Scalar, Poly)> = vec![(&piece.body, extents(&piece.free))];
    while let Some((scalar, points)) = open.pop() {
        match scalar {
            Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) | Scalar::Load { .. } => {}
            Scalar::Unary(_, a) => open.push((a, points)),
            Scalar::Binary(_, a, b) | Scalar::If(_, a, b) => open.extend([(&**a, points.clone()), (&**b, points)]),
            Scalar::Reduce { vars, body, .. } => {
                let points = times(&points, &extents(vars));
                if is_product(body) {
                    found = plus(&found, &points);
                }
                open.push((body, points));
            }
        }
    }
    found
}

/// Whether a sum's body multiplies two tensors, below any condition.
fn is_product(body: &Scalar) -> bool {
    match body {
        Scalar::If(_, then, _) => is_product(then),
        Scalar::Binary(Binary::Mul, a, b) => reads(a) && reads(b),
        _ => false,
    }
}

fn reads(scalar: &Scalar) -> bool {
    match scalar {
        Scalar::Load { .. } => true,
        Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) => false,
        Scalar::Unary(_, a) => reads(a),
        Scalar::Binary(_, a, b) | Scalar::If(_, a, b) => reads(a) || reads(b),
        Scalar::Reduce { body, .. } => reads(body),
    }
}

fn shape(checked: &Checked, flat: &Flat, tensor: Option<TensorId>) -> Vec<Poly> {
    tensor.map(|id| flat.tensors[id].shape.iter().map(|&n| size(checked, n)).collect()).unwrap_or_default()
}

fn elements(shape: &[Poly]) -> Poly {
    shape.iter().fold(Poly::number(1), |product, n| times(&product, n))
}

/// What cannot be counted is beyond any machine: it is shown as the largest number.
fn times(a: &Poly, b: &Poly) -> Poly {
    a.mul(b).unwrap_or_else(|_| Poly::number(i64::MAX))
}

fn plus(a: &Poly, b: &Poly) -> Poly {
    a.add(b).unwrap_or_else(|_| Poly::number(i64::MAX))
}

fn size(checked: &Checked, size: crate::size::SizeId) -> Poly {
    checked.sizes.value(size).cloned().expect("a checked net has no poisoned size")
}

fn number(checked: &Checked, size: crate::size::SizeId) -> u64 {
    let number = checked.sizes.number(size).and_then(|n| u64::try_from(n).ok());
    number.expect("a parameter has numbers for sizes")
}
