//! Operations: each machine vector of the operands gives one of the result, in a register that an operand leaves
//! behind, where one does.

use super::Refusal;
use super::asm::Memory;
use super::emit::{Constant, Emitted, Emitter, Held, mask, vector};
use super::registers::Numbers;
use super::table::{self, Row, Width};
use super::tree::Node;
use crate::kernel::{Base, Binary, Compare, Fold, Op, Type, Unary, ValueId};
use iced_x86::{Code, Instruction, Register};

/// A register for the time of one statement.
#[derive(Clone, Copy)]
pub(super) struct Borrowed {
    pub number: u8,
    /// Whether it must be given back.
    own: bool,
}

/// The last operand of an instruction.
#[derive(Clone, Copy)]
enum Source {
    Register(u8),
    Memory(Memory, bool),
}

/// Relations as AVX numbers them; false where an operand is NaN.
fn relation(op: Compare) -> u32 {
    match op {
        Compare::Eq => 0x00,
        Compare::Lt => 0x11,
        Compare::Le => 0x12,
        Compare::Ne => 0x0c,
    }
}

impl<'k> Emitter<'k> {
    /// The bits of a constant in the lanes of a chunk, in memory.
    fn constant(&mut self, constant: Constant, width: Width, first: u16) -> (Memory, bool) {
        let lanes: Vec<u32> = match constant {
            Constant::Bits(bits) if self.wide() => vec![bits],
            Constant::Bits(bits) => vec![bits; 8],
            Constant::Iota => (0..16.min(width.lanes().max(8))).map(|lane| u32::from(first + lane)).collect(),
        };
        let bytes: Vec<u8> = lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect();
        (Memory::Constant(self.a.constant(&bytes)), lanes.len() == 1)
    }

    fn number(&mut self, bits: u32, width: Width) -> Source {
        let (memory, broadcast) = self.constant(Constant::Bits(bits), width, 0);
        Source::Memory(memory, broadcast)
    }

    /// An operand as an instruction's last one.
    fn source(&mut self, value: ValueId, chunk: usize) -> Source {
        let (width, first) = self.chunks_of(value)[chunk];
        if let Some(constant) = self.constants[value.index()] {
            let (memory, broadcast) = self.constant(constant, width, first);
            return Source::Memory(memory, broadcast);
        }
        match self.held(value) {
            Held::Registers(numbers) | Held::Masks(numbers) => Source::Register(numbers[chunk]),
            Held::Shared(number) => Source::Register(*number),
            Held::Folded(at, true) => Source::Memory(*at, true),
            Held::Folded(at, false) => Source::Memory(at.plus(4 * i32::from(first)), false),
        }
    }

    fn held(&self, value: ValueId) -> &Held {
        self.values[value.index()].as_ref().expect("kernel::check has seen that it is made")
    }

    /// An operand in a register.
    pub(super) fn register(&mut self, value: ValueId, chunk: usize) -> Emitted<Borrowed> {
        if self.constants[value.index()].is_none() {
            match self.held(value) {
                Held::Registers(numbers) | Held::Masks(numbers) => {
                    return Ok(Borrowed { number: numbers[chunk], own: false });
                }
                Held::Shared(number) => return Ok(Borrowed { number: *number, own: false }),
                Held::Folded(..) => {}
            }
        }
        let number = self.vectors.take()?;
        let width = self.chunks_of(value)[chunk].0;
        self.fill(number, width, value, chunk)?;
        Ok(Borrowed { number, own: true })
    }

    pub(super) fn drop_register(&mut self, borrowed: Borrowed) {
        if borrowed.own {
            self.vectors.give(borrowed.number);
        }
    }

    /// Brings a chunk of a value into a register.
    pub(super) fn fill(&mut self, to: u8, width: Width, value: ValueId, chunk: usize) -> Emitted {
        if self.constants[value.index()] == Some(Constant::Bits(0)) {
            return self.zero(to);
        }
        match self.source(value, chunk) {
            Source::Register(from) => self.copy_register(width, to, from),
            Source::Memory(at, broadcast) => {
                let row = if broadcast { table::BROADCAST } else { table::LOAD };
                self.put(Instruction::with2(self.code(row, width), vector(width, to), at.operand(false)))
            }
        }
    }

    /// `to = op(b)`
    fn put2(&mut self, row: Row, width: Width, to: u8, b: Source) -> Emitted {
        let (code, to) = (self.code(row, width), vector(width, to));
        match b {
            Source::Register(b) => self.put(Instruction::with2(code, to, vector(width, b))),
            Source::Memory(at, broadcast) => self.put(Instruction::with2(code, to, at.operand(broadcast))),
        }
    }

    /// `to = op(a, b)`
    fn put3(&mut self, row: Row, width: Width, to: u8, a: u8, b: Source) -> Emitted {
        let (code, to, a) = (self.code(row, width), vector(width, to), vector(width, a));
        match b {
            Source::Register(b) => self.put(Instruction::with3(code, to, a, vector(width, b))),
            Source::Memory(at, broadcast) => self.put(Instruction::with3(code, to, a, at.operand(broadcast))),
        }
    }

    /// `to = a relation b`, `to` a mask register or, with AVX2, a vector.
    fn put_compare(&mut self, row: Row, width: Width, to: u8, a: u8, b: Source, relation: u32) -> Emitted {
        let code = self.code(row, width);
        let to = if self.wide() { mask(to) } else { vector(width, to) };
        let a = vector(width, a);
        match b {
            Source::Register(b) => self.put(Instruction::with4(code, to, a, vector(width, b), relation)),
            Source::Memory(at, broadcast) => self.put(Instruction::with4(code, to, a, at.operand(broadcast), relation)),
        }
    }

    /// Registers for a result: those of an operand that is not needed any more, else free ones.
    fn result(&mut self, value: ValueId, operands: &[ValueId], node: &Node) -> Emitted<Numbers> {
        let lanes = self.kernel.values[value].lanes;
        for operand in operands {
            let fits = node.dies.contains(operand) && self.kernel.values[*operand].lanes == lanes;
            if fits && let Some(Held::Registers(numbers)) = &self.values[operand.index()] {
                return Ok(numbers.clone());
            }
        }
        (0..self.chunks(lanes).len()).map(|_| self.vectors.take()).collect()
    }

    /// Notes where a result is; an operand whose registers it took has none any more.
    fn hold(&mut self, value: ValueId, numbers: Numbers, operands: &[ValueId]) {
        for operand in operands {
            if let Some(Held::Registers(old)) = &self.values[operand.index()]
                && *old == numbers
            {
                self.values[operand.index()] = None;
            }
        }
        self.values[value.index()] = Some(Held::Registers(numbers));
    }

    pub(super) fn define(&mut self, value: ValueId, op: &'k Op, node: &Node<'k>) -> Emitted {
        let t = self.kernel.values[value];
        match op {
            Op::F32(_) | Op::I32(_) | Op::Iota => Ok(()),
            Op::Load(place) => self.load(value, t, place),
            Op::Splat(a) => self.splat(value, t, *a),
            Op::Index(form) => self.index(value, t, form),
            Op::Unary(op, a) => self.unary(value, *op, *a, node),
            Op::Binary(op, a, b) => self.binary(value, t, *op, *a, *b, node),
            Op::Fma(a, b, c) => self.fma(value, *a, *b, *c, node),
            Op::Compare(op, a, b) => self.compare(value, *op, *a, *b, node),
            Op::Select(c, a, b) => self.select(value, t, [*c, *a, *b], node),
            Op::Fold(op, a) => self.fold(value, *op, *a),
        }
    }

    fn splat(&mut self, value: ValueId, t: Type, a: ValueId) -> Emitted {
        if t.base == Base::Bool {
            return Err(Refusal("a truth value in all lanes".to_string()));
        }
        let from = self.register(a, 0)?;
        let to = self.vectors.take()?;
        let width = self.chunks(t.lanes)[0].0;
        let code = self.code(table::SPREAD, width);
        self.put(Instruction::with2(code, vector(width, to), vector(Width::X, from.number)))?;
        self.drop_register(from);
        self.hold_alike(value, t, to);
        Ok(())
    }

    /// One register for all chunks.
    fn hold_alike(&mut self, value: ValueId, t: Type, number: u8) {
        let one = self.chunks(t.lanes).len() == 1;
        let held = if one { Held::Registers(Numbers::from_slice(&[number])) } else { Held::Shared(number) };
        self.values[value.index()] = Some(held);
    }

    fn index(&mut self, value: ValueId, t: Type, form: &crate::kernel::Address) -> Emitted {
        self.form(form)?;
        let to = self.vectors.take()?;
        let code = self.narrow(table::FROM_GENERAL);
        self.put(Instruction::with2(code, vector(Width::X, to), Register::EAX))?;
        if t.lanes > 1 {
            let width = self.chunks(t.lanes)[0].0;
            let code = self.code(table::SPREAD, width);
            self.put(Instruction::with2(code, vector(width, to), vector(Width::X, to)))?;
        }
        self.hold_alike(value, t, to);
        Ok(())
    }

    fn unary(&mut self, value: ValueId, op: Unary, a: ValueId, node: &Node) -> Emitted {
        let to = self.result(value, &[a], node)?;
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            self.unary_chunk(op, a, to[chunk], width, chunk)?;
        }
        self.hold(value, to, &[a]);
        Ok(())
    }

    fn unary_chunk(&mut self, op: Unary, a: ValueId, to: u8, width: Width, chunk: usize) -> Emitted {
        match op {
            Unary::Neg => {
                let sign = self.number(0x8000_0000, width);
                self.with_number(table::XOR, a, to, width, chunk, sign)
            }
            Unary::Abs => {
                let all = self.number(0x7fff_ffff, width);
                self.with_number(table::AND, a, to, width, chunk, all)
            }
            Unary::Sqrt => {
                let from = self.source(a, chunk);
                self.put2(table::SQRT, width, to, from)
            }
            Unary::ToFloat => {
                let from = self.source(a, chunk);
                self.put2(table::TO_FLOAT, width, to, from)
            }
            Unary::Floor => self.round(a, to, width, chunk, 0x09),
            Unary::Nearest => self.round(a, to, width, chunk, 0x08),
            Unary::ToInt => self.to_int(a, to, width, chunk),
            Unary::Bits | Unary::FromBits => match self.source(a, chunk) {
                Source::Register(from) if from == to => Ok(()),
                Source::Register(_) | Source::Memory(..) => self.fill(to, width, a, chunk),
            },
        }
    }

    fn with_number(&mut self, row: Row, a: ValueId, to: u8, width: Width, chunk: usize, number: Source) -> Emitted {
        let from = self.register(a, chunk)?;
        self.put3(row, width, to, from.number, number)?;
        self.drop_register(from);
        Ok(())
    }

    fn round(&mut self, a: ValueId, to: u8, width: Width, chunk: usize, mode: u32) -> Emitted {
        let (code, to) = (self.code(table::ROUND, width), vector(width, to));
        match self.source(a, chunk) {
            Source::Register(a) => self.put(Instruction::with3(code, to, vector(width, a), mode)),
            Source::Memory(at, broadcast) => self.put(Instruction::with3(code, to, at.operand(broadcast), mode)),
        }
    }

    /// The machine gives 0x80000000 for all that does not fit: right for what is too small, mended for what is too large
    /// and for NaN.
    fn to_int(&mut self, a: ValueId, to: u8, width: Width, chunk: usize) -> Emitted {
        const ORDERED: u32 = 7;
        const NOT_LESS: u32 = 0x1d; // greater or equal, false for NaN
        let from = self.register(a, chunk)?;
        let limit = self.number(2_147_483_648.0_f32.to_bits(), width);
        if self.wide() {
            let (large, number) = (self.masks.take()?, self.masks.take()?);
            self.put_compare(table::COMPARE, width, large, from.number, limit, NOT_LESS)?;
            self.put_compare(table::COMPARE, width, number, from.number, Source::Register(from.number), ORDERED)?;
            let code = self.code(table::TO_INT, width);
            let mut convert =
                super::emit::made(Instruction::with2(code, vector(width, to), vector(width, from.number)))?;
            convert.set_op_mask(mask(number));
            convert.set_zeroing_masking(true);
            self.a.put(&convert)?;
            let (most, _) = self.constant(Constant::Bits(i32::MAX as u32), width, 0);
            let code = self.code(table::BROADCAST, width);
            let mut fill = super::emit::made(Instruction::with2(code, vector(width, to), most.operand(false)))?;
            fill.set_op_mask(mask(large));
            self.a.put(&fill)?;
            self.masks.give(large);
            self.masks.give(number);
        } else {
            let (large, number) = (self.vectors.take()?, self.vectors.take()?);
            self.put_compare(table::COMPARE, width, large, from.number, limit, NOT_LESS)?;
            self.put_compare(table::COMPARE, width, number, from.number, Source::Register(from.number), ORDERED)?;
            self.put2(table::TO_INT, width, to, Source::Register(from.number))?;
            self.put3(table::XOR, width, to, to, Source::Register(large))?;
            self.put3(table::AND, width, to, to, Source::Register(number))?;
            self.vectors.give(large);
            self.vectors.give(number);
        }
        self.drop_register(from);
        Ok(())
    }

    fn binary(&mut self, value: ValueId, t: Type, op: Binary, a: ValueId, b: ValueId, node: &Node) -> Emitted {
        if t.base == Base::Bool && self.wide() {
            return self.join_masks(value, op, a, b);
        }
        let (row, commutes) = match (op, t.base) {
            (Binary::Add, Base::F32) => (table::ADD, true),
            (Binary::Sub, Base::F32) => (table::SUB, false),
            (Binary::Mul, Base::F32) => (table::MUL, true),
            (Binary::Add, _) => (table::ADD_INT, true),
            (Binary::Sub, _) => (table::SUB_INT, false),
            (Binary::Mul, _) => (table::MUL_INT, true),
            (Binary::Div, _) => (table::DIV, false),
            (Binary::Max, _) => (table::MAX, false),
            (Binary::Min, _) => (table::MIN, false),
            (Binary::And, _) => (table::AND, true),
            (Binary::Or, _) => (table::OR, true),
            (Binary::Xor, _) => (table::XOR, true),
            (Binary::Shl, _) => (table::SHL, false),
            (Binary::Shr, _) => (table::SHR, false),
        };
        let to = self.result(value, &[a, b], node)?;
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            let (mut x, mut y) = (a, b);
            if commutes && matches!(self.source(a, chunk), Source::Memory(..)) {
                (x, y) = (b, a);
            }
            let first = self.register(x, chunk)?;
            if matches!(op, Binary::Shl | Binary::Shr) {
                self.shift(row, width, to[chunk], first.number, (y, chunk))?;
            } else {
                let second = self.source(y, chunk);
                self.put3(row, width, to[chunk], first.number, second)?;
            }
            self.drop_register(first);
        }
        self.hold(value, to, &[a, b]);
        Ok(())
    }

    /// Shifts by the amount modulo 32.
    fn shift(&mut self, row: Row, width: Width, to: u8, a: u8, (by, chunk): (ValueId, usize)) -> Emitted {
        if let Some(Constant::Bits(amount)) = self.constants[by.index()] {
            let amount = self.number(amount & 31, width);
            return self.put3(row, width, to, a, amount);
        }
        let amount = self.register(by, chunk)?;
        let (masked, all) = (self.vectors.take()?, self.number(31, width));
        self.put3(table::AND, width, masked, amount.number, all)?;
        self.put3(row, width, to, a, Source::Register(masked))?;
        self.vectors.give(masked);
        self.drop_register(amount);
        Ok(())
    }

    fn join_masks(&mut self, value: ValueId, op: Binary, a: ValueId, b: ValueId) -> Emitted {
        let code = match op {
            Binary::And => Code::VEX_Kandw_kr_kr_kr,
            Binary::Or => Code::VEX_Korw_kr_kr_kr,
            Binary::Xor => Code::VEX_Kxorw_kr_kr_kr,
            Binary::Add
            | Binary::Sub
            | Binary::Mul
            | Binary::Div
            | Binary::Max
            | Binary::Min
            | Binary::Shl
            | Binary::Shr => return Err(Refusal(format!("{op:?} of truth values"))),
        };
        let mut numbers = Numbers::new();
        for chunk in 0..self.chunks_of(value).len() {
            let (x, y) = (self.register(a, chunk)?.number, self.register(b, chunk)?.number);
            let to = self.masks.take()?;
            self.put(Instruction::with3(code, mask(to), mask(x), mask(y)))?;
            numbers.push(to);
        }
        self.values[value.index()] = Some(Held::Masks(numbers));
        Ok(())
    }

    fn fma(&mut self, value: ValueId, a: ValueId, b: ValueId, c: ValueId, node: &Node) -> Emitted {
        let dies = |e: &Self, v: ValueId, others: [ValueId; 2]| {
            node.dies.contains(&v)
                && !others.contains(&v)
                && matches!(e.values[v.index()], Some(Held::Registers(_)))
                && e.constants[v.index()].is_none()
        };
        // The sum is overwritten if it may be, else a factor, else a copy of the sum.
        let (sum, first, second) = (dies(self, c, [a, b]), dies(self, a, [b, c]), dies(self, b, [a, c]));
        if !sum && (first || second) {
            let (x, y) = if first { (a, b) } else { (b, a) };
            return self.fma_over_factor(value, x, y, c);
        }
        let to = if sum { self.result(value, &[c], node)? } else { self.moved(c, false)? };
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            let (mut x, mut y) = (a, b);
            if matches!(self.source(a, chunk), Source::Memory(..)) {
                (x, y) = (b, a);
            }
            let factor = self.register(x, chunk)?;
            let other = self.source(y, chunk);
            self.put3(table::FMA231, width, to[chunk], factor.number, other)?;
            self.drop_register(factor);
        }
        self.hold(value, to, &[c]);
        Ok(())
    }

    /// `x = x * y + c`
    fn fma_over_factor(&mut self, value: ValueId, x: ValueId, y: ValueId, c: ValueId) -> Emitted {
        let Held::Registers(to) = self.held(x).clone() else { unreachable!("seen by the caller") };
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            match (self.source(y, chunk), self.source(c, chunk)) {
                (Source::Register(y), sum) => self.put3(table::FMA213, width, to[chunk], y, sum)?,
                (other, _) => {
                    let sum = self.register(c, chunk)?;
                    self.put3(table::FMA132, width, to[chunk], sum.number, other)?;
                    self.drop_register(sum);
                }
            }
        }
        self.hold(value, to, &[x]);
        Ok(())
    }

    fn compare(&mut self, value: ValueId, op: Compare, a: ValueId, b: ValueId, node: &Node) -> Emitted {
        let float = self.kernel.values[a].base == Base::F32;
        if !self.wide() {
            return self.compare_lanes(value, op, a, b, node);
        }
        let mut numbers = Numbers::new();
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            let to = self.masks.take()?;
            let (first, second) = (self.register(a, chunk)?, self.source(b, chunk));
            let (row, relation) = match (float, op) {
                (true, _) => (table::COMPARE, relation(op)),
                (false, Compare::Eq) => (table::COMPARE_INT, 0),
                (false, Compare::Lt) => (table::COMPARE_INT, 1),
                (false, Compare::Le) => (table::COMPARE_INT, 2),
                (false, Compare::Ne) => (table::COMPARE_INT, 4),
            };
            self.put_compare(row, width, to, first.number, second, relation)?;
            self.drop_register(first);
            numbers.push(to);
        }
        self.values[value.index()] = Some(Held::Masks(numbers));
        Ok(())
    }

    /// With AVX2 a truth value is a vector, all bits of a lane alike.
    fn compare_lanes(&mut self, value: ValueId, op: Compare, a: ValueId, b: ValueId, node: &Node) -> Emitted {
        let to = self.result(value, &[a, b], node)?;
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            let to = to[chunk];
            if self.kernel.values[a].base == Base::F32 {
                let (first, second) = (self.register(a, chunk)?, self.source(b, chunk));
                self.put_compare(table::COMPARE, width, to, first.number, second, relation(op))?;
                self.drop_register(first);
                continue;
            }
            // a < b is b > a; a <= b is not a > b.
            let (row, x, y) = match op {
                Compare::Eq | Compare::Ne => (table::COMPARE_INT, a, b),
                Compare::Lt => (table::GREATER_INT, b, a),
                Compare::Le => (table::GREATER_INT, a, b),
            };
            let (first, second) = (self.register(x, chunk)?, self.source(y, chunk));
            self.put3(row, width, to, first.number, second)?;
            self.drop_register(first);
            if matches!(op, Compare::Ne | Compare::Le) {
                let ones = self.number(u32::MAX, width);
                self.put3(table::XOR, width, to, to, ones)?;
            }
        }
        self.hold(value, to, &[a, b]);
        Ok(())
    }

    fn select(&mut self, value: ValueId, t: Type, [c, a, b]: [ValueId; 3], node: &Node) -> Emitted {
        if t.base == Base::Bool {
            return Err(Refusal("a choice between truth values".to_string()));
        }
        let to = self.result(value, &[a, b], node)?;
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            let (yes, no, condition) = (self.source(a, chunk), self.register(b, chunk)?, self.register(c, chunk)?);
            let (code, result, other) =
                (self.code(table::BLEND, width), vector(width, to[chunk]), vector(width, no.number));
            if self.wide() {
                let blend = match yes {
                    Source::Register(yes) => Instruction::with3(code, result, other, vector(width, yes)),
                    Source::Memory(at, broadcast) => Instruction::with3(code, result, other, at.operand(broadcast)),
                };
                let mut blend = super::emit::made(blend)?;
                blend.set_op_mask(mask(condition.number));
                self.a.put(&blend)?;
            } else {
                let condition = vector(width, condition.number);
                let blend = match yes {
                    Source::Register(yes) => Instruction::with4(code, result, other, vector(width, yes), condition),
                    Source::Memory(at, _) => Instruction::with4(code, result, other, at.operand(false), condition),
                };
                self.put(blend)?;
            }
            self.drop_register(no);
        }
        self.hold(value, to, &[a, b]);
        Ok(())
    }

    /// Halves onto halves: whole vectors, then the halves of one, then lanes.
    fn fold(&mut self, value: ValueId, op: Fold, a: ValueId) -> Emitted {
        let row = match op {
            Fold::Sum => table::ADD,
            Fold::Max => table::MAX,
        };
        let lanes = self.kernel.values[a].lanes;
        if !lanes.is_power_of_two() {
            return Err(Refusal(format!("a fold of {lanes} lanes")));
        }
        let chunks = self.chunks(lanes);
        let width = chunks[0].0;
        let mut owned = Numbers::new();
        for (chunk, (width, _)) in chunks.iter().enumerate() {
            let number = self.vectors.take()?;
            self.fill(number, *width, a, chunk)?;
            owned.push(number);
        }
        while owned.len() > 1 {
            let half = owned.len() / 2;
            for low in 0..half {
                self.put3(row, width, owned[low], owned[low], Source::Register(owned[low + half]))?;
            }
            owned.drain(half..).for_each(|number| self.vectors.give(number));
        }
        let sum = owned[0];
        if lanes > 1 {
            self.fold_lanes(row, width, sum)?;
        }
        self.values[value.index()] = Some(Held::Registers(Numbers::from_slice(&[sum])));
        Ok(())
    }

    fn fold_lanes(&mut self, row: Row, width: Width, sum: u8) -> Emitted {
        let other = self.vectors.take()?;
        let second = Source::Register(other);
        if width == Width::Z {
            let code = self.narrow(table::HALF_Z);
            self.put(Instruction::with3(code, vector(Width::Y, other), vector(Width::Z, sum), 1u32))?;
            self.put3(row, Width::Y, sum, sum, second)?;
        }
        if width >= Width::Y {
            let code = self.narrow(table::EXTRACT_Y);
            self.put(Instruction::with3(code, vector(Width::X, other), vector(Width::Y, sum), 1u32))?;
            self.put3(row, Width::X, sum, sum, second)?;
        }
        let (x, y) = (vector(Width::X, sum), vector(Width::X, other));
        self.put(Instruction::with3(self.narrow(table::HIGH_TO_LOW), y, x, x))?;
        self.put3(row, Width::X, sum, sum, second)?;
        self.put(Instruction::with2(self.narrow(table::ODD), y, x))?;
        self.put3(row, Width::X, sum, sum, second)?;
        self.vectors.give(other);
        Ok(())
    }
}
