//! How much work a kernel is: instructions as an estimate, for deciding what is worth a thread; arithmetic and bytes for
//! reports.

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

/// What all parts of a kernel do.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Work {
    /// Operations on f32, a multiply-add being two, in all lanes.
    pub flops: u64,
    /// Of the buffers, those that are read and written twice.
    pub bytes: u64,
}

/// The work of all parts; a condition counts by the share of its variables' values that it holds for.
pub fn work(kernel: &Kernel) -> Work {
    let bytes = |b: &Buffer| 4 * u64::from(b.len) * if b.access == BufferAccess::ReadWrite { 2 } else { 1 };
    let mut trips: Vec<u32> = vec![1; kernel.vars.len()];
    kernel.parts.iter().for_each(|&(var, trip)| trips[var.index()] = trip);
    let flops = flops(kernel, &kernel.body, &mut trips) * kernel.part_count() as f64;
    Work { flops: flops as u64, bytes: kernel.buffers.iter().map(bytes).sum() }
}

fn flops(kernel: &Kernel, stmts: &[Stmt], trips: &mut Vec<u32>) -> f64 {
    let lanes = |v: ValueId| f64::from(kernel.values[v].lanes);
    let one = |stmt: &Stmt, trips: &mut Vec<u32>| match stmt {
        Stmt::Let(v, Op::Fma(..)) => 2.0 * lanes(*v),
        Stmt::Let(v, Op::Binary(..) | Op::Unary(Unary::Sqrt, _)) if kernel.values[*v].base == Base::F32 => lanes(*v),
        Stmt::Let(_, Op::Fold(_, a)) => lanes(*a) - 1.0,
        Stmt::Let(..) | Stmt::Store { .. } => 0.0,
        Stmt::Loop(l) => {
            trips[l.var.index()] = l.trip;
            f64::from(l.trip) * flops(kernel, &l.body, trips)
        }
        Stmt::If { conditions, then, otherwise } => {
            let share = share(conditions, trips);
            share * flops(kernel, then, trips) + (1.0 - share) * flops(kernel, otherwise, trips)
        }
    };
    stmts.iter().map(|s| one(s, trips)).sum()
}

/// The share of the values of the variables in some conditions for which all hold; 1 where they are too many to try.
fn share(conditions: &[Condition], trips: &[u32]) -> f64 {
    const TRIED: u64 = 10_000;
    let mut vars: Vec<VarId> = conditions.iter().flat_map(|c| c.form.terms.iter().map(|t| t.0)).collect();
    vars.sort_unstable();
    vars.dedup();
    let points = vars.iter().map(|v| u64::from(trips[v.index()])).fold(1, u64::saturating_mul);
    if points == 0 || points > TRIED {
        return 1.0;
    }
    let holds = |point: &u64| {
        let mut rest = *point;
        let digit = |v: &VarId| {
            let trip = u64::from(trips[v.index()]);
            let digit = rest % trip;
            rest /= trip;
            digit as i64
        };
        let values: Vec<i64> = vars.iter().map(digit).collect();
        let value = |var: VarId| values[vars.iter().position(|v| *v == var).expect("collected above")];
        conditions.iter().all(|c| {
            let x = c.form.eval(value);
            if c.equal { x == 0 } else { x >= 0 }
        })
    };
    (0..points).filter(holds).count() as f64 / points as f64
}
