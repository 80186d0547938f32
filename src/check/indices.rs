//! The ranges of index variables, found before an equation is evaluated.
//!
//! A bound (`k < 3`), a bare subscript or a declared output axis fixes an index's range; otherwise it is the largest
//! from 0 for which every affine subscript stays inside of its axis.

use super::checker::Checker;
use super::conditions::Truth;
use super::found::Fact;
use super::net::{Linear, VarId};
use super::scope::{Entry, Env};
use super::values::Value;
use crate::ids::Symbol;
use crate::size::{Formula, SizeId};
use crate::source::Span;
use crate::source::tree::{Argument, Each, Expr, ExprKind, Head, IndexBinder, Pipeline, StageLayer, Subscript};
use smallvec::SmallVec;

/// What is known of the indices of one equation.
#[derive(Debug, Default)]
pub struct Ranges {
    /// In text order.
    vars: Vec<VarId>,
    /// An index that has `size` values wherever it stands alone.
    bare: Vec<(VarId, SizeId, Span)>,
    /// A form that must stay inside of an axis.
    forms: Vec<(Linear, SizeId, Span)>,
    /// Indices whose range a bound fixes.
    bounded: Vec<VarId>,
}

impl Ranges {
    /// Adds an index.
    pub fn add(&mut self, var: VarId) {
        self.vars.push(var);
    }
}

impl<'t> Checker<'t> {
    /// What a subscript on an axis says.
    pub fn constrain(&mut self, ranges: &mut Ranges, form: Linear, text: &Expr, size: SizeId, at: Span) {
        let alone = matches!(text.kind, ExprKind::Name(_));
        match form.as_var() {
            // `top + i` with top = 0 is no index that stands alone.
            Some(var) if alone => ranges.bare.push((var, size, at)),
            _other if form.terms.is_empty() => {}
            _other => ranges.forms.push((form, size, at)),
        }
    }

    /// Collects what an expression says of indices, and makes the variables that its reductions bind.
    pub fn collect_pipeline(&mut self, pipeline: &'t Pipeline, ranges: &mut Ranges, env: &Env) {
        match &pipeline.head {
            Head::Expr(expr) => self.collect(expr, ranges, env),
            Head::Each(each) => self.collect_each(each, ranges, env),
            Head::If { cases, otherwise } => {
                for (condition, branch) in cases {
                    match self.decided(condition, env) {
                        Some(true) => return self.collect_pipeline(branch, ranges, env),
                        Some(false) => {}
                        None => {
                            self.collect(condition, ranges, env);
                            self.collect_pipeline(branch, ranges, env);
                        }
                    }
                }
                self.collect_pipeline(otherwise, ranges, env);
            }
        }
        for stage in &pipeline.stages {
            match &stage.layer {
                StageLayer::Expr(expr) => self.collect(expr, ranges, env),
                StageLayer::Each(each) => self.collect_each(each, ranges, env),
            }
        }
    }

    fn collect_each(&mut self, each: &'t Each, ranges: &mut Ranges, env: &Env) {
        if let Subscript::At(over) = &*each.over {
            self.collect(over, ranges, env);
        }
    }

    /// As [`Checker::collect_pipeline`].
    pub fn collect(&mut self, expr: &'t Expr, ranges: &mut Ranges, env: &Env) {
        match &expr.kind {
            ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) | ExprKind::Name(_) => {}
            ExprKind::Array(items) => items.iter().for_each(|item| self.collect(item, ranges, env)),
            ExprKind::Group(inner) => self.collect_pipeline(inner, ranges, env),
            ExprKind::Repeat { .. } | ExprKind::Member { .. } => {}
            ExprKind::Call { indices, args, .. } if indices.is_empty() => {
                args.iter().for_each(|arg| self.collect_pipeline(&arg.value, ranges, env));
            }
            ExprKind::Call { indices, args, .. } => self.collect_binders(indices, args, expr.at, ranges, env),
            ExprKind::Subscript { base, subscripts } => self.collect_subscripts(base, subscripts, ranges, env),
            ExprKind::Negate(inner) => self.collect(inner, ranges, env),
            ExprKind::Binary { lhs, rhs, .. } => {
                self.collect(lhs, ranges, env);
                self.collect(rhs, ranges, env);
            }
        }
    }

    /// The variables of `sum(k, u < 3: ...)`; kept until the call is evaluated.
    pub fn collect_binders(
        &mut self,
        indices: &'t [IndexBinder],
        args: &'t [Argument],
        at: Span,
        ranges: &mut Ranges,
        env: &Env,
    ) {
        let mut names: SmallVec<[(Symbol, VarId); 4]> = SmallVec::new();
        let mut vars = SmallVec::new();
        for binder in indices {
            let extent = binder.bound.as_ref().map(|bound| {
                let value = self.eval(bound, env);
                self.to_length(value, bound.at, env)
            });
            let var = self.flat.var(&binder.name.text, extent);
            if extent.is_some() {
                ranges.bounded.push(var);
            }
            ranges.vars.push(var);
            names.push((binder.name.text.clone(), var));
            vars.push(var);
        }
        self.binders.insert(at, vars);
        let inner = env.with_indices(&names);
        args.iter().for_each(|arg| self.collect_pipeline(&arg.value, ranges, &inner));
    }

    fn collect_subscripts(&mut self, base: &'t Expr, subscripts: &'t [Subscript], ranges: &mut Ranges, env: &Env) {
        let shape = match &base.kind {
            ExprKind::Name(name) if env.index(name).is_none() => self.known_shape(name, env),
            _other => {
                self.collect(base, ranges, env);
                None
            }
        };
        for (i, subscript) in subscripts.iter().enumerate() {
            match subscript {
                Subscript::At(inner) => {
                    let size = shape.as_ref().and_then(|shape| shape.get(i).copied());
                    match (self.quietly(|c| c.affine(inner, env)), size) {
                        (Some(form), Some(size)) if matches!(inner.kind, ExprKind::Name(_)) => {
                            self.constrain(ranges, form, inner, size, inner.at);
                        }
                        // `top + i` fixes no range, not even where top is 0.
                        (Some(form), Some(_)) if form.terms.is_empty() => {}
                        (Some(form), Some(size)) => ranges.forms.push((form, size, inner.at)),
                        (Some(form), None) => {
                            if shape.is_some() {
                                // One subscript too many is told later; its index has a range as far as ranges go.
                                let poison = self.sizes.poison(inner.at);
                                self.constrain(ranges, form, inner, poison, inner.at);
                            }
                        }
                        (None, _) => self.collect(inner, ranges, env),
                    }
                }
                Subscript::Range(first, end) => {
                    self.collect(first, ranges, env);
                    self.collect(end, ranges, env);
                }
            }
        }
    }

    /// The axes of a named tensor, unless it is just being defined.
    pub fn known_shape(&mut self, name: &Symbol, env: &Env) -> Option<Vec<SizeId>> {
        let scope = self.find(env.scope, name)?;
        match self.force(scope, name).ok()? {
            Value::View(view) => Some(self.shape(&view).to_vec()),
            list @ Value::List(..) => {
                let Value::List(_, at) = &list else { return None };
                let (mut shape, mut values, at) = (Vec::new(), Vec::new(), *at);
                self.quietly(|c| c.flatten(&list, 0, &mut shape, &mut values, at, env));
                Some(shape.into_iter().map(|n| self.sizes.written(n as i64, at)).collect())
            }
            _other => None,
        }
    }

    /// A condition on numbers that are known already, if it is one.
    fn decided(&mut self, condition: &'t Expr, env: &Env) -> Option<bool> {
        if !self.is_plain(condition, env) {
            return None;
        }
        match self.quietly(|c| c.truth(condition, env)) {
            Truth::Known(known) => Some(known),
            Truth::Elements(..) | Truth::Poison => None,
        }
    }

    /// Whether an expression is arithmetic over known numbers alone.
    fn is_plain(&mut self, expr: &'t Expr, env: &Env) -> bool {
        match &expr.kind {
            ExprKind::Number(..) | ExprKind::Text(_) | ExprKind::Window(_) => true,
            ExprKind::Name(name) => {
                if env.index(name).is_some() {
                    return false;
                }
                match self.find(env.scope, name) {
                    None => matches!(&**name, "training" | "true" | "false"),
                    Some(scope) => match self.scope(scope).names.get(name) {
                        Some(Entry::Known(value)) => {
                            matches!(value, Value::Number(_) | Value::Truth(_) | Value::Text(_) | Value::Window(_))
                        }
                        Some(Entry::Constant(_)) => matches!(self.force(scope, name), Ok(Value::Number(_))),
                        Some(Entry::Pending(_) | Entry::Inside(_) | Entry::Busy(_)) | None => false,
                    },
                }
            }
            ExprKind::Member { base, .. } => self.is_plain(base, env),
            ExprKind::Negate(inner) => self.is_plain(inner, env),
            ExprKind::Binary { lhs, rhs, .. } => self.is_plain(lhs, env) && self.is_plain(rhs, env),
            ExprKind::Group(inner) if inner.stages.is_empty() => match &inner.head {
                Head::Expr(inner) => self.is_plain(inner, env),
                Head::Each(_) | Head::If { .. } => false,
            },
            ExprKind::Group(_) | ExprKind::Array(_) | ExprKind::Repeat { .. } | ExprKind::Call { .. } => false,
            ExprKind::Subscript { .. } => false,
        }
    }

    /// Where an index stands alone on an open axis, the axis takes the index's range from elsewhere.
    fn meet_bare(&mut self, ranges: &Ranges) {
        for &(var, open, _) in &ranges.bare {
            if !self.is_open(open) {
                continue;
            }
            let elsewhere =
                ranges.bare.iter().map(|&(v, size, _)| (v, size)).find(|&(v, size)| v == var && size != open);
            let size = elsewhere.map(|(_, size)| size).or(self.flat.extent(var));
            if let Some(size) = size {
                self.meet(open, size);
            }
        }
    }

    /// Gives every variable its range, and reports those that two places contradict.
    pub fn settle_ranges(&mut self, ranges: &Ranges, env: &Env) {
        self.meet_bare(ranges);
        let mut first: Vec<(VarId, SizeId, Span)> = Vec::new();
        for &(var, size, at) in &ranges.bare {
            let size = self.settled_size(size);
            if ranges.bounded.contains(&var) {
                continue;
            }
            match first.iter().find(|(v, ..)| *v == var) {
                None if self.flat.extent(var).is_none() => {
                    self.flat.vars[var.index()].extent = Some(size);
                    first.push((var, size, at));
                }
                None => {}
                Some(&(_, known, known_at)) if !self.may_equal(known, size) => {
                    let name = self.flat.vars[var.index()].name.clone();
                    let fact = Fact::TwoLengths { name, first: (known_at, known), second: (at, size) };
                    self.raise(fact, at, env);
                    let poison = self.sizes.poison(at);
                    self.flat.vars[var.index()].extent = Some(poison);
                }
                Some(_) => {}
            }
        }
        while self.widen_one(ranges, env) {}
    }

    /// Finds the range of the first variable that has none and for which it can be told.
    fn widen_one(&mut self, ranges: &Ranges, env: &Env) -> bool {
        let open = |c: &Checker<'t>, var: VarId| c.flat.extent(var).is_none();
        for &var in &ranges.vars {
            if !open(self, var) {
                continue;
            }
            let about: Vec<&(Linear, SizeId, Span)> =
                ranges.forms.iter().filter(|(form, ..)| form.mentions(var)).collect();
            let ready = |(form, ..): &&(Linear, SizeId, Span)| {
                form.terms.iter().all(|(other, _)| *other == var || !open(self, *other))
            };
            if about.is_empty() || !about.iter().all(ready) {
                continue;
            }
            let mut best: Option<SizeId> = None;
            for (form, size, at) in about {
                let candidate = self.widest(var, form, *size, *at, env);
                best = Some(match best {
                    None => candidate,
                    Some(best) => self.shorter(best, candidate, *at),
                });
            }
            self.flat.vars[var.index()].extent = best;
            return true;
        }
        false
    }

    /// The largest range of `var` for which `form` stays below `size` (above -1 for a falling one).
    fn widest(&mut self, var: VarId, form: &Linear, size: SizeId, at: Span, env: &Env) -> SizeId {
        let by = form.terms.iter().find(|(v, _)| *v == var).and_then(|(_, by)| by.as_number());
        let range = |v: VarId| if v == var { Some((0, 0)) } else { self.flat.range(&self.sizes, v) };
        let (Some(by), Some((low, high))) = (by, form.interval(&range)) else {
            return self.widest_open(var, form, size, at, env);
        };
        // size - 1 - high steps of `by` are left above, `low` steps below.
        let number = |n: i64| Box::new(Formula::Number(n));
        let left = match by > 0 {
            true => {
                let used = high.saturating_add(1);
                if used == 0 { Formula::From(0) } else { Formula::Sub(Box::new(Formula::From(0)), number(used)) }
            }
            false => Formula::Number(low),
        };
        let steps = if by.abs() == 1 { left } else { Formula::Floor(Box::new(left), number(by.abs())) };
        let formula = Formula::Add(Box::new(steps), number(1));
        match self.sizes.derive(formula, &[size], at) {
            Ok(extent) if self.sizes.number(extent) == Some(0) => {
                self.raise(Fact::NotPositive { size: extent }, at, env);
                self.sizes.poison(at)
            }
            Ok(extent) => extent,
            Err(fault) => self.faulty(fault, at, env),
        }
    }
}
