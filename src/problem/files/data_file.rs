//! A data file that does not hold what it should.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// Path, place in the file, expected, found.
#[derive(Clone, Debug)]
pub struct DataFile {
    /// The source call.
    pub at: Option<Span>,
    pub path: String,
    /// `byte 4`, `line 12, column "age"`, `array x`
    pub place: Option<String>,
    pub expected: String,
    pub found: String,
}

impl Problem for DataFile {
    fn report(&self, r: &mut Report) {
        let place = self.place.as_ref().map_or(String::new(), |place| format!(", {place}"));
        r.headline(format!("{}{place}: {} expected, {} found", self.path, self.expected, self.found));
        if let Some(at) = self.at {
            r.label(at, "read from here");
        }
    }
}
