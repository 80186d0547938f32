//! A window larger than the picture that it slides over.

use crate::diagnostic::Help;
use crate::problem::{Problem, Report, edits};
use crate::size::{Explainer, SizeId};
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
        let words = format!("a {window} window does not fit into {input}");
        r.headline(self.text.clone().unwrap_or(words));
        r.label(self.at, self.arithmetic(r));
        r.chain(&self.input);
        r.help("a smaller window, padding, or fewer steps that shrink the picture before it");
    }

    /// Padding that keeps the size under an odd window.
    fn candidates(&self, look: &Explainer) -> Vec<Help> {
        let largest = self.window.iter().filter_map(|id| look.sizes.number(*id)).max();
        let Some(k) = largest.filter(|k| k % 2 == 1 && *k > 1) else { return Vec::new() };
        let pad = format!("pad={}", k / 2);
        let here = edits::argument(look, self.at, &pad).map(|edit| Help {
            text: format!("{pad} keeps the size under a {k}x{k} window with stride 1"),
            edits: vec![edit],
        });
        here.into_iter().collect()
    }
}

impl WindowTooLarge {
    fn arithmetic(&self, r: &Report) -> String {
        match self.output {
            Some(output) => r.arithmetic(output),
            None => format!("window {}, picture {}", r.by(&self.window), r.by(&self.input)),
        }
    }
}
