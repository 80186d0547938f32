//! `report [name =] E` and `show E every ...`: what a training tells while it runs.

use super::checker::Checker;
use super::found::Fact;
use super::net::Every;
use super::scope::Env;
use super::training::{ReportDraft, ShowDraft, Work};
use crate::ids::Symbol;
use crate::source::Span;
use crate::source::tree::{Expr, ExprKind, Head, Name, Pipeline, StageLayer};

impl<'t> Checker<'t> {
    /// A metric: one number for each example, its mean is reported.
    pub fn report(
        &mut self,
        name: Option<&'t Name>,
        value: &'t Pipeline,
        before: &[ReportDraft],
        at: Span,
        work: &Work<'t, '_>,
    ) -> Option<ReportDraft> {
        let env = self.open_body(work, false);
        let tensor = self.scalar(value, "value", "report", &env);
        let measure = self.end_measure(tensor);
        tensor?;
        let name = match name {
            Some(name) => name.text.clone(),
            None => named_after(value).unwrap_or_else(|| Symbol::from("value")),
        };
        let taken = |name: &str| before.iter().any(|report| *report.name == *name);
        Some(ReportDraft { name: free(name, &taken), measure, at })
    }

    /// Pictures.
    pub fn show(
        &mut self,
        value: &'t Pipeline,
        every: Option<&'t Expr>,
        unit: &'t Name,
        before: &[ShowDraft],
        at: Span,
        work: &Work<'t, '_>,
    ) -> Option<ShowDraft> {
        let every = self.every(every, unit, &work.env);
        let env = self.open_body(work, false);
        let found = self.pipeline(value, &env);
        let view = self.to_view(found, "value", value.at, &env);
        let shape = view.as_ref().map(|view| self.shape(view).to_vec());
        let draft = self.end_with("value", view.map(|view| view.tensor));
        let shape = shape?;
        let channels = shape.len().checked_sub(3).and_then(|_| self.sizes.number(shape[0]));
        let picture = match shape.len() {
            2 => true,
            3 => channels.is_none_or(|n| n == 1 || n == 3),
            _ => false,
        };
        if !picture {
            self.raise(Fact::NoPicture { shape }, value.at, &work.env);
            return None;
        }
        let name = named_after(value).unwrap_or_else(|| Symbol::from("picture"));
        let taken = |name: &str| before.iter().any(|show| *show.name == *name);
        Some(ShowDraft { name: free(name, &taken), draft, every: every?, at })
    }

    /// `every epoch`, `every 100 steps`
    fn every(&mut self, count: Option<&'t Expr>, unit: &Name, env: &Env) -> Option<Every> {
        let count = match count {
            None => 1,
            Some(expr) => {
                let value = self.eval(expr, env);
                let n = self.whole_setting("every", value, 1, expr.at, env)?;
                u32::try_from(n).unwrap_or(u32::MAX)
            }
        };
        match &*unit.text {
            "epoch" | "epochs" => Some(Every::Epochs(count)),
            "step" | "steps" => Some(Every::Steps(count)),
            _other => {
                let known = ["epoch", "epochs", "step", "steps"].map(Symbol::from).to_vec();
                self.raise(Fact::Setting { name: unit.text.clone(), known, wants: "unit".into() }, unit.at, env);
                None
            }
        }
    }
}

/// The name, numbered if it is taken.
fn free(name: Symbol, taken: &dyn Fn(&str) -> bool) -> Symbol {
    let numbered = (2..).map(|n| Symbol::from(format!("{name}_{n}")));
    std::iter::once(name.clone()).chain(numbered).find(|name| !taken(name)).expect("numbers do not end")
}

/// What has no name is called after its block, one below a reduction if there is one.
fn named_after(value: &Pipeline) -> Option<Symbol> {
    let Head::Expr(expr) = &value.head else { return None };
    if let Some(last) = value.stages.last()
        && let StageLayer::Expr(expr) = &last.layer
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
                Some(_) => args.first().and_then(|arg| named_after(&arg.value)),
                None => None,
            };
            Some(inner.unwrap_or_else(|| name.clone()))
        }
        _other => None,
    }
}
