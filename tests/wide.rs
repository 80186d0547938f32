//! The wide back end: which kernels it takes, what its audit refuses. That its code gives the interpreter's bits is
//! tested with all kernels, in kernel.rs, random_kernels.rs and properties.rs. See tests/main.rs.

use super::lowering::nets;
use brolga::codegen::wide::{self, audit::audit};
use brolga::graph::Graph;
use brolga::kernel::parse::parse;
use brolga::lower::lower;
use brolga::target::Target;
use iced_x86::{Code, Encoder, Instruction, MemoryOperand, Register};

/// The kernels of a graph that are refused, with the reasons.
fn refused(graph: &Graph, target: Target) -> Vec<String> {
    let plan = lower(graph, target);
    let refused = plan.kernels.iter().filter_map(|(_, kernel)| {
        let refusal = wide::compile(kernel, target).err()?;
        Some(format!("{}: {}", kernel.name, refusal.0))
    });
    refused.collect()
}

#[test]
fn whole_nets_are_taken() {
    for target in [Target::Avx2, Target::Avx512] {
        for (name, graph) in [("lenet", nets::lenet(64)), ("mlp", nets::mlp(128)), ("vgg", nets::vgg(64))] {
            let refused = refused(&graph, target);
            assert!(refused.is_empty(), "{target:?} refuses of {name}: {refused:#?}");
        }
    }
}

#[test]
fn odd_batches_are_taken() {
    for target in [Target::Avx2, Target::Avx512] {
        for batch in [1, 5, 17, 40] {
            let refused = refused(&nets::lenet(batch), target);
            assert!(refused.is_empty(), "{target:?} refuses of batch {batch}: {refused:#?}");
        }
    }
}

#[test]
fn what_does_not_fit_the_registers_is_refused() {
    let lines = |f: &dyn Fn(usize) -> String| (1..=40).map(f).collect::<Vec<_>>().join("\n");
    let text = format!(
        "kernel many(x: in f32[656], y: out f32[640]) {{\n{}\n{}\n}}\n",
        lines(&|i| format!("  v{i}: f32x16 = load x[{}]", 16 * i)),
        lines(&|i| format!("  store y[{}] = v{i}", 16 * (40 - i))),
    );
    let kernel = parse(&text).unwrap();
    let refusal = wide::compile(&kernel, Target::Avx512).err().expect("40 values do not fit 32 registers");
    assert_eq!(refusal.0, "it needs more than 32 vector registers");
}

/// Code between a frame of 32 bytes and its end, some bytes of constants behind it.
fn framed(body: &[Instruction]) -> (Vec<u8>, usize) {
    let mut encoder = Encoder::new(64);
    let mut at = 0;
    let frame = Instruction::with2(Code::Sub_rm64_imm32, Register::RSP, 32).unwrap();
    let end = Instruction::with2(Code::Add_rm64_imm32, Register::RSP, 32).unwrap();
    let all = [&[frame], body, &[end, Instruction::with(Code::Retnq)]].concat();
    for instruction in &all {
        at += encoder.encode(instruction, at as u64).unwrap();
    }
    let mut bytes = encoder.take_buffer();
    let code = bytes.len();
    bytes.extend([0; 64]);
    (bytes, code)
}

fn at(base: Register, displacement: i64) -> MemoryOperand {
    MemoryOperand::with_base_displ(base, displacement)
}

#[test]
fn the_audit_refuses_what_the_caller_must_not_meet() {
    let audited = |body: &[Instruction]| {
        let (bytes, code) = framed(body);
        audit(&bytes, code)
    };
    let load = |memory| Instruction::with2(Code::Mov_r64_rm64, Register::RAX, memory).unwrap();
    let store = |memory| Instruction::with2(Code::Mov_rm64_r64, memory, Register::RAX).unwrap();
    assert_eq!(audited(&[load(at(Register::RDI, 8)), store(at(Register::RSP, 24))]), Ok(()));
    let refused = [
        (vec![store(at(Register::RSP, 32))], "memory"),
        (vec![store(at(Register::RSP, -8))], "memory"),
        (vec![load(MemoryOperand::with_displ(0x1000, 4))], "memory"),
        (vec![store(at(Register::RIP, 40))], "memory"),
        (vec![load(at(Register::RIP, 4))], "memory"),
        (vec![Instruction::with2(Code::Mov_r64_rm64, Register::RBX, Register::RAX).unwrap()], "changes RBX"),
        (vec![Instruction::with2(Code::Add_rm64_imm32, Register::RSP, 8).unwrap()], "changes RSP"),
        (vec![Instruction::with_branch(Code::Call_rel32_64, 0).unwrap()], "Call"),
        (vec![Instruction::with_branch(Code::Jmp_rel32_64, 4096).unwrap()], "jumps"),
        (vec![Instruction::with_branch(Code::Jmp_rel32_64, 1).unwrap()], "jumps"),
        (vec![Instruction::with1(Code::Jmp_rm64, Register::RAX).unwrap()], "IndirectBranch"),
        (vec![Instruction::with(Code::Retnq)], "Return"),
        (vec![Instruction::with(Code::Syscall)], "Call"),
        (vec![Instruction::with1(Code::Push_r64, Register::RAX).unwrap()], "changes RSP"),
    ];
    for (body, reason) in refused {
        let error = audited(&body).expect_err(&format!("{:?} passes", body[0]));
        assert!(error.contains(reason), "{:?}: {error}", body[0]);
    }
    let (bytes, code) = framed(&[]);
    assert!(audit(&bytes, code - 1).is_err(), "code without a return passes");
}

#[test]
fn targets_have_names() {
    for target in [Target::Clif, Target::Avx2, Target::Avx512] {
        assert_eq!(Target::named(target.name()), Some(target));
    }
    assert_eq!(Target::named("neon"), None);
    assert!(Target::here().any(|t| t == Target::Clif));
}
