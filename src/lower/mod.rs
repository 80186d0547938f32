//! A graph and its schedule become kernels and a plan.
//!
//! `space` turns accesses into flat addresses, `body` gives the value of an expression at a point, `nest` is the general
//! loop nest, `scatter` sums into addresses that data name, `math` has the costly functions, `place` puts tensors
//! into buffers. **Invariants**: total on every valid graph without cycles; every element of a buffer is written before
//! it is read; nothing depends on the number of threads or on hash order.

use crate::graph::Graph;
use crate::plan::Plan;
use crate::schedule::{self, Schedule};
use crate::target::Target;

pub mod body;
pub mod contract;
pub mod math;
pub mod nest;
pub mod place;
pub mod reduce;
pub mod scatter;

/// The plan of a graph: schedule it, then follow the schedule.
pub fn lower(graph: &Graph, target: Target) -> Plan {
    follow(&schedule::schedule(graph, target))
}

/// Needs a schedule of a valid graph. Leaves a plan that `plan::check` accepts.
pub fn follow(schedule: &Schedule) -> Plan {
    place::Planner::new(schedule).plan()
}
