//! Windows that slide: what a size of the form `floor((W - K + 2 P) / S) + 1` says of them.

use crate::size::{Formula, Rule, SizeId, Sizes};

/// One axis of a sliding window.
pub struct Slide {
    pub window: SizeId,
    pub input: SizeId,
    pub output: SizeId,
    /// How many of the last elements no window reads, though windows stand side by side.
    pub lost: i64,
}

impl Slide {
    /// The window that a size tells of, if it does.
    pub fn of(sizes: &Sizes, size: SizeId) -> Option<Slide> {
        let output = sizes.made(size);
        let reason = &sizes.all[output].reason;
        let Rule::Computed(Formula::Add(floor, one)) = &reason.rule else { return None };
        let (Formula::Floor(gap, step), Formula::Number(1)) = (&**floor, &**one) else { return None };
        let (difference, padded) = match &**gap {
            Formula::Add(difference, twice) => (&**difference, Some(&**twice)),
            difference => (difference, None),
        };
        let Formula::Sub(input, window) = difference else { return None };
        let (Formula::From(input), Formula::From(window)) = (&**input, &**window) else { return None };
        let (input, window) = (reason.from[*input], reason.from[*window]);
        let number = |formula: &Formula| match formula {
            Formula::Number(n) => Some(*n),
            Formula::From(i) => sizes.number(reason.from[*i]),
            _computed => None,
        };
        let pad = match padded {
            None => 0,
            Some(Formula::Mul(two, pad)) if **two == Formula::Number(2) => number(pad)?,
            Some(_) => return None,
        };
        let (n, k, s) = (sizes.number(input)?, sizes.number(window)?, number(step)?);
        let out = sizes.number(output)?;
        // One past the last element that a window reads.
        let read = (out - 1) * s + k - pad;
        let lost = if k >= s && out > 0 { (n - read).max(0) } else { 0 };
        Some(Slide { window, input, output, lost })
    }
}
