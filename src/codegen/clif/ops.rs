//! Operations on values: one function a kind, each lane by lane through machine vectors.

use super::*;
use crate::kernel::{Base, Binary, Compare, Fold, Unary};
use ir::Value;
use ir::condcodes::{FloatCC, IntCC};
use ir::types::{F32, F32X4, I32, I32X4};

impl Translator<'_, '_> {
    /// Makes the value of an operation that is no constant.
    pub(super) fn op(&mut self, value: ValueId, op: &Op) -> Lanes {
        let t = self.kernel.values[value];
        match op {
            Op::F32(_) | Op::I32(_) | Op::Iota => self.get(value),
            Op::Load(place) => self.load(t, place),
            Op::Splat(a) => {
                let lane = self.get(*a)[0];
                self.splat(t, lane)
            }
            Op::Index(form) => {
                let wide = self.form(form);
                let lane = self.b.ins().ireduce(I32, wide);
                self.splat(t, lane)
            }
            Op::Unary(op, a) => self.map(*a, |t, a| t.unary(*op, a)),
            Op::Binary(op, a, b) => self.binary(t, *op, *a, *b),
            Op::Fma(a, b, c) => self.fma(value, *a, *b, *c),
            Op::Compare(op, a, b) => self.compare(*op, *a, *b),
            Op::Select(c, a, b) => self.select(t, *c, *a, *b),
            Op::Fold(op, a) => SmallVec::from_slice(&[self.fold(*op, *a)]),
        }
    }

    fn splat(&mut self, t: Type, lane: Value) -> Lanes {
        match shape(t) {
            Type4::Scalar => SmallVec::from_slice(&[lane]),
            Type4::Vector if t.base == Base::Bool => {
                // A truth value of one lane is a byte: make it a mask.
                let wide = self.b.ins().uextend(I32, lane);
                let mask = self.b.ins().ineg(wide);
                let all = self.b.ins().splat(I32X4, mask);
                SmallVec::from_elem(all, usize::from(chunks(t)))
            }
            Type4::Vector => {
                let all = self.b.ins().splat(machine_type(t), lane);
                SmallVec::from_elem(all, usize::from(chunks(t)))
            }
        }
    }

    fn map(&mut self, a: ValueId, f: impl Fn(&mut Self, Value) -> Value) -> Lanes {
        self.get(a).into_iter().map(|a| f(self, a)).collect()
    }

    fn zip(&mut self, a: ValueId, b: ValueId, f: impl Fn(&mut Self, Value, Value) -> Value) -> Lanes {
        let (a, b) = (self.get(a), self.get(b));
        a.into_iter().zip(b).map(|(a, b)| f(self, a, b)).collect()
    }

    fn unary(&mut self, op: Unary, a: Value) -> Value {
        let vector = self.b.func.dfg.value_type(a).is_vector();
        let (float, whole) = if vector { (F32X4, I32X4) } else { (F32, I32) };
        match op {
            Unary::Neg if self.b.func.dfg.value_type(a).lane_type() == I32 => self.b.ins().ineg(a),
            Unary::Neg => self.b.ins().fneg(a),
            Unary::Abs => self.b.ins().fabs(a),
            Unary::Sqrt => self.b.ins().sqrt(a),
            Unary::Floor => self.b.ins().floor(a),
            Unary::Nearest => self.b.ins().nearest(a),
            Unary::ToInt => self.b.ins().fcvt_to_sint_sat(whole, a),
            Unary::ToFloat => self.b.ins().fcvt_from_sint(float, a),
            Unary::Bits => self.b.ins().bitcast(whole, same_bits(), a),
            Unary::FromBits => self.b.ins().bitcast(float, same_bits(), a),
        }
    }

    fn binary(&mut self, t: Type, op: Binary, a: ValueId, b: ValueId) -> Lanes {
        match (t.base, op) {
            (Base::F32, _) => self.zip(a, b, |t, a, b| t.float(op, a, b)),
            (Base::I32, Binary::Shl | Binary::Shr) => self.shift(t, op, a, b),
            (Base::I32 | Base::Bool, _) => self.zip(a, b, |t, a, b| t.whole(op, a, b)),
        }
    }

    fn float(&mut self, op: Binary, a: Value, b: Value) -> Value {
        match op {
            Binary::Add => self.b.ins().fadd(a, b),
            Binary::Sub => self.b.ins().fsub(a, b),
            Binary::Mul => self.b.ins().fmul(a, b),
            Binary::Div => self.b.ins().fdiv(a, b),
            // Exactly the selects that become one instruction.
            Binary::Max => self.pick_less(b, a, a, b),
            Binary::Min => self.pick_less(a, b, a, b),
            Binary::And | Binary::Or | Binary::Xor | Binary::Shl | Binary::Shr => {
                panic!("{op:?} is not defined on f32: kernel::check was not run")
            }
        }
    }

    /// `if low < high { a } else { b }`
    fn pick_less(&mut self, low: Value, high: Value, a: Value, b: Value) -> Value {
        let less = self.b.ins().fcmp(FloatCC::LessThan, low, high);
        if self.b.func.dfg.value_type(a) == F32 {
            return self.b.ins().select(less, a, b);
        }
        let mask = self.b.ins().bitcast(F32X4, same_bits(), less);
        self.b.ins().bitselect(mask, a, b)
    }

    fn whole(&mut self, op: Binary, a: Value, b: Value) -> Value {
        match op {
            Binary::Add => self.b.ins().iadd(a, b),
            Binary::Sub => self.b.ins().isub(a, b),
            Binary::Mul => self.b.ins().imul(a, b),
            Binary::And => self.b.ins().band(a, b),
            Binary::Or => self.b.ins().bor(a, b),
            Binary::Xor => self.b.ins().bxor(a, b),
            Binary::Div | Binary::Max | Binary::Min | Binary::Shl | Binary::Shr => {
                panic!("{op:?} is not defined on whole numbers: kernel::check was not run")
            }
        }
    }

    /// The machine shifts all lanes alike, so lanes with amounts of their own are taken apart.
    fn shift(&mut self, t: Type, op: Binary, a: ValueId, by: ValueId) -> Lanes {
        if let Some(amount) = self.same_in_all_lanes(by) {
            return self.map(a, |t, a| t.shift_one(op, a, amount));
        }
        if shape(t) == Type4::Scalar {
            return self.zip(a, by, |t, a, b| t.shift_one(op, a, b));
        }
        self.zip(a, by, |t, a, by| {
            let mut out = a;
            for lane in 0..4u8 {
                let (x, n) = (t.b.ins().extractlane(a, lane), t.b.ins().extractlane(by, lane));
                let shifted = t.shift_one(op, x, n);
                out = t.b.ins().insertlane(out, shifted, lane);
            }
            out
        })
    }

    fn shift_one(&mut self, op: Binary, a: Value, amount: Value) -> Value {
        // Cranelift takes the amount modulo the width, as we do.
        if op == Binary::Shl { self.b.ins().ishl(a, amount) } else { self.b.ins().sshr(a, amount) }
    }

    /// The scalar that all lanes hold, where that can be seen.
    fn same_in_all_lanes(&mut self, value: ValueId) -> Option<Value> {
        if let Some(one) = self.splats[value.index()] {
            return Some(self.get(one)[0]);
        }
        match self.constants[value.index()]? {
            Constant::I32(x) => Some(self.constant(Constant::I32(x & 31), Type4::Scalar)),
            Constant::F32(_) | Constant::Iota(_) => None,
        }
    }

    /// x86 writes the sum over the factor that is put first: take one that is not needed any more.
    fn fma(&mut self, value: ValueId, a: ValueId, b: ValueId, c: ValueId) -> Lanes {
        if let Some(factor) = [a, b].into_iter().find(|f| self.again[f.index()].is_some()) {
            return self.fma_loading(factor, if factor == a { b } else { a }, c);
        }
        let dying = self.dying[value.index()];
        let [a_dies, b_dies] = if self.backwards { dying.backward } else { dying.forward };
        let (a, b, mut sums) = (self.get(a), self.get(b), self.get(c));
        let mut order: Vec<usize> = (0..sums.len()).collect();
        if self.backwards {
            order.reverse();
        }
        for (step, &i) in order.iter().enumerate() {
            let later = &order[step + 1..];
            let a_free = a_dies && later.iter().all(|&l| a[l] != a[i]);
            let b_free = b_dies && later.iter().all(|&l| b[l] != b[i]);
            let (x, y) = if b_free && !a_free { (b[i], a[i]) } else { (a[i], b[i]) };
            sums[i] = self.b.ins().fma(x, y, sums[i]);
        }
        sums
    }

    fn compare(&mut self, op: Compare, a: ValueId, b: ValueId) -> Lanes {
        match self.kernel.values[a].base {
            Base::F32 => self.zip(a, b, |t, a, b| t.compare_floats(op, a, b)),
            Base::I32 | Base::Bool => {
                let code = match op {
                    Compare::Eq => IntCC::Equal,
                    Compare::Ne => IntCC::NotEqual,
                    Compare::Lt => IntCC::SignedLessThan,
                    Compare::Le => IntCC::SignedLessThanOrEqual,
                };
                self.zip(a, b, |t, a, b| t.b.ins().icmp(code, a, b))
            }
        }
    }

    fn compare_floats(&mut self, op: Compare, a: Value, b: Value) -> Value {
        match op {
            Compare::Eq => self.b.ins().fcmp(FloatCC::Equal, a, b),
            Compare::Lt => self.b.ins().fcmp(FloatCC::LessThan, a, b),
            Compare::Le => self.b.ins().fcmp(FloatCC::LessThanOrEqual, a, b),
            Compare::Ne => {
                let less = self.b.ins().fcmp(FloatCC::LessThan, a, b);
                let more = self.b.ins().fcmp(FloatCC::LessThan, b, a);
                self.b.ins().bor(less, more)
            }
        }
    }

    fn select(&mut self, t: Type, c: ValueId, a: ValueId, b: ValueId) -> Lanes {
        let (c, a, b) = (self.get(c), self.get(a), self.get(b));
        let lanes = c.into_iter().zip(a).zip(b);
        lanes.map(|((c, a), b)| self.select_one(t, c, a, b)).collect()
    }

    fn select_one(&mut self, t: Type, c: Value, a: Value, b: Value) -> Value {
        match (shape(t), t.base) {
            (Type4::Scalar, _) => self.b.ins().select(c, a, b),
            (Type4::Vector, Base::F32) => {
                let mask = self.b.ins().bitcast(F32X4, same_bits(), c);
                self.b.ins().bitselect(mask, a, b)
            }
            (Type4::Vector, Base::I32 | Base::Bool) => self.b.ins().bitselect(c, a, b),
        }
    }

    /// Halves onto halves, vectors first, then the lanes of the last one.
    fn fold(&mut self, op: Fold, a: ValueId) -> Value {
        let (identity, combine) = match op {
            Fold::Sum => (-0.0_f32, Binary::Add),
            Fold::Max => (f32::NEG_INFINITY, Binary::Max),
        };
        let mut lanes = self.get(a);
        if self.kernel.values[a].lanes == 1 {
            return lanes[0];
        }
        let padding = self.constant(Constant::F32(identity.to_bits()), Type4::Vector);
        lanes.resize(lanes.len().next_power_of_two(), padding);
        while lanes.len() > 1 {
            let half = lanes.len() / 2;
            lanes = (0..half).map(|l| self.float(combine, lanes[l], lanes[l + half])).collect();
        }
        let [l0, l1, l2, l3] = [0u8, 1, 2, 3].map(|l| self.b.ins().extractlane(lanes[0], l));
        let (even, odd) = (self.float(combine, l0, l2), self.float(combine, l1, l3));
        self.float(combine, even, odd)
    }
}
