//! Steps, epochs, checkpoints, metrics.
