//! Statements: parts, loops, branches.

use super::tile::{Style, is_tile_step};
use super::*;
use crate::kernel::{Address, Carried, Condition, Loop, VarId, cost};
use ir::condcodes::IntCC;
use ir::types::I64;
use ir::{BlockArg, Value};

/// A loop variable while its loop is lowered.
#[derive(Clone, Copy)]
pub(super) enum Var {
    /// It is this number in the copy of the body that is being lowered.
    Fixed(i64),
    /// `counter + shift`, in a loop that runs.
    Steps { counter: Value, shift: i64 },
}

/// A loop of `turns` turns of `copies` copies of the body, and `rest` copies behind it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Unrolled {
    turns: u32,
    copies: u32,
    rest: u32,
}

/// Loops with fewer instructions than this are unrolled wholly.
const BODY: u32 = 128;

impl Translator<'_, '_> {
    /// The whole function: for each part in first .. end, the body.
    pub(super) fn entry(&mut self) {
        let entry = self.b.create_block();
        self.b.append_block_params_for_function_params(entry);
        self.switch_to(entry);
        self.call = self.b.block_params(entry)[0];
        self.load_bases();
        self.load_turns();
        if self.kernel.part_count() == 1 {
            self.list(&self.kernel.body);
            self.b.ins().return_(&[]);
            return;
        }
        let first = self.b.ins().load(I64, flags(), self.call, abi::FIRST);
        let end = self.b.ins().load(I64, flags(), self.call, abi::END);
        let (head, body, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let part = self.b.append_block_param(head, I64);
        self.b.ins().jump(head, &[BlockArg::Value(first)]);
        self.switch_to(head);
        let more = self.b.ins().icmp(IntCC::UnsignedLessThan, part, end);
        self.b.ins().brif(more, body, &[], exit, &[]);
        self.switch_to(body);
        self.part(part);
        self.list(&self.kernel.body);
        let next = self.b.ins().iadd_imm_s(part, 1);
        self.b.ins().jump(head, &[BlockArg::Value(next)]);
        self.switch_to(exit);
        self.b.ins().return_(&[]);
    }

    /// The variables of a part, from its number.
    fn part(&mut self, part: Value) {
        let parts: Vec<(VarId, u32)> = self.kernel.parts.iter().copied().filter(|p| p.1 > 1).collect();
        let mut rest = part;
        for (i, &(var, trip)) in parts.iter().enumerate().rev() {
            let counter = if i == 0 { rest } else { self.b.ins().urem_imm_u(rest, i64::from(trip)) };
            if i > 0 {
                rest = self.b.ins().udiv_imm_u(rest, i64::from(trip));
            }
            self.vars[var.index()] = Var::Steps { counter, shift: 0 };
        }
        self.stepping.extend(parts.iter().map(|p| p.0));
    }

    /// The variables of the turn.
    fn load_turns(&mut self) {
        let loops: Vec<(VarId, u32)> = self.kernel.turns.clone();
        let flags = flags().with_aligned();
        let stepping = loops.iter().any(|l| l.1 > 1);
        let turns = stepping.then(|| self.b.ins().load(I64, flags, self.call, abi::TURNS));
        for (i, &(var, trip)) in loops.iter().enumerate() {
            // A variable that never steps is 0 from the start.
            if let Some(turns) = turns.filter(|_| trip > 1) {
                let counter = self.b.ins().load(I64, flags, turns, 8 * i as i32);
                self.vars[var.index()] = Var::Steps { counter, shift: 0 };
                self.stepping.push(var);
            }
        }
    }

    pub(super) fn list(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(value, op) => self.define(*value, op),
                Stmt::Loop(l) => self.repeat(l),
                Stmt::If { conditions, then, otherwise } => self.branch(conditions, then, otherwise),
                Stmt::Store { place, value } => self.store(place, *value),
            }
        }
    }

    pub(super) fn define(&mut self, value: ValueId, op: &Op) {
        if self.again[value.index()].is_none() && self.constants[value.index()].is_none() {
            self.values[value.index()] = self.op(value, op);
        }
        self.dynamic_offsets(value);
    }

    fn repeat(&mut self, l: &Loop) {
        let plan = unroll(self.kernel, l, self.style);
        let mut around: Vec<Lanes> = l.carried.iter().map(|c| self.start(c.init)).collect();
        let looped = if plan.turns > 1 { plan.turns * plan.copies } else { 0 };
        if looped > 0 {
            around = self.turns(l, plan, around);
        }
        let back = self.style.back && is_tile_step(l);
        for turn in looped..l.trip {
            self.vars[l.var.index()] = Var::Fixed(i64::from(turn));
            around = self.copy(l, around, back && (turn - looped) % 2 == 1);
        }
        for (c, lanes) in l.carried.iter().zip(around) {
            self.bind(c.result, lanes);
        }
    }

    /// The start of a carried value: a constant gets a register of its own for each, instead of copies of one.
    fn start(&mut self, init: ValueId) -> Lanes {
        let chunks = chunks(self.kernel.values[init]);
        if self.constants[init.index()].is_none() {
            return self.get(init);
        }
        (0..usize::from(chunks))
            .map(|chunk| {
                self.made.clear();
                self.get(init)[chunk]
            })
            .collect()
    }

    /// The body once; gives the next values.
    fn copy(&mut self, l: &Loop, around: Vec<Lanes>, backward: bool) -> Vec<Lanes> {
        let mark = self.pointers.mark();
        for (c, lanes) in l.carried.iter().zip(around) {
            self.bind(c.inside, lanes);
        }
        if self.style.again && is_tile_step(l) {
            self.load_again(l);
        }
        if backward {
            self.backward(l);
        } else {
            self.list(&l.body);
        }
        self.pointers.forget(mark);
        l.carried.iter().map(|c| self.get(c.next)).collect()
    }

    fn bind(&mut self, value: ValueId, lanes: Lanes) {
        self.values[value.index()] = lanes;
        self.dynamic_offsets(value);
    }

    /// A loop that is tested at its head; carries the counter, what steps through memory, and the values.
    ///
    /// At its head, so that each next value has one use, the jump back: Cranelift folds a load into an instruction only
    /// where nothing that comes of it has two.
    fn turns(&mut self, l: &Loop, plan: Unrolled, around: Vec<Lanes>) -> Vec<Lanes> {
        let (head, body, exit) = (self.b.create_block(), self.b.create_block(), self.b.create_block());
        let counter = self.b.append_block_param(head, I64);
        let steps = self.steps(l, head, counter);
        let inside = self.block_params(head, &l.carried);
        let zero = self.b.ins().iconst(I64, 0);
        let start = [zero].into_iter().chain(steps.iter().map(|s| s.start)).chain(around.into_iter().flatten());
        let start: Vec<BlockArg> = start.map(BlockArg::Value).collect();
        self.b.ins().jump(head, &start);

        self.switch_to(head);
        let more = self.b.ins().icmp_imm_u(IntCC::UnsignedLessThan, counter, i64::from(plan.turns * plan.copies));
        self.b.ins().brif(more, body, &[], exit, &[]);

        self.switch_to(body);
        let mark = self.pointers.mark();
        self.stepping.push(l.var);
        self.enter_steps(&steps);
        let (back, mut around) = (self.style.back && is_tile_step(l), inside.clone());
        for shift in 0..plan.copies {
            self.vars[l.var.index()] = Var::Steps { counter, shift: i64::from(shift) };
            around = self.copy(l, around, back && shift % 2 == 1);
        }
        let mut next = vec![self.b.ins().iadd_imm_s(counter, i64::from(plan.copies))];
        for step in &steps {
            next.push(self.b.ins().iadd_imm_s(step.param, step.bytes * i64::from(plan.copies)));
        }
        let args = next.into_iter().chain(around.into_iter().flatten());
        let args: Vec<BlockArg> = args.map(BlockArg::Value).collect();
        self.b.ins().jump(head, &args);
        self.stepping.pop();
        self.pointers.forget(mark);
        self.switch_to(exit);
        inside
    }

    fn block_params(&mut self, block: ir::Block, carried: &[Carried]) -> Vec<Lanes> {
        let types = carried.iter().map(|c| self.kernel.values[c.inside]);
        let types: Vec<Type> = types.collect();
        types
            .iter()
            .map(|&t| (0..chunks(t)).map(|_| self.b.append_block_param(block, machine_type(t))).collect())
            .collect()
    }

    fn branch(&mut self, conditions: &[Condition], then: &[Stmt], otherwise: &[Stmt]) {
        let mut unknown = Vec::new();
        for condition in conditions {
            match self.known(condition) {
                Some(true) => {}
                Some(false) => return self.list(otherwise),
                None => unknown.push(condition),
            }
        }
        if unknown.is_empty() {
            return self.list(then);
        }
        let (no, join) = (self.b.create_block(), self.b.create_block());
        for condition in unknown {
            let form = self.form(&condition.form);
            let code = if condition.equal { IntCC::Equal } else { IntCC::SignedGreaterThanOrEqual };
            let holds = self.b.ins().icmp_imm_s(code, form, 0);
            let yes = self.b.create_block();
            self.b.ins().brif(holds, yes, &[], no, &[]);
            self.switch_to(yes);
        }
        for (block, list) in [(None, then), (Some(no), otherwise)] {
            if let Some(block) = block {
                self.switch_to(block);
            }
            let mark = self.pointers.mark();
            self.list(list);
            self.pointers.forget(mark);
            self.b.ins().jump(join, &[]);
        }
        self.switch_to(join);
    }

    /// Whether a condition holds, if no variable in it steps.
    fn known(&self, condition: &Condition) -> Option<bool> {
        let mut value = condition.form.constant;
        for &(var, factor) in &condition.form.terms {
            match self.vars[var.index()] {
                Var::Fixed(n) => value += factor * n,
                Var::Steps { .. } => return None,
            }
        }
        Some(if condition.equal { value == 0 } else { value >= 0 })
    }

    /// The value of a form, as i64.
    pub(super) fn form(&mut self, form: &Address) -> Value {
        let mut constant = form.constant;
        let mut sum: Option<Value> = None;
        for &(var, factor) in &form.terms {
            match self.vars[var.index()] {
                Var::Fixed(n) => constant += factor * n,
                Var::Steps { counter, shift } => {
                    constant += factor * shift;
                    let term = self.times(counter, factor);
                    sum = Some(sum.map_or(term, |sum| self.b.ins().iadd(sum, term)));
                }
            }
        }
        match sum {
            None => self.b.ins().iconst(I64, constant),
            Some(sum) if constant == 0 => sum,
            Some(sum) => self.b.ins().iadd_imm_s(sum, constant),
        }
    }

    pub(super) fn times(&mut self, value: Value, factor: i64) -> Value {
        match factor {
            1 => value,
            f if f > 0 && f.count_ones() == 1 => self.b.ins().ishl_imm_u(value, i64::from(f.trailing_zeros())),
            f => self.b.ins().imul_imm_s(value, f),
        }
    }
}

/// Unrolls loops wholly where that is short, innermost ones else such that few turns are left over; the steps of a tile
/// an even number of times (see `tile`).
fn unroll(kernel: &Kernel, l: &Loop, style: Style) -> Unrolled {
    let weight = u32::try_from(cost::list(kernel, &l.body)).unwrap_or(u32::MAX).max(1);
    let inner = !l.body.iter().any(|s| matches!(s, Stmt::Loop(_) | Stmt::If { .. }));
    let tile = is_tile_step(l);
    if l.trip <= 1 || (l.trip.saturating_mul(weight) <= BODY && (style.whole || !tile)) {
        return Unrolled { turns: 0, copies: 1, rest: l.trip };
    }
    let copies = match inner {
        false => 1,
        true if tile && l.trip % 4 == 2 => style.copies.min(2),
        true if tile => style.copies,
        true => {
            // Fewest left over counts most, then many copies.
            let most = (BODY / 2 / weight).clamp(1, 4);
            (1..=most).max_by_key(|&c| c * 4 / (1 + 2 * (l.trip % c).min(1))).unwrap_or(1)
        }
    };
    Unrolled { turns: l.trip / copies, copies, rest: l.trip % copies }
}
