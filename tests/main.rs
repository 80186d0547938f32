//! All tests of the house, one binary: cases are data in the folders beside this file.
#![allow(clippy::unwrap_used)]

mod check;
mod checked;
mod cli;
mod data;
mod examples;
mod explain;
mod gradients;
mod graph;
mod kernel;
mod library;
mod lowering;
mod manual;
mod modules;
mod problems;
mod properties;
mod random_kernels;
mod runtime;
mod stages;
mod stepwise;
mod syntax;
mod tidy;
mod train;
mod training;
mod wide;
mod worked;
mod time;
