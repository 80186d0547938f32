//! `train` items: what is trained on which data, and what stands in the body. Objectives, reports and settings have
//! files of their own.

use super::across::MeasureDraft;
use super::checker::Checker;
use super::finish::Draft;
use super::found::Fact;
use super::net::{Dataset, Element, Every, Keep, ParamId, TensorId};
use super::scope::{Entry, Env};
use super::values::{Value, View};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{Body, Name, NetworkKind, Pipeline, StatementKind};
use smallvec::SmallVec;

/// A training, not yet named.
pub struct TrainingDraft {
    pub nets: Vec<Symbol>,
    pub data: Option<usize>,
    pub objectives: Vec<ObjectiveDraft>,
    pub reports: Vec<ReportDraft>,
    pub shows: Vec<ShowDraft>,
    pub epochs: u32,
    pub steps: Option<u32>,
    pub batch: u32,
    pub seed: u64,
    pub keep: Option<Keep>,
    pub patience: Option<u32>,
    pub at: Span,
}

/// An objective, not yet named.
pub struct ObjectiveDraft {
    pub draft: Draft,
    pub evaluate: MeasureDraft,
    pub over: Vec<ParamId>,
    pub optimiser: Symbol,
    pub clip: Option<f64>,
    pub updates: Vec<Draft>,
    pub at: Span,
}

/// A report, not yet named.
pub struct ReportDraft {
    pub name: Symbol,
    pub measure: MeasureDraft,
    pub at: Span,
}

/// Pictures to be shown, not yet named.
pub struct ShowDraft {
    pub name: Symbol,
    pub draft: Draft,
    pub every: Every,
    pub at: Span,
}

/// One training's statements in their surroundings.
pub struct Work<'t, 'd> {
    pub nets: &'t [Name],
    pub body: &'t Body,
    pub data: Option<&'d Dataset>,
    pub env: Env,
}

impl<'t> Checker<'t> {
    /// A `train` item. None if there is nothing to train in it, which is reported. Before it stand `before` objectives:
    /// an optimiser's state is kept by the number of the objective in the file.
    #[allow(clippy::too_many_arguments)]
    pub fn training(
        &mut self,
        nets: &'t [Name],
        data: Option<&'t Name>,
        body: &'t Body,
        at: Span,
        datasets: &[Dataset],
        before: usize,
        env: &Env,
    ) -> Option<TrainingDraft> {
        let place = data.and_then(|name| self.dataset_of(name, datasets, env));
        let known = self.known_nets(nets, env);
        let mut draft = TrainingDraft {
            nets: nets.iter().map(|name| name.text.clone()).collect(),
            data: place,
            objectives: Vec::new(),
            reports: Vec::new(),
            shows: Vec::new(),
            epochs: 10,
            steps: None,
            batch: 32,
            seed: 1,
            keep: None,
            patience: None,
            at,
        };
        let mut site = SmallVec::new();
        site.push(at.start);
        let birth = self.births.at(None, site, &Symbol::from("train"), false);
        let work = Work { nets, body, data: place.map(|i| &datasets[i]), env: Env { birth, ..env.clone() } };
        if data.is_some() && place.is_none() || !known {
            return None;
        }
        self.settings(&mut draft, &work);
        let mut whole = true;
        for statement in &body.statements {
            if matches!(statement.kind, StatementKind::Minimise { .. }) {
                let objective = self.objective(before + draft.objectives.len(), statement, &work);
                whole &= objective.is_some();
                draft.objectives.extend(objective);
            }
        }
        let any = body.statements.iter().any(|s| matches!(s.kind, StatementKind::Minimise { .. }));
        if !any && body.bad.is_empty() {
            let headline = "nothing is trained: there is no 'minimise' here".to_string();
            let help = Some("`minimise LOSS using adam(lr=1e-3)`".to_string());
            self.raise(Fact::Other { code: "E0606", headline, label: "no objective".into(), help }, at, env);
        }
        self.other_statements(&mut draft, &work);
        self.check_keep(&mut draft, &work);
        if any && whole && body.bad.is_empty() {
            self.untrained(&draft, &work);
        }
        Some(draft)
    }

    /// Reports and shows, and what does not belong here.
    fn other_statements(&mut self, draft: &mut TrainingDraft, work: &Work<'t, '_>) {
        for statement in &work.body.statements {
            match &statement.kind {
                StatementKind::Report { name, value } => {
                    let report = self.report(name.as_ref(), value, &draft.reports, statement.at, work);
                    draft.reports.extend(report);
                }
                StatementKind::Show { value, every, unit } => {
                    let show = self.show(value, every.as_ref(), unit, &draft.shows, statement.at, work);
                    draft.shows.extend(show);
                }
                StatementKind::Define { .. } | StatementKind::Minimise { .. } | StatementKind::Noise { .. } => {}
                StatementKind::Require { .. } | StatementKind::Param { .. } | StatementKind::State { .. } => {
                    self.not_in_train(statement.at, &work.env);
                }
                StatementKind::Update { .. } | StatementKind::Result { .. } => {
                    self.not_in_train(statement.at, &work.env);
                }
            }
        }
    }

    fn not_in_train(&mut self, at: Span, env: &Env) {
        let (wants, is) = ("an objective, a report or a setting".into(), format!("'{}'", self.sources.text(at)));
        self.raise(Fact::WrongSort { wants, is }, at, env);
    }

    fn dataset_of(&mut self, name: &Name, datasets: &[Dataset], env: &Env) -> Option<usize> {
        let found = datasets.iter().position(|dataset| dataset.name == name.text);
        if found.is_none() {
            let near = datasets.iter().map(|dataset| dataset.name.clone()).collect();
            self.raise(Fact::UnknownName { name: name.text.clone(), near, call: false }, name.at, env);
        }
        found
    }

    fn known_nets(&mut self, nets: &'t [Name], env: &Env) -> bool {
        let mut all = true;
        for name in nets {
            let known = self.is_net(&name.text);
            if !known {
                let near = self.net_names();
                self.raise(Fact::UnknownName { name: name.text.clone(), near, call: false }, name.at, env);
            }
            all &= known;
        }
        all
    }

    /// Whether the file has a net of this name.
    pub fn is_net(&self, name: &Symbol) -> bool {
        self.user.get(name).is_some_and(|d| d.network.kind == NetworkKind::Net)
    }

    /// The file's nets.
    pub fn net_names(&self) -> Vec<Symbol> {
        let nets = self.user.values().filter(|d| d.network.kind == NetworkKind::Net);
        nets.map(|d| d.network.name.text.clone()).collect()
    }

    /// Starts a flat list in which the data's fields are inputs and the body's definitions known.
    pub fn open_body(&mut self, work: &Work<'t, '_>, training: bool) -> Env {
        self.begin(Some(training));
        let scope = self.open_scope(Some(work.env.scope), &work.env);
        let env = Env { scope, ..work.env.clone() };
        if let Some(data) = work.data {
            for field in &data.fields {
                let tensor = self.flat.input(&field.name, field.shape.clone(), field.element, field.at);
                self.set(scope, &field.name, Value::View(View { tensor, hidden: SmallVec::new() }));
            }
        }
        self.declare_names(work.body, &env, false);
        self.hide_settings(&env);
        env
    }

    /// One number for each example, as a tensor of its own.
    pub fn scalar(&mut self, value: &'t Pipeline, name: &str, what: &str, env: &Env) -> Option<TensorId> {
        let found = self.pipeline(value, env);
        let term = self.to_term(found, value.at, env)?;
        if !term.axes.is_empty() {
            let shape = self.term_shape(&term);
            let what = what.to_string();
            self.raise(Fact::NotScalar { what, shape }, value.at, env);
            return None;
        }
        let mut term = term;
        term.element = Element::Real;
        Some(self.try_copy(term, name, env, value.at)?.tensor)
    }

    /// Ends a flat list with one output, if it came to that.
    pub fn end_with(&mut self, name: &str, tensor: Option<TensorId>) -> Draft {
        self.end(tensor.into_iter().map(|tensor| (name.into(), tensor)).collect())
    }

    /// Names of a body that nothing asked for yet.
    pub fn pending(&self, env: &Env) -> Vec<(Symbol, Span)> {
        let mut rest = Vec::new();
        for (name, entry) in &self.scope(env.scope).names {
            if let Entry::Pending(statements) = entry {
                rest.extend(super::lints::name_at(statements[0], name).map(|at| (name.clone(), at)));
            }
        }
        rest
    }
}
