//! A window with steps that do not reach the last rows.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `(W - K + 2 P) % S` is not 0, and what is left over was there to be read.
#[derive(Clone, Debug)]
pub struct DropsRows {
    /// The call.
    pub at: Span,
    /// Window and picture: height and width, or one length.
    pub window: Vec<SizeId>,
    pub input: Vec<SizeId>,
    /// The output along an axis that loses something.
    pub output: SizeId,
    /// How many rows (or columns) are never read, in each axis.
    pub lost: Vec<i64>,
}

impl Problem for DropsRows {
    fn report(&self, r: &mut Report) {
        let (window, input) = (r.by(&self.window), r.by(&self.input));
        r.headline(format!("{window} windows over {input} drop the last {}", self.what()));
        r.label(self.at, format!("{}; {} never read", r.formula(self.output), self.rest(r)));
        r.help("padding reads them, or another stride does");
    }
}

impl DropsRows {
    fn what(&self) -> String {
        match self.lost[..] {
            [rows, columns] if rows > 0 && columns > 0 && rows.max(columns) == 1 => "row and column".to_string(),
            [rows, columns] if rows > 0 && columns > 0 => format!("{rows} rows and {columns} columns"),
            [0, 1] => "column".to_string(),
            [0, columns] => format!("{columns} columns"),
            [1, 0] => "row".to_string(),
            [rows, 0] => format!("{rows} rows"),
            _ => "elements".to_string(),
        }
    }

    fn rest(&self, r: &Report) -> String {
        let sized = self.input.iter().zip(&self.lost).zip(["row", "column"]);
        let parts: Vec<String> = sized
            .filter(|((_, lost), _)| **lost > 0)
            .filter_map(|((size, lost), name)| {
                let n = r.sizes().number(*size)?;
                let first = n - lost;
                Some(if *lost == 1 { format!("{name} {first}") } else { format!("{name}s {first} to {}", n - 1) })
            })
            .collect();
        let verb = if parts.len() == 1 && !parts[0].contains(" to ") { "is" } else { "are" };
        format!("{} {verb}", parts.join(" and "))
    }
}
