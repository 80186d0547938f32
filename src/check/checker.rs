//! The state that unfolding works on: sizes, births, parameters, scopes, and the flat list that is being made.

use super::births::{BirthId, Births};
use super::cycles::Circles;
use super::flat::Building;
use super::found::{Fact, Found, Used};
use super::net::{Element, TensorId, TensorKind, VarId};
use super::params::Params;
use super::recur::Settling;
use super::scope::{Entry, Env, Scope, ScopeId};
use super::starts::Moving;
use super::values::{Definition, Value, View};
use super::{Options, net};
use crate::ids::Symbol;
use crate::size::{SizeId, Sizes};
use crate::source::tree::NetworkKind;
use crate::source::{Sources, Span};
use indexmap::IndexMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

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
    /// The same of each file, by the scope of its constants: its own, and those that it uses.
    pub files: IndexMap<ScopeId, IndexMap<Symbol, &'t Definition<'t>>>,
    pub library: IndexMap<Symbol, &'t Definition<'t>>,
    pub flat: Building,
    /// Index variables that reductions bind, by the place of the call, between finding ranges and evaluation.
    pub binders: IndexMap<Span, SmallVec<[VarId; 4]>>,
    /// Conditions on indices around the expression that is being evaluated, and whether they hold in it.
    pub guards: Vec<(net::Condition, bool)>,
    /// Blocks that are being unfolded, outermost first.
    pub active: Vec<(&'t Definition<'t>, Span)>,
    /// Where named layers are being applied.
    pub applied: Vec<Span>,
    /// Above 0 nothing is reported.
    pub quiet: u32,
    /// How often something was wrong, doubled findings counted.
    pub raised: usize,
    /// Names that are being evaluated, each with its definition, outermost first.
    pub forcing: Vec<(Symbol, Span)>,
    /// By data set, the length of the output vector of the net that is trained on it.
    pub class_outputs: IndexMap<Symbol, SizeId>,
    /// Places of definitions that something reads, and of those that nothing read so far.
    pub asked: BTreeSet<Span>,
    pub unasked: BTreeMap<Span, Symbol>,
    /// Uses of the user's blocks that were unfolded: the block's head and the call.
    pub calls: Vec<(Span, Span)>,
    pub options: &'t Options,
    /// What came out at remarks and stages, in the order of checking.
    pub remarks: Vec<net::Remarked>,
    /// Sizes of parameters that are written `_`.
    pub open: super::open::OpenSizes,
    /// Circles of definitions by the place of their body.
    pub circles: IndexMap<Span, Rc<Circles>>,
    /// Tensors of a circle whose definitions are under way.
    pub moving: IndexMap<TensorId, Moving>,
    pub settling: Settling,
    /// Whether a `require` is being held: open lengths are limited to what it asks.
    pub requiring: bool,
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
        let uses = self.uses_around(env);
        let same = |f: &Found| f.at == at && std::mem::discriminant(&f.fact) == std::mem::discriminant(&fact);
        if !self.found.iter().any(same) {
            self.found.push(Found { fact, at, uses, limits: self.sizes.limits.clone() });
        }
        self.flat.poisoned = true;
    }

    /// The uses of the user's blocks around, outermost first, with the numbers of their names.
    fn uses_around(&self, env: &Env) -> Vec<Used> {
        let (mut uses, mut scope) = (Vec::new(), Some(env.scope));
        while let Some(id) = scope {
            let here = &self.scopes[id.index()];
            let shown = here.network.filter(|network| !here.env.library && network.kind == NetworkKind::Block);
            if let (Some(network), Some(call)) = (shown, here.env.call) {
                let (block, head, bound) = (network.name.text.clone(), network.head, here.bound.clone());
                uses.push(Used { block, head, body: network.body.at, call, bound });
            }
            scope = if here.network.is_some() { here.caller } else { here.parent };
        }
        uses.reverse();
        uses
    }

    /// A scope's names.
    pub fn scope(&self, id: ScopeId) -> &Scope<'t> {
        &self.scopes[id.index()]
    }

    /// A new scope inside another.
    pub fn open_scope(&mut self, parent: Option<ScopeId>, env: &Env) -> ScopeId {
        let id = ScopeId::new(self.scopes.len());
        let env = Env { scope: id, ..env.clone() };
        self.scopes.push(Scope {
            parent,
            names: IndexMap::new(),
            env,
            circles: Rc::default(),
            outputs: &[],
            network: None,
            caller: None,
            bound: Vec::new(),
        });
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
