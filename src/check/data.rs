//! `data` items: fields, splits, where they come from; and what the files' headers say, held against them.

use super::checker::Checker;
use super::facts::{FieldFacts, Range, SplitFacts, Told, align};
use super::found::Fact;
use super::net::{Dataset, Element, Field, Setting, SourceCall};
use super::scope::Env;
use super::values::{Number, Value};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{
    Argument, Body, Expr, ExprKind, Head, Name, Output, Pipeline, StageLayer, StatementKind, Target,
};
use std::sync::Arc;

/// The splits that a data set may have.
const SPLITS: [&str; 3] = ["train", "valid", "test"];

impl<'t> Checker<'t> {
    /// A `data` item.
    pub fn dataset(&mut self, name: &Name, fields: &'t [Output], body: &'t Body, at: Span, env: &Env) -> Dataset {
        self.begin(Some(false));
        let lengths = self.lengths_scope(env);
        let fields: Vec<Field> = fields.iter().map(|field| self.field(field, &lengths)).collect();
        let mut splits: Vec<(Symbol, SourceCall)> = Vec::new();
        for statement in &body.statements {
            let StatementKind::Define { target: Target::Name(split), value, .. } = &statement.kind else {
                let (wants, is) = ("train, valid or test = a source".into(), "something else".into());
                self.raise(Fact::WrongSort { wants, is }, statement.at, env);
                continue;
            };
            if !SPLITS.contains(&&*split.text) {
                let known = SPLITS.iter().map(|s| Symbol::from(*s)).collect();
                self.raise(Fact::Setting { name: split.text.clone(), known, wants: "split".into() }, split.at, env);
                continue;
            }
            if splits.iter().any(|(known, _)| *known == split.text) {
                self.raise(Fact::Twice { name: split.text.clone(), first: statement.at }, split.at, env);
                continue;
            }
            if let Some(source) = self.source(value, env) {
                self.hold(name, &split.text, &source, &fields, env);
                splits.push((split.text.clone(), source));
            }
        }
        Dataset { name: name.text.clone(), fields, splits, at }
    }

    fn field(&mut self, field: &'t Output, env: &Env) -> Field {
        let shape = self.closed_dims(&field.ty, env);
        let element = self.element_of(&field.ty, env);
        Field { name: super::call::output_name(field), shape, element, at: field.at }
    }

    /// `idx("a.gz", scale=1/255) -> flip`
    fn source(&mut self, pipeline: &'t Pipeline, env: &Env) -> Option<SourceCall> {
        let Head::Expr(head) = &pipeline.head else { return self.no_source(pipeline.at, env) };
        let mut source = self.source_call(head, env)?;
        for stage in &pipeline.stages {
            let StageLayer::Expr(expr) = &stage.layer else { return self.no_source(stage.at, env) };
            source.stages.push(self.source_call(expr, env)?);
        }
        source.at = pipeline.at;
        Some(source)
    }

    fn no_source(&mut self, at: Span, env: &Env) -> Option<SourceCall> {
        let is = format!("'{}'", self.sources.text(at));
        let wants = "a data source such as idx(...) or folder(...)".into();
        self.raise(Fact::WrongSort { wants, is }, at, env);
        None
    }

    fn source_call(&mut self, expr: &'t Expr, env: &Env) -> Option<SourceCall> {
        let (name, args): (&Symbol, &'t [Argument]) = match &expr.kind {
            ExprKind::Name(name) => (name, &[]),
            ExprKind::Call { callee, args, indices } if indices.is_empty() => match &callee.kind {
                ExprKind::Name(name) => (name, args),
                _other => return self.no_source(expr.at, env),
            },
            _other => return self.no_source(expr.at, env),
        };
        let mut settings = Vec::new();
        for arg in args {
            let value = self.pipeline(&arg.value, env);
            let setting = self.setting(value, arg.value.at, env)?;
            settings.push((arg.name.as_ref().map(|name| name.text.clone()), setting));
        }
        Some(SourceCall { name: name.clone(), args: settings, stages: Vec::new(), at: expr.at })
    }

    /// A known value that is no tensor.
    fn setting(&mut self, value: Value<'t>, at: Span, env: &Env) -> Option<Setting> {
        match value {
            Value::Number(number) => self.to_real(&number, env).map(Setting::Number),
            Value::Truth(truth) => Some(Setting::Truth(truth)),
            Value::Text(text) => Some(Setting::Text(text)),
            Value::Window(sides) => {
                let side = |id: &crate::size::SizeId| Some(Setting::Number(self.sizes.number(*id)? as f64));
                sides.iter().map(side).collect::<Option<Vec<_>>>().map(Setting::List)
            }
            list @ Value::List(..) => self.list_setting(&list, at, env),
            Value::Poison => None,
            other => {
                let wants = "a number, a text, a truth value or an array".into();
                self.raise(Fact::WrongSort { wants, is: other.what().into() }, at, env);
                None
            }
        }
    }

    fn list_setting(&mut self, list: &Value<'t>, at: Span, env: &Env) -> Option<Setting> {
        let Value::List(items, _) = list else { return None };
        let numbers = items.iter().all(|item| matches!(item, Value::Number(_) | Value::List(..)));
        if !numbers {
            let items: Option<Vec<Setting>> = items.iter().map(|item| self.setting(item.clone(), at, env)).collect();
            return items.map(Setting::List);
        }
        let (mut shape, mut values) = (Vec::new(), Vec::new());
        if !self.flatten(list, 0, &mut shape, &mut values, at, env) {
            return None;
        }
        let shape: Option<Vec<u32>> = shape.into_iter().map(|n| u32::try_from(n).ok()).collect();
        Some(Setting::Array { shape: shape?, values: Arc::from(values) })
    }

    /// What a split's files say, against the declared fields.
    fn hold(&mut self, name: &Name, split: &Symbol, source: &SourceCall, fields: &[Field], env: &Env) {
        let options = self.options;
        match options.facts.get(&name.text, split) {
            None => {}
            Some(Told::Absent(path)) => {
                self.lint(Fact::DataAbsent { path: path.clone(), source: source.at }, name.at, env);
            }
            Some(Told::Broken(diagnostic)) => {
                self.raise(Fact::Ready((**diagnostic).clone()), source.at, env);
            }
            Some(Told::Known(facts)) => self.hold_fields(&name.text, facts, source, fields, env),
        }
    }

    fn hold_fields(&mut self, data: &Symbol, facts: &SplitFacts, source: &SourceCall, fields: &[Field], env: &Env) {
        let mut told: Vec<&[String]> = Vec::new();
        for (field, has) in fields.iter().zip(&facts.fields) {
            if let (Element::Index(n), Some(classes)) = (field.element, has.classes)
                && self.sizes.number(n).is_some_and(|n| self.other_count(n, classes, has))
                && !told.contains(&&has.names[..])
            {
                let names = has.names.iter().map(|name| Symbol::from(&**name)).collect();
                let output = self.class_outputs.get(data).copied();
                let counted = has.counted;
                let fact = Fact::Classes { output, data: n, net: classes, names, counted, source: source.at };
                self.raise(fact, field.at, env);
                told.push(&has.names);
            }
            if let Some(shape) = &has.shape
                && !self.is_of_shape(&field.shape, shape)
            {
                let (declared, name, has) = (field.shape.clone(), field.name.clone(), shape.clone());
                self.raise(Fact::DataShape { field: name, declared, has, source: source.at }, field.at, env);
            }
        }
    }

    /// Whether a field of `index(n)` does not go with data of so many classes: known ones must be as many.
    fn other_count(&self, n: i64, classes: usize, has: &FieldFacts) -> bool {
        let n = usize::try_from(n).unwrap_or(0);
        n < classes || n != classes && !has.names.is_empty()
    }

    /// Whether two shapes are the same but for axes of length 1; open and poisoned sizes are any.
    fn is_of_shape(&self, declared: &[crate::size::SizeId], has: &[Range]) -> bool {
        let number = |&size: &crate::size::SizeId| self.sizes.number(size).and_then(|n| usize::try_from(n).ok());
        align(&declared.iter().map(number).collect::<Vec<_>>(), has).is_some()
    }

    /// A known whole number of a setting, from a least value on.
    pub fn whole_setting(&mut self, name: &str, value: Value<'t>, least: i64, at: Span, env: &Env) -> Option<i64> {
        let n = match &value {
            Value::Number(Number::Whole(open)) => {
                let size = self.close(open.clone(), env);
                self.sizes.number(size)
            }
            Value::Number(Number::Real(x, _)) if x.fract() == 0.0 && x.abs() < 9e15 => Some(*x as i64),
            Value::Poison => return None,
            _other => None,
        };
        match n {
            Some(n) if n >= least => Some(n),
            Some(_) | None => {
                let wants = format!("a whole number from {least} on");
                self.raise(Fact::Setting { name: name.into(), known: vec![], wants }, at, env);
                None
            }
        }
    }
}
