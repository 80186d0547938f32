//! Bytes: one instruction after another, jumps to labels, and constants behind the code.
//!
//! **Invariants**: every label that is jumped to has been placed when the code is finished; constants are only read.

use super::Refusal;
use iced_x86::{Code, Encoder, Instruction, MemoryOperand, Register};
use std::collections::HashMap;

/// A place in the code.
#[derive(Clone, Copy, Debug)]
pub(super) struct Label(usize);

/// Code, its constants behind it, and where those begin.
pub(crate) struct Bytes {
    pub bytes: Vec<u8>,
    pub code: usize,
}

/// Where an operand in memory lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Memory {
    /// `base + index * scale + displacement`
    At { base: Register, index: Option<(Register, u32)>, displacement: i32 },
    /// An offset among the constants.
    Constant(u32),
}

impl Memory {
    pub(super) fn at(base: Register, displacement: i32) -> Memory {
        Memory::At { base, index: None, displacement }
    }

    pub(super) fn plus(self, bytes: i32) -> Memory {
        match self {
            Memory::At { base, index, displacement } => Memory::At { base, index, displacement: displacement + bytes },
            Memory::Constant(offset) => Memory::Constant(offset + bytes as u32),
        }
    }

    pub(super) fn operand(self, broadcast: bool) -> MemoryOperand {
        match self {
            Memory::At { base, index, displacement } => {
                let (index, scale) = index.unwrap_or((Register::None, 1));
                MemoryOperand::new(base, index, scale, i64::from(displacement), 1, broadcast, Register::None)
            }
            // `Assembler::put` sees the base and writes the distance later.
            Memory::Constant(offset) => {
                MemoryOperand::new(Register::RIP, Register::None, 1, i64::from(offset), 8, broadcast, Register::None)
            }
        }
    }
}

pub(super) struct Assembler {
    encoder: Encoder,
    position: usize,
    labels: Vec<Option<usize>>,
    /// Where the distance of a jump is to be written, the end of the jump, its target.
    jumps: Vec<(usize, usize, Label)>,
    /// Where the distance of a constant is to be written, the end of the instruction, its offset.
    reads: Vec<(usize, usize, u32)>,
    constants: Vec<u8>,
    known: HashMap<Vec<u8>, u32>,
}

impl Assembler {
    pub(super) fn new() -> Assembler {
        Assembler {
            encoder: Encoder::new(64),
            position: 0,
            labels: Vec::new(),
            jumps: Vec::new(),
            reads: Vec::new(),
            constants: Vec::new(),
            known: HashMap::new(),
        }
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }

    pub(super) fn place(&mut self, label: Label) {
        self.labels[label.0] = Some(self.position);
    }

    pub(super) fn put(&mut self, instruction: &Instruction) -> Result<(), Refusal> {
        let mut instruction = *instruction;
        let constant = instruction.is_ip_rel_memory_operand();
        let offset = instruction.memory_displacement64();
        if constant {
            instruction.set_memory_displacement64(self.position as u64);
        }
        let from = self.position;
        let length =
            self.encoder.encode(&instruction, from as u64).map_err(|e| Refusal(format!("{instruction:?}: {e}")))?;
        self.position += length;
        if constant {
            let at = from + self.encoder.get_constant_offsets().displacement_offset();
            self.reads.push((at, self.position, offset as u32));
        }
        Ok(())
    }

    /// A jump, `code` being one with a distance of 32 bits.
    pub(super) fn jump(&mut self, code: Code, target: Label) -> Result<(), Refusal> {
        let from = self.position;
        let jump = Instruction::with_branch(code, from as u64).map_err(|e| Refusal(e.to_string()))?;
        self.position += self.encoder.encode(&jump, from as u64).map_err(|e| Refusal(e.to_string()))?;
        let at = from + self.encoder.get_constant_offsets().immediate_offset();
        self.jumps.push((at, self.position, target));
        Ok(())
    }

    /// The offset of a constant, aligned to its size.
    pub(super) fn constant(&mut self, bytes: &[u8]) -> u32 {
        if let Some(&known) = self.known.get(bytes) {
            return known;
        }
        self.constants.resize(self.constants.len().next_multiple_of(bytes.len()), 0);
        let offset = self.constants.len() as u32;
        self.constants.extend_from_slice(bytes);
        self.known.insert(bytes.to_vec(), offset);
        offset
    }

    /// All bytes, with every distance written.
    pub(super) fn finish(mut self) -> Bytes {
        let mut bytes = self.encoder.take_buffer();
        let code = bytes.len();
        bytes.resize(code.next_multiple_of(64), 0xcc);
        let start = bytes.len();
        bytes.extend_from_slice(&self.constants);
        let mut write = |at: usize, end: usize, target: usize| {
            let distance = (target as i64 - end as i64) as i32;
            bytes[at..at + 4].copy_from_slice(&distance.to_le_bytes());
        };
        for (at, end, label) in self.jumps {
            write(at, end, self.labels[label.0].expect("every label is placed"));
        }
        for (at, end, offset) in self.reads {
            write(at, end, start + offset as usize);
        }
        Bytes { bytes, code }
    }
}
