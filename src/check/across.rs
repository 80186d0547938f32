//! Metrics that look at all examples of a split at once, `across=batch` in an evaluation, in batches of any size.
//!
//! Each reduction across the batch is taken out: in a pass over the split every example gives its own part of it, whoever
//! runs the passes puts the parts together, and what comes later reads the result as an input. So the memory is that of a
//! batch, and a metric does not depend on its size but for rounding.

use super::checker::Checker;
use super::finish::{Draft, needed};
use super::flat::{Building, free_vars};
use super::forms::each_part;
use super::net::{
    Condition, Element, Linear, Part, Piece, Reduction, Scalar, Subscript, TensorId, TensorKind, VarId,
};
use crate::ids::Symbol;
use crate::size::Sizes;
use std::collections::BTreeSet;

/// A metric, not yet named: see `net::Measure`.
pub struct MeasureDraft {
    pub passes: Vec<(Draft, Vec<Part>)>,
    pub last: Draft,
    pub whole: bool,
}

impl<'t> Checker<'t> {
    /// Ends a flat list in mode evaluation whose output `value` is taken of a whole split.
    pub fn end_measure(&mut self, value: Option<TensorId>) -> MeasureDraft {
        let Some(value) = value else {
            return MeasureDraft { passes: Vec::new(), last: self.end(vec![]), whole: false };
        };
        let building = std::mem::take(&mut self.flat);
        let (passes, last, whole) = match taken_apart(building.clone(), value, &self.sizes) {
            Some((passes, last)) => (passes, last, false),
            None => (Vec::new(), building, true),
        };
        let mut drafts = Vec::new();
        for Pass { building, outputs, parts } in passes {
            self.flat = building;
            drafts.push((self.end(outputs), parts));
        }
        self.flat = last;
        MeasureDraft { passes: drafts, last: self.end(vec![("value".into(), value)]), whole }
    }
}

/// One pass in the making.
struct Pass {
    building: Building,
    outputs: Vec<(Symbol, TensorId)>,
    parts: Vec<Part>,
}

/// The passes, and what is left without any reduction across the batch. None if some reduction cannot be put together
/// from parts.
fn taken_apart(mut building: Building, value: TensorId, sizes: &Sizes) -> Option<(Vec<Pass>, Building)> {
    let (mut passes, mut count) = (Vec::new(), 0);
    loop {
        let needed = needed(&building.pieces, std::iter::once(value));
        let late = late(&building, &needed);
        if late.is_empty() {
            return Some((passes, building));
        }
        let mut pass = Pass { building: building.clone(), outputs: Vec::new(), parts: Vec::new() };
        for place in 0..building.pieces.len() {
            if !needed.contains(&building.pieces[place].out) {
                continue;
            }
            let mut piece = building.pieces[place].clone();
            let mut body = std::mem::replace(&mut piece.body, Scalar::Number(0.0));
            let mut taking = Taking { piece: &piece, late: &late, building: &mut building, pass: &mut pass, sizes };
            let fine = taking.scalar(&mut body, &mut count);
            building.pieces[place].body = body;
            if !fine {
                return None;
            }
        }
        if pass.parts.is_empty() {
            return None;
        }
        passes.push(pass);
    }
}

/// Tensors that depend on a reduction across the batch, of those that are needed.
fn late(building: &Building, needed: &BTreeSet<TensorId>) -> BTreeSet<TensorId> {
    let mut late = BTreeSet::new();
    loop {
        let before = late.len();
        for piece in building.pieces.iter().filter(|piece| needed.contains(&piece.out)) {
            if waits(&piece.body, &late) {
                late.insert(piece.out);
            }
        }
        if late.len() == before {
            return late;
        }
    }
}

/// Whether an expression reduces across the batch, or reads what does.
fn waits(scalar: &Scalar, late: &BTreeSet<TensorId>) -> bool {
    let mut waits = false;
    each_part(scalar, &mut |part| match part {
        Scalar::Reduce { across_batch, .. } => waits |= across_batch,
        Scalar::Load { tensor, subscripts, .. } => {
            let data = |s: &Subscript| matches!(s, Subscript::Data { tensor, .. } if late.contains(tensor));
            waits |= late.contains(tensor) || subscripts.iter().any(data);
        }
        _other => {}
    });
    waits
}

/// Takes reductions out of one piece.
struct Taking<'a> {
    piece: &'a Piece,
    late: &'a BTreeSet<TensorId>,
    building: &'a mut Building,
    pass: &'a mut Pass,
    sizes: &'a Sizes,
}

impl Taking<'_> {
    /// False if there is one that cannot be taken out.
    fn scalar(&mut self, scalar: &mut Scalar, count: &mut usize) -> bool {
        match scalar {
            Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) | Scalar::Load { .. } => true,
            Scalar::Unary(_, a) => self.scalar(a, count),
            Scalar::Binary(_, a, b) => self.scalar(a, count) && self.scalar(b, count),
            Scalar::If(condition, a, b) => {
                let inside = |scalar: &Scalar| waits(scalar, &BTreeSet::new());
                // What stands under a condition on indices may be there for some of them only.
                if on_indices(condition) && (inside(a) || inside(b)) {
                    return false;
                }
                self.condition(condition, count) && self.scalar(a, count) && self.scalar(b, count)
            }
            Scalar::Reduce { across_batch: false, body, .. } => self.scalar(body, count),
            Scalar::Reduce { across_batch: true, body, .. } if waits(body, self.late) => self.scalar(body, count),
            Scalar::Reduce { by, vars, body, .. } => match self.part(*by, vars, body, count) {
                Some(result) => {
                    *scalar = result;
                    true
                }
                None => false,
            },
        }
    }

    fn condition(&mut self, condition: &mut Condition, count: &mut usize) -> bool {
        match condition {
            Condition::Index { .. } => true,
            Condition::Real(_, a, b) => self.scalar(a, count) && self.scalar(b, count),
            Condition::And(a, b) | Condition::Or(a, b) => self.condition(a, count) && self.condition(b, count),
        }
    }

    /// One example's part as an output of the pass; gives a load of what all parts come to.
    fn part(&mut self, by: Reduction, vars: &[VarId], body: &Scalar, count: &mut usize) -> Option<Scalar> {
        let mut free = free_vars(body);
        free.retain(|var| !vars.contains(var));
        let shape: Vec<_> = free.iter().map(|&var| self.piece.vars[var].extent).collect();
        if by == Reduction::ArgMax || shape.iter().any(|&size| self.sizes.number(size).is_none()) {
            return None;
        }
        let own = if by == Reduction::Mean { Reduction::Sum } else { by };
        let reduced = |body: Scalar| match vars.is_empty() {
            true => body,
            false => Scalar::Reduce { by: own, vars: vars.to_vec(), across_batch: false, body: Box::new(body) },
        };
        let name = Symbol::from(format!("across {count}"));
        *count += 1;
        self.output(&name, &free, reduced(body.clone()));
        let points = (by == Reduction::Mean && !vars.is_empty()).then(|| Symbol::from(format!("{name} points")));
        if let Some(points) = &points {
            self.output(points, &[], reduced(Scalar::Number(1.0)));
        }
        self.pass.parts.push(Part { name: name.clone(), by, points });
        let kind = TensorKind::Input(name.clone());
        let tensor = self.building.tensor(&name, shape, Element::Real, kind, None, self.piece.at);
        self.building.tensors[tensor].per_example = false;
        let subscripts = free.iter().map(|&var| Subscript::Affine(Linear::var(var))).collect();
        Some(Scalar::Load { tensor, subscripts, at: self.piece.at })
    }

    /// A tensor of the pass that each example has.
    fn output(&mut self, name: &Symbol, free: &[VarId], body: Scalar) {
        let Piece { vars, of, at, .. } = self.piece;
        let shape = free.iter().map(|&var| vars[var].extent).collect();
        let building = &mut self.pass.building;
        let out = building.tensor(name, shape, Element::Real, TensorKind::Defined, None, *at);
        building.tensors[out].per_example = true;
        let write = free.iter().map(|&var| Linear::var(var)).collect();
        let (vars, free, of, at) = (vars.clone(), free.to_vec(), *of, *at);
        building.pieces.push(Piece { out, vars, free, write, body, of, at });
        self.pass.outputs.push((name.clone(), out));
    }
}

fn on_indices(condition: &Condition) -> bool {
    match condition {
        Condition::Index { .. } => true,
        Condition::Real(..) => false,
        Condition::And(a, b) | Condition::Or(a, b) => on_indices(a) || on_indices(b),
    }
}
