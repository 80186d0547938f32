//! How much work a kernel is, counted in machine instructions: an estimate, for deciding what is worth a thread.

use super::*;

/// About how many 128-bit instructions all parts take together.
pub fn instructions(kernel: &Kernel) -> u64 {
    list(kernel, &kernel.body).saturating_mul(kernel.part_count())
}

/// About how many 128-bit instructions a list takes when it runs once; both branches count.
pub fn list(kernel: &Kernel, stmts: &[Stmt]) -> u64 {
    stmts.iter().map(|s| stmt(kernel, s)).fold(0, u64::saturating_add)
}

fn stmt(kernel: &Kernel, stmt: &Stmt) -> u64 {
    let chunks = |v: ValueId| u64::from(kernel.values[v].lanes.div_ceil(4));
    match stmt {
        Stmt::Let(_, Op::F32(_) | Op::I32(_) | Op::Iota) => 0,
        Stmt::Let(_, Op::Load(place)) if place.stride == 0 => 1,
        Stmt::Let(_, Op::Load(place)) if place.stride != 1 => u64::from(place.live),
        Stmt::Let(_, Op::Fold(_, a)) => 4 + chunks(*a),
        Stmt::Let(v, _) => chunks(*v),
        Stmt::Store { place, value } if place.stride == 1 => chunks(*value),
        Stmt::Store { place, .. } => u64::from(place.live),
        Stmt::Loop(l) => u64::from(l.trip).saturating_mul(list(kernel, &l.body)).saturating_add(4),
        Stmt::If { then, otherwise, .. } => {
            list(kernel, then).saturating_add(list(kernel, otherwise)).saturating_add(2)
        }
    }
}
