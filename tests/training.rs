//! Trainings: optimisers and schedules against formulas written out in f64, several objectives, noise, kept state, runs
//! that are interrupted.

mod exact;
mod objectives;
mod optimisers;
mod runs;
