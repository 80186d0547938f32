//! A subscript that leaves its axis.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `x[k + 2]` where `k` runs so far that the axis ends before.
#[derive(Clone, Debug)]
pub struct OutOfRange {
    /// The subscript.
    pub at: Span,
    /// Its smallest and largest value, if they are numbers.
    pub values: Option<(i64, i64)>,
    /// The axis.
    pub extent: SizeId,
    /// The tensor, as written.
    pub tensor: String,
}

impl Problem for OutOfRange {
    fn report(&self, r: &mut Report) {
        let (text, extent) = (r.text(self.at), r.size(self.extent));
        let last = r.sizes().number(self.extent).map_or(format!("{extent} - 1"), |n| (n - 1).to_string());
        let reaches = match self.values {
            Some((low, high)) if low == high && text == low.to_string() => format!("there is no element {text}"),
            Some((low, high)) if low == high => format!("{text} is {low}"),
            Some((low, _)) if low < 0 => format!("{text} begins at {low}"),
            Some((_, high)) => format!("{text} reaches {high}"),
            None => format!("{text} leaves its axis"),
        };
        r.headline(format!("{reaches}: that axis of {} has {extent}, 0 to {last}", self.tensor));
        r.label(self.at, format!("{extent} elements: 0 to {last}"));
        r.because(&[self.extent]);
        match self.values {
            Some((low, high)) if low == high => {}
            Some((low, _)) if low < 0 => r.help(format!("guard it: `if 0 <= {text} then ... else 0`")),
            Some(_) | None => {
                r.help(format!("guard it (`if {text} < {extent} then ... else 0`), or bound its index: `k < n`"));
            }
        }
    }
}
