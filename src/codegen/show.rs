//! What became of a kernel, as text: Cranelift's input, and the machine code disassembled.

use super::{clif, wide};
use crate::kernel::Kernel;
use crate::target::Target;
use iced_x86::{Decoder, DecoderOptions, FlowControl, Formatter, Instruction, IntelFormatter};

/// The kernel as Cranelift's text.
///
/// # Errors
/// Says why where Cranelift does not know the machine.
pub fn clif(kernel: &Kernel) -> Result<String, String> {
    let context = clif::compile(kernel, &*clif::isa()?)?;
    Ok(format!("; {}\n{}", kernel.name, context.func.display()))
}

/// The kernel's machine code for a target, an instruction a line behind its offset; where the wide back end refuses it,
/// the reason and Cranelift's. The constants behind the last return are left out.
///
/// # Errors
/// What compiling says.
pub fn asm(kernel: &Kernel, target: Target) -> Result<String, String> {
    match wide::compile(kernel, target) {
        Ok(code) => Ok(format!("; {}, {}\n{}", kernel.name, target.name(), disassemble(&code.bytes[..code.code]))),
        Err(_) if target == Target::Clif => asm_of_clif(kernel),
        Err(refusal) => Ok(format!("; not for {}: {}\n{}", target.name(), refusal.0, asm_of_clif(kernel)?)),
    }
}

fn asm_of_clif(kernel: &Kernel) -> Result<String, String> {
    let isa = clif::isa()?;
    let context = clif::compile(kernel, &*isa)?;
    let mut text = format!("; {}\n", kernel.name);
    if !cfg!(target_arch = "x86_64") {
        return Err("only code for x86-64 can be shown".to_string());
    }
    text.push_str(&disassemble(clif::code(&context)));
    Ok(text)
}

/// How many vectors Cranelift's code of the kernel puts on the stack, because its registers do not suffice.
///
/// # Errors
/// What compiling says.
pub fn spills(kernel: &Kernel) -> Result<usize, String> {
    let text = asm_of_clif(kernel)?;
    let spilled = |line: &&str| {
        let operands = line.rsplit_once("[rsp").map(|(_, rest)| rest.split_once("],").map_or("", |(_, from)| from));
        operands.is_some_and(|from| from.starts_with("xmm"))
    };
    Ok(text.lines().filter(spilled).count())
}

/// Up to the last instruction that control reaches: constants lie behind it.
fn disassemble(bytes: &[u8]) -> String {
    let mut decoder = Decoder::with_ip(64, bytes, 0, DecoderOptions::NONE);
    let mut formatter = IntelFormatter::new();
    let mut instruction = Instruction::default();
    let mut text = String::new();
    let mut furthest = 0;
    while decoder.can_decode() {
        decoder.decode_out(&mut instruction);
        let mut line = String::new();
        formatter.format(&instruction, &mut line);
        text.push_str(&format!("{:6x}  {line}\n", instruction.ip()));
        furthest = furthest.max(instruction.near_branch_target());
        let leaves = matches!(instruction.flow_control(), FlowControl::Return | FlowControl::UnconditionalBranch);
        if leaves && instruction.next_ip() > furthest {
            break;
        }
    }
    text
}
