//! How each parameter starts: fan-in and fan-out by its use.
//!
//! fan_in is the product of the parameter's axes that are summed over where it is used, fan_out of those that reach the
//! output; axes that all factors of the product share (heads, gates) count for neither. Without an initialiser: glorot
//! uniform where it is multiplied under a sum, 1 where it is only multiplied, normal(0, 0.02) where it is looked up in,
//! 0 where it is only added. Source: Glorot and Bengio, AISTATS 2010; He et al., ICCV 2015.

use super::forms::each_part;
use super::net::{Binary, Flat, Initialiser, ParamId, Piece, Scalar, Subscript, TensorId, TensorKind, VarId};
use super::params::{Declared, Start};
use crate::size::{SizeId, Sizes};
use indexmap::IndexMap;

/// Which pieces read each parameter.
pub struct Readers<'f>(IndexMap<ParamId, Vec<(TensorId, &'f Piece)>>);

impl<'f> Readers<'f> {
    /// Looks through all flat lists once.
    pub fn of(flats: &[&'f Flat]) -> Readers<'f> {
        let mut readers: IndexMap<ParamId, Vec<(TensorId, &'f Piece)>> = IndexMap::new();
        for flat in flats {
            for piece in &flat.pieces {
                each_part(&piece.body, &mut |part| {
                    let Scalar::Load { tensor, .. } = part else { return };
                    if let TensorKind::Param(id) = flat.tensors[*tensor].kind {
                        readers.entry(id).or_default().push((*tensor, piece));
                    }
                });
            }
        }
        Readers(readers)
    }
}

/// How a parameter starts.
pub fn initial(declared: &Declared, id: ParamId, readers: &Readers, sizes: &Sizes) -> Initialiser {
    let fans = || fans(id, &declared.shape, readers, sizes);
    match &declared.start {
        Start::Given(given) => given.clone(),
        Start::Glorot => glorot(fans()),
        Start::He => {
            let deviation = libm::sqrt(2.0 / fans().fan_in.max(1.0));
            Initialiser::Normal { mean: 0.0, deviation }
        }
        Start::Default => {
            let fans = fans();
            match fans.sort {
                Sort::Summed => glorot(fans),
                Sort::LookedUp => Initialiser::Normal { mean: 0.0, deviation: 0.02 },
                Sort::Multiplied => Initialiser::Value(1.0),
                Sort::Added => Initialiser::Value(0.0),
            }
        }
    }
}

fn glorot(fans: Fans) -> Initialiser {
    let bound = libm::sqrt(6.0 / (fans.fan_in + fans.fan_out).max(1.0));
    Initialiser::Uniform { low: -bound, high: bound }
}

/// What a parameter does where it is read, the strongest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sort {
    Added,
    Multiplied,
    LookedUp,
    Summed,
}

struct Fans {
    sort: Sort,
    fan_in: f64,
    fan_out: f64,
}

/// The first strongest use decides.
fn fans(id: ParamId, shape: &[SizeId], readers: &Readers, sizes: &Sizes) -> Fans {
    let mut best: Option<Fans> = None;
    for &(tensor, piece) in readers.0.get(&id).into_iter().flatten() {
        let mut look = Look { tensor, piece, shape, sizes, sums: Vec::new(), found: Vec::new() };
        look.walk(&piece.body, &[], false);
        for found in look.found {
            if best.as_ref().is_none_or(|best| found.sort > best.sort) {
                best = Some(found);
            }
        }
    }
    best.unwrap_or(Fans { sort: Sort::Added, fan_in: 0.0, fan_out: 0.0 })
}

/// The walk through one piece.
struct Look<'a> {
    tensor: TensorId,
    piece: &'a Piece,
    shape: &'a [SizeId],
    sizes: &'a Sizes,
    /// Variables of the sums around.
    sums: Vec<VarId>,
    found: Vec<Fans>,
}

impl<'a> Look<'a> {
    /// `factors` are the other factors of the product in which this part stands.
    fn walk(&mut self, scalar: &'a Scalar, factors: &[&'a Scalar], multiplied: bool) {
        match scalar {
            Scalar::Number(_) | Scalar::Size(_) | Scalar::Index(_) => {}
            Scalar::Load { tensor, subscripts, .. } => {
                if *tensor == self.tensor {
                    self.found(subscripts, factors, multiplied);
                }
            }
            Scalar::Unary(_, a) => self.walk(a, factors, multiplied),
            Scalar::Binary(Binary::Mul, a, b) => {
                let with = |other: &'a Scalar| factors.iter().copied().chain([other]).collect::<Vec<_>>();
                self.walk(a, &with(b), true);
                self.walk(b, &with(a), true);
            }
            Scalar::Binary(_, a, b) => {
                self.walk(a, factors, multiplied);
                self.walk(b, factors, multiplied);
            }
            Scalar::If(_, a, b) => {
                self.walk(a, factors, multiplied);
                self.walk(b, factors, multiplied);
            }
            Scalar::Reduce { vars, body, .. } => {
                let depth = self.sums.len();
                self.sums.extend(vars);
                self.walk(body, factors, multiplied);
                self.sums.truncate(depth);
            }
        }
    }

    fn found(&mut self, subscripts: &[Subscript], factors: &[&Scalar], multiplied: bool) {
        let looked_up = subscripts.iter().any(|s| matches!(s, Subscript::Data { .. }));
        let sort = match (looked_up, multiplied, self.sums.is_empty()) {
            (true, ..) => Sort::LookedUp,
            (_, true, false) => Sort::Summed,
            (_, true, true) => Sort::Multiplied,
            (_, false, _) => Sort::Added,
        };
        let (mut fan_in, mut fan_out) = (1.0, 1.0);
        for (subscript, &size) in subscripts.iter().zip(self.shape) {
            let Subscript::Affine(form) = subscript else { continue };
            let n = self.sizes.number(size).unwrap_or(1) as f64;
            let shared = |var: VarId| !factors.is_empty() && factors.iter().all(|factor| mentions(factor, var));
            let summed = form.terms.iter().any(|(var, _)| self.sums.contains(var));
            let free = form.terms.iter().any(|(var, _)| self.piece.free.contains(var) && !shared(*var));
            if summed {
                fan_in *= n;
            } else if free {
                fan_out *= n;
            }
        }
        self.found.push(Fans { sort, fan_in, fan_out });
    }
}

/// Whether an expression depends on a variable.
fn mentions(scalar: &Scalar, var: VarId) -> bool {
    let mut found = false;
    each_part(scalar, &mut |part| {
        if let Scalar::Load { subscripts, .. } = part {
            found |= subscripts.iter().any(|subscript| match subscript {
                Subscript::Affine(form) => form.mentions(var),
                Subscript::Data { subscripts, .. } => subscripts.iter().any(|form| form.mentions(var)),
            });
        }
    });
    found
}
