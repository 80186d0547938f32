//! The items of a file, in order: constants and blocks are made known, nets unfolded, then data, trainings and tests.

use super::Options;
use super::births::Births;
use super::checker::Checker;
use super::finish::{Draft, finish};
use super::flat::Building;
use super::found::Fact;
use super::modules::Module;
use super::net::{Checked, Field, TensorId};
use super::params::Params;
use super::scope::{Entry, Env, Scope, ScopeId};
use super::values::{Arg, Definition, Number, Open, Value, View};
use crate::ids::Symbol;
use crate::problem::Problems;
use crate::size::{SizeId, Sizes};
use crate::source::tree::{Input, Item, ItemKind, Name, NetworkKind, Tree};
use crate::source::{Sources, Span};
use indexmap::IndexMap;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The scope of the user's constants, and that of the library, which has none.
const USER: usize = 0;
const LIBRARY: usize = 1;

/// Nets, data sets, trainings and tests, not yet named.
#[derive(Default)]
pub struct Drafts {
    pub nets: Vec<NetDraft>,
    pub datasets: Vec<super::net::Dataset>,
    pub trainings: Vec<super::training::TrainingDraft>,
    pub tests: Vec<super::testing::TestDraft>,
}

/// A net in both modes.
pub struct NetDraft {
    pub name: Symbol,
    pub inputs: Vec<Field>,
    pub outputs: Vec<Field>,
    pub evaluate: Draft,
    pub train: Draft,
    pub at: Span,
}

/// Checks all items of a tree.
pub fn check_items(
    sources: &Sources,
    modules: &[Module],
    library: &[Tree],
    options: &Options,
    problems: &mut Problems,
) -> Checked {
    let definitions = definitions(modules, library);
    let mut checker = checker(sources, options);
    let mut heads = Vec::new();
    for definition in &definitions {
        let table = match definition.library {
            true => &mut checker.library,
            false => checker.files.entry(definition.file).or_default(),
        };
        heads.push((definition.network.name.text.clone(), definition.network.head));
        table.entry(definition.network.name.text.clone()).or_insert(definition);
    }
    for number in 0..modules.len() {
        checker.open_module(number, modules);
    }
    let own = |definition: &&Definition| definition.file == ScopeId::new(USER) && !definition.library;
    let (tree, env) = (&modules[0].tree, checker.scope(ScopeId::new(USER)).env.clone());
    checker.user = checker.files.get(&env.scope).cloned().unwrap_or_default();
    for (number, module) in modules.iter().enumerate() {
        let env = checker.scope(module_scope(number)).env.clone();
        checker.constants(&module.tree, number == 0, &env);
        checker.twice(&module.tree, &env);
    }
    let mut drafts = Drafts::default();
    let is_net = |d: &&Definition| d.network.kind == NetworkKind::Net;
    let taken: Vec<&Definition> = checker.user.values().copied().filter(|d| is_net(d) && !own(d)).collect();
    for definition in definitions.iter().filter(own).filter(is_net).chain(taken) {
        let draft = checker.net(definition, &env);
        drafts.nets.push(draft);
    }
    checker.class_outputs = class_outputs(tree, &drafts.nets);
    for item in &tree.items {
        if let ItemKind::Data { name, fields, body } = &item.kind {
            let dataset = checker.dataset(name, fields, body, item.at, &env);
            drafts.datasets.push(dataset);
        }
    }
    for item in &tree.items {
        if let ItemKind::Train { nets, data, body } = &item.kind {
            let before = drafts.trainings.iter().map(|training| training.objectives.len()).sum();
            let training = checker.training(nets, data.as_ref(), body, item.at, &drafts.datasets, before, &env);
            drafts.trainings.extend(training);
        }
    }
    for (number, item) in tree.items.iter().enumerate() {
        if let ItemKind::Test { title, fails, body } = &item.kind {
            let test = checker.test(title, fails.as_ref(), body, (item.at, number), &heads, &env);
            drafts.tests.push(test);
        }
    }
    if !problems.has_errors() {
        checker.unread(&env);
    }
    checker.unsettled();
    super::tell::tell(&checker.found, sources, &checker.sizes, &heads, problems);
    checker.calls.iter().for_each(|(head, call)| problems.fine_use(*head, *call));
    finish(checker, drafts)
}

/// What the nets that are trained on each data set give as a vector: one number for each class.
fn class_outputs(tree: &Tree, nets: &[NetDraft]) -> IndexMap<Symbol, SizeId> {
    let mut found = IndexMap::new();
    for item in &tree.items {
        let ItemKind::Train { nets: names, data: Some(data), .. } = &item.kind else { continue };
        let trained = nets.iter().filter(|net| names.iter().any(|name| name.text == net.name));
        let vectors = trained.flat_map(|net| &net.outputs).filter(|field| field.shape.len() == 1);
        for field in vectors {
            found.entry(data.text.clone()).or_insert(field.shape[0]);
        }
    }
    found
}

fn definitions<'t>(modules: &'t [Module], library: &'t [Tree]) -> Vec<Definition<'t>> {
    let of = |items: &'t [Item], library: bool, file: ScopeId| {
        items.iter().filter_map(move |item| match &item.kind {
            ItemKind::Network(network) => Some(Definition { network, library, file }),
            ItemKind::Use { .. } | ItemKind::Let { .. } | ItemKind::Data { .. } => None,
            ItemKind::Train { .. } | ItemKind::Test { .. } => None,
        })
    };
    let own = modules.iter().enumerate().flat_map(|(i, module)| of(&module.tree.items, false, module_scope(i)));
    own.chain(library.iter().flat_map(|tree| of(&tree.items, true, ScopeId::new(LIBRARY)))).collect()
}

/// The scope of a file's constants.
fn module_scope(number: usize) -> ScopeId {
    ScopeId::new(if number == 0 { USER } else { LIBRARY + number })
}

fn checker<'t>(sources: &'t Sources, options: &'t Options) -> Checker<'t> {
    let mut births = Births::default();
    let birth = births.at(None, SmallVec::new(), &Symbol::from("file"), true);
    let env = |scope: usize, library: bool| Env {
        scope: ScopeId::new(scope),
        file: ScopeId::new(scope),
        birth,
        turns: SmallVec::new(),
        use_id: None,
        ambient: Rc::from([]),
        indices: Rc::from([]),
        call: None,
        depth: 0,
        library,
    };
    let scope = |env: Env| Scope {
        parent: None,
        names: IndexMap::new(),
        env,
        circles: Rc::default(),
        outputs: &[],
        network: None,
        caller: None,
        bound: Vec::new(),
    };
    Checker {
        sources,
        sizes: Sizes::default(),
        found: Vec::new(),
        births,
        params: Params::default(),
        scopes: vec![scope(env(USER, false)), scope(env(LIBRARY, true))],
        user: IndexMap::new(),
        files: IndexMap::new(),
        library: IndexMap::new(),
        flat: Building { training: Some(false), ..Building::default() },
        binders: IndexMap::new(),
        guards: Vec::new(),
        active: Vec::new(),
        applied: Vec::new(),
        quiet: 0,
        raised: 0,
        calls: Vec::new(),
        forcing: Vec::new(),
        class_outputs: IndexMap::new(),
        asked: BTreeSet::new(),
        unasked: BTreeMap::new(),
        options,
        remarks: Vec::new(),
        open: Default::default(),
        circles: IndexMap::new(),
        moving: IndexMap::new(),
        settling: Default::default(),
        requiring: false,
        live: BTreeSet::new(),
    }
}

impl<'t> Checker<'t> {
    /// The surroundings of a file's items, with the names that it uses of others.
    fn open_module(&mut self, number: usize, modules: &'t [Module]) {
        let scope = module_scope(number);
        if scope.index() >= self.scopes.len() {
            let top = Env { scope, file: scope, ..self.scope(ScopeId::new(USER)).env.clone() };
            let opened = self.open_scope(None, &top);
            assert_eq!(opened, scope, "the scopes of files come first");
        }
        let (tree, env) = (&modules[number].tree, self.scope(scope).env.clone());
        for name in &tree.lost {
            self.mark(scope, &name.text, Entry::Known(Value::Poison));
        }
        let uses = tree.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Use { names, .. } => Some(names),
            ItemKind::Let { .. } | ItemKind::Network(_) | ItemKind::Data { .. } => None,
            ItemKind::Train { .. } | ItemKind::Test { .. } => None,
        });
        for (names, place) in uses.zip(&modules[number].uses) {
            for name in names {
                self.take(name, place.map(module_scope), scope, &env);
            }
        }
    }

    /// A name that a file uses of another one.
    fn take(&mut self, name: &'t Name, of: Option<ScopeId>, scope: ScopeId, env: &Env) {
        let table = of.and_then(|of| self.files.get(&of));
        let own = |d: &&'t Definition<'t>| Some(d.file) == of;
        let found = table.and_then(|table| table.get(&name.text).copied()).filter(own);
        match found {
            Some(definition) => {
                let before = self.files.entry(scope).or_default().insert(name.text.clone(), definition);
                if let Some(before) = before {
                    let first = before.network.name.at;
                    self.raise(Fact::Twice { name: name.text.clone(), first }, name.at, env);
                }
            }
            None => {
                let near = table.into_iter().flat_map(|t| t.values()).filter(|d| own(d));
                let near = near.map(|d| d.network.name.text.clone()).collect();
                self.mark(scope, &name.text, Entry::Known(Value::Poison));
                if of.is_some() {
                    self.raise(Fact::UnknownName { name: name.text.clone(), near, call: true }, name.at, env);
                }
            }
        }
    }

    /// Constants are evaluated when asked for; those that `--set` gives are known, in the first file.
    fn constants(&mut self, tree: &'t Tree, is_first: bool, env: &Env) {
        let mut first: IndexMap<Symbol, Span> = IndexMap::new();
        for item in &tree.items {
            match &item.kind {
                ItemKind::Let { name, value } => {
                    if let Some(&first) = first.get(&name.text) {
                        self.raise(Fact::Twice { name: name.text.clone(), first }, name.at, env);
                        continue;
                    }
                    first.insert(name.text.clone(), name.at);
                    let set = self.options.sets.iter().rev().find(|(set, _)| is_first && *set == name.text).cloned();
                    let entry = match set {
                        Some((_, text)) => Entry::Known(self.set_value(&text, value.at)),
                        None => Entry::Constant(value),
                    };
                    self.mark(env.scope, &name.text, entry);
                }
                ItemKind::Use { .. }
                | ItemKind::Network(_)
                | ItemKind::Data { .. }
                | ItemKind::Train { .. }
                | ItemKind::Test { .. } => {}
            }
        }
        let open = super::lengths::open_names(tree);
        for (name, _) in self.options.sets.iter().filter(|_| is_first) {
            if !first.contains_key(name) && !open.contains(name) {
                let near = first.keys().chain(&open).cloned().collect();
                let at = tree.items.first().map_or(Span { source: tree.source, start: 0, end: 0 }, |item| item.at);
                self.raise(Fact::UnknownName { name: name.clone(), near, call: false }, at, env);
            }
        }
        for name in first.keys() {
            // Each constant is looked at, asked for or not.
            let _ = self.force(env.scope, name);
        }
    }

    /// The value of `--set name=value`; its place is that of the value that it replaces.
    pub(super) fn set_value(&mut self, text: &str, at: Span) -> Value<'t> {
        let sides: Option<Vec<i64>> = text.split('x').map(|side| side.parse().ok()).collect();
        match (text, text.parse::<f64>(), sides.as_deref()) {
            ("true", ..) => Value::Truth(true),
            ("false", ..) => Value::Truth(false),
            (_, Ok(_), Some([n])) => Value::Number(Number::Whole(Open::number(*n, at))),
            (_, Ok(x), _) => Value::real(x),
            (_, Err(_), Some(sides)) if sides.len() > 1 => {
                Value::Window(sides.iter().map(|&n| self.sizes.written(n, at)).collect())
            }
            _other => Value::Text(text.into()),
        }
    }

    /// Two items of one name.
    fn twice(&mut self, tree: &'t Tree, env: &Env) {
        let mut first: IndexMap<(&str, Symbol), Span> = IndexMap::new();
        for item in &tree.items {
            let (sort, name) = match &item.kind {
                ItemKind::Network(network) => ("network", &network.name),
                ItemKind::Data { name, .. } => ("data", name),
                ItemKind::Use { .. } | ItemKind::Let { .. } | ItemKind::Train { .. } | ItemKind::Test { .. } => {
                    continue;
                }
            };
            match first.get(&(sort, name.text.clone())) {
                Some(&first) => self.raise(Fact::Twice { name: name.text.clone(), first }, name.at, env),
                None => {
                    first.insert((sort, name.text.clone()), name.at);
                }
            }
        }
    }

    /// One net in both modes.
    fn net(&mut self, definition: &'t Definition<'t>, env: &Env) -> NetDraft {
        let (train, ..) = self.net_in_mode(definition, true, env);
        let (evaluate, inputs, outputs) = self.net_in_mode(definition, false, env);
        let network = definition.network;
        NetDraft { name: network.name.text.clone(), inputs, outputs, evaluate, train, at: network.head }
    }

    fn net_in_mode(
        &mut self,
        definition: &'t Definition<'t>,
        training: bool,
        env: &Env,
    ) -> (Draft, Vec<Field>, Vec<Field>) {
        let network = definition.network;
        self.begin(Some(training));
        let mut inputs = Vec::new();
        let mut args = Vec::new();
        let lengths = self.lengths_scope(env);
        for input in &network.inputs {
            let Some(field) = self.net_input(input, &lengths) else { continue };
            let tensor = self.flat.input(&field.name, field.shape.clone(), field.element, field.at);
            let value = Value::View(View { tensor, hidden: SmallVec::new() });
            args.push(Arg { name: Some((field.name.clone(), input.at)), value, at: input.at });
            inputs.push(field);
        }
        let value = self.call_network(definition, None, &args, None, network.name.at, env);
        let values: Vec<(Symbol, Value<'t>)> = match value {
            Value::Tuple(parts) => parts.to_vec(),
            single => vec![(network.outputs.first().map_or_else(|| "y".into(), super::call::output_name), single)],
        };
        let mut outputs = Vec::new();
        let mut given: Vec<(Symbol, TensorId)> = Vec::new();
        for (i, (name, value)) in values.into_iter().enumerate() {
            let at = network.outputs.get(i).map_or(network.name.at, |output| output.at);
            let Value::View(view) = value else { continue };
            let (shape, element) = (self.shape(&view).to_vec(), self.element(&view));
            outputs.push(Field { name: name.clone(), shape, element, at });
            given.push((name, view.tensor));
        }
        let remarks = std::mem::take(&mut self.remarks);
        if !training {
            self.remarks = remarks;
        } else {
            self.kept_remarks();
        }
        (self.end(given), inputs, outputs)
    }

    fn kept_remarks(&mut self) {
        self.remarks.clear();
    }

    /// A net's input: its sizes are numbers, or lengths that the caller binds.
    fn net_input(&mut self, input: &'t Input, env: &Env) -> Option<Field> {
        let Some(ty) = &input.ty else {
            let (wants, is) = ("a shape for a net's input".into(), "none".into());
            self.raise(Fact::WrongSort { wants, is }, input.at, env);
            return None;
        };
        let shape = self.closed_dims(ty, env);
        let element = self.element_of(ty, env);
        self.bounded(&shape, ty.at, env);
        Some(Field { name: input.name.text.clone(), shape, element, at: input.at })
    }

    /// Starts a flat list.
    pub fn begin(&mut self, training: Option<bool>) {
        self.flat = Building { training, ..Building::default() };
        self.sizes.limits.clear();
        self.binders.clear();
        self.guards.clear();
    }

    /// Ends a flat list: what its outputs and updates do not need is dropped.
    pub fn end(&mut self, outputs: Vec<(Symbol, TensorId)>) -> Draft {
        let building = std::mem::take(&mut self.flat);
        let draft = Draft::of(building, outputs, &self.sizes);
        self.live.extend(draft.params());
        draft
    }
}
