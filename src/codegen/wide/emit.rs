//! Statements: parts, loops, branches; and where values are.

use super::Refusal;
use super::asm::{Assembler, Bytes, Memory};
use super::general::{self, BASES, END, General, Home, PART};
use super::registers::{Numbers, Registers};
use super::table::{self, Row, Width};
use super::tree::{self, Block, Node, Tree};
use crate::codegen::abi;
use crate::kernel::{Address, Base, Carried, Condition, Kernel, Loop, Op, Stmt, ValueId};
use crate::target::Target;
use iced_x86::{Code, Instruction, MemoryOperand, Register};
use smallvec::SmallVec;

pub(super) type Emitted<T = ()> = Result<T, Refusal>;

/// A loop variable while its loop is emitted.
#[derive(Clone, Copy)]
pub(super) enum Var {
    /// It is this number in the copy of the body that is being emitted.
    Fixed(i64),
    /// What the home holds, and a number.
    Steps { home: Home, shift: i64 },
}

/// Where a value is.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// A register for each machine vector.
    Registers(Numbers),
    /// All machine vectors are alike.
    Shared(u8),
    /// A mask register for each machine vector.
    Masks(Numbers),
    /// Not loaded yet: what uses it does that, one element into all lanes if true.
    Folded(Memory, bool),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Constant {
    /// These bits in all lanes.
    Bits(u32),
    Iota,
}

pub(super) struct Emitter<'k> {
    pub kernel: &'k Kernel,
    pub target: Target,
    pub a: Assembler,
    pub uses: Vec<u32>,
    pub folds: Vec<bool>,
    pub constants: Vec<Option<Constant>>,
    pub values: Vec<Option<Held>>,
    pub vectors: Registers,
    pub masks: Registers,
    /// Mask registers that hold the first lanes of a vector throughout.
    pub tails: Vec<(u16, u8)>,
    pub vars: Vec<Var>,
    pub general: General,
}

pub(super) fn emit(kernel: &Kernel, target: Target) -> Emitted<Bytes> {
    let Tree { body, uses, folds } = tree::read(kernel, target.lanes());
    let general = general::assign(kernel, &body)?;
    let mut constants = vec![None; kernel.values.len()];
    note_constants(&kernel.body, &mut constants);
    let mut emitter = Emitter {
        kernel,
        target,
        a: Assembler::new(),
        uses,
        folds,
        constants,
        values: vec![None; kernel.values.len()],
        vectors: Registers::new(0, target.registers() as u8, "vector registers"),
        masks: Registers::new(1, 7, "mask registers"),
        tails: Vec::new(),
        vars: vec![Var::Fixed(0); kernel.vars.len()],
        general,
    };
    emitter.function(&body)?;
    Ok(emitter.a.finish())
}

fn note_constants(stmts: &[Stmt], constants: &mut [Option<Constant>]) {
    for stmt in stmts {
        match stmt {
            Stmt::Let(v, Op::F32(x)) => constants[v.index()] = Some(Constant::Bits(x.to_bits())),
            Stmt::Let(v, Op::I32(x)) => constants[v.index()] = Some(Constant::Bits(*x as u32)),
            Stmt::Let(v, Op::Iota) => constants[v.index()] = Some(Constant::Iota),
            Stmt::Let(..) | Stmt::Store { .. } => {}
            Stmt::Loop(l) => note_constants(&l.body, constants),
            Stmt::If { then, otherwise, .. } => {
                note_constants(then, constants);
                note_constants(otherwise, constants);
            }
        }
    }
}

/// The register that an instruction of some width names.
pub(super) fn vector(width: Width, number: u8) -> Register {
    let first = match width {
        Width::X => Register::XMM0,
        Width::Y => Register::YMM0,
        Width::Z => Register::ZMM0,
    };
    first + u32::from(number)
}

pub(super) fn mask(number: u8) -> Register {
    Register::K0 + u32::from(number)
}

/// What the assembler says of an instruction that cannot be made.
pub(super) fn made(instruction: Result<Instruction, iced_x86::IcedError>) -> Emitted<Instruction> {
    instruction.map_err(|e| Refusal(e.to_string()))
}

impl<'k> Emitter<'k> {
    pub(super) fn wide(&self) -> bool {
        self.target == Target::Avx512
    }

    pub(super) fn put(&mut self, instruction: Result<Instruction, iced_x86::IcedError>) -> Emitted {
        self.a.put(&made(instruction)?)
    }

    pub(super) fn code(&self, row: Row, width: Width) -> Code {
        if self.wide() { row.avx512[width as usize] } else { row.avx2[width as usize] }
    }

    /// The machine vectors of a value: their widths and first lanes.
    pub(super) fn chunks(&self, lanes: u16) -> SmallVec<[(Width, u16); 4]> {
        let widths: &[Width] = if self.wide() { &[Width::Z, Width::Y, Width::X] } else { &[Width::Y, Width::X] };
        let mut chunks = SmallVec::new();
        let mut first = 0;
        while first < lanes {
            let fits = |w: &&Width| w.lanes() <= lanes - first;
            let width = widths.iter().find(fits).copied().unwrap_or(Width::X);
            chunks.push((width, first));
            first += width.lanes();
        }
        chunks
    }

    pub(super) fn chunks_of(&self, value: ValueId) -> SmallVec<[(Width, u16); 4]> {
        self.chunks(self.kernel.values[value].lanes)
    }

    fn function(&mut self, body: &Block<'k>) -> Emitted {
        let saved = self.general.saved.clone();
        for &register in &saved {
            self.put(Instruction::with1(Code::Push_r64, register))?;
        }
        let frame = self.general.frame;
        self.put(Instruction::with2(Code::Sub_rm64_imm32, Register::RSP, frame))?;
        let field = |offset: i32| Memory::at(Register::RDI, offset).operand(false);
        self.put(Instruction::with2(Code::Mov_r64_rm64, Register::RAX, field(abi::BASES)))?;
        self.put(Instruction::with2(Code::Mov_rm64_r64, slot(BASES), Register::RAX))?;
        let counted = self.kernel.part_count() != 1;
        if counted {
            for (from, to) in [(abi::FIRST, PART), (abi::END, END)] {
                self.put(Instruction::with2(Code::Mov_r64_rm64, Register::RAX, field(from)))?;
                self.put(Instruction::with2(Code::Mov_rm64_r64, slot(to), Register::RAX))?;
            }
        }
        self.called(field(abi::TURNS))?;
        self.prepare_tails()?;
        if counted {
            self.parts(body)?;
        } else {
            self.enter()?;
            self.block(body)?;
        }
        self.put(Ok(Instruction::with(Code::VEX_Vzeroupper)))?;
        self.put(Instruction::with2(Code::Add_rm64_imm32, Register::RSP, frame))?;
        for &register in saved.iter().rev() {
            self.put(Instruction::with1(Code::Pop_r64, register))?;
        }
        self.put(Ok(Instruction::with(Code::Retnq)))
    }

    /// The counters of the loops that the kernel is called in. Their homes may be where the call was told: it is read
    /// before.
    fn called(&mut self, array: MemoryOperand) -> Emitted {
        let loops: Vec<_> = self.kernel.turns.iter().copied().enumerate().filter(|l| l.1.1 > 1).collect();
        if !loops.is_empty() {
            self.put(Instruction::with2(Code::Mov_r64_rm64, Register::RAX, array))?;
        }
        for (at, (var, _)) in loops {
            let from = Memory::at(Register::RAX, 8 * at as i32).operand(false);
            self.put(Instruction::with2(Code::Mov_r64_rm64, Register::RCX, from))?;
            let home = self.general.counters[&var];
            self.set(home, Register::RCX)?;
            self.vars[var.index()] = Var::Steps { home, shift: 0 };
        }
        Ok(())
    }

    /// The body for each part in first .. end.
    fn parts(&mut self, body: &Block<'k>) -> Emitted {
        let (head, exit) = (self.a.label(), self.a.label());
        self.a.place(head);
        self.put(Instruction::with2(Code::Mov_r64_rm64, Register::RAX, slot(PART)))?;
        self.put(Instruction::with2(Code::Cmp_r64_rm64, Register::RAX, slot(END)))?;
        self.a.jump(Code::Jae_rel32_64, exit)?;
        let parts: Vec<_> = self.kernel.parts.iter().copied().filter(|p| p.1 > 1).collect();
        for (at, &(var, trip)) in parts.iter().enumerate().rev() {
            let home = self.general.counters[&var];
            if at > 0 {
                self.put(Instruction::with2(Code::Xor_r32_rm32, Register::EDX, Register::EDX))?;
                self.put(Instruction::with2(Code::Mov_r32_imm32, Register::ECX, trip))?;
                self.put(Instruction::with1(Code::Div_rm64, Register::RCX))?;
            }
            let value = if at > 0 { Register::RDX } else { Register::RAX };
            self.set(home, value)?;
            self.vars[var.index()] = Var::Steps { home, shift: 0 };
        }
        self.enter()?;
        self.block(body)?;
        self.put(Instruction::with2(Code::Add_rm64_imm32, slot(PART), 1))?;
        self.a.jump(Code::Jmp_rel32_64, head)?;
        self.a.place(exit);
        Ok(())
    }

    /// Sets the streams to where the part begins, in this turn.
    fn enter(&mut self) -> Emitted {
        for at in 0..self.general.streams.len() {
            let stream = &self.general.streams[at];
            let (home, base) = (stream.home, 8 * i32::from(stream.buffer));
            let outer = self.kernel.turns.iter().chain(&self.kernel.parts);
            let outer = outer.filter(|p| p.1 > 1).map(|p| (p.0, stream.step(p.0)));
            let outer: Vec<_> = outer.filter(|p| p.1 != 0).collect();
            let pointer = match home {
                Home::Register(register) => register,
                Home::Slot(_) => Register::RAX,
            };
            self.put(Instruction::with2(Code::Mov_r64_rm64, pointer, slot(BASES)))?;
            let at_base = Memory::at(pointer, base).operand(false);
            self.put(Instruction::with2(Code::Mov_r64_rm64, pointer, at_base))?;
            for (var, step) in outer {
                self.times(Register::RCX, self.general.counters[&var], step)?;
                self.put(Instruction::with2(Code::Add_r64_rm64, pointer, Register::RCX))?;
            }
            if let Home::Slot(offset) = home {
                self.put(Instruction::with2(Code::Mov_rm64_r64, slot(offset), pointer))?;
            }
        }
        Ok(())
    }

    fn set(&mut self, home: Home, from: Register) -> Emitted {
        match home {
            Home::Register(to) => self.put(Instruction::with2(Code::Mov_r64_rm64, to, from)),
            Home::Slot(to) => self.put(Instruction::with2(Code::Mov_rm64_r64, slot(to), from)),
        }
    }

    /// `to = home * factor`
    fn times(&mut self, to: Register, home: Home, factor: i64) -> Emitted {
        let factor = i32::try_from(factor).map_err(|_| Refusal("a factor of more than 31 bits".to_string()))?;
        match (home, factor) {
            (Home::Register(from), 1) => self.put(Instruction::with2(Code::Mov_r64_rm64, to, from)),
            (Home::Slot(from), 1) => self.put(Instruction::with2(Code::Mov_r64_rm64, to, slot(from))),
            (Home::Register(from), _) => self.put(Instruction::with3(Code::Imul_r64_rm64_imm32, to, from, factor)),
            (Home::Slot(from), _) => self.put(Instruction::with3(Code::Imul_r64_rm64_imm32, to, slot(from), factor)),
        }
    }

    /// `home += by`
    fn add(&mut self, home: Home, by: i64) -> Emitted {
        let by = i32::try_from(by).map_err(|_| Refusal("a step of more than 2 GB".to_string()))?;
        match home {
            Home::Register(to) => self.put(Instruction::with2(Code::Add_rm64_imm32, to, by)),
            Home::Slot(to) => self.put(Instruction::with2(Code::Add_rm64_imm32, slot(to), by)),
        }
    }

    fn block(&mut self, block: &Block<'k>) -> Emitted {
        block.nodes.iter().try_for_each(|node| self.node(node))
    }

    fn node(&mut self, node: &Node<'k>) -> Emitted {
        match node.stmt {
            Stmt::Let(value, op) => {
                if self.uses[value.index()] > 0 && self.constants[value.index()].is_none() {
                    self.define(*value, op, node)?;
                }
            }
            Stmt::Store { place, value } => self.store(place, *value)?,
            Stmt::Loop(l) => self.repeat(l, node)?,
            Stmt::If { conditions, .. } => self.branch(conditions, node)?,
        }
        for &value in &node.dies {
            self.release(value);
        }
        Ok(())
    }

    /// Gives the registers of a value back, if it still has them.
    pub(super) fn release(&mut self, value: ValueId) {
        match self.values[value.index()].take() {
            Some(Held::Registers(numbers)) => numbers.iter().for_each(|&n| self.vectors.give(n)),
            Some(Held::Shared(number)) => self.vectors.give(number),
            Some(Held::Masks(numbers)) => numbers.iter().for_each(|&n| self.masks.give(n)),
            Some(Held::Folded(..)) | None => {}
        }
    }

    fn repeat(&mut self, l: &'k Loop, node: &Node<'k>) -> Emitted {
        if l.carried.iter().any(|c| self.kernel.values[c.inside].base == Base::Bool) {
            return Err(Refusal("a truth value goes around a loop".to_string()));
        }
        let (plan, body) = (node.unrolled, &node.inner[0]);
        let mut around: Vec<Numbers> = Vec::new();
        for c in &l.carried {
            let sole = node.dies.contains(&c.init)
                && !node.uses.contains(&c.init)
                && l.carried.iter().filter(|o| o.init == c.init).count() == 1;
            around.push(self.moved(c.init, sole)?);
        }
        let looped = plan.turns * plan.copies;
        if looped > 0 {
            self.turns(l, node, &around)?;
        }
        for turn in looped..l.trip {
            self.vars[l.var.index()] = Var::Fixed(i64::from(turn));
            around = self.copy(l, body, around)?;
        }
        for (c, numbers) in l.carried.iter().zip(around) {
            self.values[c.result.index()] = Some(Held::Registers(numbers));
            if self.uses[c.result.index()] == 0 {
                self.release(c.result);
            }
        }
        Ok(())
    }

    /// A value in registers of its own: those that it has, if nobody needs it any more.
    pub(super) fn moved(&mut self, value: ValueId, sole: bool) -> Emitted<Numbers> {
        if sole && let Some(Held::Registers(_)) = &self.values[value.index()] {
            let Some(Held::Registers(numbers)) = self.values[value.index()].take() else { unreachable!("seen above") };
            return Ok(numbers);
        }
        let mut numbers = Numbers::new();
        for (chunk, (width, _)) in self.chunks_of(value).into_iter().enumerate() {
            let to = self.vectors.take()?;
            self.fill(to, width, value, chunk)?;
            numbers.push(to);
        }
        Ok(numbers)
    }

    /// The body once; gives the registers of the next values.
    fn copy(&mut self, l: &'k Loop, body: &Block<'k>, around: Vec<Numbers>) -> Emitted<Vec<Numbers>> {
        for (c, numbers) in l.carried.iter().zip(around) {
            self.values[c.inside.index()] = Some(Held::Registers(numbers));
        }
        for &value in &body.unused {
            self.release(value);
        }
        self.block(body)?;
        let own = |value: ValueId, c: &Carried| {
            (made_in(&l.body, value) || l.carried.iter().any(|o| o.inside == value))
                && l.carried.iter().filter(|o| o.next == c.next).count() == 1
        };
        // Copies first: what they copy from may be moved.
        let mut next: Vec<Option<Numbers>> = vec![None; l.carried.len()];
        for (at, c) in l.carried.iter().enumerate().filter(|(_, c)| !own(c.next, c)) {
            next[at] = Some(self.moved(c.next, false)?);
        }
        for (at, c) in l.carried.iter().enumerate() {
            if next[at].is_none() {
                next[at] = Some(self.moved(c.next, true)?);
                self.release(c.next);
            }
        }
        // What was copied, if the body made it, is not needed any more.
        for c in &l.carried {
            let inner = l.carried.iter().any(|o| o.inside == c.next) || made_in(&l.body, c.next);
            if inner {
                self.release(c.next);
            }
        }
        Ok(next.into_iter().map(|n| n.expect("both loops together fill all")).collect())
    }

    fn turns(&mut self, l: &'k Loop, node: &Node<'k>, around: &[Numbers]) -> Emitted {
        let plan = node.unrolled;
        let home = self.general.counters[&l.var];
        self.clear(home)?;
        let head = self.a.label();
        self.a.place(head);
        let mut now = around.to_vec();
        for shift in 0..plan.copies {
            self.vars[l.var.index()] = Var::Steps { home, shift: i64::from(shift) };
            now = self.copy(l, &node.inner[0], now)?;
        }
        self.settle(l, &now, around)?;
        let steps: Vec<(Home, i64)> =
            self.general.streams.iter().map(|s| (s.home, s.step(l.var))).filter(|s| s.1 != 0).collect();
        for &(home, step) in &steps {
            self.add(home, step * i64::from(plan.copies))?;
        }
        self.add(home, i64::from(plan.copies))?;
        self.compare_home(home, (plan.turns * plan.copies) as i32)?;
        self.a.jump(Code::Jne_rel32_64, head)?;
        for &(home, step) in &steps {
            self.add(home, -step * i64::from(plan.copies) * i64::from(plan.turns))?;
        }
        Ok(())
    }

    fn clear(&mut self, home: Home) -> Emitted {
        match home {
            Home::Register(to) => {
                let low = to.full_register32();
                self.put(Instruction::with2(Code::Xor_r32_rm32, low, low))
            }
            Home::Slot(to) => self.put(Instruction::with2(Code::Mov_rm64_imm32, slot(to), 0)),
        }
    }

    fn compare_home(&mut self, home: Home, with: i32) -> Emitted {
        match home {
            Home::Register(a) => self.put(Instruction::with2(Code::Cmp_rm64_imm32, a, with)),
            Home::Slot(a) => self.put(Instruction::with2(Code::Cmp_rm64_imm32, slot(a), with)),
        }
    }

    /// Moves what goes around to the registers that the loop's head wants it in.
    fn settle(&mut self, l: &Loop, from: &[Numbers], to: &[Numbers]) -> Emitted {
        let mut moves: Vec<(Width, u8, u8)> = Vec::new();
        for ((c, from), to) in l.carried.iter().zip(from).zip(to) {
            let widths = self.chunks_of(c.inside);
            let pairs = widths.iter().zip(from.iter().zip(to));
            moves.extend(pairs.map(|(w, (&f, &t))| (w.0, f, t)).filter(|m| m.1 != m.2));
        }
        // All of `from` is given back, all of `to` is taken; the moves lie between.
        while !moves.is_empty() {
            let free = moves.iter().position(|m| moves.iter().all(|o| o.1 != m.2));
            let at = free.unwrap_or(0);
            let (width, from, to) = moves[at];
            if free.is_some() {
                self.vectors.claim(to);
                self.copy_register(width, to, from)?;
                self.vectors.give(from);
                moves.remove(at);
            } else {
                // A circle: one steps aside.
                let aside = self.vectors.take()?;
                self.copy_register(width, aside, from)?;
                self.vectors.give(from);
                moves[at].1 = aside;
            }
        }
        Ok(())
    }

    pub(super) fn copy_register(&mut self, width: Width, to: u8, from: u8) -> Emitted {
        let code = self.code(table::COPY, width);
        self.put(Instruction::with2(code, vector(width, to), vector(width, from)))
    }

    fn branch(&mut self, conditions: &'k [Condition], node: &Node<'k>) -> Emitted {
        let mut unknown = Vec::new();
        for condition in conditions {
            match self.known(condition) {
                Some(true) => {}
                Some(false) => return self.block(&node.inner[1]),
                None => unknown.push(condition),
            }
        }
        if unknown.is_empty() {
            return self.block(&node.inner[0]);
        }
        let (no, join) = (self.a.label(), self.a.label());
        for condition in unknown {
            self.form(&condition.form)?;
            self.put(Instruction::with2(Code::Test_rm64_r64, Register::RAX, Register::RAX))?;
            let code = if condition.equal { Code::Jne_rel32_64 } else { Code::Jl_rel32_64 };
            self.a.jump(code, no)?;
        }
        self.block(&node.inner[0])?;
        self.a.jump(Code::Jmp_rel32_64, join)?;
        self.a.place(no);
        self.block(&node.inner[1])?;
        self.a.place(join);
        Ok(())
    }

    /// Whether a condition holds, if no variable in it steps.
    fn known(&self, condition: &Condition) -> Option<bool> {
        let (value, steps) = self.split(&condition.form);
        let holds = if condition.equal { value == 0 } else { value >= 0 };
        steps.is_empty().then_some(holds)
    }

    /// The constant part of a form, and what steps.
    pub(super) fn split(&self, form: &Address) -> (i64, SmallVec<[(Home, i64); 4]>) {
        let mut constant = form.constant;
        let mut steps = SmallVec::new();
        for &(var, factor) in &form.terms {
            match self.vars[var.index()] {
                Var::Fixed(n) => constant += factor * n,
                Var::Steps { home, shift } => {
                    constant += factor * shift;
                    steps.push((home, factor));
                }
            }
        }
        (constant, steps)
    }

    /// The value of a form, in RAX; RDX is lost.
    pub(super) fn form(&mut self, form: &Address) -> Emitted {
        let (constant, steps) = self.split(form);
        self.put(Instruction::with2(Code::Mov_r64_imm64, Register::RAX, constant))?;
        for (home, factor) in steps {
            self.times(Register::RDX, home, factor)?;
            self.put(Instruction::with2(Code::Add_r64_rm64, Register::RAX, Register::RDX))?;
        }
        Ok(())
    }
}

fn made_in(body: &[Stmt], value: ValueId) -> bool {
    body.iter().any(|s| match s {
        Stmt::Let(v, _) => *v == value,
        Stmt::Loop(inner) => inner.carried.iter().any(|c| c.result == value),
        Stmt::If { .. } | Stmt::Store { .. } => false,
    })
}

/// A word of the frame.
pub(super) fn slot(offset: i32) -> MemoryOperand {
    Memory::at(Register::RSP, offset).operand(false)
}
