//! Batches whose examples have lengths of their own: buffers are as long as the longest, and wherever a value depends
//! on an open length it takes that of its own example.
//!
//! A size p of the open lengths becomes an input `[batch]` with its value in each example. A reduction over an axis of
//! length p stops at it by a guard; a condition, a number and a place that mention lengths read it. Axes of results have
//! no guard: what lies behind an example's end is read by nothing that counts. So each example gets what it gets alone.

use super::lift::{Ax, Lifting, Scope};
use super::{Elaboration, Tensors};
use crate::check::net::{Checked, Condition, Flat, Linear, Piece, Reduction, Scalar, Subscript, VarId};
use crate::graph::{
    Access, Affine, Binary, Combine, Dtype, Equation, Expr, ExprId, Guard, Kind, OriginRole, Rel, Sign, TensorId,
};
use crate::size::{Poly, SizeId};
use crate::source::Span;

impl Elaboration<'_> {
    /// The polynomial, if it is a length of each example's own.
    pub(super) fn own_length<'p>(&self, poly: &'p Poly) -> Option<&'p Poly> {
        (self.binding.ragged && poly.as_number().is_none()).then_some(poly)
    }

    /// The input that holds a size of each example.
    fn length(&mut self, size: Poly) -> TensorId {
        let name: crate::ids::Symbol = format!("length {size}").into();
        if let Some(known) = self.graph.tensors.iter().find(|(_, t)| t.name == name && matches!(t.kind, Kind::Input)) {
            return known.0;
        }
        let most = self.binding.value(&size).and_then(|n| u32::try_from(n).ok());
        let most = most.expect("a size in a shape is a number from 0 on");
        let origin = self.origin(&name, None, OriginRole::Written);
        let shape = [self.binding.batch];
        let tensor = self.graph.tensor(&name, &shape, Dtype::Index(most + 1), Kind::Input, origin);
        self.graph.lengths.push((name, size));
        tensor
    }
}

impl<'f> Lifting<'_, '_, 'f> {
    /// The part of a constant that is not a number, as data of the example: `sign * data`.
    pub(super) fn own_part(&mut self, scope: &Scope, constant: &Poly) -> Option<(Sign, Access)> {
        self.house.own_length(constant)?;
        let number = Poly::number(constant.constant());
        let part = constant.sub(&number).expect("it was added up before");
        let value = self.house.binding.value(&part).expect("a binding has all open lengths");
        let (sign, part) = match value < 0 {
            true => (Sign::Minus, part.neg().expect("a size is no extreme number")),
            false => (Sign::Plus, part),
        };
        let tensor = self.house.length(part);
        Some((sign, Access { tensor, index: vec![Affine::axis(scope.position(Ax::Batch))] }))
    }

    /// A form with its own lengths: a number, axes, and data.
    pub(super) fn own_affine(&mut self, scope: &Scope, form: &Linear) -> (Affine, Option<(Sign, Access)>) {
        match self.own_part(scope, &form.constant) {
            None => (scope.affine(&self.house.binding, form), None),
            Some(data) => {
                let constant = Poly::number(form.constant.constant());
                let plain = Linear { constant, terms: form.terms.clone() };
                (scope.affine(&self.house.binding, &plain), Some(data))
            }
        }
    }

    /// A size as a number.
    pub(super) fn own_size(&mut self, scope: &Scope, size: SizeId) -> ExprId {
        let poly = self.house.checked.sizes.value(size).expect("a checked net has no poisoned size").clone();
        let Some((sign, access)) = self.own_part(scope, &poly) else {
            let number = self.house.number(size);
            return self.exprs().number(f64::from(number));
        };
        let constant = poly.constant() as f64;
        self.signed_sum(constant, sign, access)
    }

    pub(super) fn signed_sum(&mut self, constant: f64, sign: Sign, access: Access) -> ExprId {
        let own = self.exprs().add(Expr::Load(access));
        let own = if sign == Sign::Minus { self.exprs().unary(crate::graph::Unary::Neg, own) } else { own };
        if constant == 0.0 {
            return own;
        }
        let constant = self.exprs().number(constant);
        self.exprs().binary(Binary::Add, own, constant)
    }

    /// A reduction ends with each example: `length - axis - 1 >= 0`.
    pub(super) fn own_end(&mut self, scope: &mut Scope, axis: usize, extent: SizeId) {
        let poly = self.house.checked.sizes.value(extent).expect("a checked net has no poisoned size").clone();
        let Some((sign, access)) = self.own_part(scope, &poly) else { return };
        let form = Affine::term(axis, -1).shift(i32::try_from(poly.constant()).expect("sizes are bounded") - 1);
        scope.guards.push(Guard { form, data: Some((sign, access)), rel: Rel::Ge });
    }

    /// One over the number of points of a mean, where examples have their own.
    pub(super) fn own_share(&mut self, scope: &Scope<'f>, vars: &[VarId], across_batch: bool) -> Option<ExprId> {
        let open = |lifting: &Self, var: VarId| {
            let size = lifting.house.checked.sizes.value(lifting.extent(var));
            size.is_some_and(|size| lifting.house.own_length(size).is_some())
        };
        if !vars.iter().any(|&var| open(self, var)) {
            return None;
        }
        let count = if across_batch { self.count_across(scope, vars) } else { self.count(scope, vars) };
        let one = self.exprs().number(1.0);
        Some(self.exprs().binary(Binary::Div, one, count))
    }

    fn count(&mut self, scope: &Scope, vars: &[VarId]) -> ExprId {
        let mut count: Option<ExprId> = None;
        for &var in vars {
            let n = self.own_size(scope, self.extent(var));
            count = Some(match count {
                None => n,
                Some(before) => self.exprs().binary(Binary::Mul, before, n),
            });
        }
        count.unwrap_or_else(|| self.exprs().number(1.0))
    }

    /// The points of all examples: a sum over the batch.
    fn count_across(&mut self, scope: &Scope<'f>, vars: &[VarId]) -> ExprId {
        let path = self.house.graph.origins[self.origin].path.clone();
        let origin = self.house.origin(&path, None, OriginRole::Lifted);
        let name = format!("{}.count", self.house.graph.tensors[scope.out].name);
        let out = self.house.graph.tensor(&name, &[], Dtype::Real, Kind::Defined, origin);
        let mut inner = Scope::over(out);
        inner.push(Ax::Batch, self.house.binding.batch, "b");
        let body = self.count(&inner, vars);
        let axes = inner.into_axes();
        let (write, guards) = (vec![], vec![]);
        self.house.graph.define(Equation { out, axes, n_out: 0, combine: Combine::Sum, write, guards, body, origin });
        self.exprs().add(Expr::Load(Access { tensor: out, index: vec![] }))
    }
}

/// Which tensors of a flat list each example has its own of, lengths being its own too.
pub(super) fn per_example(house: &Elaboration, flat: &Flat) -> Vec<bool> {
    let mut own: Vec<bool> = flat.tensors.iter().map(|(_, tensor)| tensor.per_example).collect();
    if !house.binding.ragged {
        return own;
    }
    loop {
        let mut changed = false;
        for piece in flat.pieces.iter().filter(|piece| !own[piece.out.index()]).collect::<Vec<_>>() {
            let look = Look { house, piece, own: &own };
            if look.depends(&piece.body) {
                own[piece.out.index()] = true;
                changed = true;
            }
        }
        if !changed {
            return own;
        }
    }
}

/// What the value of a piece depends on.
struct Look<'a> {
    house: &'a Elaboration<'a>,
    piece: &'a Piece,
    own: &'a [bool],
}

impl Look<'_> {
    fn open(&self, size: SizeId) -> bool {
        self.house.checked.sizes.value(size).is_some_and(|size| size.as_number().is_none())
    }

    fn form(&self, form: &Linear) -> bool {
        form.constant.as_number().is_none()
    }

    fn depends(&self, body: &Scalar) -> bool {
        match body {
            Scalar::Number(_) => false,
            Scalar::Size(size) => self.open(*size),
            Scalar::Index(form) => self.form(form),
            Scalar::Load { tensor, subscripts, .. } => {
                self.own[tensor.index()]
                    || subscripts.iter().any(|subscript| match subscript {
                        Subscript::Affine(form) => self.form(form),
                        Subscript::Data { tensor, subscripts } => {
                            self.own[tensor.index()] || subscripts.iter().any(|form| self.form(form))
                        }
                    })
            }
            Scalar::Unary(_, a) => self.depends(a),
            Scalar::Binary(_, a, b) => self.depends(a) || self.depends(b),
            Scalar::If(condition, a, b) => self.condition(condition) || self.depends(a) || self.depends(b),
            Scalar::Reduce { vars, across_batch, body, .. } => {
                let ends = vars.iter().any(|&var| self.open(self.piece.vars[var].extent));
                !across_batch && (ends || self.depends(body))
            }
        }
    }

    fn condition(&self, condition: &Condition) -> bool {
        match condition {
            Condition::Index { form, .. } => self.form(form),
            Condition::Real(_, a, b) => self.depends(a) || self.depends(b),
            Condition::And(a, b) | Condition::Or(a, b) => self.condition(a) || self.condition(b),
        }
    }
}

/// The first place whose equations have no form for examples of different lengths: elements that are written, or strides
/// that are counted, by an open length, a look-up at one, the number of a maximum over an open axis that is not the
/// first.
pub fn not_ragged(checked: &Checked, flat: &Flat) -> Option<Span> {
    let open = |poly: &Poly| poly.as_number().is_none();
    let strides = |form: &Linear| form.terms.iter().any(|(_, by)| open(by));
    let wrong = |piece: &&Piece| {
        let mut wrong = piece.write.iter().any(|form| open(&form.constant) || strides(form));
        crate::check::each_part(&piece.body, &mut |part| match part {
            Scalar::Index(form) => wrong |= strides(form),
            Scalar::Load { subscripts, .. } => {
                for subscript in subscripts {
                    match subscript {
                        Subscript::Affine(form) => wrong |= strides(form),
                        Subscript::Data { subscripts, .. } => {
                            wrong |= subscripts.iter().any(|form| open(&form.constant) || strides(form));
                        }
                    }
                }
            }
            Scalar::Reduce { by: Reduction::ArgMax, vars, .. } => {
                let own = |var: &VarId| checked.sizes.value(piece.vars[*var].extent).is_some_and(open);
                wrong |= vars.iter().skip(1).any(own);
            }
            Scalar::Number(_) | Scalar::Size(_) | Scalar::Unary(..) | Scalar::Binary(..) => {}
            Scalar::If(..) | Scalar::Reduce { .. } => {}
        });
        wrong
    };
    flat.pieces.iter().find(wrong).map(|piece| piece.at)
}

impl Tensors {
    /// Whether each example has its own of a tensor.
    pub(super) fn per_example(&self, id: crate::check::net::TensorId) -> bool {
        self.own[id.index()]
    }
}
