//! Proves the invariants of a kernel: what every unsafe line of the runtime relies on. Always run, in release too.
//!
//! `mod` walks the statements (SSA, types, shapes of places), `ranges` bounds forms by intervals that the conditions
//! above refine, `meet` asks whether two accesses of different parts can touch the same element.

mod meet;
mod ranges;

use super::*;
use meet::Access;
use ranges::Facts;

/// Proves all invariants of the kernel.
///
/// # Errors
/// Says what is wrong, and where; that is a bug of what made the kernel.
pub fn check(kernel: &Kernel) -> Result<(), String> {
    let accesses = walk(kernel).map_err(|e| format!("kernel {}: {e}", kernel.name))?;
    meet::parts_are_disjoint(kernel, &accesses).map_err(|e| format!("kernel {}: {e}", kernel.name))
}

/// Whether the kernel means the same when its buffers `read` and `write` are one: each element is read no later than
/// it is written.
///
/// # Errors
/// Says which accesses may collide.
pub fn in_place(kernel: &Kernel, read: BufferIx, write: BufferIx) -> Result<(), String> {
    let accesses = walk(kernel).map_err(|e| format!("kernel {}: {e}", kernel.name))?;
    meet::read_before_written(kernel, &accesses, read, write).map_err(|e| format!("kernel {}: {e}", kernel.name))
}

/// Proves all but disjointness, and collects the accesses.
fn walk(kernel: &Kernel) -> Result<Vec<Access>, String> {
    let count = kernel.values.len();
    let mut walker = Walker {
        kernel,
        visible: vec![false; count],
        made: vec![false; count],
        opened: vec![false; kernel.vars.len()],
        facts: Facts::new(),
        accesses: Vec::new(),
        path: Vec::new(),
        lists: 0,
    };
    for (id, t) in kernel.values.iter() {
        if t.lanes != 1 && (t.lanes == 0 || t.lanes % 4 != 0) {
            return Err(format!("v{id} has {} lanes: 1 or a multiple of 4", t.lanes));
        }
    }
    for &(var, trip) in kernel.turns.iter().chain(&kernel.parts) {
        walker.open(var, trip)?;
    }
    walker.list(&kernel.body)?;
    Ok(walker.accesses)
}

struct Walker<'k> {
    kernel: &'k Kernel,
    /// Values that may be used here.
    visible: Vec<bool>,
    /// Values that were made anywhere.
    made: Vec<bool>,
    /// Variables that were opened anywhere.
    opened: Vec<bool>,
    facts: Facts,
    accesses: Vec<Access>,
    /// Where we are: of each open list its number and the statement's position.
    path: Vec<(u32, u32)>,
    lists: u32,
}

type Checked = Result<(), String>;

impl Walker<'_> {
    fn open(&mut self, var: VarId, trip: u32) -> Checked {
        if var.index() >= self.opened.len() || std::mem::replace(&mut self.opened[var.index()], true) {
            return Err(format!("loop variable {} is opened twice", self.var(var)));
        }
        self.facts.open(var, trip);
        Ok(())
    }

    fn var(&self, var: VarId) -> String {
        if var.index() < self.kernel.vars.len() { self.kernel.vars[var].0.to_string() } else { format!("#{var}") }
    }

    fn list(&mut self, stmts: &[Stmt]) -> Checked {
        self.path.push((self.lists, 0));
        self.lists += 1;
        let mut new = Vec::new();
        for (i, stmt) in stmts.iter().enumerate() {
            self.path.last_mut().expect("pushed above").1 = i as u32;
            self.stmt(stmt, &mut new)?;
        }
        self.path.pop();
        self.hide(&new);
        Ok(())
    }

    fn stmt(&mut self, stmt: &Stmt, new: &mut Vec<ValueId>) -> Checked {
        match stmt {
            Stmt::Let(value, op) => {
                self.op(*value, op).map_err(|e| format!("v{value}: {e}"))?;
                self.show(*value, new)
            }
            Stmt::Loop(l) => self.repeat(l, new),
            Stmt::If { conditions, then, otherwise } => self.branch(conditions, then, otherwise),
            Stmt::Store { place, value } => {
                let t = self.used(*value)?;
                self.place(place, t, true).map_err(|e| format!("store of v{value}: {e}"))
            }
        }
    }

    /// Makes a value visible.
    fn show(&mut self, value: ValueId, new: &mut Vec<ValueId>) -> Checked {
        if value.index() >= self.made.len() || std::mem::replace(&mut self.made[value.index()], true) {
            return Err(format!("v{value} is made twice"));
        }
        self.visible[value.index()] = true;
        new.push(value);
        Ok(())
    }

    fn hide(&mut self, values: &[ValueId]) {
        values.iter().for_each(|v| self.visible[v.index()] = false);
    }

    /// The type of an operand.
    fn used(&self, value: ValueId) -> Result<Type, String> {
        match self.visible.get(value.index()) {
            Some(true) => Ok(self.kernel.values[value]),
            Some(false) | None => Err(format!("v{value} is used where it is not made")),
        }
    }

    fn repeat(&mut self, l: &Loop, new: &mut Vec<ValueId>) -> Checked {
        let mut inside = Vec::new();
        for c in &l.carried {
            let t = self.used(c.init)?;
            for v in [c.inside, c.next, c.result] {
                let same = v.index() < self.made.len() && self.kernel.values[v] == t;
                same.then_some(()).ok_or_else(|| format!("v{v} goes around with v{} of another type", c.init))?;
            }
        }
        let mark = self.facts.mark();
        self.open(l.var, l.trip)?;
        for c in &l.carried {
            self.show(c.inside, &mut inside)?;
        }
        self.body(l)?;
        self.hide(&inside);
        self.facts.forget(mark);
        l.carried.iter().try_for_each(|c| self.show(c.result, new))
    }

    /// As `list`, but what goes around must be visible at its end.
    fn body(&mut self, l: &Loop) -> Checked {
        self.path.push((self.lists, 0));
        self.lists += 1;
        let mut new = Vec::new();
        for (i, stmt) in l.body.iter().enumerate() {
            self.path.last_mut().expect("pushed above").1 = i as u32;
            self.stmt(stmt, &mut new)?;
        }
        self.path.pop();
        l.carried.iter().try_for_each(|c| self.used(c.next).map(|_| ()))?;
        self.hide(&new);
        Ok(())
    }

    fn branch(&mut self, conditions: &[Condition], then: &[Stmt], otherwise: &[Stmt]) -> Checked {
        conditions.iter().try_for_each(|c| self.form(&c.form))?;
        let mark = self.facts.mark();
        conditions.iter().for_each(|c| self.facts.assume(c));
        self.list(then)?;
        self.facts.forget(mark);
        // Of a conjunction that fails nothing is known, of one condition its opposite.
        if let [Condition { form, equal: false }] = conditions {
            self.facts.assume(&Condition { form: form.clone() * -1 - 1, equal: false });
        }
        self.list(otherwise)?;
        self.facts.forget(mark);
        Ok(())
    }

    fn form(&self, form: &Address) -> Checked {
        for (i, &(var, factor)) in form.terms.iter().enumerate() {
            if factor == 0 || (i > 0 && form.terms[i - 1].0 >= var) {
                return Err("a form is not sorted, or has a zero coefficient".to_string());
            }
            if !self.facts.is_open(var) {
                return Err(format!("{} is used outside its loop", self.var(var)));
            }
        }
        Ok(())
    }

    fn place(&mut self, place: &Place, t: Type, store: bool) -> Checked {
        let Some(buffer) = self.kernel.buffers.get(usize::from(place.buffer)) else {
            return Err(format!("there is no buffer {}", place.buffer));
        };
        let fits = match buffer.elem {
            Elem::F32 => t.base == Base::F32,
            Elem::I32 => t.base == Base::I32,
        };
        if !fits {
            return Err(format!("{:?} in buffer {} of {:?}", t.base, buffer.name, buffer.elem));
        }
        match (buffer.access, store) {
            (BufferAccess::Read, true) => return Err(format!("buffer {} is only read", buffer.name)),
            (BufferAccess::Write, false) => return Err(format!("buffer {} is only written", buffer.name)),
            (BufferAccess::Read, false) | (BufferAccess::Write, true) | (BufferAccess::ReadWrite, _) => {}
        }
        if place.live == 0 || place.live > t.lanes {
            return Err(format!("{} live lanes of {}", place.live, t.lanes));
        }
        if store && place.stride == 0 && place.live > 1 {
            return Err("several lanes are stored at one place".to_string());
        }
        self.form(&place.address)?;
        if let Some(d) = place.dynamic {
            let t = self.used(d.value)?;
            if (t != Type { base: Base::I32, lanes: 1 }) || d.limit == 0 || d.limit > i32::MAX as u32 {
                return Err("a dynamic address is not one i32 with a limit from 1 to 2^31 - 1".to_string());
            }
        }
        self.reach(place, store)
    }

    /// Proves that the place lies in its buffer, and notes it.
    fn reach(&mut self, place: &Place, store: bool) -> Checked {
        let Some((low, high)) = self.facts.range(&place.address) else {
            return Ok(());
        };
        let lanes = i128::from(place.stride) * i128::from(place.live - 1);
        let moved = place.dynamic.map_or(0, |d| i128::from(d.scale) * i128::from(d.limit - 1));
        let (low, high) = (low + lanes.min(0) + moved.min(0), high + lanes.max(0) + moved.max(0));
        let buffer = &self.kernel.buffers[usize::from(place.buffer)];
        if low < 0 || high >= i128::from(buffer.len) {
            return Err(format!("{low} ..= {high} of buffer {}, which has {} elements", buffer.name, buffer.len));
        }
        self.accesses.push(Access { place: place.clone(), store, boxes: self.facts.boxes(), path: self.path.clone() });
        Ok(())
    }

    fn op(&mut self, value: ValueId, op: &Op) -> Checked {
        if value.index() >= self.made.len() {
            return Err("is not listed".to_string());
        }
        let t = self.kernel.values[value];
        let all = |base: Base| Type { base, lanes: t.lanes };
        let want = |have: Type, want: Type| -> Checked {
            if have == want { Ok(()) } else { Err(format!("{have:?} where {want:?} is wanted")) }
        };
        match op {
            Op::F32(_) => want(t, all(Base::F32)),
            Op::I32(_) | Op::Iota => want(t, all(Base::I32)),
            Op::Index(form) => {
                self.form(form)?;
                want(t, all(Base::I32))
            }
            Op::Load(place) => self.place(place, t, false),
            Op::Splat(a) => want(self.used(*a)?, Type { base: t.base, lanes: 1 }),
            Op::Unary(op, a) => {
                let (from, to) = unary_bases(*op);
                want(t, all(to))?;
                want(self.used(*a)?, all(from))
            }
            Op::Binary(op, a, b) => {
                if !has_binary(*op, t.base) {
                    return Err(format!("{op:?} of {:?}", t.base));
                }
                want(self.used(*a)?, t)?;
                want(self.used(*b)?, t)
            }
            Op::Fma(a, b, c) => {
                want(t, all(Base::F32))?;
                [a, b, c].iter().try_for_each(|v| want(self.used(**v)?, t))
            }
            Op::Compare(_, a, b) => {
                want(t, all(Base::Bool))?;
                let from = self.used(*a)?;
                if from.base == Base::Bool || from.lanes != t.lanes {
                    return Err(format!("{from:?} is compared"));
                }
                want(self.used(*b)?, from)
            }
            Op::Select(c, a, b) => {
                want(self.used(*c)?, all(Base::Bool))?;
                want(self.used(*a)?, t)?;
                want(self.used(*b)?, t)
            }
            Op::Fold(_, a) => {
                want(t, Type { base: Base::F32, lanes: 1 })?;
                let from = self.used(*a)?;
                want(from, Type { base: Base::F32, lanes: from.lanes })
            }
        }
    }
}

/// The bases of operand and result.
fn unary_bases(op: Unary) -> (Base, Base) {
    match op {
        Unary::Neg | Unary::Abs | Unary::Sqrt | Unary::Floor | Unary::Nearest => (Base::F32, Base::F32),
        Unary::ToInt | Unary::Bits => (Base::F32, Base::I32),
        Unary::ToFloat | Unary::FromBits => (Base::I32, Base::F32),
    }
}

fn has_binary(op: Binary, base: Base) -> bool {
    match op {
        Binary::Add | Binary::Sub | Binary::Mul => base == Base::F32 || base == Base::I32,
        Binary::Div | Binary::Max | Binary::Min => base == Base::F32,
        Binary::And | Binary::Or | Binary::Xor => base == Base::I32 || base == Base::Bool,
        Binary::Shl | Binary::Shr => base == Base::I32,
    }
}
