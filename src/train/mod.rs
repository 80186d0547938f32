//! Steps, epochs, checkpoints, metrics.

pub mod random;
