//! Elementwise operations need equal shapes: no axis is stretched.

use crate::problem::{Operand, Problem, Report};
use crate::size::{SizeId, Verdict};

/// Two tensors that meet elementwise have different shapes.
#[derive(Clone, Debug)]
pub struct UnequalShapes {
    /// What brings them together: `'+'`, `if`, `mse`.
    pub what: String,
    pub lhs: Operand,
    pub rhs: Operand,
}

impl UnequalShapes {
    /// Sizes that differ, counted from the last axis, as leading axes may be more on one side.
    fn differing(&self, r: &Report) -> Vec<SizeId> {
        let pairs = self.lhs.shape.iter().rev().zip(self.rhs.shape.iter().rev());
        let differ = pairs.filter(|(a, b)| r.sizes().compare(**a, **b) != Verdict::Equal);
        let mut found: Vec<SizeId> = differ.flat_map(|(a, b)| [*a, *b]).collect();
        found.reverse();
        found
    }
}

impl UnequalShapes {
    /// A picture is added to what layers made of it: what the skip connection lacks.
    fn skip(&self, r: &Report) -> Option<String> {
        let plain = |operand: &Operand| r.text(operand.at).chars().all(|c| c.is_alphanumeric() || c == '_');
        let pairs = [(&self.lhs, &self.rhs), (&self.rhs, &self.lhs)];
        let (main, skip) = pairs.into_iter().find(|(main, skip)| plain(skip) && self.shrinks(r, main, skip).is_some())?;
        let stride = self.shrinks(r, main, skip)?;
        let (channels, own) = (r.sizes().number(main.shape[0])?, r.sizes().number(skip.shape[0])?);
        let x = r.text(skip.at);
        let named = (r.named(channels), r.named(own), r.named(stride));
        let skip = match named {
            (Some(out), Some(own), Some(stride)) if stride != out => format!(
                "skip = if {stride} == 1 and {out} == {own} then {x} else {x} -> conv({out}, 1x1, stride={stride})"
            ),
            _ => format!("{x} -> conv({channels}, 1x1, stride={stride})"),
        };
        Some(format!("give the skip a 1x1 conv where shapes change:\n  {skip}"))
    }

    /// By how much the one picture is smaller than the other.
    fn shrinks(&self, r: &Report, main: &Operand, skip: &Operand) -> Option<i64> {
        if self.what != "'+'" || main.shape.len() != 3 || skip.shape.len() != 3 {
            return None;
        }
        let n = |id: &SizeId| r.sizes().number(*id).filter(|n| *n > 0);
        let (small, large) = (n(&main.shape[1])?, n(&skip.shape[1])?);
        (large % small == 0).then_some(large / small)
    }
}

impl Problem for UnequalShapes {
    fn report(&self, r: &mut Report) {
        let (lhs, rhs) = (r.shape(&self.lhs.shape), r.shape(&self.rhs.shape));
        r.headline(format!("{} needs equal shapes: {lhs} and {rhs}", self.what));
        r.label(self.lhs.at, lhs);
        r.label(self.rhs.at, rhs);
        let differing = self.differing(r);
        r.because(&differing);
        if let Some(skip) = self.skip(r) {
            r.help(skip);
        }
        if differing.is_empty() {
            let (a, b) = (self.lhs.shape.len(), self.rhs.shape.len());
            r.note(format!("one has {a} axes, the other {b}"));
        }
    }
}
