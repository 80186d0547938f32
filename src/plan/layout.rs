//! Gives each arena buffer its place: from the steps, when it is alive; then the larger ones first, each into the
//! smallest gap that its contemporaries leave.

use super::{BufferId, Place, Plan, Step};
use crate::kernel::BufferAccess;

/// The alignment of arena buffers, in bytes: a cache line, and the widest vector.
pub const ALIGN: u64 = 64;

/// Sets first, last and offset of every arena buffer, and the arena's size.
///
/// Inputs live from the first step on, outputs to the last.
///
/// # Panics
/// If the buffers together have 2^64 bytes or more.
pub fn layout(plan: &mut Plan) {
    let lives = lives(plan);
    let mut order: Vec<BufferId> = plan.buffers.ids().filter(|&b| is_arena(plan, b)).collect();
    let bytes: Vec<u64> = plan.buffers.iter().map(|(_, b)| bytes(b.len)).collect();
    // Stable, so ties keep the plan's order.
    order.sort_by_key(|b| std::cmp::Reverse(bytes[b.index()]));
    let mut placed: Vec<Placed> = Vec::new();
    for buffer in order {
        let size = bytes[buffer.index()];
        let (first, last) = lives[buffer.index()];
        let offset = best_fit(&placed, first, last, size);
        let end = offset.checked_add(size).expect("a plan has fewer than 2^64 bytes");
        placed.push(Placed { offset, end, first, last });
        plan.buffers[buffer].place = Place::Arena { offset, first, last };
    }
    plan.arena = placed.iter().map(|p| p.end).max().unwrap_or(0);
}

struct Placed {
    offset: u64,
    end: u64,
    first: u32,
    last: u32,
}

/// The start of the smallest gap among the buffers that live at the same time, or behind them all.
fn best_fit(placed: &[Placed], first: u32, last: u32, size: u64) -> u64 {
    let mut taken: Vec<(u64, u64)> =
        placed.iter().filter(|p| p.first <= last && first <= p.last).map(|p| (p.offset, p.end)).collect();
    taken.sort_unstable();
    let mut free = 0;
    let mut best: Option<(u64, u64)> = None;
    for (offset, end) in taken {
        let gap = offset.saturating_sub(free);
        if offset > free && gap >= size && best.is_none_or(|(smallest, _)| gap < smallest) {
            best = Some((gap, free));
        }
        free = free.max(end);
    }
    best.map_or(free, |(_, at)| at)
}

/// The size of a buffer in the arena.
pub(super) fn bytes(len: u32) -> u64 {
    (4 * u64::from(len)).next_multiple_of(ALIGN)
}

fn is_arena(plan: &Plan, buffer: BufferId) -> bool {
    matches!(plan.buffers[buffer].place, Place::Arena { .. })
}

/// The first and last step of each buffer's life; of one that is never used, 0 and 0. A loop is one step.
pub(super) fn lives(plan: &Plan) -> Vec<(u32, u32)> {
    let mut lives: Vec<Option<(u32, u32)>> = vec![None; plan.buffers.len()];
    let mut see = |buffer: BufferId, step: u32| {
        let life = &mut lives[buffer.index()];
        *life = Some(life.map_or((step, step), |(first, last)| (first.min(step), last.max(step))));
    };
    plan.inputs.iter().for_each(|(_, buffer)| see(*buffer, 0));
    for (i, step) in plan.steps.iter().enumerate() {
        touched(plan, step).for_each(|(buffer, _)| see(buffer, i as u32));
    }
    let end = plan.steps.len().saturating_sub(1) as u32;
    plan.outputs.iter().for_each(|(_, buffer)| see(*buffer, end));
    lives.into_iter().map(|life| life.unwrap_or((0, 0))).collect()
}

/// The buffers of a step, and how it uses them.
pub(super) fn touched<'p>(plan: &'p Plan, step: &'p Step) -> Box<dyn Iterator<Item = (BufferId, BufferAccess)> + 'p> {
    match step {
        Step::Call { kernel, buffers, .. } => {
            let accesses = plan.kernels[*kernel].buffers.iter().map(|b| b.access);
            Box::new(buffers.iter().copied().zip(accesses))
        }
        Step::Copy { from, to } => Box::new([(*from, BufferAccess::Read), (*to, BufferAccess::Write)].into_iter()),
        Step::Loop { body, .. } => Box::new(body.iter().flat_map(|step| touched(plan, step))),
    }
}
