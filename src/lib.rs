//! Brolga: a model compiler. A `.net` file walks through it in one direction:
//!
//! ```text
//! text -- source --> tree -- check --> checked net -- elaborate --> Graph -- grad --> Graph
//!      -- schedule, lower --> Kernels + Plan -- codegen --> bytes -- runtime --> numbers
//! ```
//!
//! A room may use only rooms that stand above it in this list.

pub mod ids;
pub mod target;
pub mod circles;
pub mod noise;
pub mod span;
pub mod diagnostic;
pub mod source;
pub mod size;
pub mod problem;
pub mod library;
pub mod check;
pub mod graph;
pub mod grad;
pub mod schedule;
pub mod kernel;
pub mod plan;
pub mod lower;
pub mod codegen;
pub mod runtime;
pub mod data;
pub mod compile;
pub mod emit;
pub mod train;
pub mod cli;
