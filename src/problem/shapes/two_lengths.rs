//! One index that subscripts axes of different lengths.

use crate::diagnostic::{Edit, Help};
use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::size::{Explainer, SizeId};
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

    /// A parameter takes its size from its use.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let open = |(_, size): (Span, SizeId)| {
            let at = look.place(size).filter(|at| in_parameter(look, *at))?;
            let line = look.sources.text(line_of(look, at)).trim();
            let text = line.replacen(look.sources.text(at), "_", 1);
            let text = text.split('~').next().unwrap_or(&text).trim().to_string();
            Some(Help {
                text: format!("`{text}` takes the size from its use"),
                edits: vec![Edit { at, text: "_".to_string() }],
            })
        };
        [self.first, self.second].into_iter().filter_map(open).collect()
    }
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
