//! Runs a [`Code`] over its box.

use super::compile::{Check, Code, MOST_PINS, Op, Place, Test};
use crate::graph::scalar::{Float, binary, compare, max, unary};
use crate::graph::{Combine, Equation, Graph, Rel, TensorId};
use indexmap::IndexMap;

/// A bug of the compiler that showed at a live point.
pub enum Fault {
    OutOfRange(TensorId),
    WrittenTwice,
}

impl Fault {
    /// In words.
    pub fn text(&self, graph: &Graph, eq: &Equation) -> String {
        let out = &graph.tensors[eq.out].name;
        match self {
            Fault::OutOfRange(tensor) => {
                format!("bug: {} is used out of range at a live point of {out}", graph.tensors[*tensor].name)
            }
            Fault::WrittenTwice => format!("bug: an element of {out} is written twice"),
        }
    }
}

/// Adds the equation's values to `out`, of which `written` tells what has its value; the held axes stand at `held`.
/// What the equation reads of its own tensor is read in `out`.
pub fn run<T: Float>(
    code: &Code,
    held: &[(usize, i64)],
    values: &IndexMap<TensorId, Vec<T>>,
    out: &mut [T],
    written: &mut [bool],
) -> Result<(), Fault> {
    let axes = code.forms.first().map_or(0, |form| form.1.len());
    let mut machine = Machine {
        code,
        inputs: code.tensors.iter().map(|tensor| values.get(tensor).map_or(&[][..], |data| data)).collect(),
        registers: vec![T::default(); code.registers],
        forms: code.forms.iter().map(|form| form.0).collect(),
        moves: (0..axes).map(|axis| moves(code, axis)).collect(),
        total: Total { live: false, value: T::default(), number: 0 },
        out,
        written,
    };
    code.constants.iter().for_each(|&(at, value)| machine.registers[at] = T::of(value));
    held.iter().for_each(|&(axis, at)| machine.shift(axis, at));
    machine.sweep(0)
}

/// The forms that an axis moves, and by how much.
fn moves(code: &Code, axis: usize) -> Vec<(usize, i64)> {
    let step = |(at, form): (usize, &(i64, Vec<i64>))| (form.1[axis] != 0).then_some((at, form.1[axis]));
    code.forms.iter().enumerate().filter_map(step).collect()
}

struct Machine<'a, T> {
    code: &'a Code,
    inputs: Vec<&'a [T]>,
    registers: Vec<T>,
    forms: Vec<i64>,
    moves: Vec<Vec<(usize, i64)>>,
    total: Total<T>,
    out: &'a mut [T],
    written: &'a mut [bool],
}

/// What the live reduced points gave so far.
struct Total<T> {
    live: bool,
    value: T,
    number: i64,
}

impl<T: Float> Machine<'_, T> {
    fn sweep(&mut self, depth: usize) -> Result<(), Fault> {
        let open = depth == self.code.n_out && !self.code.direct;
        if open {
            self.total.live = false;
        }
        if depth == self.code.loops.len() {
            self.point()?;
        } else {
            let (axis, extent) = self.code.loops[depth];
            for _ in 0..extent {
                self.sweep(depth + 1)?;
                self.shift(axis, 1);
            }
            self.shift(axis, -extent);
        }
        if open && self.total.live { self.store() } else { Ok(()) }
    }

    fn shift(&mut self, axis: usize, steps: i64) {
        for &(form, step) in &self.moves[axis] {
            self.forms[form] += step * steps;
        }
    }

    /// One point of the swept axes: pins the others, evaluates, and unpins.
    fn point(&mut self) -> Result<(), Fault> {
        let code = self.code;
        let mut live = true;
        let mut pinned = [(0, 0); MOST_PINS];
        let mut count = 0;
        for test in &code.tests {
            match test {
                Test::Holds(check) => live = self.holds(check)?,
                Test::Pin { check, axis, coefficient, extent } => {
                    let value = -self.value(check)? * coefficient;
                    live = 0 <= value && value < *extent;
                    if live {
                        self.shift(*axis, value);
                        pinned[count] = (*axis, value);
                        count += 1;
                    }
                }
            }
            if !live {
                break;
            }
        }
        if live {
            self.add()?;
        }
        pinned[..count].iter().for_each(|&(axis, value)| self.shift(axis, -value));
        Ok(())
    }

    fn value(&self, check: &Check) -> Result<i64, Fault> {
        let form = self.forms[check.form];
        let Some((sign, place)) = &check.data else { return Ok(form) };
        Ok(form + sign * self.load(place)?.wide() as i64)
    }

    fn holds(&self, check: &Check) -> Result<bool, Fault> {
        let value = self.value(check)?;
        Ok(match check.rel {
            Rel::Ge => value >= 0,
            Rel::Eq => value == 0,
        })
    }

    fn address(&self, place: &Place) -> Result<usize, Fault> {
        if place.checks.iter().any(|&(form, extent)| !(0..extent).contains(&self.forms[form])) {
            return Err(Fault::OutOfRange(self.code.tensors[place.slot]));
        }
        Ok(self.forms[place.address] as usize)
    }

    fn load(&self, place: &Place) -> Result<T, Fault> {
        let at = self.address(place)?;
        let own = self.code.tensors[place.slot] == self.code.out;
        Ok(if own { self.out[at] } else { self.inputs[place.slot][at] })
    }

    /// A live point.
    fn add(&mut self) -> Result<(), Fault> {
        let value = self.evaluate()?;
        if self.code.direct {
            let at = self.address(&self.code.write)?;
            self.out[at] = self.out[at] + value;
            return Ok(());
        }
        let (total, number) = (&mut self.total, self.forms[self.code.number]);
        if !total.live {
            *total = Total { live: true, value, number };
            return Ok(());
        }
        match self.code.combine {
            Combine::None => return Err(Fault::WrittenTwice),
            Combine::Sum => total.value = total.value + value,
            Combine::Prod => total.value = total.value * value,
            Combine::Max => total.value = max(total.value, value),
            Combine::ArgMax if matches!(value.partial_cmp(&total.value), Some(order) if order.is_le()) => {}
            Combine::ArgMax => *total = Total { live: true, value, number },
        }
        Ok(())
    }

    fn store(&mut self) -> Result<(), Fault> {
        let at = self.address(&self.code.write)?;
        if std::mem::replace(&mut self.written[at], true) {
            return Err(Fault::WrittenTwice);
        }
        let is_number = self.code.combine == Combine::ArgMax;
        self.out[at] = if is_number { T::of(self.total.number as f64) } else { self.total.value };
        Ok(())
    }

    fn evaluate(&mut self) -> Result<T, Fault> {
        let ops = &self.code.ops;
        let mut at = 0;
        while at < ops.len() {
            at = self.step(&ops[at], at)?;
        }
        Ok(self.registers[self.code.result])
    }

    /// Runs one operation and tells the next.
    fn step(&mut self, op: &Op, at: usize) -> Result<usize, Fault> {
        match op {
            Op::Load(to, place) => self.registers[*to] = self.load(place)?,
            Op::Index(to, form) => self.registers[*to] = T::of(self.forms[*form] as f64),
            Op::Unary(to, op, x) => self.registers[*to] = T::of_unary(unary(*op))(self.registers[*x]),
            Op::Binary(to, op, a, b) => {
                self.registers[*to] = T::of_binary(binary(*op))(self.registers[*a], self.registers[*b]);
            }
            Op::Move(to, from) => self.registers[*to] = self.registers[*from],
            Op::Jump(to) => return Ok(*to),
            Op::Unless(checks, to) => {
                for check in checks {
                    if !self.holds(check)? {
                        return Ok(*to);
                    }
                }
            }
            Op::UnlessCompare(cmp, a, b, to) => {
                if !compare(*cmp, self.registers[*a], self.registers[*b]) {
                    return Ok(*to);
                }
            }
        }
        Ok(at + 1)
    }
}
