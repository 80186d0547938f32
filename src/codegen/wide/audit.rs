//! Decodes what was encoded and proves what the caller relies on: no stack but the frame, no call, no jump outside, the
//! caller's registers restored, constants only read.

use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, OpAccess, Register};
use std::collections::BTreeSet;

type Audited = Result<(), String>;

/// Proves the rules for `bytes`, of which the first `code` are instructions.
///
/// # Errors
/// Says which rule is broken, and where.
pub fn audit(bytes: &[u8], code: usize) -> Audited {
    let decoder = Decoder::with_ip(64, &bytes[..code], 0, DecoderOptions::NONE);
    let all: Vec<Instruction> = decoder.into_iter().collect();
    let starts: BTreeSet<u64> = all.iter().map(Instruction::ip).collect();
    let (saved, frame, end) = ends(&all)?;
    let mut info = InstructionInfoFactory::new();
    for (at, i) in all.iter().enumerate() {
        let body = at > saved.len() && at < end;
        one(i, body, frame, &saved, &starts, (code, bytes.len()), &mut info)
            .map_err(|e| format!("{e} at byte {}", i.ip()))?;
    }
    Ok(())
}

/// What is pushed, the size of the frame, and where the end begins: all is undone there in turn.
fn ends(all: &[Instruction]) -> Result<(Vec<Register>, u32, usize), String> {
    let saved: Vec<Register> =
        all.iter().take_while(|i| i.code() == Code::Push_r64).map(Instruction::op0_register).collect();
    let n = saved.len();
    let moves = |i: Option<&Instruction>, code: Code| {
        i.filter(|i| i.code() == code && i.op0_register() == Register::RSP).map(Instruction::immediate32)
    };
    let frame = moves(all.get(n), Code::Sub_rm64_imm32);
    let end = all.len().checked_sub(n + 2);
    let (Some(frame), Some(end)) = (frame, end) else { return Err("has no frame".to_string()) };
    let popped = all[end + 1..all.len() - 1].iter().map(|i| (i.code(), i.op0_register()));
    let undone = moves(all.get(end), Code::Add_rm64_imm32) == Some(frame)
        && popped.eq(saved.iter().rev().map(|&r| (Code::Pop_r64, r)))
        && all.last().is_some_and(|i| i.code() == Code::Retnq);
    if undone { Ok((saved, frame, end)) } else { Err("does not undo its frame".to_string()) }
}

fn one(
    i: &Instruction,
    body: bool,
    frame: u32,
    saved: &[Register],
    starts: &BTreeSet<u64>,
    (code, length): (usize, usize),
    info: &mut InstructionInfoFactory,
) -> Audited {
    if i.is_invalid() {
        return Err("cannot be decoded".to_string());
    }
    match i.flow_control() {
        FlowControl::Next => {}
        FlowControl::ConditionalBranch | FlowControl::UnconditionalBranch if body => {
            if !starts.contains(&i.near_branch_target()) {
                return Err("jumps between instructions or outside".to_string());
            }
        }
        FlowControl::Return if !body => {}
        other => return Err(format!("has {other:?}")),
    }
    if !body {
        return Ok(());
    }
    let used = info.info(i);
    for register in used.used_registers() {
        let whole = register.register().full_register();
        let writes = !matches!(register.access(), OpAccess::Read | OpAccess::CondRead | OpAccess::None);
        let callers = [Register::RBX, Register::RBP, Register::R12, Register::R13, Register::R14, Register::R15];
        if writes && (whole == Register::RSP || callers.contains(&whole) && !saved.contains(&whole)) {
            return Err(format!("changes {whole:?}"));
        }
    }
    for memory in used.used_memory() {
        let writes = !matches!(memory.access(), OpAccess::Read | OpAccess::CondRead);
        let size = memory.memory_size().size() as u64;
        let ends = memory.displacement().checked_add(size);
        let within = |limit: usize| ends.is_some_and(|end| end <= limit as u64);
        let fits = match memory.base() {
            Register::RSP => memory.index() == Register::None && within(frame as usize),
            Register::None if i.is_ip_rel_memory_operand() => {
                !writes && memory.displacement() >= code as u64 && within(length)
            }
            Register::None => false,
            base => base.is_gpr64(),
        };
        let plain = matches!(memory.segment(), Register::DS | Register::SS);
        if !fits || !plain {
            return Err(format!("has memory {memory:?}"));
        }
    }
    Ok(())
}
