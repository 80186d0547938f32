//! Parameters and kept state: where each is born, its shape, and how it starts.
//!
//! A parameter is declared when its statement is met; only those that a live definition reads are kept at the end.

use super::births::BirthId;
use super::checker::Checker;
use super::found::Fact;
use super::net::{Element, Initialiser, ParamId};
use super::scope::Env;
use super::values::{Number, Value, View};
use crate::ids::Symbol;
use crate::size::SizeId;
use crate::source::Span;
use crate::source::tree::{Expr, ExprKind, Head, Pipeline, Type};
use indexmap::IndexMap;
use smallvec::SmallVec;
use std::sync::Arc;

/// How a parameter starts, as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// By its use.
    Default,
    Glorot,
    He,
    Given(Initialiser),
}

/// A parameter or state.
#[derive(Clone, Debug)]
pub struct Declared {
    pub birth: BirthId,
    pub name: Symbol,
    pub shape: Vec<SizeId>,
    pub start: Start,
    pub trained: bool,
    /// An optimiser's state: the number of the objective, and the parameter that it is kept for.
    pub kept_for: Option<(usize, ParamId)>,
    pub at: Span,
}

/// All that were declared, by birth and name.
#[derive(Debug, Default)]
pub struct Params {
    all: IndexMap<(BirthId, Symbol), Declared>,
}

impl Params {
    /// The parameter with an id.
    pub fn get(&self, id: ParamId) -> &Declared {
        &self.all[id.index()]
    }

    /// All of them, by id.
    pub fn iter(&self) -> impl Iterator<Item = (ParamId, &Declared)> {
        self.all.values().enumerate().map(|(i, declared)| (ParamId::new(i), declared))
    }

    /// The shape of one that was declared before.
    pub fn shape(&self, birth: BirthId, name: &Symbol) -> Option<&[SizeId]> {
        self.all.get(&(birth, name.clone())).map(|declared| &declared.shape[..])
    }

    /// An open size became known.
    pub fn settle(&mut self, open: SizeId, size: SizeId) {
        let sizes = self.all.values_mut().flat_map(|declared| &mut declared.shape);
        sizes.filter(|known| **known == open).for_each(|known| *known = size);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets the last ones.
    pub fn truncate(&mut self, len: usize) {
        self.all.truncate(len);
    }

    /// Whether it is trained, not kept state.
    pub fn is_trained(&self, id: ParamId) -> bool {
        self.get(id).trained
    }

    /// The one of this birth and name, declared now if it was not before.
    pub fn declare(&mut self, declared: Declared) -> ParamId {
        let key = (declared.birth, declared.name.clone());
        let entry = self.all.entry(key);
        let id = ParamId::new(entry.index());
        entry.or_insert(declared);
        id
    }
}

impl<'t> Checker<'t> {
    /// Declares a parameter of this use and gives its tensor.
    pub fn born(&mut self, name: &Symbol, ty: &'t Type, start: Start, trained: bool, at: Span, env: &Env) -> Value<'t> {
        if !trained && !env.ambient.is_empty() {
            let block = self.use_label(env);
            self.raise(Fact::Mapped { block, why: "it keeps state" }, env.call.unwrap_or(at), env);
        }
        let dims = self.dims(ty, env);
        let before: Option<Vec<SizeId>> = self.params.shape(env.birth, name).map(<[SizeId]>::to_vec);
        let mut shape = Vec::with_capacity(dims.len());
        for (axis, dim) in dims.into_iter().enumerate() {
            let known = before.as_ref().and_then(|shape| shape.get(axis).copied());
            shape.push(match (dim, known) {
                (Some(size), _) | (None, Some(size)) => size,
                (None, None) => self.open_size(name, ty.at, env),
            });
        }
        self.bounded(&shape, at, env);
        let (birth, kept_for) = (env.birth, self.flat.keeps_for);
        let declared = Declared { birth, name: name.clone(), shape: shape.clone(), start, trained, kept_for, at };
        let id = self.params.declare(declared);
        let known = self.params.get(id).shape.clone();
        if known.len() != shape.len() || !known.iter().zip(&shape).all(|(a, b)| self.may_equal(*a, *b)) {
            let at = self.applied.last().copied().or(env.call).unwrap_or(at);
            self.raise_at(Fact::SharedWeights { name: name.clone(), first: known.clone(), again: shape }, at, env);
            let shape = known.iter().map(|_| self.sizes.poison(at)).collect();
            return self.poisoned(shape, Element::Real, env, at);
        }
        let tensor = self.flat.param(id, name, shape, env.use_id, at);
        if let Some(use_id) = env.use_id
            && !self.flat.uses[use_id.index()].params.contains(&id)
        {
            self.flat.uses[use_id.index()].params.push(id);
        }
        Value::View(View { tensor, hidden: SmallVec::new() })
    }

    /// The name of the block of this use.
    pub fn use_label(&self, env: &Env) -> Symbol {
        env.use_id.map_or_else(|| Symbol::from("this"), |id| self.flat.uses[id.index()].block.clone())
    }

    /// Whether a tensor's elements can be counted: every product of lengths is bounded.
    pub fn bounded(&mut self, shape: &[SizeId], at: Span, env: &Env) {
        let mut product = 1_i64;
        for &size in shape {
            let Some(n) = self.sizes.number(size) else { return };
            product = match product.checked_mul(n) {
                Some(product) if product <= 1 << 40 => product,
                _ => return self.raise(Fact::TooMany { shape: shape.to_vec() }, at, env),
            };
        }
    }

    /// `= 0`, `= [[1, 2]]`
    pub fn written_start(&mut self, pipeline: &'t Pipeline, env: &Env) -> Start {
        if let Head::Expr(expr) = &pipeline.head
            && pipeline.stages.is_empty()
        {
            return self.start_of(expr, env);
        }
        self.no_start(pipeline.at, env)
    }

    /// `~ glorot`, `~ normal(0, 0.02)`
    pub fn drawn_start(&mut self, pipeline: &'t Pipeline, env: &Env) -> Start {
        self.written_start(pipeline, env)
    }

    /// What stands in `param(...)` or behind `~` and `=`.
    pub fn start_of(&mut self, expr: &'t Expr, env: &Env) -> Start {
        let (name, args): (&str, &'t [_]) = match &expr.kind {
            ExprKind::Name(name) => (name, &[]),
            ExprKind::Call { callee, args, .. } => match &callee.kind {
                ExprKind::Name(name) => (name, args),
                _other => return self.no_start(expr.at, env),
            },
            _other => return self.value_start(expr, env),
        };
        let known = matches!(name, "glorot" | "he" | "normal" | "uniform" | "orthogonal");
        if !known {
            return self.value_start(expr, env);
        }
        let name = name.to_string();
        let args = self.arguments(args, env);
        let mut numbers = [None, None];
        for (slot, arg) in args.iter().enumerate() {
            let slot = match arg.name.as_ref().map(|(name, _)| &**name) {
                Some("deviation" | "high") => 1,
                Some(_) => 0,
                None => slot,
            };
            match (&arg.value, numbers.get_mut(slot)) {
                (Value::Number(number), Some(place)) => *place = self.to_real(&number.clone(), env),
                _other => return self.no_start(arg.at, env),
            }
        }
        match &*name {
            "glorot" => Start::Glorot,
            "he" => Start::He,
            "orthogonal" => Start::Given(Initialiser::Orthogonal),
            "normal" => {
                let (mean, deviation) = (numbers[0].unwrap_or(0.0), numbers[1].unwrap_or(1.0));
                Start::Given(Initialiser::Normal { mean, deviation })
            }
            _uniform => {
                let (low, high) = (numbers[0].unwrap_or(-1.0), numbers[1].unwrap_or(1.0));
                Start::Given(Initialiser::Uniform { low, high })
            }
        }
    }

    fn value_start(&mut self, expr: &'t Expr, env: &Env) -> Start {
        match self.eval(expr, env) {
            Value::Number(number) => self.number_of(&number, env),
            list @ Value::List(..) => {
                let (mut shape, mut values) = (Vec::new(), Vec::new());
                match self.flatten(&list, 0, &mut shape, &mut values, expr.at, env) {
                    true => Start::Given(Initialiser::Array(Arc::from(values))),
                    false => Start::Default,
                }
            }
            Value::Poison => Start::Default,
            _other => self.no_start(expr.at, env),
        }
    }

    fn number_of(&mut self, number: &Number, env: &Env) -> Start {
        self.to_real(number, env).map_or(Start::Default, |x| Start::Given(Initialiser::Value(x)))
    }

    fn no_start(&mut self, at: Span, env: &Env) -> Start {
        let wants = "a number, an array, glorot, he, normal(mean, deviation), uniform(low, high) or orthogonal".into();
        let is = format!("'{}'", self.sources.text(at));
        self.raise(Fact::WrongSort { wants, is }, at, env);
        Start::Default
    }
}
