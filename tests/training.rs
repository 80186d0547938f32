//! Trainings: optimisers and schedules against formulas written out in f64, several objectives, noise, kept state, runs
//! that are interrupted.

mod exact;
mod measures;
mod objectives;
mod optimisers;
mod runs;
