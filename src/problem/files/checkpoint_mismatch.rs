//! Weights that belong to another net.

use crate::problem::{Problem, Report};

/// Names and shapes that differ between file and net.
#[derive(Clone, Debug)]
pub struct CheckpointMismatch {
    pub path: String,
    /// Name, the net's shape, the file's shape; none where one lacks it.
    pub rows: Vec<(String, Option<String>, Option<String>)>,
}

impl Problem for CheckpointMismatch {
    fn report(&self, r: &mut Report) {
        let n = self.rows.len();
        let tensors = if n == 1 { "tensor differs".to_string() } else { format!("{n} tensors differ") };
        let first = self.rows.first().map(row).unwrap_or_default();
        let headline = if n == 1 { format!("{}: {first}", self.path) } else { format!("{}: {tensors}: {first}", self.path) };
        r.headline(headline);
        for differing in self.rows.iter().skip(1).take(SHOWN) {
            r.note(row(differing));
        }
        if n > SHOWN + 1 {
            r.note(format!("and {} more", n - SHOWN - 1));
        }
        r.help("these weights were saved by another net, or the net was changed since");
    }
}

/// So many rows are shown below the first one.
const SHOWN: usize = 7;

fn row((name, net, file): &(String, Option<String>, Option<String>)) -> String {
    match (net, file) {
        (Some(net), Some(file)) => format!("{name} is {net} in the net, {file} in the file"),
        (Some(net), None) => format!("{name} {net} is not in the file"),
        (None, Some(file)) => format!("{name} {file} is not in the net"),
        (None, None) => name.clone(),
    }
}
