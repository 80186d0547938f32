//! A window larger than the picture that it slides over.

use crate::diagnostic::Help;
use crate::problem::{Problem, Report, edits};
use crate::size::{Explainer, Rule, SizeId, Sizes, show};
use crate::source::Span;

/// `floor((W - K + 2 P) / S) + 1` came out below 1, or a block's own `require` about a window did not hold.
#[derive(Clone, Debug)]
pub struct WindowTooLarge {
    /// The call.
    pub at: Span,
    /// What the block says of it itself, numbers filled in.
    pub text: Option<String>,
    /// Height and width of the window; the length in one dimension.
    pub window: Vec<SizeId>,
    /// The axes that it slides over.
    pub input: Vec<SizeId>,
    /// The size that came out too small, if it was computed.
    pub output: Option<SizeId>,
}

impl Problem for WindowTooLarge {
    fn report(&self, r: &mut Report) {
        let (window, input) = (r.by(&self.window), r.by(&self.input));
        let words = match self.window.len() {
            1 => format!("a window of {window} does not fit into {input}"),
            _ => format!("a {window} window does not fit into {input}"),
        };
        r.headline(self.text.clone().unwrap_or(words));
        r.label(self.at, self.arithmetic(r));
        r.chain(&self.input);
        r.help("a smaller window, padding, or fewer steps before it that shrink the picture");
    }

    /// Padding that keeps the size under an odd window, or one shrinking step less.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        self.padded(look).into_iter().chain(self.without_last(look)).collect()
    }
}

impl WindowTooLarge {
    /// The problem, if one of the sizes counts the places of a window and there is none.
    pub fn of(sizes: &Sizes, outputs: &[SizeId], at: Span, text: Option<String>) -> Option<WindowTooLarge> {
        let mut found = WindowTooLarge { at, text, window: Vec::new(), input: Vec::new(), output: None };
        for output in outputs.iter().map(|id| sizes.made(*id)) {
            let reason = &sizes.all[output].reason;
            let Rule::Computed(formula) = &reason.rule else { continue };
            let Some((input, window)) = show::window(formula) else { continue };
            found.input.push(reason.from[input]);
            found.window.push(reason.from[window]);
            if sizes.number(output).is_some_and(|n| n < 1) {
                found.output.get_or_insert(output);
            }
        }
        found.output.is_some().then_some(found)
    }

    fn padded(&self, look: &Explainer) -> Option<Help> {
        let k = self.window.iter().filter_map(|id| look.sizes.number(*id)).max().filter(|k| k % 2 == 1 && *k > 1)?;
        let pad = format!("pad={}", k / 2);
        let edit = edits::argument(look, self.at, &pad)?;
        let by = vec![k.to_string(); self.window.len()].join("x");
        let text = format!("{pad} keeps the size under a {by} window with stride 1");
        Some(Help { text, edits: vec![edit] })
    }

    fn without_last(&self, look: &Explainer) -> Option<Help> {
        let at = look.chain(*self.input.first()?).last()?.at;
        let line = look.sources.position(at).0;
        let text = format!("or drop {} on line {line}", look.sources.text(at));
        Some(Help { text, edits: vec![edits::without_stage(look, at)?] })
    }

    fn arithmetic(&self, r: &Report) -> String {
        match self.output {
            Some(output) => r.arithmetic(output),
            None => format!("window {}, picture {}", r.by(&self.window), r.by(&self.input)),
        }
    }
}
