//! `train` items: objectives, reports, settings.

use super::births::BirthId;
use super::checker::Checker;
use super::finish::Draft;
use super::found::Fact;
use super::net::{Dataset, Element, ParamId, TensorId};
use super::optimiser::Using;
use super::scope::{Entry, Env};
use super::values::{Value, View};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{Body, Expr, ExprKind, Head, Name, NetworkKind, Pipeline, Statement, StatementKind, Target};
use smallvec::SmallVec;

/// A training, not yet named.
pub struct TrainingDraft {
    pub nets: Vec<Symbol>,
    pub data: Option<usize>,
    pub objectives: Vec<ObjectiveDraft>,
    pub reports: Vec<ReportDraft>,
    pub epochs: u32,
    pub steps: Option<u32>,
    pub batch: u32,
    pub seed: u64,
    pub keep: Option<(Symbol, bool)>,
    pub at: Span,
}

/// An objective, not yet named.
pub struct ObjectiveDraft {
    pub draft: Draft,
    pub over: Vec<ParamId>,
    pub optimiser: Symbol,
    pub clip: Option<f64>,
    pub updates: Vec<Draft>,
    pub at: Span,
}

/// A report, not yet named.
pub struct ReportDraft {
    pub name: Symbol,
    pub draft: Draft,
    pub at: Span,
}

const SETTINGS: [&str; 7] = ["epochs", "steps", "batch", "seed", "keep", "truncate", "carry"];

/// One training's statements in their surroundings.
struct Work<'t, 'd> {
    nets: &'t [Name],
    body: &'t Body,
    data: Option<&'d Dataset>,
    env: Env,
}

impl<'t> Checker<'t> {
    /// A `train` item. None if there is nothing to train in it, which is reported.
    pub fn training(
        &mut self,
        nets: &'t [Name],
        data: Option<&'t Name>,
        body: &'t Body,
        at: Span,
        datasets: &[Dataset],
        env: &Env,
    ) -> Option<TrainingDraft> {
        let place = data.and_then(|name| self.dataset_of(name, datasets, env));
        let known = self.known_nets(nets, env);
        let mut draft = TrainingDraft {
            nets: nets.iter().map(|name| name.text.clone()).collect(),
            data: place,
            objectives: Vec::new(),
            reports: Vec::new(),
            epochs: 10,
            steps: None,
            batch: 32,
            seed: 1,
            keep: None,
            at,
        };
        let mut site = SmallVec::new();
        site.push(at.start);
        let birth = self.births.at(None, site, &Symbol::from("train"), true);
        let work = Work { nets, body, data: place.map(|i| &datasets[i]), env: Env { birth, ..env.clone() } };
        if data.is_some() && place.is_none() || !known {
            return None;
        }
        self.settings(&mut draft, &work);
        let minimise = body.statements.iter().filter(|s| matches!(s.kind, StatementKind::Minimise { .. }));
        for (number, statement) in minimise.enumerate() {
            if number > 0 {
                self.raise(Fact::NotYet { what: "a second 'minimise'".into() }, statement.at, env);
                break;
            }
            let objective = self.objective(number, statement, &work);
            draft.objectives.extend(objective);
        }
        if !body.statements.iter().any(|s| matches!(s.kind, StatementKind::Minimise { .. })) && body.bad.is_empty() {
            let headline = "nothing is trained: there is no 'minimise' here".to_string();
            let help = Some("`minimise LOSS using adam(lr=1e-3)`".to_string());
            self.raise(Fact::Other { code: "E0606", headline, label: "no objective".into(), help }, at, env);
        }
        for statement in &body.statements {
            match &statement.kind {
                StatementKind::Report { name, value } => {
                    let report = self.report(name.as_ref(), value, &draft.reports, statement.at, &work);
                    draft.reports.extend(report);
                }
                StatementKind::Show { .. } => {
                    self.raise(Fact::NotYet { what: "'show'".into() }, statement.at, env);
                }
                StatementKind::Require { .. } | StatementKind::Param { .. } | StatementKind::State { .. } => {
                    let is = format!("'{}'", self.sources.text(statement.at));
                    self.raise(
                        Fact::WrongSort { wants: "an objective, a report or a setting".into(), is },
                        statement.at,
                        env,
                    );
                }
                StatementKind::Define { .. } | StatementKind::Minimise { .. } | StatementKind::Noise { .. } => {}
                StatementKind::Update { .. } | StatementKind::Result { .. } => {
                    let is = format!("'{}'", self.sources.text(statement.at));
                    self.raise(
                        Fact::WrongSort { wants: "an objective, a report or a setting".into(), is },
                        statement.at,
                        env,
                    );
                }
            }
        }
        self.check_keep(&mut draft, &work);
        Some(draft)
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
            let known = self.user.get(&name.text).is_some_and(|d| d.network.kind == NetworkKind::Net);
            if !known {
                let is_net = |d: &&&super::values::Definition<'t>| d.network.kind == NetworkKind::Net;
                let near = self.user.values().filter(is_net).map(|d| d.network.name.text.clone()).collect();
                self.raise(Fact::UnknownName { name: name.text.clone(), near, call: false }, name.at, env);
            }
            all &= known;
        }
        all
    }

    /// Starts a flat list in which the data's fields are inputs and the body's definitions known.
    fn open_body(&mut self, work: &Work<'t, '_>, training: bool) -> Env {
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
        for name in SETTINGS {
            let name = Symbol::from(name);
            if matches!(self.scope(scope).names.get(&name), Some(Entry::Pending(_))) {
                self.scopes[scope.index()].names.shift_remove(&name);
            }
        }
        env
    }

    fn objective(&mut self, number: usize, statement: &'t Statement, work: &Work<'t, '_>) -> Option<ObjectiveDraft> {
        let StatementKind::Minimise { value, over, using } = &statement.kind else { return None };
        let env = self.open_body(work, true);
        let loss = self.scalar(value, "loss", "minimise", &env);
        self.look_at_rest(&env);
        let poisoned = self.flat.poisoned;
        let draft = self.end(loss.into_iter().map(|loss| ("loss".into(), loss)).collect());
        let over = self.over(over, work, &draft, statement.at);
        let used = self.using(using, &work.env)?;
        loss?;
        if over.is_empty() && poisoned {
            return None;
        }
        if over.is_empty() {
            let headline = "nothing is trained: this objective reads no parameter that it is over".to_string();
            let label = "no parameter".to_string();
            self.raise(Fact::Other { code: "E0606", headline, label, help: None }, value.at, &work.env);
            return None;
        }
        let Using { definition, args, clip } = used;
        let mut updates = Vec::new();
        for &param in &over {
            let update = self.step_of(definition, args, number, param, using.at, &work.env);
            updates.extend(update);
        }
        if updates.len() < over.len() {
            return None;
        }
        let optimiser = definition.network.name.text.clone();
        Some(ObjectiveDraft { draft, over, optimiser, clip, updates, at: statement.at })
    }

    /// One number for each example, as a tensor of its own.
    fn scalar(&mut self, value: &'t Pipeline, name: &str, what: &str, env: &Env) -> Option<TensorId> {
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

    /// The parameters that an objective trains: those of its nets that it reads, or of what stands behind `over`.
    fn over(&mut self, over: &'t [Expr], work: &Work<'t, '_>, draft: &Draft, at: Span) -> Vec<ParamId> {
        let mut above: Vec<BirthId> = Vec::new();
        if over.is_empty() {
            for name in work.nets {
                above.push(self.births.at(None, SmallVec::new(), &name.text, true));
            }
            above.push(work.env.birth);
        }
        for expr in over {
            above.extend(self.births_of(expr, &work.env));
        }
        let _ = at;
        let read = draft.params();
        let within = |birth: BirthId| above.iter().any(|&top| self.births.is_within(birth, top));
        let wanted = |(id, declared): &(ParamId, &super::params::Declared)| {
            declared.trained && read.contains(id) && within(declared.birth)
        };
        self.params.iter().filter(wanted).map(|(id, _)| id).collect()
    }

    /// `Net`, `Net.conv` (all that block conv made), `Net.conv_1`, `Net.head.dense`
    pub fn births_of(&mut self, expr: &'t Expr, env: &Env) -> Vec<BirthId> {
        match &expr.kind {
            ExprKind::Name(name) => {
                let known = self.user.get(name).is_some_and(|d| d.network.kind == NetworkKind::Net);
                if known {
                    return vec![self.births.at(None, SmallVec::new(), name, true)];
                }
                let is_net = |d: &&&super::values::Definition<'t>| d.network.kind == NetworkKind::Net;
                let near = self.user.values().filter(is_net).map(|d| d.network.name.text.clone()).collect();
                self.raise(Fact::UnknownName { name: name.clone(), near, call: false }, expr.at, env);
                vec![]
            }
            ExprKind::Member { base, name } => {
                let above = self.births_of(base, env);
                if above.is_empty() {
                    return above;
                }
                let names = self.births.names();
                let child = |id: &BirthId| {
                    let birth = self.births.get(*id);
                    let fits = birth.label == name.text || names[id.index()] == name.text;
                    fits && birth.parent.is_some_and(|parent| above.contains(&parent))
                };
                let found: Vec<BirthId> = (0..self.births.len()).map(BirthId::new).filter(child).collect();
                if found.is_empty() {
                    let near: Vec<Symbol> = (0..self.births.len())
                        .map(BirthId::new)
                        .filter(|id| self.births.get(*id).parent.is_some_and(|parent| above.contains(&parent)))
                        .map(|id| names[id.index()].clone())
                        .collect();
                    self.raise(Fact::UnknownName { name: name.text.clone(), near, call: false }, name.at, env);
                }
                found
            }
            _other => {
                let is = format!("'{}'", self.sources.text(expr.at));
                self.raise(Fact::WrongSort { wants: "a net or a layer of one".into(), is }, expr.at, env);
                vec![]
            }
        }
    }

    fn report(
        &mut self,
        name: Option<&'t Name>,
        value: &'t Pipeline,
        before: &[ReportDraft],
        at: Span,
        work: &Work<'t, '_>,
    ) -> Option<ReportDraft> {
        let env = self.open_body(work, false);
        let tensor = self.scalar(value, "value", "report", &env);
        let draft = self.end(tensor.into_iter().map(|tensor| ("value".into(), tensor)).collect());
        tensor?;
        let mut name = match name {
            Some(name) => name.text.clone(),
            None => measure(value).unwrap_or_else(|| Symbol::from("value")),
        };
        let mut number = 2;
        while before.iter().any(|report| report.name == name) {
            name = format!("{name}_{number}").into();
            number += 1;
        }
        Some(ReportDraft { name, draft, at })
    }

    fn settings(&mut self, draft: &mut TrainingDraft, work: &Work<'t, '_>) {
        self.begin(Some(true));
        for statement in &work.body.statements {
            let StatementKind::Define { target: Target::Name(name), value, .. } = &statement.kind else { continue };
            if matches!(&*name.text, "epochs" | "steps" | "batch" | "seed") {
                let env = work.env.clone();
                let known = self.pipeline(value, &env);
                let least = if &*name.text == "seed" { 0 } else { 1 };
                let Some(n) = self.whole_setting(&name.text, known, least, value.at, &env) else { continue };
                let Ok(count) = u32::try_from(n) else {
                    let wants = format!("at most {}", u32::MAX);
                    self.raise(Fact::Setting { name: name.text.clone(), known: vec![], wants }, value.at, &env);
                    continue;
                };
                match &*name.text {
                    "epochs" => draft.epochs = count,
                    "steps" => draft.steps = Some(count),
                    "batch" => draft.batch = count,
                    _seed => draft.seed = n as u64,
                }
            }
            let literal = matches!(&value.head, Head::Expr(Expr { kind: ExprKind::Number(..), .. }));
            let meant = crate::problem::words::nearest(&name.text, SETTINGS.iter().copied());
            if literal && meant.is_some() && !SETTINGS.contains(&&*name.text) {
                let known = SETTINGS.iter().map(|s| Symbol::from(*s)).collect();
                self.raise(
                    Fact::Setting { name: name.text.clone(), known, wants: "setting".into() },
                    name.at,
                    &work.env,
                );
            }
            if matches!(&*name.text, "truncate" | "carry") {
                self.raise(Fact::NotYet { what: format!("'{}'", name.text) }, statement.at, &work.env);
            }
        }
    }

    /// `keep = best(accuracy)`: of a metric that is reported.
    fn check_keep(&mut self, draft: &mut TrainingDraft, work: &Work<'t, '_>) {
        for statement in &work.body.statements {
            let StatementKind::Define { target: Target::Name(name), value, .. } = &statement.kind else { continue };
            if &*name.text != "keep" {
                continue;
            }
            let Some((metric, best, at)) = kept(value) else {
                let wants = "best(METRIC) or lowest(METRIC)".to_string();
                self.raise(Fact::Setting { name: "keep".into(), known: vec![], wants }, value.at, &work.env);
                continue;
            };
            let known: Vec<Symbol> =
                draft.reports.iter().map(|report| report.name.clone()).chain(["loss".into()]).collect();
            if !known.contains(&metric) {
                let near = known;
                self.raise(Fact::UnknownName { name: metric, near, call: false }, at, &work.env);
                continue;
            }
            draft.keep = Some((metric, best));
            let has = |split: &str| work.data.is_some_and(|data| data.splits.iter().any(|(name, _)| &**name == split));
            if !has("valid") && has("test") {
                self.raise(Fact::JudgedOnTest, statement.at, &work.env);
            }
        }
    }
}

/// The metric's name, and whether the highest counts.
fn kept(value: &Pipeline) -> Option<(Symbol, bool, Span)> {
    let Head::Expr(Expr { kind: ExprKind::Call { callee, args, .. }, .. }) = &value.head else { return None };
    let ExprKind::Name(which) = &callee.kind else { return None };
    let best = match &**which {
        "best" => true,
        "lowest" => false,
        _ => return None,
    };
    let [one] = &args[..] else { return None };
    match &one.value.head {
        Head::Expr(Expr { kind: ExprKind::Name(metric), at }) => Some((metric.clone(), best, *at)),
        Head::Expr(_) | Head::Each(_) | Head::If { .. } => None,
    }
}

/// A report without a name is called after its block, one below a reduction if there is one.
fn measure(value: &Pipeline) -> Option<Symbol> {
    let Head::Expr(expr) = &value.head else { return None };
    if let Some(last) = value.stages.last()
        && let crate::source::tree::StageLayer::Expr(expr) = &last.layer
    {
        return called(expr);
    }
    called(expr)
}

fn called(expr: &Expr) -> Option<Symbol> {
    match &expr.kind {
        ExprKind::Name(name) => Some(name.clone()),
        ExprKind::Call { callee, args, .. } => {
            let ExprKind::Name(name) = &callee.kind else { return None };
            let inner = match super::intrinsics::Intrinsic::of(name) {
                Some(_) => args.first().and_then(|arg| measure(&arg.value)),
                None => None,
            };
            Some(inner.unwrap_or_else(|| name.clone()))
        }
        _other => None,
    }
}
