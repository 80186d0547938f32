//! Examples of another shape than the file says.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// Pictures of 32x32 where `[1, 28, 28]` is declared.
#[derive(Clone, Debug)]
pub struct DataShape {
    /// The field.
    pub at: Span,
    pub what: String,
    pub declared: Vec<SizeId>,
    /// `28`, or `7 to 29` where examples differ.
    pub found: Vec<String>,
    pub source: Span,
}

impl Problem for DataShape {
    fn report(&self, r: &mut Report) {
        let declared = r.shape(&self.declared);
        let found = format!("[{}]", self.found.join(", "));
        r.headline(format!("{} is {declared}, and the data has {found}", self.what));
        r.label(self.at, declared);
        r.label(self.source, found);
        if self.found.iter().any(|size| size.contains(" to ")) {
            r.help("a name in place of a size, such as the T of `[T, 3]`, lets each example have its own");
        }
    }
}
