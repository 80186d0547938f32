//! Definitions that go in a circle without a step in time.

use crate::diagnostic::{Edit, Help};
use crate::problem::{Problem, Report};
use crate::size::Explainer;
use crate::source::Span;

/// `a` needs `b`, `b` needs `a`.
#[derive(Clone, Debug)]
pub struct NeedsItself {
    /// Left sides and what each one needs, each in the definition of the one before.
    pub cycle: Vec<Need>,
}

/// One link of the circle.
#[derive(Clone, Debug)]
pub struct Need {
    /// `h[t]`
    pub name: String,
    /// Its left side, if it is an element.
    pub definition: Option<Span>,
    /// The use of the next one, inside of this one's definition.
    pub at: Span,
    pub needs: String,
}

impl NeedsItself {
    /// Whether the circle is one of elements at the same place.
    fn in_time(&self) -> bool {
        self.cycle.iter().all(|need| need.definition.is_some())
    }
}

impl Problem for NeedsItself {
    fn report(&self, r: &mut Report) {
        let Some(first) = self.cycle.first() else { return };
        let same = if self.in_time() { place(&first.name) } else { None };
        let behind = same.map_or(String::new(), |index| format!(" at the same {index}"));
        r.headline(format!("{} needs itself{behind}", first.name));
        if let Some(at) = first.definition {
            r.label(at, "no step can be computed first");
        }
        for need in &self.cycle {
            r.label(need.at, format!("{} needs {}", need.name, need.needs));
        }
        r.help(match same {
            Some(index) => format!("a recurrent net looks at the step before: {index}-1"),
            None => "no value can be computed first; if another one is meant, give it a name of its own".to_string(),
        });
    }

    /// The read that closes the circle one step earlier.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        if !self.in_time() {
            return Vec::new();
        }
        let earlier = |need: &Need| {
            let text = look.sources.text(need.at);
            let (name, index) = (text.split('[').next()?, place(text)?);
            let open = text.find(index).filter(|_| text.ends_with(&format!("{index}]")))?;
            let _ = open;
            let at = Span { start: need.at.end - 1 - index.len() as u32, end: need.at.end - 1, ..need.at };
            let text = format!("a recurrent net looks at the step before: {name}[{index}-1]");
            Some(Help { text, edits: vec![Edit { at, text: format!("{index}-1") }] })
        };
        self.cycle.iter().rev().find_map(earlier).into_iter().collect()
    }
}

/// `t` of `h[t]`
fn place(element: &str) -> Option<&str> {
    let inside = element.split_once('[')?.1.strip_suffix(']')?;
    inside.chars().all(|c| c.is_alphanumeric() || c == '_').then_some(inside)
}
