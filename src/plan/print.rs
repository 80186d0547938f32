//! A plan as two tables: steps and buffers.

use super::{Buffer, Place, Plan, Step};
use std::fmt;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut steps: Vec<Vec<String>> = Vec::new();
        self.steps.iter().enumerate().for_each(|(i, step)| self.step_rows(&format!("{i}:"), 0, step, &mut steps));
        let buffers: Vec<Vec<String>> = self.buffers.iter().map(|(id, b)| buffer_row(self, id.index(), b)).collect();
        writeln!(f, "steps")?;
        table(f, &steps)?;
        writeln!(f, "buffers")?;
        table(f, &buffers)?;
        writeln!(f, "arena {} bytes", self.arena)
    }
}

impl Plan {
    /// Of a loop its head, and its steps below it.
    fn step_rows(&self, number: &str, depth: usize, step: &Step, rows: &mut Vec<Vec<String>>) {
        if let Step::Loop { name, trip, body } = step {
            let head = format!("{}loop {name}, {trip} turns", "  ".repeat(depth));
            rows.push(vec![number.to_string(), head, String::new(), String::new()]);
            body.iter().for_each(|step| self.step_rows("", depth + 1, step, rows));
            return;
        }
        let mut row = self.step_row(number, step);
        row[1].insert_str(0, &"  ".repeat(depth));
        rows.push(row);
    }

    fn step_row(&self, number: &str, step: &Step) -> Vec<String> {
        let name = |id: &super::BufferId| self.buffers[*id].name.to_string();
        match step {
            Step::Loop { name, .. } => vec![number.to_string(), name.to_string()],
            Step::Call { kernel, buffers, in_place } => {
                let kernel = &self.kernels[*kernel];
                let buffers: Vec<String> = buffers.iter().map(name).collect();
                let place = if *in_place { ", in place" } else { "" };
                vec![
                    number.to_string(),
                    format!("call {}", kernel.name),
                    format!("({})", buffers.join(", ")),
                    format!("parts {}{place}", kernel.part_count()),
                ]
            }
            Step::Copy { from, to } => {
                vec![number.to_string(), "copy".to_string(), format!("({}, {})", name(from), name(to)), String::new()]
            }
        }
    }
}

fn buffer_row(plan: &Plan, index: usize, b: &Buffer) -> Vec<String> {
    let shape: Vec<String> = b.shape.iter().map(u32::to_string).collect();
    let role = |list: &[(crate::ids::Symbol, super::BufferId)]| list.iter().any(|(_, id)| id.index() == index);
    let role = match (role(&plan.inputs), role(&plan.outputs)) {
        (true, true) => "input and output",
        (true, false) => "input",
        (false, true) => "output",
        (false, false) => "",
    };
    let place = match &b.place {
        Place::Arena { offset, first, last } => {
            format!("bytes {offset}..{}, steps {first}..={last}", offset + 4 * u64::from(b.len))
        }
        Place::Store(name) => format!("kept as {name}"),
        Place::Constant(_) => "constant".to_string(),
        Place::Noise { key, normal: true } => format!("normal noise {key}"),
        Place::Noise { key, normal: false } => format!("uniform noise {key}"),
        Place::Host(expr) => format!("number {expr:?}"),
    };
    let elem = format!("{:?}", b.elem).to_lowercase();
    vec![b.name.to_string(), format!("[{}] {elem} x {}", shape.join(", "), b.len), place, role.to_string()]
}

/// Rows with aligned columns.
fn table(f: &mut fmt::Formatter<'_>, rows: &[Vec<String>]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |c: usize| rows.iter().filter_map(|r| r.get(c)).map(|cell| cell.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &w)| format!("{cell:<w$}")).collect();
        writeln!(f, "  {}", cells.join("  ").trim_end())?;
    }
    Ok(())
}
