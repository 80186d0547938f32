//! One index that subscripts axes of different lengths.

use crate::diagnostic::{Edit, Help};
use crate::ids::Symbol;
use crate::problem::{Problem, Report, fixes};
use crate::size::{Explainer, SizeId, show};
use crate::source::Span;

/// `sum(k: W[i, k] * x[k])` where the axes have 784 and 676 elements.
#[derive(Clone, Debug)]
pub struct TwoLengths {
    pub name: Symbol,
    /// Where it subscripts an axis, and that axis.
    pub first: (Span, SizeId),
    pub second: (Span, SizeId),
}

impl Problem for TwoLengths {
    fn report(&self, r: &mut Report) {
        let [(first, a), (second, b)] = [self.first, self.second];
        r.headline(format!("{} runs over {} and over {}", self.name, r.size(a), r.size(b)));
        r.label(first, format!("{} here", r.size(a)));
        r.label(second, format!("{} here: they must be equal", r.size(b)));
        r.because(&[a, b]);
    }

    /// A parameter takes its size from its use, or the other number.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let [(_, a), (_, b)] = [self.first, self.second];
        let (one, other) = (show::size(look.sizes, a), show::size(look.sizes, b));
        let open = [a, b].into_iter().filter_map(|size| rewritten(look, size, "_", " takes the size from its use"));
        let fixed = [(a, other), (b, one)].into_iter().filter_map(|(size, n)| rewritten(look, size, &n, " fits"));
        open.chain(fixed).collect()
    }
}

/// The edit of one size in the line of a parameter.
fn rewritten(look: &Explainer, size: SizeId, new: &str, why: &str) -> Option<Help> {
    let at = look.place(size).filter(|at| in_parameter(look, *at))?;
    let line = line_of(look, at);
    let edit = Edit { at, text: new.to_string() };
    let here = Edit { at: Span { start: at.start - line.start, end: at.end - line.start, ..at }, text: new.to_string() };
    let text = fixes::apply(look.sources.text(line), &[here]);
    let text = text.split('~').next().unwrap_or(&text).trim().to_string();
    Some(Help { text: format!("`{text}`{why}"), edits: vec![edit] })
}

fn in_parameter(look: &Explainer, at: Span) -> bool {
    look.sources.text(line_of(look, at)).trim_start().starts_with("param ")
}

fn line_of(look: &Explainer, at: Span) -> Span {
    let text = &look.sources.get(at.source).text;
    let start = text[..at.start as usize].rfind('\n').map_or(0, |i| i + 1);
    let end = text[at.end as usize..].find('\n').map_or(text.len(), |i| i + at.end as usize);
    Span { start: start as u32, end: end as u32, ..at }
}
