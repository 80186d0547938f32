//! `show` of something that cannot be drawn.

use crate::problem::{Problem, Report};
use crate::size::SizeId;
use crate::source::Span;

/// `show z every epoch`, where z is `[64]`.
#[derive(Clone, Debug)]
pub struct NoPicture {
    pub at: Span,
    pub shape: Vec<SizeId>,
}

impl Problem for NoPicture {
    fn report(&self, r: &mut Report) {
        let shape = r.shape(&self.shape);
        r.headline(format!("show draws pictures, and this is {shape}"));
        r.label(self.at, shape);
        r.help(
            "a picture is [H, W], [1, H, W] (grey) or [3, H, W] (red, green, blue); `reshape` makes one of a vector",
        );
    }
}
