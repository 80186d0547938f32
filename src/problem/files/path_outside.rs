//! A path that leaves the project.

use crate::problem::{Problem, Report};
use crate::source::Span;

/// `folder("../../etc")`
#[derive(Clone, Debug)]
pub struct PathOutside {
    pub at: Span,
    pub path: String,
}

impl Problem for PathOutside {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} leaves the project's folder", self.path));
        r.label(self.at, "outside of the .net file's folder");
        r.help("`--data DIR` says where data lie that are not in the project");
    }
}
