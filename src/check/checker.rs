//! The state that unfolding works on: sizes, births, parameters, scopes, and the flat list that is being made.

use super::births::{BirthId, Births};
use super::flat::Building;
use super::found::{Fact, Found};
use super::net::{Element, TensorId, TensorKind, VarId};
use super::params::Params;
use super::scope::{Entry, Env, Scope, ScopeId};
use super::values::{Definition, Value, View};
use super::{Options, net};
use crate::ids::Symbol;
use crate::problem::{Given, InUse};
use crate::size::{SizeId, Sizes};
use crate::source::{Sources, Span};
use indexmap::IndexMap;
use smallvec::SmallVec;

/// See the head of this file.
pub struct Checker<'t> {
    pub sources: &'t Sources,
    pub sizes: Sizes,
    pub found: Vec<Found>,
    pub births: Births,
    pub params: Params,
    pub scopes: Vec<Scope<'t>>,
    /// Nets, blocks and optimisers of the file, then those of the library.
    pub user: IndexMap<Symbol, &'t Definition<'t>>,
    pub library: IndexMap<Symbol, &'t Definition<'t>>,
    pub flat: Building,
    /// Index variables that reductions bind, by the place of the call, between finding ranges and evaluation.
    pub binders: IndexMap<Span, SmallVec<[VarId; 4]>>,
    /// Conditions on indices around the expression that is being evaluated, and whether they hold in it.
    pub guards: Vec<(net::Condition, bool)>,
    /// Blocks that are being unfolded, outermost first.
    pub active: Vec<(&'t Definition<'t>, Span)>,
    /// Names that are being evaluated, each with the place where it was asked for.
    pub asking: Vec<(ScopeId, Symbol, Span)>,
    /// Where named layers are being applied.
    pub applied: Vec<Span>,
    /// Uses of the file's own blocks in which nothing was found.
    pub fine: Vec<InUse>,
    /// Definitions of the file that something read, and those that nothing did in some unfolding.
    pub read: IndexMap<Span, ()>,
    pub unread: IndexMap<Span, Symbol>,
    /// The classes that nets have which train on a data set.
    pub classes: Vec<(Symbol, (Span, SizeId))>,
    /// How often something was raised, told before or not.
    pub raised: usize,
    /// Above 0 nothing is reported.
    pub quiet: u32,
    pub options: &'t Options,
    /// What came out at remarks and stages, in the order of checking.
    pub remarks: Vec<net::Remarked>,
    /// Parameters that a live definition reads.
    pub live: std::collections::BTreeSet<net::ParamId>,
}

impl<'t> Checker<'t> {
    /// Pushes a finding; one at a place is enough.
    pub fn raise(&mut self, fact: Fact, at: Span, env: &Env) {
        self.raise_at(fact, env.shown(at), env);
    }

    /// As [`Checker::raise`], at exactly this place.
    pub fn raise_at(&mut self, fact: Fact, at: Span, env: &Env) {
        if self.quiet > 0 {
            return;
        }
        self.raised += 1;
        let same = |f: &Found| f.at == at && std::mem::discriminant(&f.fact) == std::mem::discriminant(&fact);
        if !self.found.iter().any(same) {
            let uses = self.uses_around(env.scope);
            self.found.push(Found { fact, at, uses });
        }
        self.flat.poisoned = true;
    }

    /// As [`Checker::raise`], for what is only worth a word.
    pub fn lint(&mut self, fact: Fact, at: Span, env: &Env) {
        let (poisoned, raised) = (self.flat.poisoned, self.raised);
        self.raise(fact, at, env);
        (self.flat.poisoned, self.raised) = (poisoned, raised);
    }

    /// The uses of blocks around a scope, outermost first; nets themselves are none.
    fn uses_around(&self, from: ScopeId) -> Vec<InUse> {
        let (mut uses, mut next) = (Vec::new(), Some(from));
        while let Some(id) = next {
            let scope = self.scope(id);
            if let Some(used) = self.use_of(id) {
                uses.push(used);
            }
            next = if scope.used.is_some() { scope.caller } else { scope.parent };
        }
        uses.reverse();
        uses
    }

    /// The use of a block that a body's scope is of.
    pub fn use_of(&self, id: ScopeId) -> Option<InUse> {
        let scope = self.scope(id);
        let (block, definition, call) = scope.used.clone()?;
        let bound = scope.bound.iter().map(|(name, size)| (name.clone(), Given::Size(*size))).collect();
        (scope.env.depth > 1).then_some(InUse { block, definition, call, bound })
    }

    /// A scope's names.
    pub fn scope(&self, id: ScopeId) -> &Scope<'t> {
        &self.scopes[id.index()]
    }

    /// A new scope inside another.
    pub fn open_scope(&mut self, parent: Option<ScopeId>, env: &Env) -> ScopeId {
        let id = ScopeId::new(self.scopes.len());
        let env = Env { scope: id, ..env.clone() };
        self.scopes.push(Scope::new(parent, env));
        id
    }

    /// Gives a name a value.
    pub fn set(&mut self, scope: ScopeId, name: &Symbol, value: Value<'t>) {
        self.scopes[scope.index()].names.insert(name.clone(), Entry::Known(value));
    }

    /// The scope, from here outwards, that has the name.
    pub fn find(&self, from: ScopeId, name: &str) -> Option<ScopeId> {
        let mut next = Some(from);
        while let Some(id) = next {
            let scope = self.scope(id);
            if scope.names.contains_key(name) {
                return Some(id);
            }
            next = scope.parent;
        }
        None
    }

    /// The visible axes of a tensor.
    pub fn shape(&self, view: &View) -> &[SizeId] {
        &self.flat.tensors[view.tensor].shape[view.hidden.len()..]
    }

    /// What the elements of a tensor are.
    pub fn element(&self, view: &View) -> Element {
        self.flat.tensors[view.tensor].element
    }

    /// A tensor that nothing defines, because an error was reported; its known axes go on.
    pub fn poisoned(&mut self, shape: Vec<SizeId>, element: Element, env: &Env, at: Span) -> Value<'t> {
        self.flat.poisoned = true;
        let tensor = self.flat.tensor("poisoned", shape, element, TensorKind::Defined, env.use_id, at);
        Value::View(View { tensor, hidden: SmallVec::new() })
    }

    /// The birth of a label at a place in a body.
    pub fn birth(&mut self, env: &Env, at: Span, label: &Symbol) -> BirthId {
        let mut site = env.turns.clone();
        site.push(at.start);
        self.births.at(Some(env.birth), site, label, false)
    }

    /// Sets what the elements of a tensor are; a tensor of another use keeps its own and gets a copy.
    pub fn with_element(&mut self, view: View, element: Element, env: &Env, at: Span) -> View {
        if self.element(&view) == element {
            return view;
        }
        let tensor = &self.flat.tensors[view.tensor];
        if tensor.of == env.use_id && env.use_id.is_some() && matches!(tensor.kind, TensorKind::Defined) {
            self.flat.tensors[view.tensor].element = element;
            return view;
        }
        let mut term = self.load(&view, at);
        term.element = element;
        self.copy(term, "y", env, at)
    }

    /// A tensor's name, for messages.
    pub fn tensor_name(&self, id: TensorId) -> Symbol {
        self.flat.tensors[id].name.clone()
    }
}
