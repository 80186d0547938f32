//! What the data hold is not what the file says of them, or not what the net takes.

use crate::ids::Symbol;
use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// A number that two places give differently: classes, channels, height, width, columns.
#[derive(Clone, Debug)]
pub struct DataDisagrees {
    /// What is counted: `classes`, `characters`.
    pub unit: String,
    /// The constant that the field's number comes from, if it has a name.
    pub constant: Option<Symbol>,
    /// The source, and how many it has.
    pub source: Span,
    pub found: i64,
    /// What it holds, to be listed: the names of the classes.
    pub names: Vec<String>,
    /// The field of the `data` item.
    pub field: Option<(Span, i64)>,
    /// The net's output or input.
    pub net: Option<SizeId>,
}

impl Problem for DataDisagrees {
    fn report(&self, r: &mut Report) {
        let unit = &self.unit;
        let other = match (self.net, self.field) {
            (Some(n), _) => format!("the net has {}", r.size(n)),
            (None, Some((_, n))) => format!("the file says {n}"),
            (None, None) => "the file says otherwise".to_string(),
        };
        r.headline(format!("the data has {} {unit}, {other}", self.found));
        r.label(self.source, self.listed());
        if let Some((at, n)) = self.field {
            let last = n - 1;
            r.label(at, if unit == "classes" { format!("labels are 0 to {last}") } else { format!("{n} {unit}") });
        }
        r.because(self.net.as_slice());
        r.help(match &self.constant {
            Some(name) => format!("`let {name} = {}`", self.found),
            None => format!("`let {unit} = {}`, and `{unit}` in the net and in the data item", self.found),
        });
    }
}

impl DataDisagrees {
    /// `12 folders: bear, bird, cat, ... wolf, zebra; wolf would be 10, zebra 11`
    fn listed(&self) -> String {
        if self.names.is_empty() {
            return format!("{} {}", self.found, self.unit);
        }
        let mut text = format!("{} {}: {}", self.found, self.unit, crate::problem::words::list(&self.names));
        let known = self.field.map_or(self.found, |(_, n)| n).max(0) as usize;
        let beyond = self.names.iter().enumerate().skip(known).take(3);
        let beyond: Vec<String> = beyond.map(|(i, name)| format!("{name} {i}")).collect();
        if !beyond.is_empty() {
            let first = beyond[0].replacen(' ', " would be ", 1);
            text.push_str(&format!("; {}", [&[first], &beyond[1..]].concat().join(", ")));
        }
        text
    }
}
