//! The value of an expression.

use super::checker::Checker;
use super::conditions::{Truth, comparison};
use super::found::{Fact, Part};
use super::intrinsics::Intrinsic;
use super::net::{Binary, Element, Linear, Reduction, Scalar, Subscript, Unary};
use super::scope::{Entry, Env, ScopeId};
use super::terms::Axes;
use super::values::{Callee, Layer, LayerKind, Number, Term, Value, View};
use crate::ids::Symbol;
use crate::size::Formula;
use crate::source::Span;
use crate::source::tree::{self, BinaryOp, Expr, ExprKind, Head, Name};
use std::rc::Rc;

impl<'t> Checker<'t> {
    /// The value of an expression; what is wrong with it is reported, and gives poison.
    pub fn eval(&mut self, expr: &'t Expr, env: &Env) -> Value<'t> {
        let at = expr.at;
        match &expr.kind {
            ExprKind::Number(text, value) => self.literal(text, *value, at),
            ExprKind::Window(sides) => {
                Value::Window(sides.iter().map(|&n| self.sizes.written(i64::from(n), at)).collect())
            }
            ExprKind::Text(text) => Value::Text(text.clone()),
            ExprKind::Array(items) => {
                Value::List(items.iter().map(|item| self.eval(item, env)).collect::<Vec<_>>().into(), at)
            }
            ExprKind::Name(name) => self.name(name, at, env),
            ExprKind::Group(inner) => self.pipeline(inner, env),
            ExprKind::Repeat { .. } => self.layer(LayerKind::Stage(expr), at, env),
            ExprKind::Call { callee, indices, args } => self.call(expr, callee, indices, args, env),
            ExprKind::Subscript { base, subscripts } => self.subscript(base, subscripts, at, env),
            ExprKind::Member { base, name } => self.member(base, name, at, env),
            ExprKind::Negate(inner) => self.negated(inner, at, env),
            ExprKind::Binary { op, lhs, rhs, .. } => self.operation(*op, lhs, rhs, expr, env),
        }
    }

    /// A layer value that captures its surroundings.
    pub fn layer(&mut self, kind: LayerKind<'t>, at: Span, env: &Env) -> Value<'t> {
        Value::Layer(Rc::new(Layer { kind, env: env.clone(), named: None, at }))
    }

    /// What a name stands for outside of call position.
    fn name(&mut self, name: &Symbol, at: Span, env: &Env) -> Value<'t> {
        if let Some(var) = env.index(name) {
            return Value::Term(Term::scalar(Scalar::Index(Linear::var(var)), at));
        }
        if let Some(scope) = self.find(env.scope, name) {
            return match self.force(scope, name) {
                Ok(value) => self.at_use(value, at),
                Err(begun) => {
                    if !self.waits(name, begun, false, at) {
                        self.raise(Fact::Cycle { through: self.circle(name, begun) }, at, env);
                    }
                    Value::Poison
                }
            };
        }
        match &**name {
            "true" => return Value::Truth(true),
            "false" => return Value::Truth(false),
            "inf" => return Value::real(f64::INFINITY),
            "training" => return self.flat.training.map_or(Value::Poison, Value::Truth),
            "step" | "steps" if self.flat.optimiser => {
                let tensor = self.flat.input(name, vec![], Element::Real, at);
                return Value::View(View { tensor, hidden: Default::default() });
            }
            _ => {}
        }
        if let Some(callee) = self.callee_of(name, env, true) {
            return self.layer(LayerKind::Call { callee, args: Rc::from([]) }, at, env);
        }
        let near = self.near(name, env, false);
        self.raise(Fact::UnknownName { name: name.clone(), near, call: false }, at, env);
        Value::Poison
    }

    /// A number's place is where it is used.
    fn at_use(&self, value: Value<'t>, at: Span) -> Value<'t> {
        match value {
            Value::Number(Number::Whole(open)) => Value::Number(Number::Whole(super::values::Open { at, ..open })),
            other => other,
        }
    }

    /// The value of a name in its scope, evaluated now if it was not before. Err: it is being evaluated.
    pub fn force(&mut self, scope: ScopeId, name: &Symbol) -> Result<Value<'t>, Span> {
        let entry = self.scope(scope).names.get(name).cloned().expect("the scope has the name");
        match entry {
            Entry::Known(value) => Ok(value),
            Entry::Busy(begun) => Err(begun),
            Entry::Inside(owner) => {
                self.force(scope, &owner)?;
                match self.scope(scope).names.get(name) {
                    Some(Entry::Known(value)) => Ok(value.clone()),
                    _other => Ok(Value::Poison),
                }
            }
            Entry::Constant(pipeline) => {
                self.mark(scope, name, Entry::Busy(pipeline.at));
                let env = self.scope(scope).env.clone();
                let value = self.apart(|checker| checker.pipeline(pipeline, &env));
                let value = self.settled(value, pipeline.at, &env);
                self.set(scope, name, value.clone());
                Ok(value)
            }
            Entry::Pending(statements) => {
                if self.settling.scope != Some(scope) && self.scope(scope).circles.with(name).is_some() {
                    self.recurrence(scope, name);
                    if let Some(Entry::Known(value)) = self.scope(scope).names.get(name) {
                        return Ok(value.clone());
                    }
                }
                let begun = statements.first().expect("a definition has a statement").at;
                self.mark(scope, name, Entry::Busy(begun));
                self.asked.extend(super::lints::name_at(statements[0], name));
                self.forcing.push((name.clone(), begun));
                let value = self.apart(|checker| checker.define(scope, name, &statements));
                self.forcing.pop();
                self.set(scope, name, value.clone());
                Ok(value)
            }
        }
    }

    /// The definitions through which a name came back to itself, from its own on.
    pub fn circle(&self, name: &Symbol, begun: Span) -> Vec<(Symbol, Span)> {
        let start = self.forcing.iter().position(|(forced, at)| forced == name && *at == begun);
        start.map_or_else(|| vec![(name.clone(), begun)], |start| self.forcing[start..].to_vec())
    }

    pub fn mark(&mut self, scope: ScopeId, name: &Symbol, entry: Entry<'t>) {
        self.scopes[scope.index()].names.insert(name.clone(), entry);
    }

    /// Evaluates something elsewhere in the text: conditions around do not hold there.
    pub fn apart<R>(&mut self, f: impl FnOnce(&mut Checker<'t>) -> R) -> R {
        let guards = std::mem::take(&mut self.guards);
        let result = f(self);
        self.guards = guards;
        result
    }

    fn negated(&mut self, inner: &'t Expr, at: Span, env: &Env) -> Value<'t> {
        match self.eval(inner, env) {
            Value::Number(number) => Value::Number(self.negate(number, at)),
            Value::Absent => Value::Absent,
            other => self.unary(Unary::Neg, other, at, env),
        }
    }

    /// A function of each element.
    pub fn unary(&mut self, op: Unary, value: Value<'t>, at: Span, env: &Env) -> Value<'t> {
        let Some(term) = self.to_term(value, at, env) else { return Value::Poison };
        let element = match op {
            Unary::Sigmoid => Element::Probability,
            Unary::Stop => term.element,
            Unary::Neg | Unary::Exp | Unary::Log | Unary::Tanh | Unary::Erf | Unary::Sqrt => Element::Real,
            Unary::Abs | Unary::Sin | Unary::Cos => Element::Real,
        };
        Value::Term(Term { body: Scalar::Unary(op, Box::new(term.body)), element, at, axes: term.axes })
    }

    fn operation(&mut self, op: BinaryOp, lhs: &'t Expr, rhs: &'t Expr, expr: &'t Expr, env: &Env) -> Value<'t> {
        if comparison(op).is_some() || matches!(op, BinaryOp::And | BinaryOp::Or) {
            return match self.truth(expr, env) {
                Truth::Known(known) => Value::Truth(known),
                Truth::Poison => Value::Poison,
                Truth::Elements(..) => {
                    let is = "a condition on elements; `if ... then 1 else 0` makes a number of it".into();
                    self.raise(Fact::WrongSort { wants: "a number".into(), is }, expr.at, env);
                    Value::Poison
                }
            };
        }
        let (a, b) = (self.eval(lhs, env), self.eval(rhs, env));
        self.operate(op, (a, lhs.at), (b, rhs.at), expr.at, env)
    }

    /// `a op b` for an arithmetic operator.
    pub fn operate(
        &mut self,
        op: BinaryOp,
        (a, a_at): (Value<'t>, Span),
        (b, b_at): (Value<'t>, Span),
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let (a, b) = match (a, b) {
            (Value::Number(a), Value::Number(b)) => return self.arithmetic(op, a, b, at, env),
            (a, b) if self.settling.depth > 0 && (matches!(a, Value::Poison) || matches!(b, Value::Poison)) => {
                return self.operate_settling(op, a, b, (a_at, b_at), env);
            }
            (Value::Poison, _) | (_, Value::Poison) => return Value::Poison,
            (Value::Absent, other) | (other, Value::Absent) if matches!(op, BinaryOp::Add | BinaryOp::Sub) => {
                return other;
            }
            (Value::Absent, _) | (_, Value::Absent) => return Value::Absent,
            pair => pair,
        };
        let (Some(a), Some(b)) = (self.to_term(a, a_at, env), self.to_term(b, b_at, env)) else {
            return Value::Poison;
        };
        match op {
            BinaryOp::Add => self.binary(Binary::Add, a, b, at, env),
            BinaryOp::Sub => self.binary(Binary::Sub, a, b, at, env),
            BinaryOp::Mul => self.binary(Binary::Mul, a, b, at, env),
            BinaryOp::Div => self.binary(Binary::Div, a, b, at, env),
            BinaryOp::Pow => self.binary(Binary::Pow, a, b, at, env),
            BinaryOp::MatMul => self.matmul(a, b, at, env),
            BinaryOp::FloorDiv | BinaryOp::Rem if self.is_host(&a.body) && self.is_host(&b.body) => {
                self.floored(op, a, b, at, env)
            }
            BinaryOp::FloorDiv | BinaryOp::Rem => {
                let fact =
                    Fact::WrongSort { wants: "whole numbers known before the run".into(), is: "a tensor".into() };
                self.raise(fact, at, env);
                Value::Poison
            }
            BinaryOp::Or | BinaryOp::And | BinaryOp::Eq | BinaryOp::Ne | BinaryOp::Le => Value::Poison,
            BinaryOp::Ge | BinaryOp::Lt | BinaryOp::Gt => Value::Poison,
        }
    }

    /// `W @ x`: left `[.., k]`, right `[k]` or `[k, m]`.
    fn matmul(&mut self, a: Term, b: Term, at: Span, env: &Env) -> Value<'t> {
        let (lhs, rhs) = (self.part(&a), self.part(&b));
        if a.axes.is_empty() || b.axes.is_empty() || b.axes.len() > 2 {
            self.raise(Fact::ProductRank { lhs, rhs }, at, env);
            return Value::Poison;
        }
        let inner = *a.axes.last().expect("not empty");
        let (lhs_size, rhs_size) = (lhs.shape[lhs.shape.len() - 1], rhs.shape[0]);
        self.meet(lhs_size, rhs_size);
        let (lhs_size, rhs_size) = (self.settled_size(lhs_size), self.settled_size(rhs_size));
        let axes: Axes = a.axes[..a.axes.len() - 1].iter().chain(&b.axes[1..]).copied().collect();
        if !self.may_equal(lhs_size, rhs_size) {
            let shape = self.axes_shape(&axes);
            self.raise(Fact::InnerSizes { lhs, rhs }, at, env);
            return self.poisoned(shape, Element::Real, env, at);
        }
        self.flat.bind(b.axes[0], Linear::var(inner));
        let product = Scalar::Binary(Binary::Mul, Box::new(a.body), Box::new(b.body));
        let body =
            Scalar::Reduce { by: Reduction::Sum, vars: vec![inner], across_batch: false, body: Box::new(product) };
        Value::Term(Term { axes, body, element: Element::Real, at })
    }

    /// `k.h`, `k.w`; an output of a net or block by its name.
    fn member(&mut self, base: &'t Expr, name: &Name, at: Span, env: &Env) -> Value<'t> {
        let value = self.eval(base, env);
        let side = match &*name.text {
            "h" => Some(0),
            "w" => Some(1),
            _ => None,
        };
        match (value, side) {
            (Value::Window(sides), Some(side)) if side < sides.len() => Value::size(sides[side], at),
            (Value::Number(number), Some(_)) => Value::Number(number),
            (Value::Tuple(parts), _) if parts.iter().any(|(n, _)| *n == name.text) => {
                let found = parts.iter().find(|(n, _)| *n == name.text).expect("just asked");
                found.1.clone()
            }
            (Value::Poison, _) => Value::Poison,
            (other, _) => {
                let near = vec![];
                let whole = Symbol::from(self.sources.text(at));
                let _ = other;
                self.raise(Fact::UnknownName { name: whole, near, call: false }, name.at, env);
                Value::Poison
            }
        }
    }

    /// `x[c, i + u]`
    fn subscript(&mut self, base: &'t Expr, subscripts: &'t [tree::Subscript], at: Span, env: &Env) -> Value<'t> {
        let value = match self.recurs(base, subscripts, at, env) {
            true => return Value::Poison,
            false => self.eval(base, env),
        };
        match value {
            Value::Absent | Value::Poison => self.absent_element(value, subscripts, env),
            Value::Sizes(sizes) => self.one_of(&sizes, subscripts, at, env),
            Value::Term(term) => self.subscript_term(term, subscripts, at, env),
            other => match self.to_view(other, "array", base.at, env) {
                Some(view) => self.subscript_view(&view, subscripts, base.at, at, env),
                None => Value::Poison,
            },
        }
    }

    /// Names in subscripts of what is absent are still looked at.
    fn absent_element(&mut self, value: Value<'t>, subscripts: &'t [tree::Subscript], env: &Env) -> Value<'t> {
        for subscript in subscripts {
            if let tree::Subscript::At(inner) = subscript {
                self.affine(inner, env);
            }
        }
        value
    }

    fn one_of(&mut self, sizes: &[crate::size::SizeId], of: &'t [tree::Subscript], at: Span, env: &Env) -> Value<'t> {
        if let [tree::Subscript::At(inner)] = of {
            let value = self.eval(inner, env);
            let which = self.to_size(value, inner.at, env);
            if let Some(&size) = self.sizes.number(which).and_then(|n| sizes.get(usize::try_from(n).ok()?)) {
                return Value::size(size, at);
            }
        }
        self.raise(Fact::WrongSort { wants: "one axis of the shape".into(), is: "none".into() }, at, env);
        Value::Poison
    }

    /// Whether an element of what is just being defined is asked for, whose shape is not known yet.
    fn recurs(&mut self, base: &'t Expr, subscripts: &'t [tree::Subscript], at: Span, env: &Env) -> bool {
        let ExprKind::Name(name) = &base.kind else { return false };
        if env.index(name).is_some() {
            return false;
        }
        let Some(scope) = self.find(env.scope, name) else { return false };
        let Err(begun) = self.force(scope, name) else { return false };
        let moved = subscripts.iter().any(|subscript| match subscript {
            tree::Subscript::At(inner) => self.affine(inner, env).is_none_or(|form| form.as_var().is_none()),
            tree::Subscript::Range(..) => true,
        });
        if !self.waits(name, begun, moved, at) {
            self.raise(Fact::Cycle { through: self.circle(name, begun) }, at, env);
        }
        true
    }

    /// Elements of a tensor; axes without a subscript stay.
    pub fn subscript_view(
        &mut self,
        view: &View,
        of: &'t [tree::Subscript],
        base: Span,
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let shape = self.shape(view).to_vec();
        if of.len() > shape.len() {
            let what = self.sources.text(base).to_string();
            self.raise(Fact::Rank { what, wants: of.len(), has: shape.len(), shape }, at, env);
            return Value::Poison;
        }
        let mut axes = Axes::new();
        let mut subscripts: Vec<Subscript> =
            view.hidden.iter().map(|&var| Subscript::Affine(Linear::var(var))).collect();
        for (i, (subscript, size)) in of.iter().zip(&shape).enumerate() {
            let made = match subscript {
                tree::Subscript::At(inner) => self.one_subscript(inner, *size, &mut axes, env),
                tree::Subscript::Range(first, end) => self.slice(first, end, i, &mut axes, env),
            };
            let Some(made) = made else { return Value::Poison };
            subscripts.push(made);
        }
        for (i, &size) in shape.iter().enumerate().skip(of.len()) {
            let var = self.axis(i, size);
            axes.push(var);
            subscripts.push(Subscript::Affine(Linear::var(var)));
        }
        let body = self.read_moving(view, subscripts, at, env);
        Value::Term(Term { axes, body, element: self.element(view), at })
    }

    fn one_subscript(
        &mut self,
        inner: &'t Expr,
        size: crate::size::SizeId,
        axes: &mut Axes,
        env: &Env,
    ) -> Option<Subscript> {
        if let Some(form) = self.affine(inner, env) {
            return Some(Subscript::Affine(form));
        }
        let value = self.eval(inner, env);
        let term = self.to_term(value, inner.at, env)?;
        let Element::Index(n) = term.element else {
            self.raise(Fact::NotAffine, inner.at, env);
            return None;
        };
        if !self.fits(n, size) {
            let fact = Fact::IndexCount { comes: n, wanted: size };
            self.raise(fact, inner.at, env);
            return None;
        }
        let term = match &term.body {
            Scalar::Load { subscripts, .. } if subscripts.iter().all(|s| matches!(s, Subscript::Affine(_))) => term,
            _other => {
                let view = self.try_copy(term, "index", env, inner.at)?;
                self.load(&view, inner.at)
            }
        };
        let Scalar::Load { tensor, subscripts, .. } = term.body else { return None };
        axes.extend(term.axes);
        let subscripts = subscripts.into_iter().map(|subscript| match subscript {
            Subscript::Affine(form) => form,
            Subscript::Data { .. } => unreachable!("look-ups in look-ups were copied"),
        });
        Some(Subscript::Data { tensor, subscripts: subscripts.collect() })
    }

    /// Whether values below `n` are all inside of an axis of `size`, as far as is known.
    fn fits(&self, n: crate::size::SizeId, size: crate::size::SizeId) -> bool {
        match (self.sizes.number(n), self.sizes.number(size)) {
            (Some(n), Some(size)) => n <= size,
            (None, _) | (_, None) => self.may_equal(n, size),
        }
    }

    /// `a..b`: from `a` up to, not including, `b`.
    fn slice(&mut self, first: &'t Expr, end: &'t Expr, i: usize, axes: &mut Axes, env: &Env) -> Option<Subscript> {
        let (a, b) = (self.eval(first, env), self.eval(end, env));
        let (a, b) = (self.to_size(a, first.at, env), self.to_size(b, end.at, env));
        let formula = Formula::Sub(Box::new(Formula::From(0)), Box::new(Formula::From(1)));
        let at = first.at.to(end.at);
        let length = match self.sizes.derive(formula, &[b, a], at) {
            Ok(size) => size,
            Err(fault) => self.faulty(fault, at, env),
        };
        let var = self.axis(i, length);
        axes.push(var);
        let form = Linear::var(var).plus(&self.size_form(a)).ok()?;
        Some(Subscript::Affine(form))
    }

    fn subscript_term(&mut self, term: Term, of: &'t [tree::Subscript], at: Span, env: &Env) -> Value<'t> {
        let plain = of.len() <= term.axes.len() && of.iter().all(|s| matches!(s, tree::Subscript::At(_)));
        let forms: Option<Vec<Linear>> = if plain {
            of.iter().map(|s| if let tree::Subscript::At(e) = s { self.affine(e, env) } else { None }).collect()
        } else {
            None
        };
        let Some(forms) = forms else {
            let Some(view) = self.to_view(Value::Term(term), "y", at, env) else { return Value::Poison };
            return self.subscript_view(&view, of, at, at, env);
        };
        for (form, &var) in forms.into_iter().zip(&term.axes) {
            self.flat.bind(var, form);
        }
        let axes = term.axes[of.len()..].iter().copied().collect();
        Value::Term(Term { axes, at, ..term })
    }

    /// The expression as an affine form of indices, if it is one.
    pub fn affine(&mut self, expr: &'t Expr, env: &Env) -> Option<Linear> {
        if !self.mentions_index(expr, env) {
            return match self.known_whole(expr, env)? {
                Value::Number(Number::Whole(open)) => {
                    let size = self.close(open, env);
                    Some(self.size_form(size))
                }
                inexact @ Value::Number(Number::Real(_, Some(_))) => {
                    let size = self.to_size(inexact, expr.at, env);
                    Some(self.size_form(size))
                }
                _other => None,
            };
        }
        match &expr.kind {
            ExprKind::Name(name) => env.index(name).map(Linear::var),
            ExprKind::Group(inner) if inner.stages.is_empty() && inner.remark.is_none() => match &inner.head {
                Head::Expr(inner) => self.affine(inner, env),
                Head::Each(_) | Head::If { .. } => None,
            },
            ExprKind::Negate(inner) => self.affine(inner, env)?.times(&crate::size::Poly::number(-1)).ok(),
            ExprKind::Binary { op, lhs, rhs, .. } => {
                if !matches!(op, BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul) {
                    return None;
                }
                let (a, b) = (self.affine(lhs, env)?, self.affine(rhs, env)?);
                match op {
                    BinaryOp::Add => a.plus(&b).ok(),
                    BinaryOp::Sub => a.minus(&b).ok(),
                    _mul => match (a.as_constant(), b.as_constant()) {
                        (Some(by), _) => b.times(by).ok(),
                        (None, Some(by)) => a.times(by).ok(),
                        (None, None) => None,
                    },
                }
            }
            _other => None,
        }
    }

    /// The value of an expression without indices that may be a whole number. Tensors are left to whoever wants them.
    fn known_whole(&mut self, expr: &'t Expr, env: &Env) -> Option<Value<'t>> {
        match &expr.kind {
            ExprKind::Subscript { .. } => None,
            ExprKind::Name(_) | ExprKind::Number(..) | ExprKind::Group(_) | ExprKind::Call { .. } => {
                Some(self.eval(expr, env))
            }
            ExprKind::Member { .. } | ExprKind::Negate(_) | ExprKind::Binary { .. } => Some(self.eval(expr, env)),
            ExprKind::Window(_) | ExprKind::Text(_) | ExprKind::Array(_) | ExprKind::Repeat { .. } => None,
        }
    }

    /// Whether an index stands in an expression of arithmetic.
    pub fn mentions_index(&self, expr: &Expr, env: &Env) -> bool {
        match &expr.kind {
            ExprKind::Name(name) => env.index(name).is_some(),
            ExprKind::Negate(inner) => self.mentions_index(inner, env),
            ExprKind::Binary { lhs, rhs, .. } => self.mentions_index(lhs, env) || self.mentions_index(rhs, env),
            ExprKind::Group(inner) => match &inner.head {
                Head::Expr(head) => self.mentions_index(head, env),
                Head::Each(_) | Head::If { .. } => false,
            },
            ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) | ExprKind::Array(_) => false,
            ExprKind::Repeat { .. } | ExprKind::Call { .. } | ExprKind::Subscript { .. } => false,
            ExprKind::Member { .. } => false,
        }
    }

    /// What a name in call position is.
    pub fn callee_of(&mut self, name: &Symbol, env: &Env, stage: bool) -> Option<Callee<'t>> {
        if let Some(scope) = self.find(env.scope, name) {
            match self.force(scope, name) {
                Ok(Value::Layer(layer)) => return Some(Callee::Layer(layer)),
                Ok(Value::Poison) => return Some(Callee::Poison),
                Ok(_) | Err(_) => {}
            }
        }
        if !env.library
            && let Some(definition) = self.files.get(&env.file).and_then(|own| own.get(name))
        {
            return Some(Callee::Network(definition));
        }
        let intrinsic = Intrinsic::of(name);
        // A function of elements is called as such; as a stage it is the library's block, with a line in each table.
        match (self.library.get(name), intrinsic) {
            (Some(_), Some(intrinsic)) if !stage => Some(Callee::Intrinsic(intrinsic)),
            (Some(definition), _) => Some(Callee::Network(definition)),
            (None, intrinsic) => intrinsic.map(Callee::Intrinsic),
        }
    }

    /// Whether a part could be read as a tensor of this shape, for messages.
    pub fn part_of(&self, view: &View, at: Span) -> Part {
        Part { at, shape: self.shape(view).to_vec() }
    }
}
