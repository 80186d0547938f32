//! A body: its names are declared first, then evaluated when asked for; what nobody asked for is looked at last.

use super::call::with_name;
use super::checker::Checker;
use super::cycles::Circles;
use super::found::Fact;
use super::net::TensorKind;
use super::params::Start;
use super::scope::{Entry, Env, ScopeId};
use super::updates::Update;
use super::values::{Number, Value};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{
    Body, Each, Expr, ExprKind, Head, Init, Name, Pipeline, Stage, StageLayer, Statement, StatementKind, Subscript,
    Target, Type,
};
use smallvec::{SmallVec, smallvec};
use std::rc::Rc;

/// The name under which a body's last line is kept.
pub const RESULT: &str = "";

impl<'t> Checker<'t> {
    /// Makes all names of a body known, unevaluated.
    pub fn declare(&mut self, body: &'t Body, env: &Env) {
        self.declare_names(body, env, true);
    }

    /// As [`Checker::declare`]; a test's lines without `=` are no results.
    pub fn declare_names(&mut self, body: &'t Body, env: &Env, results: bool) {
        let circles = self.circles.entry(body.at).or_insert_with(|| Rc::new(Circles::of(body))).clone();
        self.scopes[env.scope.index()].circles = circles;
        for bad in &body.bad {
            for name in &bad.names {
                self.mark(env.scope, &name.text, Entry::Known(Value::Poison));
            }
        }
        for statement in &body.statements {
            if results || !matches!(statement.kind, StatementKind::Result { .. }) {
                self.declare_statement(statement, env);
            }
        }
    }

    fn declare_statement(&mut self, statement: &'t Statement, env: &Env) {
        match &statement.kind {
            StatementKind::Define { target, value, .. } => {
                let owner = match target {
                    Target::Name(name) => {
                        self.declare_name(name, statement, false, env);
                        name
                    }
                    Target::Indexed { name, .. } => {
                        self.declare_name(name, statement, true, env);
                        name
                    }
                    Target::Tuple(names, _) => {
                        names.iter().for_each(|name| self.declare_name(name, statement, false, env));
                        &names[0]
                    }
                };
                self.declare_inside(value, &owner.text, env.scope);
            }
            StatementKind::Param { names, .. } | StatementKind::State { names, .. } => {
                names.iter().for_each(|name| self.declare_name(name, statement, false, env));
            }
            StatementKind::Noise { names, .. } => {
                names.iter().for_each(|name| self.declare_name(name, statement, false, env));
            }
            StatementKind::Result { value, .. } => {
                let owner = Symbol::from(RESULT);
                if let Some(Entry::Pending(first)) = self.scope(env.scope).names.get(&owner) {
                    let first = first[0].at;
                    self.mark(env.scope, &owner, Entry::Pending(smallvec![statement]));
                    let of = self.use_label(env);
                    self.raise(Fact::TwoResults { other: Some(statement.at), of }, first, env);
                } else {
                    self.mark(env.scope, &owner, Entry::Pending(smallvec![statement]));
                }
                self.declare_inside(value, &owner, env.scope);
            }
            StatementKind::Update { .. } | StatementKind::Require { .. } | StatementKind::Minimise { .. } => {}
            StatementKind::Report { .. } | StatementKind::Show { .. } => {}
        }
    }

    fn declare_name(&mut self, name: &'t Name, statement: &'t Statement, indexed: bool, env: &Env) {
        let scope = &mut self.scopes[env.scope.index()];
        match scope.names.get_mut(&name.text) {
            None => {
                scope.names.insert(name.text.clone(), Entry::Pending(smallvec![statement]));
            }
            Some(Entry::Pending(pieces)) if indexed && pieces.iter().all(|s| is_indexed(s)) => pieces.push(statement),
            Some(Entry::Pending(pieces)) => {
                let first = pieces[0].at;
                self.raise(Fact::Twice { name: name.text.clone(), first }, name.at, env);
            }
            Some(Entry::Known(Value::Poison)) => {}
            Some(Entry::Known(_) | Entry::Constant(_) | Entry::Inside(_) | Entry::Busy(_)) => {
                let first = self.scope(env.scope).env.call.unwrap_or(name.at);
                self.raise(Fact::Twice { name: name.text.clone(), first }, name.at, env);
            }
        }
    }

    /// Names that `as` gives inside of a pipeline.
    fn declare_inside(&mut self, pipeline: &'t Pipeline, owner: &Symbol, scope: ScopeId) {
        let mut names = Vec::new();
        names_inside(pipeline, &mut names);
        for name in names {
            if !self.scope(scope).names.contains_key(&name.text) {
                self.mark(scope, &name.text, Entry::Inside(owner.clone()));
            }
        }
    }

    /// Evaluates the statements that define a name.
    pub fn define(&mut self, scope: ScopeId, name: &Symbol, statements: &SmallVec<[&'t Statement; 2]>) -> Value<'t> {
        let env = self.scope(scope).env.clone();
        let statement = statements[0];
        match &statement.kind {
            StatementKind::Define { target: Target::Name(_), ty, value } => {
                let value = self.pipeline(value, &env);
                self.definition(value, name, ty.as_ref(), statement.at, &env)
            }
            StatementKind::Define { target: Target::Indexed { .. }, .. } => {
                let main = match self.settling.scope == Some(scope) {
                    true => self.main_pieces(statements, None, &env),
                    false => statements.to_vec(),
                };
                self.equations(name, &main, None, &env)
            }
            StatementKind::Define { target: Target::Tuple(names, at), value, .. } => {
                let value = self.pipeline(value, &env);
                self.take_apart(value, names, name, *at, &env)
            }
            StatementKind::Param { ty, init, .. } => {
                self.declared_param(name, ty, init.as_ref(), true, statement.at, &env)
            }
            StatementKind::State { ty, init, .. } => {
                self.declared_param(name, ty, init.as_ref(), false, statement.at, &env)
            }
            StatementKind::Noise { ty, distribution, .. } => self.noise(name, ty, distribution, statement.at, &env),
            StatementKind::Result { value, .. } => self.pipeline(value, &env),
            StatementKind::Update { .. } | StatementKind::Require { .. } | StatementKind::Minimise { .. } => {
                Value::Poison
            }
            StatementKind::Report { .. } | StatementKind::Show { .. } => Value::Poison,
        }
    }

    /// What a name stands for after `name = value`: a layer gets the name, an expression becomes a tensor.
    fn definition(&mut self, value: Value<'t>, name: &Symbol, ty: Option<&'t Type>, at: Span, env: &Env) -> Value<'t> {
        let value = match value {
            Value::Layer(layer) => {
                let mut site = env.turns.clone();
                site.push(at.start);
                let birth = self.births.at(Some(env.birth), site, name, true);
                return Value::Layer(Rc::new(with_name(&layer, birth)));
            }
            Value::Term(term) => match self.to_view(Value::Term(term), name, at, env) {
                Some(view) => Value::View(view),
                None => Value::Poison,
            },
            other => self.settled(other, at, env),
        };
        match (ty, value) {
            (None, value) => value,
            (Some(ty), value) => self.annotated(value, ty, name, at, env),
        }
    }

    /// A named whole number is a size from here on: messages show its value where it is used, and where it was made.
    pub fn settled(&mut self, value: Value<'t>, at: Span, env: &Env) -> Value<'t> {
        match value {
            Value::Number(Number::Whole(open)) => {
                let size = self.close(open, env);
                Value::size(size, at)
            }
            other => other,
        }
    }

    /// `h: [12] = ...` is checked as a remark is.
    fn annotated(&mut self, value: Value<'t>, ty: &'t Type, name: &Symbol, at: Span, env: &Env) -> Value<'t> {
        let Some(view) = self.to_view(value, name, at, env) else { return Value::Poison };
        let (dims, comes) = (self.dims(ty, env), self.shape(&view).to_vec());
        let agree = dims.len() == comes.len()
            && dims.iter().zip(&comes).all(|(dim, size)| dim.is_none_or(|dim| self.may_equal(dim, *size)));
        if !agree {
            self.differs(ty, &dims, comes, at, env);
        }
        Value::View(view)
    }

    fn take_apart(&mut self, value: Value<'t>, names: &'t [Name], own: &Symbol, at: Span, env: &Env) -> Value<'t> {
        let parts = match value {
            Value::Tuple(parts) if parts.len() == names.len() => parts,
            Value::Poison => Rc::from([]),
            other => {
                let has = if let Value::Tuple(parts) = &other { parts.len() } else { 1 };
                self.raise(Fact::TupleCount { names: names.len(), values: has }, at, env);
                Rc::from([])
            }
        };
        let mut result = Value::Poison;
        for (i, name) in names.iter().enumerate() {
            let value = parts.get(i).map_or(Value::Poison, |(_, value)| value.clone());
            if name.text == *own {
                result = value.clone();
            }
            self.set(env.scope, &name.text, value);
        }
        result
    }

    fn declared_param(
        &mut self,
        name: &Symbol,
        ty: &'t Type,
        init: Option<&'t Init>,
        trained: bool,
        at: Span,
        env: &Env,
    ) -> Value<'t> {
        let start = match init {
            None => Start::Default,
            Some(Init::Value(pipeline)) => self.written_start(pipeline, env),
            Some(Init::Drawn(pipeline)) => self.drawn_start(pipeline, env),
        };
        self.born(name, ty, start, trained, at, env)
    }

    /// After a body's outputs: updates, and in the user's own text whatever nothing asked for.
    pub fn finish_body(&mut self, body: &'t Body, env: &Env) {
        for statement in &body.statements {
            if let StatementKind::Update { name, value } = &statement.kind {
                self.update(name, value, statement.at, env);
            }
        }
        if env.library {
            return;
        }
        self.look_at_rest(env);
    }

    fn update(&mut self, name: &'t Name, value: &'t Pipeline, at: Span, env: &Env) {
        if self.flat.training == Some(false) {
            return;
        }
        let known = self.find(env.scope, &name.text).map(|scope| self.force(scope, &name.text));
        let value = self.pipeline(value, env);
        let state = match known {
            Some(Ok(Value::View(view))) => view,
            Some(Ok(Value::Poison) | Err(_)) => return,
            Some(Ok(_)) | None => {
                let near = self.near(&name.text, env, false);
                return self.raise(Fact::UnknownName { name: name.text.clone(), near, call: false }, name.at, env);
            }
        };
        let Some(term) = self.to_term(value, at, env) else { return };
        let (lhs, rhs) = (self.part_of(&state, name.at), self.part(&term));
        let same =
            lhs.shape.len() == rhs.shape.len() && lhs.shape.iter().zip(&rhs.shape).all(|(a, b)| self.may_equal(*a, *b));
        let term = match same {
            true => term,
            false if rhs.shape.is_empty() => self.spread(term, &lhs.shape),
            false => return self.raise(Fact::ShapesDiffer { op: "update", lhs, rhs }, at, env),
        };
        match self.flat.tensors[state.tensor].kind {
            TensorKind::Param(param) if !self.params.is_trained(param) => {
                let new = self.copy(term, &name.text, env, at);
                self.flat.updates.push(Update { state: param, new: new.tensor, of: env.use_id });
            }
            TensorKind::Input(_) if self.flat.optimiser && &*name.text == "w" => {
                let new = self.copy(term, &name.text, env, at);
                self.flat.new_weight = Some(new.tensor);
            }
            TensorKind::Param(_) | TensorKind::Input(_) | TensorKind::Noise { .. } => self.no_state(name, env),
            TensorKind::Constant(_) | TensorKind::Defined => self.no_state(name, env),
        }
    }

    fn no_state(&mut self, name: &'t Name, env: &Env) {
        let is = format!("'{}', which is none", name.text);
        self.raise(Fact::WrongSort { wants: "a state after 'update'".into(), is }, name.at, env);
    }

    /// A number in each element of a shape.
    fn spread(&mut self, mut term: super::values::Term, shape: &[crate::size::SizeId]) -> super::values::Term {
        term.axes = shape.iter().enumerate().map(|(i, size)| self.axis(i, *size)).collect();
        term
    }
}

fn is_indexed(statement: &Statement) -> bool {
    matches!(&statement.kind, StatementKind::Define { target: Target::Indexed { .. }, .. })
}

/// All names that `as` gives in a pipeline, in text order.
pub fn names_inside<'t>(pipeline: &'t Pipeline, names: &mut Vec<&'t Name>) {
    match &pipeline.head {
        Head::Expr(expr) => names_in_expr(expr, names),
        Head::Each(each) => names_in_each(each, names),
        Head::If { cases, otherwise } => {
            cases.iter().for_each(|(_, branch)| names_inside(branch, names));
            names_inside(otherwise, names);
        }
    }
    for Stage { layer, name, .. } in &pipeline.stages {
        match layer {
            StageLayer::Expr(expr) => names_in_expr(expr, names),
            StageLayer::Each(each) => names_in_each(each, names),
        }
        names.extend(name);
    }
}

fn names_in_each<'t>(each: &'t Each, names: &mut Vec<&'t Name>) {
    names_inside(&each.body, names);
}

fn names_in_expr<'t>(expr: &'t Expr, names: &mut Vec<&'t Name>) {
    match &expr.kind {
        ExprKind::Group(inner) => names_inside(inner, names),
        ExprKind::Repeat { body, .. } => names_inside(body, names),
        ExprKind::Call { args, .. } => args.iter().for_each(|arg| names_inside(&arg.value, names)),
        ExprKind::Subscript { base, subscripts } => {
            names_in_expr(base, names);
            for subscript in subscripts {
                if let Subscript::At(inner) = subscript {
                    names_in_expr(inner, names);
                }
            }
        }
        ExprKind::Negate(inner) => names_in_expr(inner, names),
        ExprKind::Binary { lhs, rhs, .. } => {
            names_in_expr(lhs, names);
            names_in_expr(rhs, names);
        }
        ExprKind::Array(items) => items.iter().for_each(|item| names_in_expr(item, names)),
        ExprKind::Number(..) | ExprKind::Window(_) | ExprKind::Text(_) | ExprKind::Name(_) => {}
        ExprKind::Member { .. } => {}
    }
}
