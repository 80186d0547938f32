//! The ends of an axis: its first and last element, and the values that stand before and behind them, where a recurrence
//! begins.

use super::checker::Checker;
use super::equations::Evaluated;
use super::flat::NewPiece;
use super::found::{Fact, Part};
use super::intrinsics::Intrinsic;
use super::net::{Comparison, Condition, Linear, Scalar, Subscript as Read, Tensor, TensorId, TensorKind, VarId};
use super::recur::Guess;
use super::scope::Env;
use super::terms::Axes;
use super::values::{Arg, Number, Term, Value, View};
use crate::size::{Poly, SizeId};
use crate::source::Span;
use crate::source::tree::{Expr, ExprKind, Statement, StatementKind, Subscript, Target};

/// A tensor whose definition is under way.
#[derive(Clone, Debug, Default)]
pub struct Moving {
    /// Values before the first or behind the last element of an axis; 0 where none is written.
    starts: Vec<Start>,
    /// The tensor read at a distance along an axis, starts put in: `(axis, distance, tensor)`.
    shifted: Vec<(usize, i64, TensorId)>,
}

/// `h[-1] = h0`
#[derive(Clone, Debug)]
struct Start {
    axis: usize,
    place: Poly,
    /// Of all axes but that one.
    value: View,
}

impl<'t> Checker<'t> {
    /// The pieces that define elements, not starts. Where the shape is not known yet a piece at a fixed place is left
    /// out, if others run over that axis.
    pub fn main_pieces(&mut self, pieces: &[&'t Statement], guess: Option<&Guess>, env: &Env) -> Vec<&'t Statement> {
        let Some(guess) = guess else {
            let runs = |axis: usize| pieces.iter().any(|piece| left(piece).get(axis).is_some_and(|at| !is_fixed(at)));
            let fixed =
                |piece: &&&'t Statement| left(piece).iter().enumerate().any(|(axis, at)| is_fixed(at) && runs(axis));
            let main: Vec<&'t Statement> = pieces.iter().filter(|piece| !fixed(piece)).copied().collect();
            return if main.is_empty() { pieces.to_vec() } else { main };
        };
        let shape = guess.shape.clone();
        pieces.iter().filter(|piece| self.place_outside(piece, &shape, env).is_none()).copied().collect()
    }

    /// The axis and place of a piece that stands before the first or behind the last element.
    fn place_outside(&mut self, piece: &'t Statement, shape: &[SizeId], env: &Env) -> Option<(usize, Poly)> {
        for (axis, (at, &size)) in left(piece).iter().zip(shape).enumerate() {
            let Subscript::At(expr) = at else { continue };
            let Some(place) = self.fixed_place(expr, env) else { continue };
            let below = place.as_number().is_some_and(|n| n < 0);
            let length = self.sizes.value(size);
            let behind = length.and_then(|n| place.sub(n).ok()?.as_number()).is_some_and(|n| n >= 0);
            // Poison is the length of an axis that nothing else told: whatever is written there is a start.
            if below || behind {
                return Some((axis, place));
            }
        }
        None
    }

    /// A subscript without an index.
    fn fixed_place(&mut self, expr: &'t Expr, env: &Env) -> Option<Poly> {
        if !self.only_numbers(expr, env) {
            return None;
        }
        match self.quietly(|c| c.eval(expr, env)) {
            Value::Number(Number::Whole(open)) => {
                let size = self.quietly(|c| c.close(open, env));
                self.sizes.value(size).cloned()
            }
            _other => None,
        }
    }

    /// Whether all names of a subscript are known numbers.
    fn only_numbers(&mut self, expr: &'t Expr, env: &Env) -> bool {
        match &expr.kind {
            ExprKind::Number(..) => true,
            ExprKind::Name(name) => self.is_number(name, env),
            ExprKind::Negate(inner) => self.only_numbers(inner, env),
            ExprKind::Binary { lhs, rhs, .. } => self.only_numbers(lhs, env) && self.only_numbers(rhs, env),
            _other => false,
        }
    }

    /// Evaluates the starts of an announced tensor.
    pub fn starts(&mut self, view: &View, pieces: &[&'t Statement], env: &Env) {
        let shape = self.shape(view).to_vec();
        let mut starts = Vec::new();
        for piece in pieces {
            let Some((axis, place)) = self.place_outside(piece, &shape, env) else { continue };
            let value = self.start_value(piece, axis, &shape, env);
            starts.extend(value.map(|value| Start { axis, place, value }));
        }
        self.moving.entry(view.tensor).or_default().starts = starts;
    }

    /// The value of `h[-1] = ...`, an axis for each other axis of `h`; none where it is 0 or wrong.
    fn start_value(&mut self, piece: &'t Statement, axis: usize, shape: &[SizeId], env: &Env) -> Option<View> {
        let StatementKind::Define { target: Target::Indexed { subscripts, at, .. }, value, .. } = &piece.kind else {
            return None;
        };
        let dims: Vec<Option<SizeId>> =
            shape.iter().enumerate().map(|(i, size)| Some(*size).filter(|_| i != axis)).collect();
        let Evaluated { write, mut term, .. } = self.piece(subscripts, *at, value, Some(&dims), piece.at, env)?;
        let rest: Vec<SizeId> = shape.iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, size)| *size).collect();
        if matches!(term.body, Scalar::Number(0.0)) && term.axes.is_empty() {
            return None;
        }
        let mut axes = Axes::new();
        for (i, form) in write.iter().enumerate().filter(|(i, _)| *i != axis) {
            let Some(var) = form.as_var() else {
                self.raise(Fact::NotAffine, *at, env);
                return None;
            };
            let _ = i;
            axes.push(var);
        }
        axes.extend(term.axes.iter().copied());
        if axes.is_empty() && !rest.is_empty() {
            axes = rest.iter().enumerate().map(|(i, &size)| self.axis(i, size)).collect();
        }
        let comes = self.axes_shape(&axes);
        if comes.len() != rest.len() || !comes.iter().zip(&rest).all(|(a, b)| self.may_equal(*a, *b)) {
            let (lhs, rhs) = (Part { at: *at, shape: rest }, Part { at: value.at, shape: comes });
            self.raise(Fact::ShapesDiffer { op: "start", lhs, rhs }, *at, env);
            return None;
        }
        term.axes = axes;
        self.try_copy(term, "start", env, piece.at)
    }

    /// The element of a tensor, or where it is under way and read at a distance, what stands outside.
    pub fn read_moving(&mut self, view: &View, subscripts: Vec<Read>, at: Span, env: &Env) -> Scalar {
        if !self.moving.contains_key(&view.tensor) {
            return Scalar::Load { tensor: view.tensor, subscripts, at };
        }
        let n = view.hidden.len();
        let far = |axis: &usize| matches!(&subscripts[n + axis], Read::Affine(form) if distance(form).is_some());
        let far: Vec<usize> = (0..subscripts.len() - n).filter(far).collect();
        if let [axis] = far[..]
            && let Read::Affine(form) = &subscripts[n + axis]
            && let Some(steps) = distance(form)
            && self.moving[&view.tensor].starts.iter().any(|start| start.axis == axis)
            && self.settling.depth == 0
        {
            // A written start makes a tensor of its own, so that what is multiplied with it stays a plain product.
            let tensor = self.shifted(view, axis, steps, at, env);
            let mut subscripts = subscripts;
            if let Read::Affine(form) = &mut subscripts[n + axis] {
                form.constant = Poly::zero();
            }
            return Scalar::Load { tensor, subscripts, at };
        }
        self.read_far(view, &far, subscripts, at)
    }

    /// `h.before[t] = if t >= 1 then h[t-1] else start`, made once for each distance.
    fn shifted(&mut self, view: &View, axis: usize, steps: i64, at: Span, env: &Env) -> TensorId {
        let known = self.moving[&view.tensor].shifted.iter().find(|(a, d, _)| (*a, *d) == (axis, steps));
        if let Some((_, _, tensor)) = known {
            return *tensor;
        }
        let Tensor { shape, element, per_example, name, .. } = self.flat.tensors[view.tensor].clone();
        let n = view.hidden.len();
        let axes: Axes = shape[n..].iter().enumerate().map(|(i, &size)| self.axis(i, size)).collect();
        let free: Vec<VarId> = view.hidden.iter().chain(&axes).copied().collect();
        let mut subscripts: Vec<Read> = free.iter().map(|&var| Read::Affine(Linear::var(var))).collect();
        if let Read::Affine(form) = &mut subscripts[n + axis] {
            form.constant = Poly::number(steps);
        }
        let body = self.read_far(view, &[axis], subscripts, at);
        let word = if steps < 0 { "before" } else { "behind" };
        let out = self.flat.tensor(&format!("{name}.{word}"), shape, element, TensorKind::Defined, env.use_id, at);
        self.flat.tensors[out].per_example = per_example;
        if let Some(moving) = self.moving.get_mut(&view.tensor) {
            moving.shifted.push((axis, steps, out));
        }
        let write = free.iter().map(|&var| Linear::var(var)).collect();
        self.emit(NewPiece { out, free, write, body, of: env.use_id, at }, env);
        out
    }

    /// A read at a distance along some axes, guarded.
    fn read_far(&mut self, view: &View, far: &[usize], subscripts: Vec<Read>, at: Span) -> Scalar {
        let n = view.hidden.len();
        let shape = self.shape(view).to_vec();
        let mut body = Scalar::Load { tensor: view.tensor, subscripts: subscripts.clone(), at };
        for &axis in far {
            let Read::Affine(form) = &subscripts[n + axis] else { continue };
            let length = self.sizes.value(shape[axis]).cloned();
            let (Some(distance), Some(length)) = (distance(form), length) else { continue };
            let outside = self.outside(view.tensor, axis, &subscripts, n, distance, &length, at);
            let form = match distance < 0 {
                true => form.clone(),
                false => match Linear::constant(length).minus(form).and_then(|gap| gap.minus(&Linear::number(1))) {
                    Ok(gap) => gap,
                    Err(_) => continue,
                },
            };
            let inside = Condition::Index { form, relation: Comparison::Ge };
            body = Scalar::If(inside, Box::new(body), Box::new(outside));
        }
        body
    }

    /// What a read gives that reaches over the end of an axis.
    #[allow(clippy::too_many_arguments)]
    fn outside(
        &self,
        tensor: TensorId,
        axis: usize,
        subscripts: &[Read],
        hidden: usize,
        distance: i64,
        length: &Poly,
        at: Span,
    ) -> Scalar {
        let Read::Affine(form) = &subscripts[hidden + axis] else { return Scalar::Number(0.0) };
        let mut body = Scalar::Number(0.0);
        for start in self.moving[&tensor].starts.iter().filter(|start| start.axis == axis) {
            let before = start.place.as_number().filter(|n| *n < 0);
            let behind = start.place.sub(length).ok().and_then(|n| n.as_number());
            let reached = match before {
                Some(n) => distance <= n,
                None => behind.is_some_and(|n| (0..distance).contains(&n)),
            };
            let Ok(form) = form.minus(&Linear::constant(start.place.clone())) else { continue };
            if !reached {
                continue;
            }
            let own = start.value.hidden.iter().map(|&var| Read::Affine(Linear::var(var)));
            let rest = subscripts[hidden..].iter().enumerate().filter(|(i, _)| *i != axis).map(|(_, s)| s.clone());
            let subscripts = own.chain(rest).collect();
            let value = Scalar::Load { tensor: start.value.tensor, subscripts, at };
            let only = distance.abs() == 1;
            body = match only {
                true => value,
                false => {
                    let here = Condition::Index { form, relation: Comparison::Eq };
                    Scalar::If(here, Box::new(value), Box::new(body))
                }
            };
        }
        body
    }

    /// `last(h)` is `h[T - 1]`, `first(h)` is `h[0]`.
    pub fn end_of(&mut self, intrinsic: Intrinsic, args: &[Arg<'t>], at: Span, env: &Env) -> Value<'t> {
        let Some(plain) = self.positional(intrinsic, args, &[], env) else { return Value::Poison };
        let [one] = plain[..] else { return self.wrong_count(intrinsic, 1, at, env) };
        let Some(mut term) = self.to_term(one.value.clone(), one.at, env) else { return Value::Poison };
        if term.axes.is_empty() {
            let what = format!("'{}'", intrinsic.name());
            self.raise(Fact::Rank { what, wants: 1, has: 0, shape: vec![] }, at, env);
            return Value::Poison;
        }
        let axis = term.axes.remove(0);
        let place = match self.flat.extent(axis) {
            Some(length) if intrinsic == Intrinsic::Last => self.size_form(length).minus(&Linear::number(1)),
            Some(_) | None => Ok(Linear::number(0)),
        };
        let Ok(place) = place else { return Value::Poison };
        self.flat.bind(axis, place);
        Value::Term(Term { at, ..term })
    }

    /// A sum or product of which one side is not known yet: the other side's shape, as far as it tells.
    pub fn operate_settling(
        &mut self,
        op: crate::source::tree::BinaryOp,
        a: Value<'t>,
        b: Value<'t>,
        (a_at, b_at): (Span, Span),
        env: &Env,
    ) -> Value<'t> {
        use crate::source::tree::BinaryOp;
        let left = !matches!(a, Value::Poison);
        let (known, at) = if left { (a, a_at) } else { (b, b_at) };
        if matches!(known, Value::Number(_) | Value::Poison) {
            return Value::Poison;
        }
        let Some(mut term) = self.to_term(known, at, env) else { return Value::Poison };
        if op != BinaryOp::MatMul {
            return Value::Term(term);
        }
        // `W @ h`: the rows of W, as h is most often a vector.
        if !left || term.axes.pop().is_none() {
            return Value::Poison;
        }
        Value::Term(Term { body: Scalar::Number(0.0), ..term })
    }
}

/// How far a form is from the index that it is made of; none where it is no index at a distance.
fn distance(form: &Linear) -> Option<i64> {
    let [(_, by)] = &form.terms[..] else { return None };
    let distance = form.constant.as_number().filter(|distance| *distance != 0)?;
    (by.as_number() == Some(1)).then_some(distance)
}

fn left<'t>(piece: &'t Statement) -> &'t [Subscript] {
    match &piece.kind {
        StatementKind::Define { target: Target::Indexed { subscripts, .. }, .. } => subscripts,
        _other => &[],
    }
}

/// Whether a subscript has no name that could be an index: `-1`, `T` is told apart later.
fn is_fixed(at: &Subscript) -> bool {
    fn fixed(expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Number(..) => true,
            // By custom lengths are capitals, indices are not.
            ExprKind::Name(name) => name.starts_with(char::is_uppercase),
            ExprKind::Negate(inner) => fixed(inner),
            ExprKind::Binary { lhs, rhs, .. } => fixed(lhs) && fixed(rhs),
            _other => false,
        }
    }
    match at {
        Subscript::At(expr) => fixed(expr),
        Subscript::Range(..) => false,
    }
}
