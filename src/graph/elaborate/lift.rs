//! One piece of a checked net becomes one equation, and an equation for each nested reduction and costly function.

use super::{Binding, Elaboration, Tensors, comparison, unary};
use crate::check::net::{self, Comparison, Condition, Flat, Linear, Piece, Reduction, Scalar, Subscript, VarId};
use crate::graph::{
    Access, Affine, Axis, Binary, Combine, Cond, Dtype, Equation, Expr, ExprId, Exprs, Guard, Kind, OriginId,
    OriginRole, Rel, Role, Sign, TensorId, Unary, scalar,
};
use crate::size::SizeId;
use indexmap::IndexSet;

/// Adds the equations of a piece that writes `out`.
pub(super) fn piece(house: &mut Elaboration, flat: &Flat, piece: &Piece, tensors: &Tensors, out: TensorId) {
    let path = match piece.of {
        Some(of) => use_path(flat, of),
        None => flat.tensors[piece.out].name.to_string(),
    };
    let origin = house.origin(&path, Some(piece.at), house.role.clone());
    let mut lifting = Lifting { house, flat, piece, tensors, origin };
    let mut scope = Scope::over(out);
    if tensors.per_example(piece.out) {
        let extent = lifting.house.binding.batch;
        scope.push(Ax::Batch, extent, "b");
        scope.write.push(Affine::axis(0));
    }
    for &var in &piece.free {
        lifting.push_var(&mut scope, var);
    }
    for form in &piece.write {
        let form = scope.affine(&lifting.house.binding, form);
        scope.write.push(form);
    }
    scope.n_out = scope.axes.len();
    lifting.equation(scope, &piece.body);
}

/// `Residual_3.conv_1`
fn use_path(flat: &Flat, of: net::UseId) -> String {
    let this = &flat.uses[of];
    match this.parent {
        Some(parent) => format!("{}.{}", use_path(flat, parent), this.name),
        None => this.name.to_string(),
    }
}

/// What an axis of an equation stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ax {
    Batch,
    Var(VarId),
    /// Born by a look-up.
    Pin,
}

/// An equation being made.
#[derive(Clone)]
pub(super) struct Scope<'s> {
    axes: Vec<(Ax, Axis)>,
    n_out: usize,
    pub(super) guards: Vec<Guard>,
    /// The branch conditions above, and whether this is the branch where they hold.
    conditions: Vec<(&'s Condition, bool)>,
    pub(super) out: TensorId,
    write: Vec<Affine>,
}

impl Scope<'_> {
    /// No axes yet.
    pub(super) fn over(out: TensorId) -> Scope<'static> {
        Scope { axes: Vec::new(), n_out: 0, guards: Vec::new(), conditions: Vec::new(), out, write: vec![] }
    }

    pub(super) fn into_axes(self) -> Vec<Axis> {
        self.axes.into_iter().map(|(_, axis)| axis).collect()
    }

    pub(super) fn push(&mut self, ax: Ax, extent: u32, hint: &str) -> usize {
        self.axes.push((ax, Axis { extent, role: Role::Plain, hint: hint.into() }));
        self.axes.len() - 1
    }

    pub(super) fn position(&self, ax: Ax) -> usize {
        // A reduction across the batch hides the example that it stands in: the last one counts.
        let found = self.axes.iter().rposition(|(a, _)| *a == ax);
        found.expect("an equation has the axes that its body mentions")
    }

    pub(super) fn affine(&self, at: &Binding, linear: &Linear) -> Affine {
        let number = |poly: &crate::size::Poly| {
            let n = at.value(poly).expect("a binding has all open lengths");
            i32::try_from(n).expect("the checker bounds every subscript")
        };
        let terms = linear.terms.iter().map(|(var, by)| (self.position(Ax::Var(*var)), number(by)));
        Affine::of(number(&linear.constant), terms)
    }
}

pub(super) struct Lifting<'h, 'a, 'f> {
    pub(super) house: &'h mut Elaboration<'a>,
    pub(super) flat: &'f Flat,
    piece: &'f Piece,
    pub(super) tensors: &'h Tensors,
    pub(super) origin: OriginId,
}

impl<'f> Lifting<'_, '_, 'f> {
    /// Defines `scope.out` by `body`; a reduction or a look-up at the root becomes the equation's own.
    fn equation(&mut self, mut scope: Scope<'f>, body: &'f Scalar) {
        let (combine, expr) = match body {
            Scalar::Reduce { by, vars, across_batch, body: inner } if own(*by).is_some() => {
                let combine = own(*by).expect("just asked");
                self.reduce(&mut scope, vars, *across_batch);
                // A sum of sums is one sum: `sum(h: W[h] @ x[h])` is a contraction over both.
                let mut inner: &'f Scalar = inner;
                while let (Combine::Sum, Scalar::Reduce { by: Reduction::Sum, vars, across_batch: false, body }) =
                    (combine, inner)
                {
                    self.reduce(&mut scope, vars, false);
                    inner = body;
                }
                let expr = self.lower(&mut scope, inner, false);
                (combine, expr)
            }
            Scalar::Load { tensor, subscripts, .. } if self.is_pinned(subscripts) => {
                let expr = self.pinned(&mut scope, *tensor, subscripts);
                (Combine::Sum, expr)
            }
            _other => (Combine::None, self.lower(&mut scope, body, true)),
        };
        let body = self.under_conditions(&mut scope, combine, expr);
        let Scope { axes, n_out, guards, out, write, .. } = scope;
        let axes = axes.into_iter().map(|(_, axis)| axis).collect();
        self.house.graph.define(Equation { out, axes, n_out, combine, write, guards, body, origin: self.origin });
    }

    fn push_var(&mut self, scope: &mut Scope, var: VarId) {
        let known = &self.piece.vars[var];
        let extent = self.house.number(known.extent);
        scope.push(Ax::Var(var), extent, &known.name);
    }

    fn reduce(&mut self, scope: &mut Scope, vars: &[VarId], across_batch: bool) {
        if across_batch {
            let batch = self.house.binding.batch;
            scope.push(Ax::Batch, batch, "b");
        }
        for &var in vars {
            self.push_var(scope, var);
        }
        let first = scope.axes.len() - vars.len();
        for (i, &var) in vars.iter().enumerate() {
            self.own_end(scope, first + i, self.extent(var));
        }
    }

    pub(super) fn extent(&self, var: VarId) -> SizeId {
        self.piece.vars[var].extent
    }

    /// A load with look-ups: each becomes a reduced axis that data pin.
    fn pinned(&mut self, scope: &mut Scope, tensor: net::TensorId, subscripts: &[Subscript]) -> ExprId {
        let mut index = self.batch_index(scope, tensor);
        for (axis, subscript) in subscripts.iter().enumerate() {
            index.push(match subscript {
                Subscript::Affine(form) => match self.own_affine(scope, form) {
                    (form, None) => form,
                    (form, Some((sign, access))) => {
                        let extent = self.house.number(self.flat.tensors[tensor].shape[axis]);
                        let pin = Affine::axis(scope.push(Ax::Pin, extent, "w"));
                        let data = Some((opposite(sign), access));
                        scope.guards.push(Guard { form: pin.minus(&form), data, rel: Rel::Eq });
                        pin
                    }
                },
                Subscript::Data { tensor: data, subscripts } => {
                    let extent = self.house.number(self.flat.tensors[tensor].shape[axis]);
                    let mut at = self.batch_index(scope, *data);
                    at.extend(subscripts.iter().map(|form| scope.affine(&self.house.binding, form)));
                    let pin = Affine::axis(scope.push(Ax::Pin, extent, "w"));
                    let access = Access { tensor: self.tensor(*data), index: at };
                    scope.guards.push(Guard { form: pin.clone(), data: Some((Sign::Minus, access)), rel: Rel::Eq });
                    pin
                }
            });
        }
        let access = Access { tensor: self.tensor(tensor), index };
        self.exprs().add(Expr::Load(access))
    }

    /// Whether data or an own length say where an element lies.
    fn is_pinned(&self, subscripts: &[Subscript]) -> bool {
        subscripts.iter().any(|subscript| match subscript {
            Subscript::Data { .. } => true,
            Subscript::Affine(form) => self.house.own_length(&form.constant).is_some(),
        })
    }

    fn batch_index(&self, scope: &Scope, tensor: net::TensorId) -> Vec<Affine> {
        let per_example = self.tensors.per_example(tensor);
        per_example.then(|| Affine::axis(scope.position(Ax::Batch))).into_iter().collect()
    }

    fn tensor(&mut self, id: net::TensorId) -> TensorId {
        self.tensors.get(&mut self.house.graph, id, self.origin)
    }

    pub(super) fn exprs(&mut self) -> &mut Exprs {
        &mut self.house.graph.exprs
    }

    /// The expression of a scalar in the equation of `scope`; at the `root` a costly function may stand.
    pub(super) fn lower(&mut self, scope: &mut Scope<'f>, scalar: &'f Scalar, root: bool) -> ExprId {
        if let Some(number) = self.host_load(scalar) {
            return number;
        }
        match scalar {
            Scalar::Number(value) => self.exprs().number(*value),
            Scalar::Size(size) => self.own_size(scope, *size),
            Scalar::Index(form) => match self.own_affine(scope, form) {
                (form, None) => self.exprs().index(form),
                (form, Some((sign, access))) => {
                    let own = self.signed_sum(0.0, sign, access);
                    let rest = self.exprs().index(form);
                    self.exprs().binary(Binary::Add, rest, own)
                }
            },
            Scalar::Load { tensor, subscripts, .. } => {
                if self.is_pinned(subscripts) {
                    return self.lift(scope, scalar);
                }
                let mut index = self.batch_index(scope, *tensor);
                index.extend(subscripts.iter().map(|subscript| match subscript {
                    Subscript::Affine(form) => scope.affine(&self.house.binding, form),
                    Subscript::Data { .. } => unreachable!("look-ups are lifted"),
                }));
                let access = Access { tensor: self.tensor(*tensor), index };
                self.exprs().add(Expr::Load(access))
            }
            Scalar::Unary(op, a) => self.unary(scope, scalar, unary(*op), a, root),
            Scalar::Binary(op, a, b) => self.binary(scope, scalar, *op, a, b, root),
            Scalar::If(condition, then, otherwise) => {
                scope.conditions.push((condition, true));
                let a = self.lower(scope, then, root);
                scope.conditions.last_mut().expect("pushed above").1 = false;
                let b = self.lower(scope, otherwise, root);
                scope.conditions.pop();
                self.select(scope, condition, a, b)
            }
            Scalar::Reduce { by: Reduction::Mean, vars, across_batch, .. } => {
                let sum = self.lift(scope, scalar);
                if let Some(share) = self.own_share(scope, vars, *across_batch) {
                    return self.exprs().add(Expr::Binary(Binary::Mul, sum, share));
                }
                let batch = if *across_batch { f64::from(self.house.binding.batch) } else { 1.0 };
                let counts = vars.iter().map(|&var| f64::from(self.house.number(self.piece.vars[var].extent)));
                let count = counts.product::<f64>() * batch;
                let share = self.exprs().number(1.0 / count);
                self.exprs().add(Expr::Binary(Binary::Mul, sum, share))
            }
            Scalar::Reduce { by: Reduction::Min, .. } => {
                let max = self.lift(scope, scalar);
                self.exprs().add(Expr::Unary(Unary::Neg, max))
            }
            Scalar::Reduce { .. } => self.lift(scope, scalar),
        }
    }

    /// A number known before each step is a tensor of its own.
    fn host_load(&mut self, scalar: &Scalar) -> Option<ExprId> {
        if !matches!(self.house.role, OriginRole::Update) || matches!(scalar, Scalar::Number(_)) {
            return None;
        }
        let host = super::host(scalar, self.tensors)?;
        let graph = &mut self.house.graph;
        let tensor = graph.tensor("host", &[], Dtype::Real, Kind::Host(host), self.origin);
        Some(graph.exprs.add(Expr::Load(Access { tensor, index: vec![] })))
    }

    pub(super) fn lift(&mut self, scope: &mut Scope<'f>, scalar: &'f Scalar) -> ExprId {
        self.lift_as(scope, scalar, Part::Whole)
    }

    /// Makes an equation of its own of (a part of) `scalar` and loads its value.
    pub(super) fn lift_as(&mut self, scope: &mut Scope<'f>, scalar: &'f Scalar, part: Part) -> ExprId {
        let subject = match (part, scalar) {
            (Part::LogOfBase, Scalar::Binary(_, base, _)) => base,
            _ => scalar,
        };
        let mut mentioned = IndexSet::new();
        self.mentions(subject, &mut mentioned);
        let hides_batch = matches!(scalar, Scalar::Reduce { across_batch: true, .. });
        let mut conditions = Vec::new();
        for &(condition, holds) in &scope.conditions {
            let mut by_condition = IndexSet::new();
            self.condition_mentions(condition, &mut by_condition);
            // Inside a reduction across the batch, an outer example's condition says nothing.
            if !(hides_batch && by_condition.contains(&Ax::Batch)) {
                mentioned.extend(by_condition);
                conditions.push((condition, holds));
            }
        }
        let kept: Vec<usize> =
            (0..scope.axes.len()).filter(|&i| mentioned.contains(&scope.axes[i].0) && self.is_seen(scope, i)).collect();
        let same = kept.len() == scope.n_out && kept.iter().enumerate().all(|(i, &k)| i == k);
        let axes: Vec<(Ax, Axis)> = kept.iter().map(|&i| scope.axes[i].clone()).collect();
        let (shape, write) = if same {
            (self.house.graph.tensors[scope.out].shape.clone(), scope.write.clone())
        } else {
            (axes.iter().map(|(_, a)| a.extent).collect(), (0..axes.len()).map(Affine::axis).collect())
        };
        let index = if same { scope.write.clone() } else { kept.iter().map(|&i| Affine::axis(i)).collect() };
        let dtype = self.dtype(scalar);
        let name = format!("{}.{}", self.house.graph.tensors[scope.out].name, word(scalar, part));
        let origin = {
            let path = self.house.graph.origins[self.origin].path.clone();
            self.house.origin(&path, Some(self.piece.at), OriginRole::Lifted)
        };
        let out = self.house.graph.tensor(&name, &shape, dtype, Kind::Defined, origin);
        let n_out = axes.len();
        let inner = Scope { axes, n_out, guards: Vec::new(), conditions, out, write };
        self.lifted(inner, scalar, part);
        self.exprs().add(Expr::Load(Access { tensor: out, index }))
    }

    /// Whether an axis is not hidden by a later one of the same name (a batch within a batch).
    fn is_seen(&self, scope: &Scope, i: usize) -> bool {
        scope.axes[i + 1..].iter().all(|(ax, _)| *ax != scope.axes[i].0)
    }

    fn lifted(&mut self, mut scope: Scope<'f>, scalar: &'f Scalar, part: Part) {
        match (part, scalar) {
            (Part::LogOfBase, Scalar::Binary(_, base, _)) => {
                let base = self.lower(&mut scope, base, false);
                let log = self.exprs().unary(Unary::Log, base);
                self.finish(scope, Combine::None, log);
            }
            (Part::Raised, _) => {
                let raised = self.raised(&mut scope, scalar);
                self.finish(scope, Combine::None, raised);
            }
            (_, Scalar::Reduce { by: Reduction::Mean, vars, across_batch, body }) => {
                self.reduce(&mut scope, vars, *across_batch);
                let body = self.lower(&mut scope, body, false);
                self.finish(scope, Combine::Sum, body);
            }
            (_, Scalar::Reduce { by: Reduction::Min, vars, across_batch, body }) => {
                self.reduce(&mut scope, vars, *across_batch);
                let body = self.lower(&mut scope, body, false);
                let negated = self.exprs().unary(Unary::Neg, body);
                self.finish(scope, Combine::Max, negated);
            }
            _ => self.equation(scope, scalar),
        }
    }

    fn finish(&mut self, mut scope: Scope<'f>, combine: Combine, expr: ExprId) {
        let body = self.under_conditions(&mut scope, combine, expr);
        let Scope { axes, n_out, guards, out, write, .. } = scope;
        let axes = axes.into_iter().map(|(_, axis)| axis).collect();
        self.house.graph.define(Equation { out, axes, n_out, combine, write, guards, body, origin: self.origin });
    }

    fn dtype(&self, scalar: &Scalar) -> Dtype {
        match scalar {
            Scalar::Reduce { by: Reduction::ArgMax, vars, .. } => {
                Dtype::Index(vars.iter().map(|&var| self.house.number(self.piece.vars[var].extent)).product())
            }
            Scalar::Load { tensor, .. } => match self.flat.tensors[*tensor].element {
                net::Element::Index(n) => Dtype::Index(self.house.number(n)),
                net::Element::Real | net::Element::Probability => Dtype::Real,
            },
            _ => Dtype::Real,
        }
    }

    /// Where a branch above is not taken, the point is dead: it gives the combine's identity.
    fn under_conditions(&mut self, scope: &mut Scope<'f>, combine: Combine, expr: ExprId) -> ExprId {
        let dead = self.exprs().number(match combine {
            Combine::None | Combine::Sum => 0.0,
            Combine::Prod => 1.0,
            Combine::Max | Combine::ArgMax => f64::NEG_INFINITY,
        });
        let conditions = scope.conditions.clone();
        conditions.iter().rev().fold(expr, |expr, &(condition, holds)| {
            let (a, b) = if holds { (expr, dead) } else { (dead, expr) };
            self.select(scope, condition, a, b)
        })
    }

    /// `if condition then a else b`
    fn select(&mut self, scope: &mut Scope<'f>, condition: &'f Condition, a: ExprId, b: ExprId) -> ExprId {
        if a == b {
            return a;
        }
        if let Some(guards) = self.guards(scope, condition) {
            return self.exprs().add(Expr::Select(Cond::Guards(guards), a, b));
        }
        match condition {
            Condition::And(first, second) => {
                let inner = self.select(scope, second, a, b);
                self.select(scope, first, inner, b)
            }
            Condition::Or(first, second) => {
                let inner = self.select(scope, second, a, b);
                self.select(scope, first, a, inner)
            }
            Condition::Index { form, .. } => {
                // Only `!=` is no guard: its opposite is.
                let (form, data) = self.own_affine(scope, form);
                let equal = Guard { form, data, rel: Rel::Eq };
                self.exprs().add(Expr::Select(Cond::Guards(vec![equal]), b, a))
            }
            Condition::Real(relation, lhs, rhs) => {
                let (cmp, swap, negate) = comparison(*relation);
                let (lhs, rhs) = (self.lower(scope, lhs, false), self.lower(scope, rhs, false));
                let (lhs, rhs) = if swap { (rhs, lhs) } else { (lhs, rhs) };
                let (a, b) = if negate { (b, a) } else { (a, b) };
                self.exprs().add(Expr::Select(Cond::Compare(cmp, lhs, rhs), a, b))
            }
        }
    }

    /// The condition as a conjunction of guards, if it is one.
    fn guards(&mut self, scope: &Scope, condition: &Condition) -> Option<Vec<Guard>> {
        match condition {
            Condition::Index { form, relation } => {
                let (form, data) = self.own_affine(scope, form);
                guard(form, data, *relation).map(|g| vec![g])
            }
            Condition::And(a, b) => {
                let mut all = self.guards(scope, a)?;
                all.extend(self.guards(scope, b)?);
                // Affine guards first: they protect the others' loads.
                all.sort_by_key(|guard| guard.data.is_some());
                Some(all)
            }
            Condition::Or(..) => None,
            Condition::Real(relation, lhs, rhs) => {
                let (form, data, relation) = match (&**lhs, &**rhs) {
                    (form, data @ Scalar::Load { .. }) => (form, data, *relation),
                    (data @ Scalar::Load { .. }, form) => (form, data, flipped(*relation)),
                    _ => return None,
                };
                let form = match form {
                    Scalar::Index(form) => scope.affine(&self.house.binding, form),
                    Scalar::Number(n) if n.fract() == 0.0 && n.abs() < 1e9 => Affine::number(*n as i32),
                    _ => return None,
                };
                let access = self.index_access(scope, data)?;
                guard(form, Some((Sign::Minus, access)), relation).map(|g| vec![g])
            }
        }
    }

    /// A plain element of an index tensor.
    fn index_access(&mut self, scope: &Scope, data: &Scalar) -> Option<Access> {
        let Scalar::Load { tensor, subscripts, .. } = data else { return None };
        if !matches!(self.flat.tensors[*tensor].element, net::Element::Index(_)) {
            return None;
        }
        let mut index = self.batch_index(scope, *tensor);
        for subscript in subscripts {
            match subscript {
                Subscript::Affine(form) if self.house.own_length(&form.constant).is_none() => {
                    index.push(scope.affine(&self.house.binding, form));
                }
                Subscript::Affine(_) | Subscript::Data { .. } => return None,
            }
        }
        Some(Access { tensor: self.tensor(*tensor), index })
    }
}

/// Which part of an expression is lifted.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Whole,
    /// The logarithm of the base of `a ^ b`.
    LogOfBase,
    /// `a ^ |b|`
    Raised,
}

/// The combine of a reduction that an equation can be by itself; a mean is a sum times a share, a minimum a maximum.
fn own(by: Reduction) -> Option<Combine> {
    match by {
        Reduction::Sum => Some(Combine::Sum),
        Reduction::Prod => Some(Combine::Prod),
        Reduction::Max => Some(Combine::Max),
        Reduction::ArgMax => Some(Combine::ArgMax),
        Reduction::Mean | Reduction::Min => None,
    }
}

/// `form + sign * data relation 0` as a guard; `!=` is none.
fn guard(form: Affine, data: Option<(Sign, Access)>, relation: Comparison) -> Option<Guard> {
    let turned = |data: Option<(Sign, Access)>| data.map(|(sign, access)| (opposite(sign), access));
    let (form, data, rel) = match relation {
        Comparison::Eq => (form, data, Rel::Eq),
        Comparison::Ge => (form, data, Rel::Ge),
        Comparison::Gt => (form.shift(-1), data, Rel::Ge),
        Comparison::Le => (form.times(-1), turned(data), Rel::Ge),
        Comparison::Lt => (form.times(-1).shift(-1), turned(data), Rel::Ge),
        Comparison::Ne => return None,
    };
    Some(Guard { form, data, rel })
}

fn opposite(sign: Sign) -> Sign {
    match sign {
        Sign::Plus => Sign::Minus,
        Sign::Minus => Sign::Plus,
    }
}

/// The relation with its sides exchanged.
fn flipped(relation: Comparison) -> Comparison {
    match relation {
        Comparison::Eq | Comparison::Ne => relation,
        Comparison::Lt => Comparison::Gt,
        Comparison::Le => Comparison::Ge,
        Comparison::Gt => Comparison::Lt,
        Comparison::Ge => Comparison::Le,
    }
}

/// The last part of a lifted tensor's name.
fn word(scalar: &Scalar, part: Part) -> &'static str {
    match (part, scalar) {
        (Part::LogOfBase, _) => "log",
        (_, Scalar::Reduce { by, .. }) => match by {
            Reduction::Sum | Reduction::Mean => "sum",
            Reduction::Max => "max",
            Reduction::Min => "min",
            Reduction::Prod => "prod",
            Reduction::ArgMax => "argmax",
        },
        (_, Scalar::Unary(op, _)) => scalar::unary(unary(*op)).name,
        (_, Scalar::Load { .. }) => "at",
        _ => "power",
    }
}
