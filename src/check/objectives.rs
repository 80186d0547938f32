//! `minimise E over PARTS using OPTIMISER`: the loss in both modes, the parameters that it trains, the optimiser's step
//! for each of them.

use super::across::MeasureDraft;
use super::births::BirthId;
use super::checker::Checker;
use super::finish::Draft;
use super::found::Fact;
use super::net::ParamId;
use super::optimiser::Using;
use super::scope::Env;
use super::training::{ObjectiveDraft, TrainingDraft, Work};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{Expr, ExprKind, Name, Statement, StatementKind};
use smallvec::SmallVec;

impl<'t> Checker<'t> {
    /// One `minimise`; `number` counts those of the file from 0.
    pub fn objective(
        &mut self,
        number: usize,
        statement: &'t Statement,
        work: &Work<'t, '_>,
    ) -> Option<ObjectiveDraft> {
        let StatementKind::Minimise { value, over, using } = &statement.kind else { return None };
        let env = self.open_body(work, true);
        let loss = self.scalar(value, "loss", "minimise", &env);
        self.slips_in_settings(&env);
        self.look_at_rest(&env);
        let poisoned = self.flat.poisoned || loss.is_none();
        let draft = self.end_with("loss", loss);
        let evaluate = self.in_evaluation(statement, work);
        let over = self.over(over, work, &draft, value.at, poisoned);
        let used = self.using(using, &work.env)?;
        loss?;
        let (over, Using { definition, args, clip }) = (over?, used);
        let mut updates = Vec::new();
        for &param in &over {
            let update = self.step_of(definition, args, number, param, using.at, &work.env);
            updates.extend(update);
        }
        if updates.len() < over.len() {
            return None;
        }
        let optimiser = definition.network.name.text.clone();
        Some(ObjectiveDraft { draft, evaluate: evaluate?, over, optimiser, clip, updates, at: statement.at })
    }

    /// The loss once more, as an evaluation has it.
    fn in_evaluation(&mut self, statement: &'t Statement, work: &Work<'t, '_>) -> Option<MeasureDraft> {
        let StatementKind::Minimise { value, .. } = &statement.kind else { return None };
        let env = self.open_body(work, false);
        let loss = self.scalar(value, "value", "minimise", &env);
        let measure = self.end_measure(loss);
        loss.map(|_| measure)
    }

    /// The parameters that an objective trains: those of its nets that it reads, or of what stands behind `over`. None
    /// if there are none, which is reported.
    fn over(
        &mut self,
        over: &'t [Expr],
        work: &Work<'t, '_>,
        draft: &Draft,
        at: Span,
        poisoned: bool,
    ) -> Option<Vec<ParamId>> {
        let mut above: Vec<BirthId> = Vec::new();
        if over.is_empty() {
            for name in work.nets {
                above.push(self.births.at(None, SmallVec::new(), &name.text, true));
            }
            above.push(work.env.birth);
        }
        let mut fine = true;
        for expr in over {
            let part = self.births_of(expr, &work.env);
            if part.is_empty() {
                fine = false;
            } else if self.read_within(draft, &part).is_empty() && !poisoned {
                fine = false;
                let text = self.sources.text(expr.at);
                let headline = format!("nothing is trained: this objective reads no parameter of {text}");
                let label = "nothing here changes this loss".to_string();
                self.raise(Fact::Other { code: "E0606", headline, label, help: None }, expr.at, &work.env);
            }
            above.extend(part);
        }
        let found = self.read_within(draft, &above);
        if found.is_empty() && over.is_empty() && !poisoned {
            let headline = "nothing is trained: this objective reads no parameter that it is over".to_string();
            let label = "no parameter".to_string();
            self.raise(Fact::Other { code: "E0606", headline, label, help: None }, at, &work.env);
        }
        (fine && !found.is_empty()).then_some(found)
    }

    /// The trained parameters below some births that a flat list reads.
    fn read_within(&self, draft: &Draft, above: &[BirthId]) -> Vec<ParamId> {
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
                if self.is_net(name) {
                    return vec![self.births.at(None, SmallVec::new(), name, true)];
                }
                let near = self.net_names();
                self.raise(Fact::UnknownName { name: name.clone(), near, call: false }, expr.at, env);
                vec![]
            }
            ExprKind::Member { base, name } => {
                let above = self.births_of(base, env);
                if above.is_empty() { above } else { self.births_below(&above, name, env) }
            }
            _other => {
                let is = format!("'{}'", self.sources.text(expr.at));
                self.raise(Fact::WrongSort { wants: "a net or a layer of one".into(), is }, expr.at, env);
                vec![]
            }
        }
    }

    /// The direct children of this block's or this very name.
    fn births_below(&mut self, above: &[BirthId], name: &Name, env: &Env) -> Vec<BirthId> {
        let names = self.births.names();
        let below = |id: &BirthId| self.births.get(*id).parent.is_some_and(|parent| above.contains(&parent));
        let children: Vec<BirthId> = (0..self.births.len()).map(BirthId::new).filter(below).collect();
        let fits = |id: &BirthId| self.births.get(*id).label == name.text || names[id.index()] == name.text;
        let found: Vec<BirthId> = children.iter().copied().filter(fits).collect();
        if found.is_empty() {
            let mut near: Vec<Symbol> = children.iter().map(|id| names[id.index()].clone()).collect();
            near.dedup();
            self.raise(Fact::UnknownName { name: name.text.clone(), near, call: false }, name.at, env);
        }
        found
    }

    /// Nets behind `train` that have parameters and that no objective is over.
    pub fn untrained(&mut self, draft: &TrainingDraft, work: &Work<'t, '_>) {
        for name in work.nets {
            let top = self.births.at(None, SmallVec::new(), &name.text, true);
            let within = |id: &ParamId| self.births.is_within(self.params.get(*id).birth, top);
            let trained = draft.objectives.iter().flat_map(|objective| &objective.over).any(within);
            let any =
                self.params.iter().any(|(id, declared)| declared.trained && within(&id) && self.live.contains(&id));
            if any && !trained {
                self.lint(Fact::Untrained { net: name.text.clone() }, name.at, &work.env);
            }
        }
    }
}
