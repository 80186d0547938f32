//! Lengths that stay open until the run: names in the shapes of nets' inputs and of data fields that are no constants.
//!
//! Such a name is a symbol from 1 on, the same in all shapes of one net or data set; `--set T=20` makes it a number.

use super::checker::Checker;
use super::found::Fact;
use super::scope::Env;
use super::values::{Number, Value};
use crate::ids::Symbol;
use crate::size::SizeId;
use crate::source::tree::{Dim, Expr, ExprKind, ItemKind, NetworkKind, Tree, Type};
use std::collections::BTreeSet;

/// All names in the shapes of nets' inputs and of data fields that no `let` gives.
pub fn open_names(tree: &Tree) -> BTreeSet<Symbol> {
    let mut names = BTreeSet::new();
    for item in &tree.items {
        let types: Vec<&Type> = match &item.kind {
            ItemKind::Network(network) if network.kind == NetworkKind::Net => {
                network.inputs.iter().filter_map(|input| input.ty.as_ref()).collect()
            }
            ItemKind::Data { fields, .. } => fields.iter().map(|field| &field.ty).collect(),
            ItemKind::Network(_) | ItemKind::Use { .. } | ItemKind::Let { .. } => continue,
            ItemKind::Train { .. } | ItemKind::Test { .. } => continue,
        };
        for dim in types.into_iter().flat_map(|ty| &ty.dims) {
            if let Dim::Size(expr) = dim {
                names_of(expr, &mut names);
            }
        }
    }
    for item in &tree.items {
        if let ItemKind::Let { name, .. } = &item.kind {
            names.remove(&name.text);
        }
    }
    names
}

fn names_of(expr: &Expr, names: &mut BTreeSet<Symbol>) {
    match &expr.kind {
        ExprKind::Name(name) => {
            names.insert(name.clone());
        }
        ExprKind::Binary { lhs, rhs, .. } => {
            names_of(lhs, names);
            names_of(rhs, names);
        }
        _other => {}
    }
}

impl<'t> Checker<'t> {
    /// Surroundings in which the open lengths of one net or data set are known.
    pub fn lengths_scope(&mut self, env: &Env) -> Env {
        let scope = self.open_scope(Some(env.scope), env);
        Env { scope, ..env.clone() }
    }

    /// Sizes of a type that stands outside of any block; names that nothing has become lengths of `env`'s scope.
    pub fn closed_dims(&mut self, ty: &'t Type, env: &Env) -> Vec<SizeId> {
        let mut shape = Vec::with_capacity(ty.dims.len());
        for dim in &ty.dims {
            shape.push(match dim {
                Dim::Size(expr) => self.closed_size(expr, env),
                Dim::Any(at) => {
                    let wants = "a number or a name for each length of a net's inputs and of data".to_string();
                    self.raise(Fact::WrongSort { wants, is: "'_'".into() }, *at, env);
                    self.sizes.poison(*at)
                }
                Dim::Many(name) => {
                    let wants = "a known number of axes for a net's inputs and for data".to_string();
                    self.raise(Fact::WrongSort { wants, is: format!("'{}...'", name.text) }, name.at, env);
                    self.sizes.poison(name.at)
                }
            });
        }
        shape
    }

    fn closed_size(&mut self, expr: &'t Expr, env: &Env) -> SizeId {
        self.open_lengths(expr, env);
        let value = self.eval(expr, env);
        self.to_length(value, expr.at, env)
    }

    /// Makes symbols, or the numbers that the command line gives, of the names that nothing has.
    fn open_lengths(&mut self, expr: &'t Expr, env: &Env) {
        match &expr.kind {
            ExprKind::Name(name) if self.find(env.scope, name).is_none() => {
                let set = self.options.sets.iter().rev().find(|(set, _)| set == name).cloned();
                let value = match set.map(|(_, text)| self.set_value(&text, expr.at)) {
                    Some(Value::Number(Number::Whole(open))) => Value::Number(Number::Whole(open)),
                    Some(other) => {
                        let fact = Fact::WrongSort { wants: "a whole number".into(), is: other.what().into() };
                        self.raise(fact, expr.at, env);
                        Value::Poison
                    }
                    None => Value::size(self.sizes.symbol(name, expr.at), expr.at),
                };
                self.set(env.scope, name, value);
            }
            ExprKind::Binary { lhs, rhs, .. } => {
                self.open_lengths(lhs, env);
                self.open_lengths(rhs, env);
            }
            _other => {}
        }
    }
}
