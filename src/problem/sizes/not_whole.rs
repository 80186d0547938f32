//! `/` between sizes comes out whole, or it is an error.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `d = D / heads` where 6 heads shall share 128 numbers.
#[derive(Clone, Debug)]
pub struct NotWhole {
    /// The division.
    pub at: Span,
    pub lhs: SizeId,
    pub rhs: SizeId,
}

impl Problem for NotWhole {
    fn report(&self, r: &mut Report) {
        let (lhs, rhs) = (r.size(self.lhs), r.size(self.rhs));
        r.headline(format!("{lhs} / {rhs} does not come out whole"));
        match (r.sizes().number(self.lhs), r.sizes().number(self.rhs)) {
            (Some(a), Some(b)) if a > 0 && b > 1 => {
                r.label(self.at, format!("{a} = {b}·{} + {}", a / b, a % b));
                r.because(&[self.lhs, self.rhs]);
                r.help(neighbours(a, b));
            }
            _ => {
                r.label(self.at, format!("{lhs} is no multiple of {rhs}"));
                r.because(&[self.lhs, self.rhs]);
            }
        }
        r.help("'//' rounds down, if that is meant");
    }
}

/// What divides the number, and which numbers near it are divided.
fn neighbours(a: i64, b: i64) -> String {
    let divisors: Vec<String> = (1..=a.min(64)).filter(|d| a % d == 0).map(|d| d.to_string()).collect();
    let below = a - a % b;
    let near = if below > 0 { format!("{below}, {}", below + b) } else { format!("{}", below + b) };
    format!("{a} is divided by {}; numbers near it that {b} divides: {near}", divisors.join(", "))
}
