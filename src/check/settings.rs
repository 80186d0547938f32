//! The settings of a `train` item: numbers that say how long, and what is kept.

use super::checker::Checker;
use super::found::Fact;
use super::net::{Keep, Metric};
use super::scope::{Entry, Env};
use super::training::{TrainingDraft, Work};
use super::values::Value;
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{Expr, ExprKind, Head, Pipeline, Statement, StatementKind, Target};

const SETTINGS: [&str; 8] = ["epochs", "steps", "batch", "seed", "keep", "patience", "truncate", "carry"];

impl<'t> Checker<'t> {
    /// Settings are no names that expressions can read.
    pub fn hide_settings(&mut self, env: &Env) {
        for name in SETTINGS.map(Symbol::from) {
            if matches!(self.scope(env.scope).names.get(&name), Some(Entry::Pending(_))) {
                self.scopes[env.scope.index()].names.shift_remove(&name);
            }
        }
    }

    /// A number that no objective asks for and whose name is like a setting's.
    pub fn slips_in_settings(&mut self, env: &Env) {
        for (name, at) in self.pending(env) {
            let near = crate::problem::words::nearest(&name, SETTINGS.iter().copied());
            if near.is_some() && matches!(self.force(env.scope, &name), Ok(Value::Number(_))) {
                let known = SETTINGS.iter().map(|setting| Symbol::from(*setting)).collect();
                self.raise(Fact::Setting { name, known, wants: "setting".into() }, at, env);
            }
        }
    }

    /// `epochs = 10`, `steps = 1000`, `batch = 32`, `seed = 1`, `patience = 3`
    pub fn settings(&mut self, draft: &mut TrainingDraft, work: &Work<'t, '_>) {
        self.begin(Some(true));
        for (statement, name, value) in settings(work) {
            match name {
                "epochs" | "steps" | "batch" | "seed" | "patience" => {
                    let Some(count) = self.counted(name, value, &work.env) else { continue };
                    match name {
                        "epochs" => draft.epochs = count,
                        "steps" => draft.steps = Some(count),
                        "batch" => draft.batch = count,
                        "patience" => draft.patience = Some(count),
                        _seed => draft.seed = u64::from(count),
                    }
                }
                "truncate" | "carry" => {
                    self.raise(Fact::NotYet { what: format!("'{name}'") }, statement.at, &work.env);
                }
                _keep => {}
            }
        }
    }

    fn counted(&mut self, name: &str, value: &'t Pipeline, env: &Env) -> Option<u32> {
        let known = self.pipeline(value, env);
        let least = if name == "seed" { 0 } else { 1 };
        let n = self.whole_setting(name, known, least, value.at, env)?;
        let count = u32::try_from(n).ok();
        if count.is_none() {
            let wants = format!("at most {}", u32::MAX);
            self.raise(Fact::Setting { name: name.into(), known: vec![], wants }, value.at, env);
        }
        count
    }

    /// `keep = best(accuracy)`: of a metric that is reported, or of a loss. `patience` waits for it.
    pub fn check_keep(&mut self, draft: &mut TrainingDraft, work: &Work<'t, '_>) {
        let mut wrong = false;
        for (statement, name, value) in settings(work) {
            if name != "keep" {
                continue;
            }
            draft.keep = self.keep(draft, value, &work.env);
            wrong |= draft.keep.is_none();
            let has = |split: &str| work.data.is_some_and(|data| data.splits.iter().any(|(name, _)| &**name == split));
            if draft.keep.is_some() && !has("valid") && has("test") {
                self.lint(Fact::JudgedOnTest, statement.at, &work.env);
            }
        }
        for (statement, name, _) in settings(work) {
            if name == "patience" && draft.keep.is_none() && !wrong {
                self.raise(Fact::PatienceAlone, statement.at, &work.env);
            }
        }
    }

    fn keep(&mut self, draft: &TrainingDraft, value: &'t Pipeline, env: &Env) -> Option<Keep> {
        let Some((name, highest, at)) = kept(value) else {
            let wants = "best(METRIC) or lowest(METRIC)".to_string();
            self.raise(Fact::Setting { name: "keep".into(), known: vec![], wants }, value.at, env);
            return None;
        };
        let known = metrics(draft);
        let found = known.iter().find(|(metric, _)| *metric == name).map(|(_, metric)| *metric);
        if found.is_none() {
            let known: Vec<Symbol> = known.into_iter().map(|(name, _)| name).collect();
            self.raise(Fact::UnknownMetric { name, known }, at, env);
        }
        Some(Keep { metric: found?, highest })
    }
}

/// What `keep` can name: reports, then the losses.
fn metrics(draft: &TrainingDraft) -> Vec<(Symbol, Metric)> {
    let reports = draft.reports.iter().enumerate().map(|(i, report)| (report.name.clone(), Metric::Report(i)));
    let count = draft.objectives.len();
    let losses = (0..count).map(|i| (loss_name(i, count), Metric::Loss(i)));
    reports.chain(losses).collect()
}

/// `loss`; of several objectives `loss_1`, `loss_2`.
pub fn loss_name(objective: usize, count: usize) -> Symbol {
    if count == 1 { "loss".into() } else { format!("loss_{}", objective + 1).into() }
}

/// The settings of a body, in order.
fn settings<'t>(work: &Work<'t, '_>) -> Vec<(&'t Statement, &'t str, &'t Pipeline)> {
    let of = |statement: &'t Statement| match &statement.kind {
        StatementKind::Define { target: Target::Name(name), value, .. } => {
            SETTINGS.contains(&&*name.text).then(|| (statement, &*name.text, value))
        }
        _other => None,
    };
    work.body.statements.iter().filter_map(of).collect()
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
