//! A file that is not there, or cannot be read.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// The source names a path that cannot be opened.
#[derive(Clone, Debug)]
pub struct FileMissing {
    /// The source call; none where the path came from the command line.
    pub at: Option<Span>,
    pub path: String,
    /// `there is no such file`, `permission denied`
    pub reason: String,
}

impl Problem for FileMissing {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{}: {}", self.path, self.reason));
        if let Some(at) = self.at {
            r.label(at, "read from here");
            r.help("paths are relative to the .net file; `--data DIR` looks in another folder");
        }
    }
}
