//! How long some x86 code will run, estimated from its loops: enough to choose between styles.
//!
//! Counted for a core that takes 6 instructions, 2 multiply-adds and 2 vector loads in a cycle (Zen 3 to 5; Intel's
//! larger cores are alike), where a sum that goes over the stack waits (measured on Zen 4: 4 to 6 cycles each). The
//! trips of loops are read from their first instruction, which compares the counter.

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess, Register,
};
use std::collections::BTreeSet;

/// A slowness with which nobody needs to look further.
pub(super) const GOOD: f64 = 1.12;

const INSTRUCTIONS: f64 = 6.0;
const MULTIPLY_ADDS: f64 = 2.0;
const LOADS: f64 = 2.0;
const SPILL: f64 = 4.0;

/// Estimated cycles of the code, over the cycles that its multiply-adds alone take; infinite if there is none.
pub(super) fn slowness(code: &[u8]) -> f64 {
    let blocks = blocks(code);
    let mut turns = vec![1.0; blocks.len()];
    for (head, inside) in loops(&blocks) {
        let trips = trips(&blocks, head, &inside);
        inside.iter().for_each(|&block| turns[block] *= trips);
    }
    let mut info = InstructionInfoFactory::new();
    let (mut cycles, mut least) = (0.0, 0.0);
    for (block, turns) in blocks.iter().zip(turns) {
        let c = block.iter().fold(Counts::default(), |c, i| count(c, i, &mut info));
        let adds = c.multiply_adds / MULTIPLY_ADDS;
        cycles += turns * ((c.instructions / INSTRUCTIONS).max(c.loads / LOADS).max(adds) + SPILL * c.spills);
        least += turns * adds;
    }
    cycles / least
}

/// Of one block.
#[derive(Clone, Copy, Default)]
struct Counts {
    instructions: f64,
    multiply_adds: f64,
    loads: f64,
    spills: f64,
}

fn count(mut c: Counts, i: &Instruction, info: &mut InstructionInfoFactory) -> Counts {
    c.instructions += 1.0;
    let fused = [Mnemonic::Vfmadd213ps, Mnemonic::Vfmadd132ps, Mnemonic::Vfmadd213ss, Mnemonic::Vfmadd132ss];
    if fused.contains(&i.mnemonic()) {
        c.multiply_adds += 1.0;
    }
    let vector = i.op_register(0).is_xmm() || i.op_register(1).is_xmm();
    for memory in info.info(i).used_memory().iter().filter(|_| vector) {
        match memory.access() == OpAccess::Write {
            true if memory.base() == Register::RSP => c.spills += 1.0,
            true => {}
            false => c.loads += 1.0,
        }
    }
    c
}

/// The code cut behind its jumps and before their targets.
fn blocks(code: &[u8]) -> Vec<Vec<Instruction>> {
    let decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let all: Vec<Instruction> = decoder.into_iter().collect();
    let targets: BTreeSet<u64> = all.iter().filter(|i| jumps(i)).map(Instruction::near_branch_target).collect();
    let mut blocks: Vec<Vec<Instruction>> = Vec::new();
    let mut fresh = true;
    for i in all {
        if fresh || targets.contains(&i.ip()) {
            blocks.push(Vec::new());
        }
        fresh = i.flow_control() != FlowControl::Next;
        blocks.last_mut().expect("the first instruction begins a block").push(i);
    }
    blocks
}

fn jumps(i: &Instruction) -> bool {
    matches!(i.flow_control(), FlowControl::UnconditionalBranch | FlowControl::ConditionalBranch)
}

/// For each loop its head, and the blocks from which the head is reached again without leaving.
fn loops(blocks: &[Vec<Instruction>]) -> Vec<(usize, BTreeSet<usize>)> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); blocks.len()];
    for (at, block) in blocks.iter().enumerate() {
        let last = block.last().expect("blocks are not empty");
        if let Ok(to) = blocks.binary_search_by_key(&last.near_branch_target(), |b| b[0].ip())
            && jumps(last)
        {
            before[to].push(at);
        }
        let falls = !matches!(last.flow_control(), FlowControl::UnconditionalBranch | FlowControl::Return);
        if falls && at + 1 < blocks.len() {
            before[at + 1].push(at);
        }
    }
    let mut found = Vec::new();
    for head in 0..blocks.len() {
        let tails: Vec<usize> = before[head].iter().copied().filter(|&tail| tail >= head).collect();
        if tails.is_empty() {
            continue;
        }
        let mut inside = BTreeSet::from([head]);
        let mut open = tails;
        while let Some(block) = open.pop() {
            if inside.insert(block) {
                open.extend(&before[block]);
            }
        }
        found.push((head, inside));
    }
    found
}

/// `cmp counter, end` at the head, `add counter, step` inside; 4 where it does not look so.
fn trips(blocks: &[Vec<Instruction>], head: usize, inside: &BTreeSet<usize>) -> f64 {
    const UNKNOWN: f64 = 4.0;
    let first = &blocks[head][0];
    let end = first.try_immediate(1).ok().filter(|_| first.mnemonic() == Mnemonic::Cmp);
    let counter = first.op0_register();
    let adds = |i: &&Instruction| i.mnemonic() == Mnemonic::Add && i.op0_register() == counter;
    let step = inside.iter().flat_map(|&b| &blocks[b]).find(adds).and_then(|i| i.try_immediate(1).ok());
    match (end, step) {
        (Some(end), Some(step)) if step > 0 => end as f64 / step as f64,
        (Some(_) | None, Some(_) | None) => UNKNOWN,
    }
}
