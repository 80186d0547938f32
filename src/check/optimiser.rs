//! Optimisers: for each parameter the text of the optimiser is unfolded once, with the parameter's shape.

use super::bind::Binding;
use super::checker::Checker;
use super::finish::Draft;
use super::flat::Building;
use super::found::Fact;
use super::net::{Element, ParamId};
use super::scope::Env;
use super::values::{Arg, Definition, Value, View};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{Argument, Expr, ExprKind, NetworkKind};
use smallvec::SmallVec;

/// `adam(lr=1e-3, clip=5)`
pub struct Using<'t> {
    pub definition: &'t Definition<'t>,
    pub args: &'t [Argument],
    pub clip: Option<f64>,
}

impl<'t> Checker<'t> {
    /// What stands behind `using`.
    pub fn using(&mut self, expr: &'t Expr, env: &Env) -> Option<Using<'t>> {
        let (name, at, args): (&Symbol, Span, &'t [Argument]) = match &expr.kind {
            ExprKind::Name(name) => (name, expr.at, &[]),
            ExprKind::Call { callee, args, indices } if indices.is_empty() => match &callee.kind {
                ExprKind::Name(name) => (name, callee.at, args),
                _other => return self.no_optimiser(expr, env),
            },
            _other => return self.no_optimiser(expr, env),
        };
        let is_optimiser = |d: &&&Definition<'t>| d.network.kind == NetworkKind::Optimiser;
        let found = self.user.get(name).filter(is_optimiser).or(self.library.get(name).filter(is_optimiser));
        let Some(definition) = found.copied() else {
            let own = self.user.values().filter(is_optimiser).map(|d| d.network.name.text.clone());
            let known = own.chain(crate::library::names(true).map(Symbol::from)).collect();
            self.raise(Fact::UnknownOptimiser { name: name.clone(), known }, at, env);
            return None;
        };
        let mut clip = None;
        for arg in args {
            if arg.name.as_ref().is_some_and(|name| &*name.text == "clip") {
                let value = self.pipeline(&arg.value, env);
                clip = match value {
                    Value::Number(number) => self.to_real(&number, env).filter(|clip| *clip > 0.0),
                    _other => None,
                };
                if clip.is_none() {
                    let wants = "a number above 0".to_string();
                    self.raise(Fact::Setting { name: "clip".into(), known: vec![], wants }, arg.value.at, env);
                    return None;
                }
            }
        }
        Some(Using { definition, args, clip })
    }

    fn no_optimiser(&mut self, expr: &'t Expr, env: &Env) -> Option<Using<'t>> {
        let is = format!("'{}'", self.sources.text(expr.at));
        self.raise(Fact::WrongSort { wants: "an optimiser behind 'using'".into(), is }, expr.at, env);
        None
    }

    /// One step of one parameter. None if the optimiser is wrong, which is reported.
    pub fn step_of(
        &mut self,
        definition: &'t Definition<'t>,
        args: &'t [Argument],
        objective: usize,
        param: ParamId,
        at: Span,
        env: &Env,
    ) -> Option<Draft> {
        self.flat = Building {
            training: Some(true),
            optimiser: true,
            keeps_for: Some((objective, param)),
            ..Building::default()
        };
        let shape = self.params.get(param).shape.clone();
        let declared_at = self.params.get(param).at;
        let mut given = Vec::new();
        let inputs = &definition.network.inputs;
        for input in inputs.iter().filter(|input| input.ty.is_some()) {
            let name = input.name.text.clone();
            let tensor = self.flat.input(&name, shape.clone(), Element::Real, declared_at);
            let value = Value::View(View { tensor, hidden: SmallVec::new() });
            given.push(Arg { name: Some((name, at)), value, at });
        }
        if given.len() != 2 {
            let is = format!("{} of them", given.len());
            let wants = "an optimiser takes two tensors, a parameter w and its gradient g".into();
            self.raise(Fact::WrongSort { wants, is }, definition.network.head, env);
            return None;
        }
        let before = self.raised;
        let mut positional = inputs.iter().filter(|input| input.ty.is_none()).map(|input| input.name.text.clone());
        for arg in args {
            let name = match &arg.name {
                Some(name) if &*name.text == "clip" => continue,
                Some(name) => Some((name.text.clone(), name.at)),
                // The tensors are not written: what is given by position are the numbers.
                None => positional.next().map(|name| (name, arg.at)),
            };
            let value = self.pipeline(&arg.value, env);
            given.push(Arg { name, value, at: arg.value.at });
        }
        let name = self.unfold_optimiser(definition, given, objective, param, at, env)?;
        let Some(weight) = self.flat.new_weight else {
            if self.raised == before {
                let headline = format!("the optimiser '{name}' never updates w");
                let label = "no `update w = ...`".to_string();
                let fact = Fact::Other { code: "E0206", headline, label, help: None };
                self.raise(fact, definition.network.head, env);
            }
            return None;
        };
        let mut draft = self.end(vec![]);
        let _ = weight;
        if let Some(weight) = draft.new_weight {
            draft.give("w", weight);
        }
        Some(draft)
    }

    fn unfold_optimiser(
        &mut self,
        definition: &'t Definition<'t>,
        given: Vec<Arg<'t>>,
        objective: usize,
        param: ParamId,
        at: Span,
        env: &Env,
    ) -> Option<Symbol> {
        let label = definition.network.name.text.clone();
        let slots = self.slots(definition, None, &given, at, env)?;
        let mut site = SmallVec::new();
        site.push(u32::try_from(objective).expect("objectives are few"));
        site.push(u32::try_from(param.index()).expect("parameters are few"));
        let birth = self.births.at(None, site, &label, true);
        let use_id = self.open_use(birth, &label, env, at);
        let inner = self.inside_of(definition, birth, use_id, at, env);
        let mut binding = Binding::new(definition, at);
        self.bind_all(&mut binding, slots, &inner, env);
        self.finish_binding(&mut binding, &inner, env);
        self.declare(&definition.network.body, &inner);
        let fine = self.requirements(definition, &inner) && !binding.wrong;
        if fine {
            self.finish_body(&definition.network.body, &inner);
        }
        fine.then_some(label)
    }
}
