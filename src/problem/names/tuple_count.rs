//! As many names on the left as there are values on the right.

use crate::problem::{Problem, Report, words};
use crate::source::Span;

/// `(mean, spread) = Encoder(x)` where Encoder has another number of outputs.
#[derive(Clone, Debug)]
pub struct TupleCount {
    pub at: Span,
    pub names: usize,
    pub values: usize,
}

impl Problem for TupleCount {
    fn report(&self, r: &mut Report) {
        let (names, values) = (self.names, self.values);
        r.headline(format!("{} for {}", words::count(names, "name", "names"), words::count(values, "value", "values")));
        r.label(self.at, format!("{} on the left", words::count(names, "name", "names")));
        r.help("a net with several outputs gives them in the order of its head");
    }
}
