//! Proves the invariants of a plan that is laid out: with `kernel::check` what every unsafe line of the runtime relies
//! on. Always run, in release too.

use super::layout::{ALIGN, bytes, lives, touched};
use super::{Buffer, BufferId, DEPTH, KernelId, Place, Plan, Step};
use crate::kernel::{self, BufferAccess, BufferIx, Elem};
use std::collections::BTreeMap;

type Checked = Result<(), String>;

/// Proves all invariants of the plan; the kernels' own are `kernel::check`'s.
///
/// # Errors
/// Says what is wrong, and where; that is a bug of what made the plan.
pub fn check(plan: &Plan) -> Checked {
    ids(plan)?;
    plan.buffers
        .iter()
        .try_for_each(|(id, b)| buffer(plan, b).map_err(|e| format!("buffer {} ({id}): {e}", b.name)))?;
    store_names(plan)?;
    plan.steps
        .iter()
        .enumerate()
        .try_for_each(|(i, step)| one_step(plan, step, &mut Vec::new()).map_err(|e| format!("step {i}: {e}")))?;
    reads_follow_writes(plan)?;
    arena(plan)
}

/// Every id leads somewhere.
fn ids(plan: &Plan) -> Checked {
    if !plan.inputs.iter().chain(&plan.outputs).all(|(_, b)| b.index() < plan.buffers.len()) {
        return Err("an input or output has no buffer".to_string());
    }
    match plan.steps.iter().position(|step| !ids_of(plan, step)) {
        Some(i) => Err(format!("step {i}: an unknown kernel or buffer, or another number of buffers")),
        None => Ok(()),
    }
}

fn ids_of(plan: &Plan, step: &Step) -> bool {
    let known = |b: &BufferId| b.index() < plan.buffers.len();
    match step {
        Step::Call { kernel, buffers, .. } => {
            kernel.index() < plan.kernels.len()
                && buffers.iter().all(known)
                && buffers.len() == plan.kernels[*kernel].buffers.len()
        }
        Step::Copy { from, to } => known(from) && known(to),
        Step::Loop { body, .. } => body.iter().all(|step| ids_of(plan, step)),
    }
}

fn buffer(plan: &Plan, b: &Buffer) -> Checked {
    let shape = b.shape.iter().try_fold(1u32, |product, &n| product.checked_mul(n));
    let fits = shape.is_some_and(|n| n <= b.len);
    match &b.place {
        Place::Arena { offset, .. } => {
            let end = offset.checked_add(bytes(b.len));
            let inside = offset % ALIGN == 0 && end.is_some_and(|end| end <= plan.arena);
            ok(inside && fits, "does not lie aligned inside the arena, or is shorter than its shape")
        }
        Place::Store(_) => ok(b.elem == Elem::F32 && shape == Some(b.len), "is kept row-major, as f32"),
        Place::Constant(values) => ok(values.len() == b.len as usize, "has another length than its numbers"),
        Place::Noise { .. } => {
            let examples = b.shape.first().copied().unwrap_or(1).max(1);
            ok(b.elem == Elem::F32 && b.len.is_multiple_of(examples), "has a batch first, of f32")
        }
        Place::Host(_) => ok(b.elem == Elem::F32 && b.len == 1, "is one f32"),
    }
}

fn ok(holds: bool, rule: &str) -> Checked {
    if holds { Ok(()) } else { Err(rule.to_string()) }
}

/// One buffer a name: two would be one memory.
fn store_names(plan: &Plan) -> Checked {
    let mut names: BTreeMap<&str, ()> = BTreeMap::new();
    for (_, b) in plan.buffers.iter() {
        if let Place::Store(name) = &b.place
            && names.insert(name, ()).is_some()
        {
            return Err(format!("{name} of the store has two buffers"));
        }
    }
    Ok(())
}

/// A step inside loops with these trips, outermost first.
fn one_step(plan: &Plan, step: &Step, trips: &mut Vec<u32>) -> Checked {
    if let Step::Loop { trip, body, .. } = step {
        ok(*trip > 0 && trips.len() < DEPTH, "a loop without a turn, or too deep inside others")?;
        trips.push(*trip);
        body.iter().try_for_each(|step| one_step(plan, step, trips))?;
        trips.pop();
        return Ok(());
    }
    for (buffer, access) in touched(plan, step) {
        let written = access != BufferAccess::Read;
        match &plan.buffers[buffer].place {
            Place::Arena { .. } | Place::Store(_) => {}
            Place::Constant(_) | Place::Noise { .. } | Place::Host(_) => {
                ok(!written, &format!("{} is written, but it is given", plan.buffers[buffer].name))?;
            }
        }
    }
    match step {
        Step::Call { kernel, buffers, in_place } => {
            let name = &plan.kernels[*kernel].name;
            ok(plan.kernels[*kernel].trips() == *trips, &format!("kernel {name} is called in other loops"))?;
            call(plan, *kernel, buffers, *in_place)
        }
        Step::Copy { from, to } => {
            let (from, to) = (&plan.buffers[*from], &plan.buffers[*to]);
            ok(from.len == to.len && from.elem == to.elem, "a copy between unlike buffers")
        }
        Step::Loop { .. } => Ok(()),
    }
}

fn call(plan: &Plan, kernel: KernelId, buffers: &[BufferId], in_place: bool) -> Checked {
    let kernel = &plan.kernels[kernel];
    for (declared, given) in kernel.buffers.iter().zip(buffers) {
        let given = &plan.buffers[*given];
        let fits = declared.len == given.len && declared.elem == given.elem;
        ok(fits, &format!("{} of kernel {} is given {}", declared.name, kernel.name, given.name))?;
    }
    for (i, a) in buffers.iter().enumerate() {
        for (j, b) in buffers.iter().enumerate().skip(i + 1).filter(|(_, b)| a == *b) {
            same_buffer(kernel, [i, j], in_place).map_err(|e| format!("{} twice: {e}", plan.buffers[*b].name))?;
        }
    }
    Ok(())
}

/// Two of a kernel's buffers are one.
fn same_buffer(kernel: &kernel::Kernel, [i, j]: [usize; 2], in_place: bool) -> Checked {
    let ix = |i: usize| i as kernel::BufferIx;
    match (kernel.buffers[i].access, kernel.buffers[j].access) {
        (BufferAccess::Read, BufferAccess::Read) => Ok(()),
        (BufferAccess::Read, BufferAccess::Write) if in_place => kernel::check::in_place(kernel, ix(i), ix(j)),
        (BufferAccess::Write, BufferAccess::Read) if in_place => kernel::check::in_place(kernel, ix(j), ix(i)),
        (BufferAccess::Read | BufferAccess::Write | BufferAccess::ReadWrite, _) => {
            Err(format!("kernel {} writes one of them, and the step is not in place", kernel.name))
        }
    }
}

fn reads_follow_writes(plan: &Plan) -> Checked {
    let given = |b: &Buffer| match &b.place {
        Place::Store(_) | Place::Constant(_) | Place::Noise { .. } | Place::Host(_) => true,
        Place::Arena { .. } => false,
    };
    let mut written: Vec<bool> = plan.buffers.iter().map(|(_, b)| given(b)).collect();
    plan.inputs.iter().for_each(|(_, b)| written[b.index()] = true);
    for (i, step) in plan.steps.iter().enumerate() {
        step_reads(plan, step, &mut written).map_err(|e| format!("step {i} {e}"))?;
    }
    match plan.outputs.iter().find(|(_, b)| !written[b.index()]) {
        Some((name, _)) => Err(format!("output {name} is never written")),
        None => Ok(()),
    }
}

/// The first turn of a loop finds least written.
fn step_reads(plan: &Plan, step: &Step, written: &mut [bool]) -> Checked {
    if let Step::Loop { body, .. } = step {
        return body.iter().try_for_each(|step| step_reads(plan, step, written));
    }
    for (buffer, access) in touched(plan, step) {
        let read = access != BufferAccess::Write;
        if read && !written[buffer.index()] && !fills_itself(plan, step, buffer) {
            return Err(format!("reads {}, which is not written yet", plan.buffers[buffer].name));
        }
    }
    for (buffer, access) in touched(plan, step) {
        written[buffer.index()] |= access != BufferAccess::Read;
    }
    Ok(())
}

/// Whether the step's kernel, in each part, stores to the buffer before it first loads from it: partial sums of its own.
fn fills_itself(plan: &Plan, step: &Step, buffer: BufferId) -> bool {
    match step {
        Step::Copy { .. } | Step::Loop { .. } => false,
        Step::Call { kernel, buffers, .. } => {
            let own = buffers.iter().position(|b| *b == buffer).expect("the step touches the buffer");
            plan.kernels[*kernel].stores_first(own as BufferIx)
        }
    }
}

/// Buffers that live at the same time do not overlap, each lives as long as it is used, and the arena is no larger
/// than it must be.
fn arena(plan: &Plan) -> Checked {
    let needed = lives(plan);
    let mut placed = Vec::new();
    for (id, b) in plan.buffers.iter() {
        if let Place::Arena { offset, first, last } = b.place {
            let need = needed[id.index()];
            ok(first <= need.0 && need.1 <= last, &format!("{} is used at steps {need:?} but lives less", b.name))?;
            placed.push((offset, offset + bytes(b.len), first, last, &b.name));
        }
    }
    // By offset, so that only neighbours up to the end have to be looked at.
    placed.sort();
    for (i, a) in placed.iter().enumerate() {
        for b in placed[i + 1..].iter().take_while(|b| b.0 < a.1) {
            if a.2 <= b.3 && b.2 <= a.3 {
                return Err(format!("{} and {} overlap and live at the same time", a.4, b.4));
            }
        }
    }
    let peak = placed.iter().map(|p| p.1).max().unwrap_or(0);
    ok(peak == plan.arena, "the arena is larger than its buffers")
}
