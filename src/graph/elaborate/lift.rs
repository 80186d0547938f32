//! One piece of a checked net becomes one equation, and an equation for each nested reduction and costly function.

use super::{Elaboration, Place, Tensors, comparison, costly, unary};
use crate::check::net::{self, Comparison, Condition, Flat, Linear, Piece, Reduction, Scalar, Subscript, VarId};
use crate::graph::{
    Access, Affine, Axis, AxisIx, Binary, Combine, Cond, Dtype, Equation, Expr, ExprId, Guard, Kind, OriginId,
    OriginRole, Real, Rel, Role, Sign, TensorId, Unary, scalar,
};
use indexmap::IndexSet;

/// Adds the equations of a piece that writes `out`.
pub(super) fn piece(house: &mut Elaboration, flat: &Flat, piece: &Piece, tensors: &Tensors, out: TensorId) {
    let path = match piece.of {
        Some(of) => use_path(flat, of),
        None => flat.tensors[piece.out].name.to_string(),
    };
    let origin = house.origin(&path, Some(piece.at), house.role.clone());
    let mut lifting = Lifting { house, flat, piece, tensors, origin };
    let mut scope = Scope { axes: Vec::new(), n_out: 0, guards: Vec::new(), conditions: Vec::new(), out, write: vec![] };
    if flat.tensors[piece.out].per_example {
        let extent = lifting.house.binding.batch;
        scope.push(Ax::Batch, extent, "b");
        scope.write.push(affine_axis(0));
    }
    for &var in &piece.free {
        lifting.push_var(&mut scope, var);
    }
    for form in &piece.write {
        let form = scope.affine(form);
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
enum Ax {
    Batch,
    Var(VarId),
    /// Born by a look-up.
    Pin,
}

/// An equation being made.
#[derive(Clone)]
struct Scope<'s> {
    axes: Vec<(Ax, Axis)>,
    n_out: usize,
    guards: Vec<Guard>,
    /// The branch conditions above, and whether this is the branch where they hold.
    conditions: Vec<(&'s Condition, bool)>,
    out: TensorId,
    write: Vec<Affine>,
}

impl Scope<'_> {
    fn push(&mut self, ax: Ax, extent: u32, hint: &str) -> AxisIx {
        self.axes.push((ax, Axis { extent, role: Role::Plain, hint: hint.into() }));
        (self.axes.len() - 1) as AxisIx
    }

    fn position(&self, ax: Ax) -> AxisIx {
        // A reduction across the batch hides the example that it stands in: the last one counts.
        let found = self.axes.iter().rposition(|(a, _)| *a == ax);
        found.expect("an equation has the axes that its body mentions") as AxisIx
    }

    fn affine(&self, linear: &Linear) -> Affine {
        let number = |poly: &crate::size::Poly| {
            let n = poly.as_number().expect("a checked net has no symbolic size");
            i32::try_from(n).expect("the checker bounds every subscript")
        };
        let mut form = Affine { constant: number(&linear.constant), ..Affine::default() };
        form.terms.extend(linear.terms.iter().map(|(var, by)| (self.position(Ax::Var(*var)), number(by))));
        form.terms.retain(|(_, by)| *by != 0);
        form.terms.sort_unstable();
        form
    }
}

fn affine_axis(axis: AxisIx) -> Affine {
    Affine { constant: 0, terms: [(axis, 1)].into_iter().collect() }
}

struct Lifting<'h, 'a, 'f> {
    house: &'h mut Elaboration<'a>,
    flat: &'f Flat,
    piece: &'f Piece,
    tensors: &'h Tensors,
    origin: OriginId,
}

impl<'f> Lifting<'_, '_, 'f> {
    /// Defines `scope.out` by `body`; a reduction or a look-up at the root becomes the equation's own.
    fn equation(&mut self, mut scope: Scope<'f>, body: &'f Scalar) {
        let (combine, expr) = match body {
            Scalar::Reduce { by, vars, across_batch, body: inner } if own(*by).is_some() => {
                let combine = own(*by).expect("just asked");
                self.reduce(&mut scope, vars, *across_batch);
                let expr = self.lower(&mut scope, inner, false);
                (combine, expr)
            }
            Scalar::Load { tensor, subscripts, .. } if subscripts.iter().any(is_data) => {
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
    }

    /// A load with look-ups: each becomes a reduced axis that data pin.
    fn pinned(&mut self, scope: &mut Scope, tensor: net::TensorId, subscripts: &[Subscript]) -> ExprId {
        let mut index = self.batch_index(scope, tensor);
        for (axis, subscript) in subscripts.iter().enumerate() {
            index.push(match subscript {
                Subscript::Affine(form) => scope.affine(form),
                Subscript::Data { tensor: data, subscripts } => {
                    let extent = self.house.number(self.flat.tensors[tensor].shape[axis]);
                    let mut at = self.batch_index(scope, *data);
                    at.extend(subscripts.iter().map(|form| scope.affine(form)));
                    let pin = affine_axis(scope.push(Ax::Pin, extent, "w"));
                    let access = Access { tensor: self.tensor(*data), index: at };
                    scope.guards.push(Guard { form: pin.clone(), data: Some((Sign::Minus, access)), rel: Rel::Eq });
                    pin
                }
            });
        }
        let access = Access { tensor: self.tensor(tensor), index };
        self.house.graph.exprs.add(Expr::Load(access))
    }

    fn batch_index(&self, scope: &Scope, tensor: net::TensorId) -> Vec<Affine> {
        let per_example = self.flat.tensors[tensor].per_example;
        per_example.then(|| affine_axis(scope.position(Ax::Batch))).into_iter().collect()
    }

    fn tensor(&mut self, id: net::TensorId) -> TensorId {
        self.tensors.get(&mut self.house.graph, id, self.origin)
    }

    fn add(&mut self, expr: Expr) -> ExprId {
        self.house.graph.exprs.add(expr)
    }

    fn constant(&mut self, value: f64) -> ExprId {
        self.add(Expr::Const(Real(value)))
    }

    /// The expression of a scalar in the equation of `scope`; at the `root` a costly function may stand.
    fn lower(&mut self, scope: &mut Scope<'f>, scalar: &'f Scalar, root: bool) -> ExprId {
        if let Some(number) = self.host_load(scalar) {
            return number;
        }
        match scalar {
            Scalar::Number(value) => self.constant(*value),
            Scalar::Size(size) => {
                let number = self.house.number(*size);
                self.constant(f64::from(number))
            }
            Scalar::Index(form) => {
                let form = scope.affine(form);
                if form.terms.is_empty() { self.constant(f64::from(form.constant)) } else { self.add(Expr::Index(form)) }
            }
            Scalar::Load { tensor, subscripts, .. } => {
                if subscripts.iter().any(is_data) {
                    return self.lift(scope, scalar);
                }
                let mut index = self.batch_index(scope, *tensor);
                index.extend(subscripts.iter().map(|subscript| match subscript {
                    Subscript::Affine(form) => scope.affine(form),
                    Subscript::Data { .. } => unreachable!("look-ups are lifted"),
                }));
                let access = Access { tensor: self.tensor(*tensor), index };
                self.add(Expr::Load(access))
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
                let batch = if *across_batch { f64::from(self.house.binding.batch) } else { 1.0 };
                let counts = vars.iter().map(|&var| f64::from(self.house.number(self.piece.vars[var].extent)));
                let count = counts.product::<f64>() * batch;
                let share = self.constant(1.0 / count);
                self.add(Expr::Binary(Binary::Mul, sum, share))
            }
            Scalar::Reduce { by: Reduction::Min, .. } => {
                let max = self.lift(scope, scalar);
                self.add(Expr::Unary(Unary::Neg, max))
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

    fn unary(&mut self, scope: &mut Scope<'f>, whole: &'f Scalar, op: Unary, a: &'f Scalar, root: bool) -> ExprId {
        if costly(op) && !root && self.known(a).is_none() {
            return self.lift(scope, whole);
        }
        let a = self.lower(scope, a, false);
        self.unary_of(op, a)
    }

    fn unary_of(&mut self, op: Unary, a: ExprId) -> ExprId {
        match self.house.graph.exprs[a] {
            Expr::Const(Real(value)) => self.constant(scalar::unary(op, value)),
            _ => self.add(Expr::Unary(op, a)),
        }
    }

    fn binary(
        &mut self,
        scope: &mut Scope<'f>,
        whole: &'f Scalar,
        op: net::Binary,
        a: &'f Scalar,
        b: &'f Scalar,
        root: bool,
    ) -> ExprId {
        let op = match op {
            net::Binary::Add => Binary::Add,
            net::Binary::Sub => Binary::Sub,
            net::Binary::Mul => Binary::Mul,
            net::Binary::Div => Binary::Div,
            net::Binary::Max => Binary::Max,
            net::Binary::Min => {
                let (a, b) = (self.lower(scope, a, false), self.lower(scope, b, false));
                let (a, b) = (self.unary_of(Unary::Neg, a), self.unary_of(Unary::Neg, b));
                let max = self.binary_of(Binary::Max, a, b);
                return self.unary_of(Unary::Neg, max);
            }
            net::Binary::Pow => return self.power(scope, whole, a, b, root),
        };
        let (a, b) = (self.lower(scope, a, false), self.lower(scope, b, false));
        self.binary_of(op, a, b)
    }

    fn binary_of(&mut self, op: Binary, a: ExprId, b: ExprId) -> ExprId {
        match (&self.house.graph.exprs[a], &self.house.graph.exprs[b]) {
            (Expr::Const(Real(x)), Expr::Const(Real(y))) => {
                let value = scalar::binary(op, *x, *y);
                self.constant(value)
            }
            _ => self.add(Expr::Binary(op, a, b)),
        }
    }

    /// `a ^ b`: whole powers up to 16 by squaring, a half as the root, others as `exp(b * log(a))`.
    fn power(&mut self, scope: &mut Scope<'f>, whole: &'f Scalar, a: &'f Scalar, b: &'f Scalar, root: bool) -> ExprId {
        let exponent = self.known(b);
        let raised = match exponent {
            Some(e) if e.fract() == 0.0 && e.abs() <= 16.0 => {
                let base = self.lower(scope, a, false);
                self.whole_power(base, e.abs() as u32)
            }
            Some(e) if e < 0.0 || !root => self.lift_as(scope, whole, Part::Raised),
            Some(_) => return self.raised(scope, whole),
            None if root => return self.raised(scope, whole),
            None => return self.lift(scope, whole),
        };
        if exponent.is_none_or(|e| e >= 0.0) {
            return raised;
        }
        let one = self.constant(1.0);
        self.binary_of(Binary::Div, one, raised)
    }

    /// `a ^ |b|` at the root of an equation.
    fn raised(&mut self, scope: &mut Scope<'f>, whole: &'f Scalar) -> ExprId {
        let Scalar::Binary(_, a, b) = whole else { unreachable!("a power has two operands") };
        let exponent = self.known(b).map(f64::abs);
        if exponent == Some(0.5) {
            let base = self.lower(scope, a, false);
            return self.unary_of(Unary::Sqrt, base);
        }
        let log = self.lift_as(scope, whole, Part::LogOfBase);
        let exponent = match exponent {
            Some(e) => self.constant(e),
            None => self.lower(scope, b, false),
        };
        let product = self.binary_of(Binary::Mul, exponent, log);
        self.unary_of(Unary::Exp, product)
    }

    fn whole_power(&mut self, base: ExprId, n: u32) -> ExprId {
        match n {
            0 => self.constant(1.0),
            1 => base,
            _ => {
                let half = self.whole_power(base, n / 2);
                let square = self.binary_of(Binary::Mul, half, half);
                if n.is_multiple_of(2) { square } else { self.binary_of(Binary::Mul, square, base) }
            }
        }
    }

    /// A number that does not depend on any tensor or index.
    fn known(&self, value: &Scalar) -> Option<f64> {
        Some(match value {
            Scalar::Number(value) => *value,
            Scalar::Size(size) => f64::from(self.house.number(*size)),
            Scalar::Unary(op, a) => scalar::unary(unary(*op), self.known(a)?),
            Scalar::Binary(net::Binary::Add, a, b) => self.known(a)? + self.known(b)?,
            Scalar::Binary(net::Binary::Sub, a, b) => self.known(a)? - self.known(b)?,
            Scalar::Binary(net::Binary::Mul, a, b) => self.known(a)? * self.known(b)?,
            Scalar::Binary(net::Binary::Div, a, b) => self.known(a)? / self.known(b)?,
            _ => return None,
        })
    }

    fn lift(&mut self, scope: &mut Scope<'f>, scalar: &'f Scalar) -> ExprId {
        self.lift_as(scope, scalar, Part::Whole)
    }

    /// Makes an equation of its own of (a part of) `scalar` and loads its value.
    fn lift_as(&mut self, scope: &mut Scope<'f>, scalar: &'f Scalar, part: Part) -> ExprId {
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
            (axes.iter().map(|(_, a)| a.extent).collect(), (0..axes.len()).map(|i| affine_axis(i as AxisIx)).collect())
        };
        let index = if same { scope.write.clone() } else { kept.iter().map(|&i| affine_axis(i as AxisIx)).collect() };
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
        self.add(Expr::Load(Access { tensor: out, index }))
    }

    /// Whether an axis is not hidden by a later one of the same name (a batch within a batch).
    fn is_seen(&self, scope: &Scope, i: usize) -> bool {
        scope.axes[i + 1..].iter().all(|(ax, _)| *ax != scope.axes[i].0)
    }

    fn lifted(&mut self, mut scope: Scope<'f>, scalar: &'f Scalar, part: Part) {
        match (part, scalar) {
            (Part::LogOfBase, Scalar::Binary(_, base, _)) => {
                let base = self.lower(&mut scope, base, false);
                let log = self.unary_of(Unary::Log, base);
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
                let negated = self.unary_of(Unary::Neg, body);
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
        let dead = self.constant(match combine {
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
            return self.add(Expr::Select(Cond::Guards(guards), a, b));
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
                let form = scope.affine(form);
                let equal = Guard { form, data: None, rel: Rel::Eq };
                self.add(Expr::Select(Cond::Guards(vec![equal]), b, a))
            }
            Condition::Real(relation, lhs, rhs) => {
                let (cmp, swap, negate) = comparison(*relation);
                let (lhs, rhs) = (self.lower(scope, lhs, false), self.lower(scope, rhs, false));
                let (lhs, rhs) = if swap { (rhs, lhs) } else { (lhs, rhs) };
                let (a, b) = if negate { (b, a) } else { (a, b) };
                self.add(Expr::Select(Cond::Compare(cmp, lhs, rhs), a, b))
            }
        }
    }

    /// The condition as a conjunction of guards, if it is one.
    fn guards(&mut self, scope: &Scope, condition: &Condition) -> Option<Vec<Guard>> {
        match condition {
            Condition::Index { form, relation } => guard(scope.affine(form), None, *relation).map(|g| vec![g]),
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
                    Scalar::Index(form) => scope.affine(form),
                    Scalar::Number(n) if n.fract() == 0.0 && n.abs() < 1e9 => {
                        Affine { constant: *n as i32, ..Affine::default() }
                    }
                    _ => return None,
                };
                let access = self.index_access(scope, data)?;
                guard(form, Some(access), relation).map(|g| vec![g])
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
                Subscript::Affine(form) => index.push(scope.affine(form)),
                Subscript::Data { .. } => return None,
            }
        }
        Some(Access { tensor: self.tensor(*tensor), index })
    }

    /// The axes that a value depends on.
    fn mentions(&self, scalar: &Scalar, out: &mut IndexSet<Ax>) {
        match scalar {
            Scalar::Number(_) | Scalar::Size(_) => {}
            Scalar::Index(form) => linear_mentions(form, out),
            Scalar::Load { tensor, subscripts, .. } => {
                self.tensor_mentions(*tensor, out);
                for subscript in subscripts {
                    match subscript {
                        Subscript::Affine(form) => linear_mentions(form, out),
                        Subscript::Data { tensor, subscripts } => {
                            self.tensor_mentions(*tensor, out);
                            subscripts.iter().for_each(|form| linear_mentions(form, out));
                        }
                    }
                }
            }
            Scalar::Unary(_, a) => self.mentions(a, out),
            Scalar::Binary(_, a, b) => {
                self.mentions(a, out);
                self.mentions(b, out);
            }
            Scalar::If(condition, a, b) => {
                self.condition_mentions(condition, out);
                self.mentions(a, out);
                self.mentions(b, out);
            }
            Scalar::Reduce { vars, across_batch, body, .. } => {
                let mut inside = IndexSet::new();
                self.mentions(body, &mut inside);
                inside.retain(|ax| match ax {
                    Ax::Batch => !across_batch,
                    Ax::Var(var) => !vars.contains(var),
                    Ax::Pin => false,
                });
                out.extend(inside);
            }
        }
    }

    fn tensor_mentions(&self, tensor: net::TensorId, out: &mut IndexSet<Ax>) {
        if self.flat.tensors[tensor].per_example && matches!(self.tensors.0[tensor.index()], Place::Tensor(_)) {
            out.insert(Ax::Batch);
        }
    }

    fn condition_mentions(&self, condition: &Condition, out: &mut IndexSet<Ax>) {
        match condition {
            Condition::Index { form, .. } => linear_mentions(form, out),
            Condition::Real(_, a, b) => {
                self.mentions(a, out);
                self.mentions(b, out);
            }
            Condition::And(a, b) | Condition::Or(a, b) => {
                self.condition_mentions(a, out);
                self.condition_mentions(b, out);
            }
        }
    }
}

/// Which part of an expression is lifted.
#[derive(Clone, Copy)]
enum Part {
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

/// `form relation data` as a guard; `!=` is none.
fn guard(form: Affine, data: Option<Access>, relation: Comparison) -> Option<Guard> {
    let minus = |mut form: Affine, by: i32| {
        form.constant -= by;
        form
    };
    let negated = |mut form: Affine| {
        form.constant = -form.constant;
        form.terms.iter_mut().for_each(|(_, by)| *by = -*by);
        form
    };
    let (form, sign, rel) = match relation {
        Comparison::Eq => (form, Sign::Minus, Rel::Eq),
        Comparison::Ge => (form, Sign::Minus, Rel::Ge),
        Comparison::Gt => (minus(form, 1), Sign::Minus, Rel::Ge),
        Comparison::Le => (negated(form), Sign::Plus, Rel::Ge),
        Comparison::Lt => (minus(negated(form), 1), Sign::Plus, Rel::Ge),
        Comparison::Ne => return None,
    };
    Some(Guard { form, data: data.map(|access| (sign, access)), rel })
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

fn linear_mentions(form: &Linear, out: &mut IndexSet<Ax>) {
    out.extend(form.terms.iter().map(|(var, _)| Ax::Var(*var)));
}

fn is_data(subscript: &Subscript) -> bool {
    matches!(subscript, Subscript::Data { .. })
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
        (_, Scalar::Unary(op, _)) => scalar::name(unary(*op)),
        (_, Scalar::Load { .. }) => "at",
        _ => "power",
    }
}
