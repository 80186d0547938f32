//! `noise e: [20] ~ normal`: numbers drawn anew for each example and step.

use super::checker::Checker;
use super::found::Fact;
use super::net::{Binary, Element, Scalar, TensorKind, UseId};
use super::scope::Env;
use super::values::{Number, Value, View};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{Argument, Expr, ExprKind, Head, Pipeline, Type};

/// What is drawn: `shift + scale * z`, where z is standard normal or uniform on [0, 1).
struct Drawn {
    normal: bool,
    shift: f64,
    scale: f64,
}

impl<'t> Checker<'t> {
    /// A noise tensor; its key is the name here, and is completed by the path of the use at the end.
    pub fn noise(&mut self, name: &Symbol, ty: &'t Type, from: &'t Pipeline, at: Span, env: &Env) -> Value<'t> {
        let dims = self.dims(ty, env);
        let dims = dims.into_iter().map(|dim| dim.unwrap_or_else(|| self.sizes.poison(at))).collect::<Vec<_>>();
        if self.flat.optimiser {
            self.raise(Fact::NoiseHere, at, env);
            return self.poisoned(dims, Element::Real, env, at);
        }
        let Some(drawn) = self.drawn(from, env) else { return self.poisoned(dims, Element::Real, env, at) };
        let ambient = env.ambient.iter().filter_map(|&var| self.flat.extent(var));
        let shape = ambient.chain(dims).collect();
        let kind = TensorKind::Noise { key: self.draw(name, env), normal: drawn.normal };
        let tensor = self.flat.tensor(name, shape, Element::Real, kind, env.use_id, at);
        let view = View { tensor, hidden: env.ambient.iter().copied().collect() };
        if (drawn.shift, drawn.scale) == (0.0, 1.0) {
            return Value::View(view);
        }
        let mut term = self.load(&view, at);
        let number = |x: f64| Box::new(Scalar::Number(x));
        let scaled = Scalar::Binary(Binary::Mul, number(drawn.scale), Box::new(term.body));
        term.body = Scalar::Binary(Binary::Add, number(drawn.shift), Box::new(scaled));
        Value::View(self.copy(term, name, env, at))
    }

    /// The key of a draw: weights are shared between the uses of a net, draws are not.
    fn draw(&self, name: &Symbol, env: &Env) -> Symbol {
        let birth = |of: Option<UseId>| of.map(|of| self.flat.uses[of.index()].birth);
        let before = self.flat.tensors.iter().filter(|(_, tensor)| {
            let drawn = matches!(tensor.kind, TensorKind::Noise { .. }) && tensor.name == *name;
            drawn && birth(tensor.of) == birth(env.use_id)
        });
        match before.count() {
            0 => name.clone(),
            n => format!("{name}#{}", n + 1).into(),
        }
    }

    /// `normal`, `normal(mean, deviation)`, `uniform`, `uniform(low, high)`
    fn drawn(&mut self, from: &'t Pipeline, env: &Env) -> Option<Drawn> {
        let (name, args): (&str, &'t [Argument]) = match &from.head {
            Head::Expr(Expr { kind: ExprKind::Name(name), .. }) if from.stages.is_empty() => (name, &[]),
            Head::Expr(Expr { kind: ExprKind::Call { callee, args, .. }, .. }) if from.stages.is_empty() => {
                match &callee.kind {
                    ExprKind::Name(name) => (name, args),
                    _other => return self.no_distribution(from, env),
                }
            }
            Head::Expr(_) | Head::Each(_) | Head::If { .. } => return self.no_distribution(from, env),
        };
        let (normal, names) = match name {
            "normal" => (true, ["mean", "deviation"]),
            "uniform" => (false, ["low", "high"]),
            _other => return self.no_distribution(from, env),
        };
        let mut numbers = [0.0, 1.0];
        for (place, arg) in args.iter().enumerate() {
            let place = match &arg.name {
                Some(name) => names.iter().position(|known| *known == &*name.text),
                None => Some(place),
            };
            let value = self.pipeline(&arg.value, env);
            let number = match value {
                Value::Number(number) => self.number(&number, env),
                Value::Poison => return None,
                _other => None,
            };
            match (place.and_then(|place| numbers.get_mut(place)), number) {
                (Some(slot), Some(number)) => *slot = number,
                _other => return self.no_distribution(from, env),
            }
        }
        let [a, b] = numbers;
        Some(Drawn { normal, shift: a, scale: if normal { b } else { b - a } })
    }

    fn number(&mut self, number: &Number, env: &Env) -> Option<f64> {
        self.to_real(number, env).filter(|x| x.is_finite())
    }

    fn no_distribution(&mut self, from: &'t Pipeline, env: &Env) -> Option<Drawn> {
        let wants = "normal, normal(mean, deviation), uniform or uniform(low, high) behind '~'".into();
        let is = format!("'{}'", self.sources.text(from.at));
        self.raise(Fact::WrongSort { wants, is }, from.at, env);
        None
    }
}
