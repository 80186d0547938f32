//! One line a finding, for editors and scripts: `nets/deep.net:6:6: error[E0302]: a 3x3 window does not fit into 1x1`.

use super::Diagnostic;
use crate::span::Sources;

/// One diagnostic, with a line end behind it.
pub fn render(sources: &Sources, diagnostic: &Diagnostic) -> String {
    let word = if diagnostic.is_error() { "error" } else { "warning" };
    let told = format!("{word}[{}]: {}\n", diagnostic.code, diagnostic.headline);
    match diagnostic.labels.first() {
        None => told,
        Some(label) => {
            let (line, column) = sources.position(label.at);
            format!("{}:{line}:{column}: {told}", sources.get(label.at.source).path)
        }
    }
}
