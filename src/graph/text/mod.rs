//! The printed form of a graph, one line an equation, and its reader; `print(read(text)) == text`.
//!
//! ```text
//! input x: [4, 784]
//! input label: [4] of index(10)
//! param w: [784, 10]
//! tensor y: [4, 10]
//! y[n, o] = sum(k < 784: x[n, k] * w[k, o])
//! y[n, o] = if o >= 1 and o == label[n] then x[n, 0]
//! y[n, o] = if o >= 1 then x[n, o - 1] else 0
//! y[n, o] = if (x[n, o] < 0) then 0 else x[n, o]
//! for i < 2, phase u < 2: y[2*i + u, 0] = index(i) + exp(x[0, i])
//! output loss = y
//! update w = y
//! ```
//!
//! Tensors stand first, in their order: `input`, `param`, `state`, `const c: [2] = 1, 2`, `noise e: [4, 2] ~ normal
//! key`, `host lr: [] = 0.1 * step / steps`, `tensor`; `nothing y` is a definition without pieces. An `if` without
//! `else` behind the `=` or the reduced axes holds the equation's guards; a comparison of numbers stands in
//! parentheses, a guard never does. Without `for`, each coordinate of the write is a number or an axis that runs over
//! all of it. Names of other characters are quoted; a name met before gets a tick and its id.

mod print;
mod term;
mod read;

pub use print::{equation, names, print, recurrences};
pub use read::read;

/// Words that are no names of axes or tensors.
const WORDS: [&str; 10] = ["if", "then", "else", "and", "for", "phase", "inf", "nan", "index", "of"];
