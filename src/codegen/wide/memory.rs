//! Loads and stores.
//!
//! **Invariant**: a lane that is not live is neither read nor written.

use super::Refusal;
use super::asm::Memory;
use super::emit::{Emitted, Emitter, Held, mask, slot, vector};
use super::general::Home;
use super::registers::Numbers;
use super::table::{self, Narrow, Width};
use crate::kernel::{Place, Type, ValueId};
use iced_x86::{Code, Instruction, Register};

impl<'k> Emitter<'k> {
    /// Where lane 0 of a place lies; RAX, RCX and RDX are lost, and two of them are in use until the next statement.
    fn address(&mut self, place: &'k Place) -> Emitted<Memory> {
        let (constant, _) = self.split(&place.address);
        let reach = place.stride.saturating_mul(4 * i64::from(place.live));
        let displacement = 4 * constant;
        let fits = |x: i64| i32::try_from(x).is_ok_and(|x| x.abs() < i32::MAX - 4096);
        if !fits(displacement) || !fits(displacement + reach) {
            return Err(Refusal("a displacement of more than 2 GB".to_string()));
        }
        let base = match self.general.stream(place).home {
            Home::Register(register) => register,
            Home::Slot(offset) => {
                self.put(Instruction::with2(Code::Mov_r64_rm64, Register::RAX, slot(offset)))?;
                Register::RAX
            }
        };
        let index = match place.dynamic {
            None => None,
            Some(d) => {
                self.clamped(d.value, d.limit)?;
                let scale = i32::try_from(d.scale).map_err(|_| Refusal("a scale of more than 31 bits".to_string()))?;
                if scale != 1 {
                    self.put(Instruction::with3(Code::Imul_r64_rm64_imm32, Register::RCX, Register::RCX, scale))?;
                }
                Some((Register::RCX, 4))
            }
        };
        Ok(Memory::At { base, index, displacement: displacement as i32 })
    }

    /// `clamp(value, 0, limit - 1)` in RCX.
    fn clamped(&mut self, value: ValueId, limit: u32) -> Emitted {
        let from = self.register(value, 0)?;
        self.put(Instruction::with2(self.narrow(table::TO_GENERAL), Register::ECX, vector(Width::X, from.number)))?;
        self.drop_register(from);
        self.put(Instruction::with2(Code::Xor_r32_rm32, Register::EDX, Register::EDX))?;
        self.put(Instruction::with2(Code::Test_rm32_r32, Register::ECX, Register::ECX))?;
        self.put(Instruction::with2(Code::Cmovs_r32_rm32, Register::ECX, Register::EDX))?;
        self.put(Instruction::with2(Code::Mov_r32_imm32, Register::EDX, limit - 1))?;
        self.put(Instruction::with2(Code::Cmp_r32_rm32, Register::ECX, Register::EDX))?;
        self.put(Instruction::with2(Code::Cmovg_r32_rm32, Register::ECX, Register::EDX))
    }

    pub(super) fn narrow(&self, row: Narrow) -> Code {
        if self.wide() { row.avx512 } else { row.avx2 }
    }

    /// Reserves mask registers for the tails that the kernel has, the first few kinds.
    pub(super) fn prepare_tails(&mut self) -> Emitted {
        const KEPT: usize = 3;
        if !self.wide() {
            return Ok(());
        }
        let kernel = self.kernel;
        let mut found: Vec<u16> = Vec::new();
        super::tree::each_place(&kernel.body, &mut |place, value| {
            for (width, first) in self.chunks(kernel.values[value].lanes) {
                let live = place.live.saturating_sub(first).min(width.lanes());
                let partial = live > 0 && live < width.lanes() && matches!(place.stride, 0 | 1);
                if partial && kernel.values[value].lanes > 1 && !found.contains(&live) && found.len() < KEPT {
                    found.push(live);
                }
            }
        });
        for live in found {
            let number = self.masks.take()?;
            self.set_mask(number, live)?;
            self.tails.push((live, number));
        }
        Ok(())
    }

    fn set_mask(&mut self, number: u8, live: u16) -> Emitted {
        self.put(Instruction::with2(Code::Mov_r32_imm32, Register::EDX, (1u32 << live) - 1))?;
        self.put(Instruction::with2(Code::VEX_Kmovw_kr_r32, mask(number), Register::EDX))
    }

    /// A mask register with the first `live` lanes, and whether it has to be given back.
    fn tail(&mut self, live: u16) -> Emitted<(u8, bool)> {
        if let Some(&(_, number)) = self.tails.iter().find(|t| t.0 == live) {
            return Ok((number, false));
        }
        let number = self.masks.take()?;
        self.set_mask(number, live)?;
        Ok((number, true))
    }

    /// A vector of all-ones lanes in front and zeros behind (AVX2).
    fn tail_vector(&mut self, live: u16) -> Memory {
        let lanes = (0..8u16).flat_map(|lane| if lane < live { [0xff; 4] } else { [0; 4] });
        let bytes: Vec<u8> = lanes.collect();
        Memory::Constant(self.a.constant(&bytes))
    }

    pub(super) fn load(&mut self, value: ValueId, t: Type, place: &'k Place) -> Emitted {
        if self.folds[value.index()] && self.uses[value.index()] == 1 && (place.stride == 1 || self.wide()) {
            // A stream in the frame would need its register until the load happens.
            if matches!(self.general.stream(place).home, Home::Register(_)) {
                let at = self.address(place)?;
                self.values[value.index()] = Some(Held::Folded(at, place.stride == 0));
                return Ok(());
            }
        }
        let at = self.address(place)?;
        if t.lanes == 1 {
            let to = self.vectors.take()?;
            self.put(Instruction::with2(self.narrow(table::LOAD_ONE), vector(Width::X, to), at.operand(false)))?;
            self.values[value.index()] = Some(Held::Registers(Numbers::from_slice(&[to])));
            return Ok(());
        }
        let chunks = self.chunks(t.lanes);
        if place.stride == 0 && place.live == t.lanes {
            let to = self.vectors.take()?;
            let width = chunks[0].0;
            let code = self.code(table::BROADCAST, width);
            self.put(Instruction::with2(code, vector(width, to), at.operand(false)))?;
            let one = chunks.len() == 1;
            let held = if one { Held::Registers(Numbers::from_slice(&[to])) } else { Held::Shared(to) };
            self.values[value.index()] = Some(held);
            return Ok(());
        }
        let mut numbers = Numbers::new();
        for (width, first) in chunks {
            let live = place.live.saturating_sub(first).min(width.lanes());
            let to = self.vectors.take()?;
            match place.stride {
                _ if live == 0 => self.zero(to)?,
                1 => self.load_chunk(to, width, at.plus(4 * i32::from(first)), live)?,
                0 => self.broadcast_chunk(to, width, at, live)?,
                stride => self.gather(to, width, at, stride, (first, live))?,
            }
            numbers.push(to);
        }
        self.values[value.index()] = Some(Held::Registers(numbers));
        Ok(())
    }

    pub(super) fn zero(&mut self, to: u8) -> Emitted {
        let code = self.code(table::XOR, Width::X);
        let to = vector(Width::X, to);
        self.put(Instruction::with3(code, to, to, to))
    }

    fn load_chunk(&mut self, to: u8, width: Width, at: Memory, live: u16) -> Emitted {
        let to = vector(width, to);
        if live == width.lanes() {
            return self.put(Instruction::with2(self.code(table::LOAD, width), to, at.operand(false)));
        }
        if !self.wide() {
            let tail = self.tail_vector(live);
            let code = self.code(table::LOAD, width);
            self.put(Instruction::with2(code, to, tail.operand(false)))?;
            let code = self.code(table::MASKED_LOAD, width);
            return self.put(Instruction::with3(code, to, to, at.operand(false)));
        }
        self.masked(live, Instruction::with2(self.code(table::LOAD, width), to, at.operand(false)), true)
    }

    fn broadcast_chunk(&mut self, to: u8, width: Width, at: Memory, live: u16) -> Emitted {
        let code = self.code(table::BROADCAST, width);
        let load = Instruction::with2(code, vector(width, to), at.operand(false));
        if live == width.lanes() {
            return self.put(load);
        }
        if self.wide() {
            return self.masked(live, load, true);
        }
        self.put(load)?;
        let tail = self.tail_vector(live);
        let (code, to) = (self.code(table::AND, width), vector(width, to));
        self.put(Instruction::with3(code, to, to, tail.operand(false)))
    }

    /// An instruction for the first lanes only.
    fn masked(&mut self, live: u16, instruction: Result<Instruction, iced_x86::IcedError>, zeroing: bool) -> Emitted {
        let (number, own) = self.tail(live)?;
        let mut instruction = super::emit::made(instruction)?;
        instruction.set_op_mask(mask(number));
        instruction.set_zeroing_masking(zeroing);
        self.a.put(&instruction)?;
        if own {
            self.masks.give(number);
        }
        Ok(())
    }

    /// Lanes one by one, four to a quarter, the quarters put together.
    fn gather(&mut self, to: u8, width: Width, at: Memory, stride: i64, (first, live): (u16, u16)) -> Emitted {
        for quarter in 0..width.lanes() / 4 {
            let count = live.saturating_sub(4 * quarter).min(4);
            if count == 0 {
                // The instruction that made the quarter before has cleared the rest, but for inserted ones.
                if quarter == 0 {
                    self.zero(to)?;
                }
                continue;
            }
            let into = if quarter == 0 { to } else { self.vectors.take()? };
            let register = vector(Width::X, into);
            for lane in 0..count {
                let far = stride * 4 * i64::from(first + 4 * quarter + lane);
                let from = at.plus(far as i32).operand(false);
                if lane == 0 {
                    self.put(Instruction::with2(self.narrow(table::LOAD_ONE), register, from))?;
                } else {
                    let (code, place) = (self.narrow(table::INSERT_ONE), u32::from(lane) << 4);
                    self.put(Instruction::with4(code, register, register, from, place))?;
                }
            }
            if quarter > 0 {
                let row = if width == Width::Z { table::INSERT_Z } else { table::INSERT_Y };
                let (code, whole) = (self.narrow(row), vector(width, to));
                self.put(Instruction::with4(code, whole, whole, register, u32::from(quarter)))?;
                self.vectors.give(into);
            }
        }
        Ok(())
    }

    pub(super) fn store(&mut self, place: &'k Place, value: ValueId) -> Emitted {
        let at = self.address(place)?;
        let lanes = self.kernel.values[value].lanes;
        for (chunk, (width, first)) in self.chunks(lanes).into_iter().enumerate() {
            let live = place.live.saturating_sub(first).min(width.lanes());
            if live == 0 {
                continue;
            }
            let from = self.register(value, chunk)?;
            if lanes == 1 {
                let code = self.narrow(table::STORE_ONE);
                self.put(Instruction::with2(code, at.operand(false), vector(Width::X, from.number)))?;
            } else if place.stride == 1 {
                self.store_chunk(from.number, width, at.plus(4 * i32::from(first)), live)?;
            } else {
                self.scatter(from.number, width, at, place.stride, (first, live))?;
            }
            self.drop_register(from);
        }
        Ok(())
    }

    fn store_chunk(&mut self, from: u8, width: Width, at: Memory, live: u16) -> Emitted {
        let from = vector(width, from);
        let store = Instruction::with2(self.code(table::STORE, width), at.operand(false), from);
        if live == width.lanes() {
            return self.put(store);
        }
        if self.wide() {
            return self.masked(live, store, false);
        }
        let lanes = self.vectors.take()?;
        let tail = self.tail_vector(live);
        let code = self.code(table::LOAD, width);
        self.put(Instruction::with2(code, vector(width, lanes), tail.operand(false)))?;
        let code = self.code(table::MASKED_STORE, width);
        self.put(Instruction::with3(code, at.operand(false), vector(width, lanes), from))?;
        self.vectors.give(lanes);
        Ok(())
    }

    fn scatter(&mut self, from: u8, width: Width, at: Memory, stride: i64, (first, live): (u16, u16)) -> Emitted {
        for quarter in 0..live.div_ceil(4) {
            let own = quarter > 0;
            let part = if own { self.vectors.take()? } else { from };
            if own {
                let row = if width == Width::Z { table::EXTRACT_Z } else { table::EXTRACT_Y };
                let code = self.narrow(row);
                self.put(Instruction::with3(code, vector(Width::X, part), vector(width, from), u32::from(quarter)))?;
            }
            for lane in 0..(live - 4 * quarter).min(4) {
                let far = stride * 4 * i64::from(first + 4 * quarter + lane);
                let to = at.plus(far as i32).operand(false);
                let code = self.narrow(table::EXTRACT_ONE);
                self.put(Instruction::with3(code, to, vector(Width::X, part), u32::from(lane)))?;
            }
            if own {
                self.vectors.give(part);
            }
        }
        Ok(())
    }
}
