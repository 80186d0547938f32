//! Equations: their text, their meaning, their checks, and that rewriting keeps the meaning.

mod check;
mod interp;
mod text;
