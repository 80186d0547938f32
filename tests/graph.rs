//! Equations: their text, their meaning, their checks, and that rewriting keeps the meaning.

mod interp;
mod text;
