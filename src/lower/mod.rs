//! From a graph and its schedule to kernels and a plan.
