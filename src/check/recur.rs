//! Recurrences: definitions by elements that need each other, at other indices.
//!
//! The shapes of a circle settle by a fixed point: its definitions are evaluated without reporting, a name whose shape
//! is not known yet counts for nothing, until all shapes are known; what was made meanwhile is thrown away. Then the
//! tensors are made, all names stand for them, and each definition is evaluated once for good.
//!
//! A read at a distance keeps its axis: before the first (behind the last) element it gives the start that is written
//! for that place, else 0.
//!
//! **Invariants**: outside of [`Checker::recurrence`] nothing is settling; a settling pass leaves the flat list, the
//! parameters and the names as they were.

use super::checker::Checker;
use super::found::Fact;
use super::net::{Element, TensorId, TensorKind, VarId};
use super::scope::{Entry, Env, ScopeId};
use super::starts::Moving;
use super::values::{Value, View};
use crate::ids::Symbol;
use crate::size::SizeId;
use crate::source::Span;
use crate::source::tree::{Statement, StatementKind, Target};
use indexmap::IndexMap;
use smallvec::SmallVec;

/// What is known of the name of a circle before it is defined.
#[derive(Clone, Debug)]
pub struct Guess {
    pub shape: Vec<SizeId>,
    pub element: Element,
    pub hidden: SmallVec<[VarId; 2]>,
    per_example: bool,
}

/// The statements of a name.
type Definition<'t> = (Symbol, SmallVec<[&'t Statement; 2]>);

/// What settling passes found out besides shapes.
#[derive(Debug, Default)]
pub struct Settling {
    /// Above 0 while shapes settle.
    pub depth: u32,
    /// The body whose circle settles in this pass.
    pub scope: Option<ScopeId>,
    /// The first circle of names without a step.
    circle: Option<(Vec<(Symbol, Span)>, Span)>,
    /// Whether some name was needed at another index.
    moved: bool,
}

impl<'t> Checker<'t> {
    /// Evaluates all definitions of the circle that `name` is in.
    pub fn recurrence(&mut self, scope: ScopeId, name: &Symbol) {
        let circles = self.scope(scope).circles.clone();
        let group = circles.with(name).expect("asked for a circle");
        let env = self.scope(scope).env.clone();
        for other in &group.needs {
            if matches!(self.scope(scope).names.get(other), Some(Entry::Pending(_) | Entry::Inside(_))) {
                let _ = self.force(scope, other);
            }
        }
        let Some(definitions) = self.definitions(scope, &group.indexed) else { return };
        let outer = std::mem::take(&mut self.settling);
        self.settling.depth = outer.depth;
        let guesses = self.settle(scope, &group.members, &definitions, &env);
        self.define_all(scope, &definitions, &guesses, &env);
        self.settling = outer;
    }

    fn definitions(&mut self, scope: ScopeId, names: &[Symbol]) -> Option<Vec<Definition<'t>>> {
        let of = |name: &Symbol| match self.scope(scope).names.get(name) {
            Some(Entry::Pending(statements)) => Some((name.clone(), statements.clone())),
            Some(Entry::Known(_) | Entry::Constant(_) | Entry::Inside(_) | Entry::Busy(_)) | None => None,
        };
        names.iter().map(of).collect()
    }

    /// Passes until every shape is known, or nothing more is found out.
    fn settle(
        &mut self,
        scope: ScopeId,
        members: &[Symbol],
        definitions: &[Definition<'t>],
        env: &Env,
    ) -> IndexMap<Symbol, Guess> {
        let mut guesses: IndexMap<Symbol, Guess> = IndexMap::new();
        for (name, statements) in definitions {
            guesses.extend(self.declared_guess(name, statements, env).map(|guess| (name.clone(), guess)));
        }
        for _ in 0..members.len() + 2 {
            let found = self.pass(scope, definitions, &guesses, env);
            let known = |guess: &Guess| guess.shape.iter().filter(|&&size| !self.sizes.is_poisoned(size)).count() + 1;
            let gained =
                found.iter().any(|(name, guess)| guesses.get(name).is_none_or(|old| known(guess) > known(old)));
            let all = |guesses: &IndexMap<Symbol, Guess>| {
                definitions.iter().all(|(name, _)| guesses.get(name).is_some_and(|g| known(g) == g.shape.len() + 1))
            };
            let done = all(&found);
            guesses.extend(found);
            if done || !gained {
                break;
            }
        }
        // What depends on one of them depends on what they all depend on.
        let mut hidden: SmallVec<[VarId; 2]> =
            guesses.values().flat_map(|guess| guess.hidden.iter().copied()).collect();
        hidden.sort_unstable();
        hidden.dedup();
        let per_example = guesses.values().any(|guess| guess.per_example);
        for guess in guesses.values_mut() {
            (guess.hidden, guess.per_example) = (hidden.clone(), per_example);
        }
        guesses
    }

    /// What is written of a shape, if it is written whole.
    fn declared_guess(&mut self, name: &Symbol, statements: &[&'t Statement], env: &Env) -> Option<Guess> {
        let written = statements.iter().find_map(|statement| match &statement.kind {
            StatementKind::Define { ty, .. } => ty.as_ref(),
            _other => None,
        });
        let ty = written.or(super::scope::output_type(self.scope(env.scope), name))?;
        let (dims, element) = self.quietly(|c| (c.dims(ty, env), c.element_of(ty, env)));
        let shape = dims.into_iter().collect::<Option<Vec<SizeId>>>()?;
        Some(Guess { shape, element, hidden: SmallVec::new(), per_example: false })
    }

    /// One evaluation without effect.
    fn pass(
        &mut self,
        scope: ScopeId,
        definitions: &[Definition<'t>],
        guesses: &IndexMap<Symbol, Guess>,
        env: &Env,
    ) -> IndexMap<Symbol, Guess> {
        let names = self.scope(scope).names.clone();
        let mark = self.flat.mark();
        let kept = (self.params.len(), self.remarks.len(), self.calls.len(), self.binders.clone());
        self.settling.depth += 1;
        self.settling.scope = Some(scope);
        self.quiet += 1;
        for (name, guess) in guesses {
            let value = self.guessed(name, guess, env);
            self.set(scope, name, value);
        }
        let mut found = IndexMap::new();
        for (name, statements) in definitions {
            let value = match guesses.contains_key(name) {
                true => {
                    let main = self.main_pieces(statements, guesses.get(name), env);
                    self.apart(|checker| checker.equations(name, &main, None, env))
                }
                false => self.force(scope, name).unwrap_or(Value::Poison),
            };
            if let Value::View(view) = value {
                let shape = self.shape(&view).to_vec();
                let tensor = &self.flat.tensors[view.tensor];
                let (element, per_example) = (tensor.element, tensor.per_example);
                found.insert(name.clone(), Guess { shape, element, hidden: view.hidden, per_example });
            }
        }
        self.quiet -= 1;
        self.settling.depth -= 1;
        self.settling.scope = None;
        self.moving.retain(|tensor, _| mark.has(*tensor));
        self.flat.reset(mark);
        let (params, remarks, calls, binders) = kept;
        self.params.truncate(params);
        self.remarks.truncate(remarks);
        self.calls.truncate(calls);
        self.binders = binders;
        self.scopes[scope.index()].names = names;
        found
    }

    fn guessed(&mut self, name: &Symbol, guess: &Guess, env: &Env) -> Value<'t> {
        let view = self.announced(name, guess, env, env.call.unwrap_or(self.scope_at(env)));
        Value::View(view)
    }

    /// A tensor of the circle, without pieces yet.
    fn announced(&mut self, name: &Symbol, guess: &Guess, env: &Env, at: Span) -> View {
        let axes = guess.hidden.iter().filter_map(|&var| self.flat.extent(var));
        let shape: Vec<SizeId> = axes.chain(guess.shape.iter().copied()).collect();
        let tensor = self.flat.tensor(name, shape, guess.element, TensorKind::Defined, env.use_id, at);
        self.flat.tensors[tensor].per_example = guess.per_example;
        self.moving.insert(tensor, Moving::default());
        View { tensor, hidden: guess.hidden.clone() }
    }

    fn scope_at(&self, env: &Env) -> Span {
        let scope = self.scope(env.scope);
        scope.network.map_or(Span { source: crate::source::SourceId::new(0), start: 0, end: 0 }, |n| n.head)
    }

    /// The definitions for good.
    fn define_all(
        &mut self,
        scope: ScopeId,
        definitions: &[Definition<'t>],
        guesses: &IndexMap<Symbol, Guess>,
        env: &Env,
    ) {
        let (before, pieces) = (self.raised, self.flat.pieces.len());
        let mut views: Vec<Option<View>> = Vec::new();
        for (name, statements) in definitions {
            let view = guesses.get(name).map(|guess| self.announced(name, guess, env, statements[0].at));
            self.asked.extend(super::lints::name_at(statements[0], name));
            self.set(scope, name, view.clone().map_or(Value::Poison, Value::View));
            views.push(view);
        }
        for ((_, statements), view) in definitions.iter().zip(&views) {
            if let Some(view) = view {
                self.apart(|checker| checker.starts(view, statements, env));
            }
        }
        for ((name, statements), view) in definitions.iter().zip(&views) {
            let main = self.main_pieces(statements, guesses.get(name), env);
            // Where the shape is not known, that is what is wrong, and not what follows from it.
            self.flat.poisoned |= view.is_none();
            self.forcing.push((name.clone(), statements[0].at));
            let value = self.apart(|checker| checker.equations(name, &main, view.as_ref(), env));
            self.forcing.pop();
            if view.is_none() {
                self.set(scope, name, value);
            }
        }
        let made: Vec<TensorId> = views.iter().flatten().map(|view| view.tensor).collect();
        made.iter().for_each(|tensor| drop(self.moving.shift_remove(tensor)));
        let unknown = definitions.iter().zip(&views).find(|(_, view)| view.is_none());
        match unknown {
            Some(((name, statements), _)) if self.raised == before => self.unsettled_shape(name, statements[0], env),
            None if self.raised == before => self.check_loops(pieces, env),
            Some(_) | None => {}
        }
    }

    fn unsettled_shape(&mut self, name: &Symbol, statement: &'t Statement, env: &Env) {
        let at = match &statement.kind {
            StatementKind::Define { target: Target::Indexed { at, .. }, .. } => *at,
            _other => statement.at,
        };
        match self.settling.circle.take() {
            Some((through, at)) if !self.settling.moved => self.raise(Fact::Cycle { through }, at, env),
            Some(_) | None => self.raise(Fact::Unsettled { name: name.clone() }, at, env),
        }
    }

    /// A name that is being evaluated is needed: while shapes settle it is not known yet, and counts for nothing.
    /// False where that is an error.
    pub fn waits(&mut self, name: &Symbol, begun: Span, moved: bool, at: Span) -> bool {
        if self.settling.depth == 0 {
            return false;
        }
        self.settling.moved |= moved;
        if !moved && self.settling.circle.is_none() {
            self.settling.circle = Some((self.circle(name, begun), at));
        }
        true
    }
}
