//! What the names of a block's inputs stand for in one use: sizes from shapes, numbers from arguments and defaults.

use super::checker::Checker;
use super::found::{Fact, Part};
use super::net::{Element, TensorId, VarId};
use super::scope::{Env, bare_dim};
use super::terms::Axes;
use super::values::{Arg, Definition, Number, Open, Value, View};
use crate::ids::Symbol;
use crate::size::SizeId;
use crate::source::Span;
use crate::source::tree::{self, Default, Dim, Expr, ExprKind, Input, Type};
use std::rc::Rc;

/// One use's inputs while they are bound.
pub struct Binding<'t> {
    pub definition: &'t Definition<'t>,
    pub at: Span,
    /// Fresh variables of the axes that the block is mapped over.
    pub mapped: Axes,
    /// Whether an error makes the body not worth unfolding.
    pub wrong: bool,
    /// Whether the tensor that flows in is poison, so that not even its number of axes is known.
    pub lost: bool,
    /// The tensor that flows in.
    pub first: Option<TensorId>,
    views: Vec<(usize, View, Span)>,
    /// Numbers and absent things that typed inputs were given.
    odd: Vec<(usize, Arg<'t>)>,
    checks: Vec<Check<'t>>,
    /// Sides of windows that are bound from shapes.
    sides: Vec<(Symbol, [Option<SizeId>; 2])>,
}

/// A declared size that is held against the size that came when all names are known.
struct Check<'t> {
    expr: &'t Expr,
    size: SizeId,
    slot: usize,
    axis: usize,
    /// Whether it is a count of index values, not an axis.
    count: bool,
}

impl<'t> Binding<'t> {
    /// Nothing bound yet.
    pub fn new(definition: &'t Definition<'t>, at: Span) -> Binding<'t> {
        let (views, odd, checks, sides) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Binding {
            definition,
            at,
            mapped: Axes::new(),
            wrong: false,
            lost: false,
            first: None,
            views,
            odd,
            checks,
            sides,
        }
    }

    pub(super) fn input(&self, slot: usize) -> &'t Input {
        &self.definition.network.inputs[slot]
    }

    /// The index variables around the body: the caller's, those that the arguments depend on, the mapped ones.
    pub fn ambient(&self, outer: &[VarId]) -> Rc<[VarId]> {
        let mut all: Vec<VarId> = outer.to_vec();
        for (_, view, _) in &self.views {
            all.extend(&view.hidden);
        }
        all.extend(&self.mapped);
        all.sort_unstable();
        all.dedup();
        all.into()
    }
}

impl<'t> Checker<'t> {
    /// Gives the inputs that have arguments their values, and the names in their shapes their sizes.
    pub fn bind_all(&mut self, b: &mut Binding<'t>, slots: Vec<Option<Arg<'t>>>, inner: &Env, outer: &Env) {
        let mut typed = Vec::new();
        for (slot, arg) in slots.into_iter().enumerate() {
            let Some(arg) = arg else { continue };
            match &b.input(slot).ty {
                Some(ty) => typed.push((slot, ty, arg)),
                None => self.bind_untyped(b, slot, arg, inner, outer),
            }
        }
        for (slot, ty, arg) in typed {
            self.bind_typed(b, slot, ty, arg, inner, outer);
        }
        for (name, [h, w]) in std::mem::take(&mut b.sides) {
            let (Some(h), Some(w)) = (h, w) else { continue };
            self.set(inner.scope, &name, Value::Window(Rc::from([h, w])));
        }
    }

    fn bind_untyped(&mut self, b: &mut Binding<'t>, slot: usize, arg: Arg<'t>, inner: &Env, outer: &Env) {
        let name = b.input(slot).name.text.clone();
        let value = self.passed(&name, arg.value, arg.at, b.at, inner, outer);
        self.set(inner.scope, &name, value);
    }

    /// A value as a block's name has it: numbers take the step through the block's door.
    fn passed(&mut self, name: &Symbol, value: Value<'t>, at: Span, call: Span, inner: &Env, outer: &Env) -> Value<'t> {
        match value {
            Value::Number(Number::Whole(open)) => {
                let size = self.close(open, outer);
                Value::size(self.bound(name, size, call, inner), at)
            }
            Value::Window(sides) => {
                Value::Window(sides.iter().map(|&side| self.sizes.bound(name, side, call)).collect())
            }
            Value::Term(term) => match self.to_view(Value::Term(term), name, at, outer) {
                Some(view) => Value::View(view),
                None => Value::Poison,
            },
            other => other,
        }
    }

    /// A size under a name of this use.
    fn bound(&mut self, name: &Symbol, size: SizeId, call: Span, inner: &Env) -> SizeId {
        let bound = self.sizes.bound(name, size, call);
        self.scopes[inner.scope.index()].bound.push((name.clone(), bound));
        bound
    }

    fn bind_typed(&mut self, b: &mut Binding<'t>, slot: usize, ty: &'t Type, arg: Arg<'t>, inner: &Env, outer: &Env) {
        let name = &b.input(slot).name.text;
        let born = matches!(b.input(slot).default, Some(Default::Born { .. }));
        let first = self.is_first(b, slot);
        match arg.value {
            Value::Truth(false) | Value::Absent if born => return self.set(inner.scope, name, Value::Absent),
            Value::Number(_) if !first => return b.odd.push((slot, arg)),
            Value::List(..) if matches!(ty.element, tree::Element::Index(_)) => return b.odd.push((slot, arg)),
            Value::Poison => {
                b.lost |= first;
                return self.unbound(b, ty, name, inner);
            }
            _ => {}
        }
        let Some(view) = self.to_view(arg.value, name, arg.at, outer) else {
            return self.unbound(b, ty, name, inner);
        };
        if first {
            b.first = Some(view.tensor);
        }
        match self.bind_shape(b, slot, ty, view, arg.at, inner, outer) {
            Some(view) => {
                self.bind_element(b, slot, ty, &view, arg.at, inner, outer);
                b.views.push((slot, view, arg.at));
            }
            None => self.unbound(b, ty, name, inner),
        }
    }

    fn is_first(&self, b: &Binding<'t>, slot: usize) -> bool {
        b.definition.network.inputs.iter().position(|input| input.ty.is_some()) == Some(slot)
    }

    /// An argument is wrong: the names in its type are poisoned, the body is not unfolded.
    fn unbound(&mut self, b: &mut Binding<'t>, ty: &'t Type, name: &Symbol, inner: &Env) {
        b.wrong = true;
        self.set(inner.scope, name, Value::Poison);
        for dim in &ty.dims {
            let name = match dim {
                Dim::Many(name) => &name.text,
                Dim::Any(_) | Dim::Size(_) => match bare_dim(dim) {
                    Some(name) => name,
                    None => continue,
                },
            };
            let waits = b.definition.network.inputs.iter().any(|input| input.name.text == *name);
            if !waits && !self.scope(inner.scope).names.contains_key(name) {
                self.set(inner.scope, name, Value::Poison);
            }
        }
    }

    /// Lines a tensor up with its declared axes: extra leading ones are mapped over, names get their sizes.
    #[allow(clippy::too_many_arguments)]
    fn bind_shape(
        &mut self,
        b: &mut Binding<'t>,
        slot: usize,
        ty: &'t Type,
        mut view: View,
        at: Span,
        inner: &Env,
        outer: &Env,
    ) -> Option<View> {
        let has = self.shape(&view).len();
        let many = ty.dims.iter().position(|dim| matches!(dim, Dim::Many(_)));
        let wants = ty.dims.len() - usize::from(many.is_some());
        if has < wants {
            if has == 0 && !self.is_first(b, slot) {
                b.odd.push((slot, Arg { name: None, value: Value::View(view), at }));
                return None.or_else(|| self.skip(b));
            }
            let what = format!("'{}' of '{}'", b.input(slot).name.text, b.definition.network.name.text);
            let comes = Part { at, shape: self.shape(&view).to_vec() };
            self.raise(Fact::NotDeclared { what, declared: (ty.at, vec![]), comes }, at, outer);
            return None;
        }
        if many.is_none() && has > wants {
            self.map_over(b, &mut view, has - wants, at, outer)?;
        }
        let shape = self.shape(&view).to_vec();
        let mut axis = 0;
        for dim in &ty.dims {
            match dim {
                Dim::Many(name) => {
                    let n = shape.len() - wants;
                    self.bind_many(b, slot, &name.text, &shape[axis..axis + n], at, inner, outer)?;
                    axis += n;
                }
                Dim::Any(_) => axis += 1,
                Dim::Size(expr) => {
                    self.bind_dim(b, slot, expr, shape[axis], axis, inner);
                    axis += 1;
                }
            }
        }
        Some(view)
    }

    fn skip(&mut self, _b: &mut Binding<'t>) -> Option<View> {
        None
    }

    fn map_over(&mut self, b: &mut Binding<'t>, view: &mut View, n: usize, at: Span, outer: &Env) -> Option<()> {
        let extra: Vec<SizeId> = self.shape(view)[..n].to_vec();
        if b.mapped.is_empty() {
            for (i, &size) in extra.iter().enumerate() {
                let var = self.axis(i, size);
                b.mapped.push(var);
            }
        }
        let known = self.axes_shape(&b.mapped);
        let agree = known.len() == n && known.iter().zip(&extra).all(|(a, b)| self.may_equal(*a, *b));
        if !agree {
            let (lhs, rhs) = (Part { at: b.at, shape: known }, Part { at, shape: extra });
            self.raise(Fact::ShapesDiffer { op: "mapping", lhs, rhs }, at, outer);
            return None;
        }
        view.hidden.extend(b.mapped.iter().copied());
        Some(())
    }

    #[allow(clippy::too_many_arguments)]
    fn bind_many(
        &mut self,
        b: &mut Binding<'t>,
        slot: usize,
        name: &Symbol,
        rest: &[SizeId],
        at: Span,
        inner: &Env,
        outer: &Env,
    ) -> Option<()> {
        let known = match self.scope(inner.scope).names.get(name) {
            Some(super::scope::Entry::Known(Value::Sizes(known))) => known.clone(),
            _other => {
                let rest: Vec<SizeId> = rest.iter().map(|&size| self.sizes.same(size, b.at)).collect();
                self.set(inner.scope, name, Value::Sizes(rest.into()));
                return Some(());
            }
        };
        let agree = known.len() == rest.len() && known.iter().zip(rest).all(|(a, b)| self.may_equal(*a, *b));
        if agree {
            return Some(());
        }
        let what = format!("'{}' of '{}'", b.input(slot).name.text, b.definition.network.name.text);
        let declared = (b.input(slot).at, known.iter().map(|size| Some(*size)).collect());
        let comes = Part { at, shape: rest.to_vec() };
        self.raise(Fact::NotDeclared { what, declared, comes }, at, outer);
        None
    }

    /// One declared axis: a name alone is bound, anything else is checked later.
    fn bind_dim(&mut self, b: &mut Binding<'t>, slot: usize, expr: &'t Expr, size: SizeId, axis: usize, inner: &Env) {
        match &expr.kind {
            ExprKind::Name(name) if self.find(inner.scope, name).is_none() => {
                let bound = self.bound(name, size, b.at, inner);
                self.set(inner.scope, name, Value::size(bound, expr.at));
            }
            ExprKind::Member { base, name } => match (&base.kind, &*name.text) {
                (ExprKind::Name(window), "h" | "w") if self.find(inner.scope, window).is_none() => {
                    let side = usize::from(&*name.text == "w");
                    let bound = self.sizes.bound(window, size, b.at);
                    let i = b.sides.iter().position(|(known, _)| known == window).unwrap_or_else(|| {
                        b.sides.push((window.clone(), [None, None]));
                        b.sides.len() - 1
                    });
                    b.sides[i].1[side].get_or_insert(bound);
                }
                _other => b.checks.push(Check { expr, size, slot, axis, count: false }),
            },
            _other => b.checks.push(Check { expr, size, slot, axis, count: false }),
        }
    }

    /// Kinds: probabilities where they are demanded, whole numbers where indices are.
    #[allow(clippy::too_many_arguments)]
    fn bind_element(
        &mut self,
        b: &mut Binding<'t>,
        slot: usize,
        ty: &'t Type,
        view: &View,
        at: Span,
        inner: &Env,
        outer: &Env,
    ) {
        let network = b.definition.network;
        let (block, input) = (network.name.text.clone(), b.input(slot).name.text.clone());
        let is = self.element(view);
        let made = self.flat.tensors[view.tensor].at;
        let made = self.made_by(view.tensor).unwrap_or(made);
        match (&ty.element, is) {
            (tree::Element::Probability(_), Element::Real | Element::Index(_)) => {
                if !self.is_constant_probability(view) && !self.is_poisoned(view) {
                    let exclusive = network
                        .inputs
                        .iter()
                        .any(|i| i.ty.as_ref().is_some_and(|ty| matches!(ty.element, tree::Element::Index(_))));
                    self.raise(Fact::NotProbability { block, made, exclusive }, at, outer);
                }
            }
            (tree::Element::Real, Element::Probability) => {
                let scores = network.outputs.iter().any(|o| matches!(o.ty.element, tree::Element::Probability(_)));
                if scores && network.kind == tree::NetworkKind::Block && self.is_first(b, slot) {
                    self.raise(Fact::AppliedTwice { block, made }, b.at, outer);
                }
            }
            (tree::Element::Index(expr), Element::Index(n)) => match &expr.kind {
                ExprKind::Name(name) if self.find(inner.scope, name).is_none() => {
                    let bound = self.bound(name, n, b.at, inner);
                    self.set(inner.scope, name, Value::size(bound, expr.at));
                }
                _other => b.checks.push(Check { expr, size: n, slot, axis: 0, count: true }),
            },
            (tree::Element::Index(_), Element::Real | Element::Probability) => {
                if !self.is_poisoned(view) {
                    self.raise(Fact::NotIndex { what: format!("'{input}' of '{block}'") }, at, outer);
                }
                b.wrong = true;
            }
            (tree::Element::Probability(_), Element::Probability) => {}
            (tree::Element::Real, Element::Real | Element::Index(_)) => {}
        }
    }

    /// The call in the user's text that made a tensor.
    pub fn made_by(&self, tensor: TensorId) -> Option<Span> {
        self.flat.tensors[tensor].of.map(|of| self.flat.uses[of.index()].at)
    }

    fn is_poisoned(&self, view: &View) -> bool {
        self.shape(view).iter().any(|size| self.sizes.is_poisoned(*size))
            || &*self.flat.tensors[view.tensor].name == "poisoned"
    }

    /// Defaults, checks of declared sizes, parameters that are born.
    pub fn finish_binding(&mut self, b: &mut Binding<'t>, inner: &Env, outer: &Env) {
        for (slot, input) in b.definition.network.inputs.iter().enumerate() {
            if input.ty.is_none() {
                self.default_number(b, slot, input, inner, outer);
            }
        }
        for check in std::mem::take(&mut b.checks) {
            self.run_check(b, &check, inner, outer);
        }
        for (slot, view, _) in b.views.clone() {
            let name = &b.input(slot).name.text;
            self.set(inner.scope, name, Value::View(view));
        }
        for (slot, arg) in std::mem::take(&mut b.odd) {
            self.bind_odd(b, slot, arg, inner, outer);
        }
        for (slot, input) in b.definition.network.inputs.iter().enumerate() {
            if let Some(ty) = &input.ty
                && !self.scope(inner.scope).names.contains_key(&input.name.text)
            {
                self.default_tensor(b, slot, input, ty, inner, outer);
            }
        }
    }

    fn default_number(&mut self, b: &mut Binding<'t>, _slot: usize, input: &'t Input, inner: &Env, outer: &Env) {
        let name = &input.name.text;
        if self.scope(inner.scope).names.contains_key(name) {
            return;
        }
        let value = match &input.default {
            Some(Default::Value(pipeline)) => {
                let value = self.pipeline(pipeline, inner);
                match value {
                    Value::Number(Number::Whole(open)) => {
                        let size = self.close(open, inner);
                        Value::size(self.sizes.bound(name, size, b.at), input.at)
                    }
                    other => other,
                }
            }
            Some(Default::Born { at, .. }) => {
                let fact = Fact::WrongSort { wants: "a type before '= param'".into(), is: "none".into() };
                self.raise(fact, *at, inner);
                Value::Poison
            }
            None => {
                self.missing(b, input, outer);
                Value::Poison
            }
        };
        self.set(inner.scope, name, value);
    }

    pub(super) fn missing(&mut self, b: &mut Binding<'t>, input: &'t Input, outer: &Env) {
        b.wrong = true;
        let network = b.definition.network;
        let fact = Fact::MissingArgument {
            block: network.name.text.clone(),
            name: input.name.text.clone(),
            inputs: network.inputs.iter().map(|input| input.name.text.clone()).collect(),
            head: (!b.definition.library).then_some(network.head),
        };
        self.raise(fact, b.at, outer);
    }

    fn run_check(&mut self, b: &mut Binding<'t>, check: &Check<'t>, inner: &Env, outer: &Env) {
        if let Some(name) = self.pattern_name(check.expr, inner) {
            self.solve_pattern(b, check, &name, inner);
        }
        let value = self.eval(check.expr, inner);
        let wanted = self.to_size(value, check.expr.at, inner);
        if self.may_equal(wanted, check.size) {
            return;
        }
        b.wrong = true;
        let input = b.input(check.slot);
        let what = format!("'{}' of '{}'", input.name.text, b.definition.network.name.text);
        let place = b.views.iter().find(|(slot, ..)| *slot == check.slot).map(|(_, view, at)| (view.clone(), *at));
        let (at, shape) = match &place {
            Some((view, at)) if !check.count => (*at, self.shape(view).to_vec()),
            Some((_, at)) => (*at, vec![check.size]),
            None => (b.at, vec![check.size]),
        };
        if check.count {
            return self.raise(Fact::IndexCount { comes: check.size, wanted }, at, outer);
        }
        let declared = (0..shape.len()).map(|i| Some(wanted).filter(|_| i == check.axis)).collect();
        let ty = input.ty.as_ref().map_or(check.expr.at, |ty| ty.at);
        let fact = Fact::NotDeclared { what, declared: (ty, declared), comes: Part { at, shape } };
        self.raise(fact, at, outer);
    }

    /// The one name in a pattern such as `2 * n` that nothing has bound.
    fn pattern_name(&self, expr: &Expr, env: &Env) -> Option<Symbol> {
        match &expr.kind {
            ExprKind::Name(name) => self.find(env.scope, name).is_none().then(|| name.clone()),
            ExprKind::Binary { lhs, rhs, .. } => self.pattern_name(lhs, env).or_else(|| self.pattern_name(rhs, env)),
            ExprKind::Negate(inner) => self.pattern_name(inner, env),
            _other => None,
        }
    }

    /// `[2 * n]` against 10: n = 5. A straight line through two values tells.
    fn solve_pattern(&mut self, b: &Binding<'t>, check: &Check<'t>, name: &Symbol, inner: &Env) {
        let mut at_number = |n: i64| -> Option<i64> {
            self.set(inner.scope, name, Value::Number(Number::Whole(Open::number(n, check.expr.at))));
            let value = self.quietly(|c| c.eval(check.expr, inner));
            let size = self.quietly(|c| c.to_size(value, check.expr.at, inner));
            self.sizes.number(size)
        };
        let line = at_number(0).zip(at_number(1));
        let size = self.sizes.number(check.size);
        let solved = match (line, size) {
            (Some((zero, one)), Some(size)) if one != zero && (size - zero) % (one - zero) == 0 => {
                let n = (size - zero) / (one - zero);
                Some(self.sizes.written(n, check.expr.at))
            }
            _other => None,
        };
        let size = match solved {
            Some(size) => size,
            // The check that follows reports the rest of the division.
            None => match line.zip(size) {
                Some(((zero, one), size)) if one != zero => {
                    let n = (size - zero).div_euclid(one - zero);
                    self.sizes.written(n, check.expr.at)
                }
                _other => self.sizes.poison(check.expr.at),
            },
        };
        let bound = self.bound(name, size, b.at, inner);
        self.set(inner.scope, name, Value::size(bound, check.expr.at));
    }
}
