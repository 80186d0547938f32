//! Equations: their text, their meaning, their checks, and that rewriting keeps the meaning.

mod help;
mod text;
mod interp;
mod check;
mod normal;
mod meaning;
mod cost;
mod random;
mod nets;
mod split;
mod recurrence;
