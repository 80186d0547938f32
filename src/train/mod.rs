//! Steps, epochs, checkpoints, metrics.

pub mod checkpoint;
pub mod epoch;
pub mod measure;
pub mod metrics;
pub mod oracle;
pub mod progress;
pub mod random;
pub mod session;
pub mod stepper;
