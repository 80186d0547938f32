//! `test` items: comparisons of what is computed, counts of parameters, mistakes that must be found.

use super::checker::Checker;
use super::finish::Draft;
use super::found::{Fact, Part};
use super::intrinsics::Intrinsic;
use super::net::{Assertion, TensorId};
use super::scope::{Entry, Env};
use super::values::{Number, Open, Term, Value};
use crate::ids::Symbol;
use crate::problem::Problems;
use crate::source::Span;
use crate::source::tree::{Argument, Body, Expr, ExprKind, Head, Name, Pipeline, StatementKind, Text};
use smallvec::SmallVec;

/// A test, not yet named.
pub struct TestDraft {
    pub title: Symbol,
    pub fails: Option<(Symbol, Vec<Symbol>)>,
    pub draft: Draft,
    pub assertions: Vec<Assertion>,
    pub at: Span,
}

impl<'t> Checker<'t> {
    /// A `test` item; errors in one that shall fail are its own.
    pub fn test(
        &mut self,
        title: &Text,
        fails: Option<&Name>,
        body: &'t Body,
        (at, number): (Span, usize),
        heads: &[(Symbol, Span)],
        env: &Env,
    ) -> TestDraft {
        self.begin(Some(false));
        let before = std::mem::take(&mut self.found);
        let label = Symbol::from(format!("test_{}", number + 1));
        let birth = self.births.at(None, SmallVec::new(), &label, true);
        let env = Env { birth, ..env.clone() };
        let scope = self.open_scope(Some(env.scope), &env);
        let env = Env { scope, ..env };
        self.scopes[scope.index()].env = env.clone();
        self.declare_names(body, &env, false);
        let mut outputs: Vec<(Symbol, TensorId)> = Vec::new();
        let mut assertions = Vec::new();
        for statement in &body.statements {
            if let StatementKind::Result { value, within } = &statement.kind {
                let assertion =
                    self.assertion(value, within.as_ref(), statement.at, fails.is_some(), &mut outputs, &env);
                assertions.extend(assertion);
            }
        }
        self.finish_test(body, &env);
        let own = std::mem::replace(&mut self.found, before);
        let fails = match fails {
            None => {
                self.found.extend(own);
                None
            }
            Some(code) => {
                if crate::problem::find(&code.text).is_none() {
                    self.raise(Fact::UnknownCode { code: code.text.clone() }, code.at, &env);
                }
                let mut problems = Problems::default();
                super::tell::tell(&own, self.sources, &self.sizes, heads, &mut problems);
                Some((code.text.clone(), problems.codes()))
            }
        };
        let draft = if fails.is_some() { Draft::default() } else { self.end(outputs) };
        let assertions = if fails.is_some() { Vec::new() } else { assertions };
        TestDraft { title: title.value.clone(), fails, draft, assertions, at }
    }

    fn finish_test(&mut self, _body: &'t Body, env: &Env) {
        let names: Vec<Symbol> = self.scope(env.scope).names.keys().cloned().collect();
        for name in names {
            if let Some(Entry::Pending(_)) = self.scope(env.scope).names.get(&name) {
                let _ = self.force(env.scope, &name);
            }
        }
    }

    /// `y[0, 2, 2] == -22`, `a == b within 1e-5`
    fn assertion(
        &mut self,
        value: &'t Pipeline,
        within: Option<&'t Expr>,
        at: Span,
        fails: bool,
        outputs: &mut Vec<(Symbol, TensorId)>,
        env: &Env,
    ) -> Option<Assertion> {
        let comparison = match &value.head {
            Head::Expr(Expr { kind: ExprKind::Binary { op, lhs, rhs, .. }, .. }) if value.stages.is_empty() => {
                super::conditions::comparison(*op).map(|relation| (relation, lhs, rhs))
            }
            Head::Expr(_) | Head::Each(_) | Head::If { .. } => None,
        };
        let Some((relation, lhs, rhs)) = comparison else {
            // A test that shall fail needs no comparison: what it says is wrong by itself.
            let found = self.pipeline(value, env);
            if !fails && !matches!(found, Value::Poison) {
                let wants = "a test compares: `a == b`, `a < b`, `a == b within 1e-5`".into();
                self.raise(Fact::WrongSort { wants, is: found.what().into() }, at, env);
            }
            return None;
        };
        let (a, b) = (self.eval(lhs, env), self.eval(rhs, env));
        let (a, b) = (self.to_term(a, lhs.at, env), self.to_term(b, rhs.at, env));
        let within = match within {
            None => None,
            Some(expr) => match self.eval(expr, env) {
                Value::Number(number) => self.to_real(&number, env),
                _other => {
                    let wants = "a number behind 'within'".into();
                    self.raise(Fact::WrongSort { wants, is: "something else".into() }, expr.at, env);
                    None
                }
            },
        };
        let (a, b) = (a?, b?);
        let (lhs_part, rhs_part): (Part, Part) = (self.part(&a), self.part(&b));
        let (a, b) = match (lhs_part.shape.len(), rhs_part.shape.len()) {
            (n, 0) if n > 0 => (a, self.over_shape(b, &lhs_part)),
            (0, n) if n > 0 => (self.over_shape(a, &rhs_part), b),
            _same => (a, b),
        };
        let same = a.axes.len() == b.axes.len()
            && self.term_shape(&a).iter().zip(&self.term_shape(&b)).all(|(x, y)| self.may_equal(*x, *y));
        if !same {
            let op = super::conditions::written(relation);
            self.raise(Fact::ShapesDiffer { op, lhs: lhs_part, rhs: rhs_part }, at, env);
            return None;
        }
        let number = outputs.len() / 2;
        for (side, term) in [("lhs", a), ("rhs", b)] {
            let name = format!("{side}{number}");
            let view = self.try_copy(term, &name, env, at)?;
            outputs.push((name.into(), view.tensor));
        }
        Some(Assertion { relation, within, at })
    }

    fn over_shape(&mut self, mut term: Term, part: &Part) -> Term {
        term.axes = part.shape.iter().enumerate().map(|(i, size)| self.axis(i, *size)).collect();
        term
    }

    /// `params(Net.conv)`: how many trained numbers, shared ones once.
    pub fn call_tree(&mut self, intrinsic: Intrinsic, args: &'t [Argument], at: Span, env: &Env) -> Value<'t> {
        let [one] = args else {
            let block = Symbol::from(intrinsic.name());
            self.raise(Fact::TooManyArguments { block, inputs: vec![] }, at, env);
            return Value::Poison;
        };
        let Head::Expr(expr) = &one.value.head else {
            let (wants, is) = ("a net or a layer of one".into(), "something else".into());
            self.raise(Fact::WrongSort { wants, is }, one.at, env);
            return Value::Poison;
        };
        let above = self.births_of(expr, env);
        if above.is_empty() {
            return Value::Poison;
        }
        let mut total = 0_i64;
        for (id, declared) in self.params.iter() {
            let within = above.iter().any(|&top| self.births.is_within(declared.birth, top));
            if within && declared.trained && self.live.contains(&id) {
                let Some(n) = self.product(&declared.shape) else { return Value::Poison };
                total = total.saturating_add(n);
            }
        }
        Value::Number(Number::Whole(Open::number(total, at)))
    }
}
