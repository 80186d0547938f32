//! A checkpoint that is no whole checkpoint.

use crate::problem::{Problem, Report};

/// Truncated, changed, or of another format.
#[derive(Clone, Debug)]
pub struct CheckpointDamaged {
    pub path: String,
    /// `its SHA-256 does not match`, `it ends after 120 of 4096 bytes`
    pub reason: String,
}

impl Problem for CheckpointDamaged {
    fn report(&self, r: &mut Report) {
        r.headline(format!("{} is no whole checkpoint: {}", self.path, self.reason));
        r.help("an earlier one lies beside it if training was stopped; else train again");
    }
}
