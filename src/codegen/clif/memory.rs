//! Loads, stores, and the pointers that they start from.
//!
//! A pattern is a buffer with the stepping part of an address. Its pointer is the pointer of the pattern without the
//! innermost variable, plus that variable's part; a loop carries either each such pointer or, where many patterns step
//! alike, their common offset. What is constant goes into the instruction.

use super::nest::Var;
use super::*;
use crate::kernel::{Address, BufferIx, Loop, Place, VarId};
use ir::Value;
use ir::types::{F64, F64X2, I32, I64};

/// A buffer, and the bytes that each stepping variable moves by, outermost first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Pattern {
    buffer: BufferIx,
    terms: SmallVec<[(VarId, i64); 4]>,
}

/// The pointers that are known where we are.
#[derive(Default)]
pub(super) struct Pointers {
    known: Vec<(Pattern, Value)>,
    /// Byte offsets of clamped values: value, scale, limit.
    dynamics: Vec<((ValueId, i64, u32), Value)>,
    /// Which of them will be wanted.
    wanted: Vec<(ValueId, i64, u32)>,
}

impl Pointers {
    pub(super) fn mark(&self) -> (usize, usize) {
        (self.known.len(), self.dynamics.len())
    }

    /// Forgets what was learnt since the mark: it is not valid behind the list that made it.
    pub(super) fn forget(&mut self, mark: (usize, usize)) {
        self.known.truncate(mark.0);
        self.dynamics.truncate(mark.1);
    }
}

/// What a loop carries to step through memory.
pub(super) struct Step {
    /// Of each turn of the kernel's loop.
    pub bytes: i64,
    pub start: Value,
    pub param: Value,
    /// What it serves: the one pattern whose pointer it is, or all whose offset it is.
    patterns: Vec<Pattern>,
}

/// With more patterns than this, a loop carries their common offset.
const POINTERS: usize = 3;

impl Translator<'_, '_> {
    /// Reads the buffers' addresses.
    pub(super) fn load_bases(&mut self) {
        let flags = flags().with_readonly().with_aligned();
        let bases = self.b.ins().load(I64, flags, self.call, abi::BASES);
        for i in 0..self.kernel.buffers.len() {
            let base = self.b.ins().load(I64, flags, bases, 8 * i as i32);
            let pattern = Pattern { buffer: i as BufferIx, terms: SmallVec::new() };
            self.pointers.known.push((pattern, base));
        }
    }

    /// Notes which clamped values the kernel's places want.
    pub(super) fn note_dynamics(&mut self, stmts: &[Stmt]) {
        let mut wanted = Vec::new();
        each_place(stmts, &mut |place| {
            if let Some(d) = place.dynamic
                && !wanted.contains(&(d.value, d.scale, d.limit))
            {
                wanted.push((d.value, d.scale, d.limit));
            }
        });
        self.pointers.wanted = wanted;
    }

    /// Makes the byte offsets that places take from a value, where the value is made.
    pub(super) fn dynamic_offsets(&mut self, value: ValueId) {
        let wanted: Vec<_> = self.pointers.wanted.iter().copied().filter(|w| w.0 == value).collect();
        for (_, scale, limit) in wanted {
            let lane = self.get(value)[0];
            let zero = self.b.ins().iconst(I32, 0);
            let most = self.b.ins().iconst(I32, i64::from(limit.saturating_sub(1).min(i32::MAX as u32)));
            let low = self.b.ins().smax(lane, zero);
            let clamped = self.b.ins().smin(low, most);
            let wide = self.b.ins().sextend(I64, clamped);
            let offset = self.times(wide, 4 * scale);
            self.pointers.dynamics.push(((value, scale, limit), offset));
        }
    }

    /// The stepping part of an address, and the constant rest in bytes.
    fn pattern(&self, buffer: BufferIx, address: &Address) -> (Pattern, i64) {
        let mut bytes = 4 * address.constant;
        let mut terms: SmallVec<[(VarId, i64); 4]> = SmallVec::new();
        for var in &self.stepping {
            let factor = 4 * address.coefficient(*var);
            if let Var::Steps { shift, .. } = self.vars[var.index()]
                && factor != 0
            {
                bytes += factor * shift;
                terms.push((*var, factor));
            }
        }
        for &(var, factor) in &address.terms {
            if let Var::Fixed(n) = self.vars[var.index()] {
                bytes += 4 * factor * n;
            }
        }
        (Pattern { buffer, terms }, bytes)
    }

    fn pointer(&mut self, pattern: &Pattern) -> Value {
        if let Some((_, value)) = self.pointers.known.iter().rev().find(|(p, _)| p == pattern) {
            return *value;
        }
        let mut outer = pattern.clone();
        let (var, factor) = outer.terms.pop().expect("bases are known");
        let base = self.pointer(&outer);
        let Var::Steps { counter, .. } = self.vars[var.index()] else {
            unreachable!("a pattern has stepping variables only")
        };
        let moved = self.times(counter, factor);
        let value = self.b.ins().iadd(base, moved);
        self.pointers.known.push((pattern.clone(), value));
        value
    }

    /// What a loop has to carry for the places in its body, with a parameter of `head` for each.
    pub(super) fn steps(&mut self, l: &Loop, head: ir::Block, counter: Value) -> Vec<Step> {
        self.vars[l.var.index()] = Var::Steps { counter, shift: 0 };
        self.stepping.push(l.var);
        let mut groups: Vec<(i64, Vec<Pattern>)> = Vec::new();
        let mut outside: Vec<Pattern> = Vec::new();
        each_place(&l.body, &mut |place| {
            let (pattern, _) = self.pattern(place.buffer, &place.address);
            let last = pattern.terms.last().copied().filter(|last| last.0 == l.var);
            let Some((_, factor)) = last else {
                outside.push(pattern);
                return;
            };
            match groups.iter_mut().find(|g| g.0 == factor) {
                Some((_, group)) if group.contains(&pattern) => {}
                Some((_, group)) => group.push(pattern),
                None => groups.push((factor, vec![pattern])),
            }
        });
        self.stepping.pop();
        // What does not step in this loop is made before it.
        outside.iter().for_each(|pattern| _ = self.pointer(pattern));
        groups.into_iter().flat_map(|(bytes, patterns)| self.step_group(head, bytes, patterns)).collect()
    }

    fn step_group(&mut self, head: ir::Block, bytes: i64, patterns: Vec<Pattern>) -> Vec<Step> {
        if patterns.len() > POINTERS {
            let start = self.b.ins().iconst(I64, 0);
            let param = self.b.append_block_param(head, I64);
            return vec![Step { bytes, start, param, patterns }];
        }
        let mut steps = Vec::new();
        for pattern in patterns {
            let start = self.pointer(&outer(&pattern));
            let param = self.b.append_block_param(head, I64);
            steps.push(Step { bytes, start, param, patterns: vec![pattern] });
        }
        steps
    }

    /// Makes the steps' pointers known inside their loop.
    pub(super) fn enter_steps(&mut self, steps: &[Step]) {
        for step in steps {
            if let [pattern] = step.patterns.as_slice() {
                self.pointers.known.push((pattern.clone(), step.param));
                continue;
            }
            for pattern in &step.patterns {
                let base = self.pointer(&outer(pattern));
                let value = self.b.ins().iadd(base, step.param);
                self.pointers.known.push((pattern.clone(), value));
            }
        }
    }

    /// A pointer and an immediate offset for lane 0 of a place, such that all its lanes' offsets fit too.
    pub(super) fn address(&mut self, place: &Place) -> (Value, i32) {
        let (pattern, bytes) = self.pattern(place.buffer, &place.address);
        let mut pointer = self.pointer(&pattern);
        if let Some(d) = place.dynamic {
            let key = (d.value, d.scale, d.limit);
            let known = self.pointers.dynamics.iter().rev().find(|known| known.0 == key);
            let offset = known.expect("made with its value").1;
            pointer = self.b.ins().iadd(pointer, offset);
        }
        let last = bytes + 4 * place.stride * i64::from(place.live);
        match (i32::try_from(bytes), i32::try_from(last)) {
            (Ok(offset), Ok(_)) => (pointer, offset),
            (Ok(_) | Err(_), _) => (self.b.ins().iadd_imm_s(pointer, bytes), 0),
        }
    }

    /// `op` is `Load(place)` of type `t`.
    pub(super) fn load(&mut self, t: Type, place: &Place) -> Lanes {
        let at = self.address(place);
        if t.lanes == 1 {
            return SmallVec::from_slice(&[self.b.ins().load(machine_type(t), flags(), at.0, at.1)]);
        }
        let vector = machine_type(t);
        if place.stride == 0 {
            return self.load_splat(t, at, place.live);
        }
        let mut chunks = Lanes::new();
        for chunk in 0..chunks_of(t) {
            let live = place.live.saturating_sub(4 * chunk).min(4);
            let value = match (live, place.stride) {
                (0, _) => self.zero(vector),
                (4, 1) => self.b.ins().load(vector, flags(), at.0, at.1 + 16 * i32::from(chunk)),
                (_, stride) => self.load_lanes(vector, at, stride, 4 * chunk, live),
            };
            chunks.push(value);
        }
        chunks
    }

    fn load_splat(&mut self, t: Type, at: (Value, i32), live: u16) -> Lanes {
        let vector = machine_type(t);
        let lane = self.b.ins().load(vector.lane_type(), flags(), at.0, at.1);
        let all = self.b.ins().splat(vector, lane);
        (0..chunks_of(t)).map(|chunk| self.keep(vector, all, live.saturating_sub(4 * chunk).min(4))).collect()
    }

    /// The first `live` lanes, the others 0.
    fn keep(&mut self, vector: ir::Type, value: Value, live: u16) -> Value {
        if live == 4 {
            return value;
        }
        let mask = [0, 1, 2, 3].map(|lane| if lane < live { u32::MAX } else { 0 });
        let mask = self.vector_constant(vector, mask);
        self.b.ins().band(value, mask)
    }

    fn zero(&mut self, vector: ir::Type) -> Value {
        self.vector_constant(vector, [0; 4])
    }

    /// The lanes `first .. first + live` of a place, the rest of the vector 0.
    fn load_lanes(&mut self, vector: ir::Type, at: (Value, i32), stride: i64, first: u16, live: u16) -> Value {
        let lane_type = vector.lane_type();
        let mut vector_value = None;
        let mut done = 0;
        if stride == 1 && live >= 2 {
            // Two lanes at once.
            let pair = self.b.ins().load(F64, flags(), at.0, lane_offset(at.1, 1, first));
            let pair = self.b.ins().scalar_to_vector(F64X2, pair);
            vector_value = Some(self.b.ins().bitcast(vector, same_bits(), pair));
            done = 2;
        }
        for lane in done..live {
            let loaded = self.b.ins().load(lane_type, flags(), at.0, lane_offset(at.1, stride, first + lane));
            vector_value = Some(match vector_value {
                None => self.b.ins().scalar_to_vector(vector, loaded),
                Some(value) => self.b.ins().insertlane(value, loaded, lane as u8),
            });
        }
        vector_value.expect("a lane is live")
    }

    pub(super) fn store(&mut self, place: &Place, value: ValueId) {
        let at = self.address(place);
        let chunks = self.get(value);
        if self.kernel.values[value].lanes == 1 {
            self.b.ins().store(flags(), chunks[0], at.0, at.1);
            return;
        }
        for (chunk, &value) in chunks.iter().enumerate() {
            let first = 4 * chunk as u16;
            let live = place.live.saturating_sub(first).min(4);
            match (live, place.stride) {
                (0, _) => {}
                (4, 1) => {
                    self.b.ins().store(flags(), value, at.0, at.1 + 4 * i32::from(first));
                }
                (_, stride) => self.store_lanes(value, at, stride, first, live),
            }
        }
    }

    fn store_lanes(&mut self, value: Value, at: (Value, i32), stride: i64, first: u16, live: u16) {
        let mut done = 0;
        if stride == 1 && live >= 2 {
            let pairs = self.b.ins().bitcast(F64X2, same_bits(), value);
            let pair = self.b.ins().extractlane(pairs, 0);
            self.b.ins().store(flags(), pair, at.0, lane_offset(at.1, 1, first));
            done = 2;
        }
        for lane in done..live {
            let one = self.b.ins().extractlane(value, lane as u8);
            self.b.ins().store(flags(), one, at.0, lane_offset(at.1, stride, first + lane));
        }
    }
}

fn chunks_of(t: Type) -> u16 {
    super::chunks(t)
}

fn lane_offset(offset: i32, stride: i64, lane: u16) -> i32 {
    // `address` has made sure that it fits.
    offset + (4 * stride * i64::from(lane)) as i32
}

fn outer(pattern: &Pattern) -> Pattern {
    let mut outer = pattern.clone();
    outer.terms.pop();
    outer
}

/// All places of loads and stores, in order.
fn each_place(stmts: &[Stmt], f: &mut impl FnMut(&Place)) {
    for stmt in stmts {
        match stmt {
            Stmt::Let(_, Op::Load(place)) | Stmt::Store { place, .. } => f(place),
            Stmt::Let(..) => {}
            Stmt::Loop(l) => each_place(&l.body, f),
            Stmt::If { then, otherwise, .. } => {
                each_place(then, f);
                each_place(otherwise, f);
            }
        }
    }
}
