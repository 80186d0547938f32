//! `brolga bench --profile`: where the time of a step goes, kernel by kernel.

use super::output;
use crate::codegen::wide;
use crate::kernel::cost;
use crate::plan::{self, Plan};
use crate::schedule::{Schedule, text};
use crate::target::Target;
use comfy_table::{CellAlignment, Table, presets};
use std::time::Duration;

/// Prints the table: each step's least time, its share, its rates, what made its code, and how it is scheduled.
///
/// `times` has a time for each step of the plan; the schedule's steps are the plan's first ones. Bytes are those of
/// the kernel's buffers, each once.
pub fn print(plan: &Plan, schedule: &Schedule, times: &[Duration], target: Target) {
    let total: f64 = times.iter().map(Duration::as_secs_f64).sum::<f64>().max(1e-12);
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(times[i]));
    let mut table = Table::new();
    table.load_preset(presets::NOTHING);
    table.set_header(["us", "share", "GFLOP/s", "GB/s", "code", "kernel", "schedule"]);
    let mut flops = 0;
    for i in order {
        let seconds = times[i].as_secs_f64().max(1e-12);
        let (work, code, name) = about(plan, &plan.steps[i], target);
        flops += work.flops;
        table.add_row([
            format!("{:.1}", seconds * 1e6),
            format!("{:.1} %", 100.0 * seconds / total),
            format!("{:.1}", work.flops as f64 / seconds / 1e9),
            format!("{:.1}", work.bytes as f64 / seconds / 1e9),
            code,
            name,
            schedule.steps.get(i).map_or(String::new(), text::brief),
        ]);
    }
    for column in 0..4 {
        table.column_mut(column).expect("the header has set it").set_cell_alignment(CellAlignment::Right);
    }
    output::line(&table.trim_fmt());
    let rate = flops as f64 / total / 1e9;
    output::line(&format!("{:.1} us in {} steps, {rate:.1} GFLOP/s", total * 1e6, times.len()));
}

/// A step's work, the back end that made its code, its name.
fn about(plan: &Plan, step: &plan::Step, target: Target) -> (cost::Work, String, String) {
    match step {
        plan::Step::Call { kernel, .. } => {
            let kernel = &plan.kernels[*kernel];
            let code = match wide::compile(kernel, target) {
                Ok(_) => target.name().to_string(),
                Err(refusal) if target != Target::Clif => format!("clif: {}", refusal.0),
                Err(_) => target.name().to_string(),
            };
            (cost::work(kernel), code, kernel.name.to_string())
        }
        plan::Step::Copy { from, .. } => {
            let buffer = &plan.buffers[*from];
            let work = cost::Work { flops: 0, bytes: 8 * u64::from(buffer.len) };
            (work, String::new(), format!("copy of {}", buffer.name))
        }
        plan::Step::Loop { name, trip, body } => {
            let mut all = cost::Work { flops: 0, bytes: 0 };
            let mut codes: Vec<String> = Vec::new();
            for (work, code, _) in body.iter().map(|step| about(plan, step, target)) {
                all.flops += u64::from(*trip) * work.flops;
                all.bytes += u64::from(*trip) * work.bytes;
                if !codes.contains(&code) {
                    codes.push(code);
                }
            }
            (all, codes.join(", "), format!("loop over {name}"))
        }
    }
}
