//! General registers: pointers that step through memory, and counters.
//!
//! A stream is a pointer into one buffer. It steps in the loops that its places step in and is set back behind each, so
//! that places share a stream wherever they agree on the loops that are open around both. What is used most has a
//! register; the rest lies in the frame.

use super::Refusal;
use super::tree::{Block, Node};
use crate::kernel::{Address, BufferIx, Kernel, Op, Place, Stmt, VarId};
use iced_x86::Register;
use std::collections::HashMap;

/// Scratch: RAX, RCX and RDX hold nothing from one statement to the next.
const REGISTERS: [Register; 12] = [
    Register::RSI,
    Register::RDI,
    Register::R8,
    Register::R9,
    Register::R10,
    Register::R11,
    Register::RBX,
    Register::RBP,
    Register::R12,
    Register::R13,
    Register::R14,
    Register::R15,
];

/// Where a pointer or counter lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Home {
    Register(Register),
    /// Bytes above the stack pointer.
    Slot(i32),
}

/// The frame: the address of the bases, the number of the part, the end of the parts, then slots.
pub(super) const BASES: i32 = 0;
pub(super) const PART: i32 = 8;
pub(super) const END: i32 = 16;
const SLOTS: i32 = 24;

pub(super) struct Stream {
    pub buffer: BufferIx,
    /// Bytes that it moves by, for each variable that is open around one of its places.
    pub steps: Vec<(VarId, i64)>,
    pub home: Home,
    weight: u64,
}

impl Stream {
    pub(super) fn step(&self, var: VarId) -> i64 {
        self.steps.iter().find(|s| s.0 == var).map_or(0, |s| s.1)
    }
}

pub(super) struct General {
    pub streams: Vec<Stream>,
    pub counters: HashMap<VarId, Home>,
    streams_of: HashMap<*const Place, usize>,
    pub frame: i32,
    /// Those of the caller that are used.
    pub saved: Vec<Register>,
}

impl General {
    pub(super) fn stream(&self, place: &Place) -> &Stream {
        &self.streams[self.streams_of[&std::ptr::from_ref(place)]]
    }
}

struct Reader {
    streams: Vec<Stream>,
    streams_of: HashMap<*const Place, usize>,
    /// The variables that step, and how often their counters are used.
    counters: Vec<(VarId, u64)>,
    open: Vec<VarId>,
}

/// Gives homes to all that a kernel steps.
pub(super) fn assign(kernel: &Kernel, body: &Block) -> Result<General, Refusal> {
    let outer = kernel.turns.iter().chain(&kernel.parts);
    let outer: Vec<VarId> = outer.filter(|p| p.1 > 1).map(|p| p.0).collect();
    let mut reader = Reader {
        streams: Vec::new(),
        streams_of: HashMap::new(),
        counters: outer.iter().map(|&v| (v, 1)).collect(),
        open: outer,
    };
    reader.block(body, 1)?;
    Ok(reader.homes())
}

impl Reader {
    fn block(&mut self, block: &Block, weight: u64) -> Result<(), Refusal> {
        block.nodes.iter().try_for_each(|node| self.node(node, weight))
    }

    fn node(&mut self, node: &Node, weight: u64) -> Result<(), Refusal> {
        match node.stmt {
            Stmt::Let(_, Op::Load(place)) | Stmt::Store { place, .. } => self.place(place, weight),
            Stmt::Let(_, Op::Index(form)) => {
                self.count(form, weight);
                Ok(())
            }
            Stmt::Let(..) => Ok(()),
            Stmt::If { conditions, .. } => {
                conditions.iter().for_each(|c| self.count(&c.form, weight));
                node.inner.iter().try_for_each(|block| self.block(block, weight))
            }
            Stmt::Loop(l) if node.unrolled.turns == 0 => {
                self.block(&node.inner[0], weight.saturating_mul(u64::from(l.trip.max(1))))
            }
            Stmt::Loop(l) => {
                let turns = weight.saturating_mul(u64::from(node.unrolled.turns));
                self.counters.push((l.var, turns));
                self.open.push(l.var);
                self.block(&node.inner[0], turns.saturating_mul(u64::from(node.unrolled.copies)))?;
                self.open.pop();
                Ok(())
            }
        }
    }

    fn count(&mut self, form: &Address, weight: u64) {
        for counter in self.counters.iter_mut().filter(|c| form.coefficient(c.0) != 0) {
            counter.1 = counter.1.saturating_add(weight);
        }
    }

    fn place(&mut self, place: &Place, weight: u64) -> Result<(), Refusal> {
        let wanted: Vec<(VarId, i64)> = self.open.iter().map(|&v| (v, 4 * place.address.coefficient(v))).collect();
        if wanted.iter().any(|w| i32::try_from(w.1).is_err()) {
            return Err(Refusal("a step of more than 2 GB".to_string()));
        }
        let agrees = |stream: &Stream| {
            let known = |w: &(VarId, i64)| stream.steps.iter().all(|s| s.0 != w.0 || s.1 == w.1);
            stream.buffer == place.buffer && wanted.iter().all(known)
        };
        let at = self.streams.iter().position(agrees).unwrap_or_else(|| {
            let home = Home::Slot(0);
            self.streams.push(Stream { buffer: place.buffer, steps: Vec::new(), home, weight: 0 });
            self.streams.len() - 1
        });
        let stream = &mut self.streams[at];
        stream.weight = stream.weight.saturating_add(weight);
        for step in wanted {
            if !stream.steps.contains(&step) {
                stream.steps.push(step);
            }
        }
        self.streams_of.insert(std::ptr::from_ref(place), at);
        Ok(())
    }

    /// Registers for what weighs most.
    fn homes(mut self) -> General {
        let streams = self.streams.len();
        let weight = |i: &usize| if *i < streams { self.streams[*i].weight } else { self.counters[*i - streams].1 };
        let mut order: Vec<usize> = (0..streams + self.counters.len()).collect();
        order.sort_by_key(|i| std::cmp::Reverse(weight(i)));
        let mut counters = HashMap::new();
        let (mut frame, mut saved) = (SLOTS, Vec::new());
        for (rank, i) in order.into_iter().enumerate() {
            let home = match REGISTERS.get(rank) {
                Some(&register) => {
                    if rank >= 6 {
                        saved.push(register);
                    }
                    Home::Register(register)
                }
                None => {
                    frame += 8;
                    Home::Slot(frame - 8)
                }
            };
            match i.checked_sub(streams) {
                None => self.streams[i].home = home,
                Some(counter) => _ = counters.insert(self.counters[counter].0, home),
            }
        }
        General { streams: self.streams, counters, streams_of: self.streams_of, frame, saved }
    }
}
