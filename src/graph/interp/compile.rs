//! One equation as a small program: forms that are kept up to date while the loops run, tests of guards, and
//! straight code with jumps over registers.
//!
//! An axis that an equality guard ties to the others is *pinned*: computed, not swept.

use crate::graph::affine::{Range, ranges, strides};
use crate::graph::{
    Access, Affine, Binary, Cmp, Combine, Cond, Equation, Expr, ExprId, Graph, Guard, Rel, Sign, TensorId, Unary,
};
use std::collections::HashMap;

/// The position of a form in [`Code::forms`]; of a number in the registers.
pub type FormIx = usize;
pub type Register = usize;

/// More equality guards than these are tested, not solved.
pub const MOST_PINS: usize = 8;

/// An equation, ready to run.
pub struct Code {
    pub combine: Combine,
    /// Start value and a coefficient for each axis.
    pub forms: Vec<(i64, Vec<i64>)>,
    /// Axes that are swept, neither pinned nor held, outermost first, with their extents; the first `n_out` of them are output axes.
    pub loops: Vec<(usize, i64)>,
    pub n_out: usize,
    /// Whether an output axis is pinned: values go straight to their places.
    pub direct: bool,
    /// In this order at each point.
    pub tests: Vec<Test>,
    pub constants: Vec<(Register, f64)>,
    pub registers: usize,
    pub ops: Vec<Op>,
    pub result: Register,
    pub write: Place,
    /// The number of the point in the reduced box.
    pub number: FormIx,
    /// The equation's own tensor.
    pub out: TensorId,
    pub tensors: Vec<TensorId>,
}

/// Goes on only if it holds.
pub enum Test {
    Holds(Check),
    /// Sets the axis so that the equality holds, if a value of its range does.
    Pin {
        check: Check,
        axis: usize,
        coefficient: i64,
        extent: i64,
    },
}

/// A guard.
pub struct Check {
    pub form: FormIx,
    pub data: Option<(i64, Place)>,
    pub rel: Rel,
}

/// An element: of a tensor (by its place in [`Code::tensors`]), at an address, coordinates checked if need be.
pub struct Place {
    pub slot: usize,
    pub address: FormIx,
    pub checks: Vec<(FormIx, i64)>,
}

pub enum Op {
    Load(Register, Place),
    Index(Register, FormIx),
    Unary(Register, Unary, Register),
    Binary(Register, Binary, Register, Register),
    Move(Register, Register),
    Jump(usize),
    Unless(Vec<Check>, usize),
    UnlessCompare(Cmp, Register, Register, usize),
}

/// Makes the program of a piece, in which axes of its output are held: who runs it says where they stand.
pub fn compile(graph: &Graph, eq: &Equation, held: &[usize]) -> Code {
    let mut maker = Maker::new(graph, eq);
    let pins = pins(eq, held);
    let pinned = |axis: &usize| pins.iter().any(|pin| pin.1 == *axis);
    let open: Vec<usize> = (0..eq.axes.len()).filter(|axis| !pinned(axis)).collect();
    let tests = maker.tests(&pins, &open);
    let swept: Vec<usize> = open.into_iter().filter(|axis| !held.contains(axis)).collect();
    let result = maker.body(eq.body);
    let write = maker.place(&Access { tensor: eq.out, index: eq.write.clone() });
    let number = maker.number();
    Code {
        combine: eq.combine,
        loops: swept.iter().map(|&axis| (axis, i64::from(eq.axes[axis].extent))).collect(),
        n_out: swept.iter().filter(|&&axis| axis < eq.n_out).count(),
        direct: pins.iter().any(|pin| pin.1 < eq.n_out),
        tests,
        result,
        write,
        number,
        out: eq.out,
        forms: maker.forms,
        constants: maker.constants,
        registers: maker.registers,
        ops: maker.ops,
        tensors: maker.tensors,
    }
}

/// Pinned axes with the guards that pin them: each guard mentions, beside its own axis, only axes that are swept or
/// pinned before. Guards with data first: they pin the axes that are long.
fn pins(eq: &Equation, held: &[usize]) -> Vec<(usize, usize)> {
    let mut pins: Vec<(usize, usize)> = Vec::new();
    let mut used = vec![false; eq.axes.len()];
    held.iter().for_each(|&axis| used[axis] = true);
    let (with, without): (Vec<_>, Vec<_>) = (0..eq.guards.len()).partition(|&at| eq.guards[at].data.is_some());
    for at in with.into_iter().chain(without).filter(|&at| eq.guards[at].rel == Rel::Eq) {
        let guard = &eq.guards[at];
        if pins.len() == MOST_PINS {
            break;
        }
        let free = |&axis: &usize| !used[axis] && !pins.iter().any(|pin| pin.1 == axis) && may_pin(eq, guard, axis);
        if let Some(axis) = guard.form.axes().filter(free).max_by_key(|&axis| (axis >= eq.n_out, eq.axes[axis].extent))
        {
            let others =
                |axes: &Affine| axes.axes().filter(|&other| other != axis).for_each(|other| used[other] = true);
            guard.each_form(others);
            pins.push((at, axis));
        }
    }
    pins
}

fn may_pin(eq: &Equation, guard: &Guard, axis: usize) -> bool {
    let data_mentions = |access: &Access| access.index.iter().any(|form| form.mentions(axis));
    guard.form.coefficient(axis).abs() == 1
        && !guard.data.as_ref().is_some_and(|(_, access)| data_mentions(access))
        && (axis >= eq.n_out || matches!(eq.combine, Combine::Sum | Combine::None))
}

struct Maker<'a> {
    graph: &'a Graph,
    eq: &'a Equation,
    whole: Vec<Range>,
    forms: Vec<(i64, Vec<i64>)>,
    constants: Vec<(Register, f64)>,
    registers: usize,
    ops: Vec<Op>,
    tensors: Vec<TensorId>,
    /// What is computed already, for each branch that is open.
    known: Vec<HashMap<ExprId, Register>>,
}

impl<'a> Maker<'a> {
    fn new(graph: &'a Graph, eq: &'a Equation) -> Maker<'a> {
        Maker {
            graph,
            eq,
            whole: ranges(&eq.axes),
            forms: Vec::new(),
            constants: Vec::new(),
            registers: 0,
            ops: Vec::new(),
            tensors: Vec::new(),
            known: vec![HashMap::new()],
        }
    }

    /// Affine guards as soon as their axes are known, pins in order, guards with data last.
    fn tests(&mut self, pins: &[(usize, usize)], swept: &[usize]) -> Vec<Test> {
        let mut tests = Vec::new();
        let mut known = vec![false; self.eq.axes.len()];
        swept.iter().for_each(|&axis| known[axis] = true);
        let guards = &self.eq.guards;
        let mut open: Vec<usize> = (0..guards.len()).filter(|&at| !pins.iter().any(|pin| pin.0 == at)).collect();
        for step in 0..=pins.len() {
            let last = step == pins.len();
            let ready =
                |&at: &usize| last || guards[at].data.is_none() && guards[at].form.axes().all(|axis| known[axis]);
            let (mut now, later): (Vec<usize>, Vec<usize>) = open.into_iter().partition(ready);
            now.sort_by_key(|&at| guards[at].data.is_some());
            tests.extend(now.iter().map(|&at| Test::Holds(self.check(&guards[at]))));
            open = later;
            if let Some(&(at, axis)) = pins.get(step) {
                tests.push(self.pin(&guards[at], axis));
                known[axis] = true;
            }
        }
        tests
    }

    fn pin(&mut self, guard: &Guard, axis: usize) -> Test {
        let coefficient = i64::from(guard.form.coefficient(axis));
        Test::Pin { check: self.check(guard), axis, coefficient, extent: self.eq.axes[axis].extent.into() }
    }

    fn check(&mut self, guard: &Guard) -> Check {
        let sign = |sign| if sign == Sign::Plus { 1 } else { -1 };
        let data = guard.data.as_ref().map(|(side, access)| (sign(*side), self.place(access)));
        Check { form: self.form(&guard.form), data, rel: guard.rel }
    }

    fn form(&mut self, form: &Affine) -> FormIx {
        let coefficients = (0..self.eq.axes.len()).map(|axis| form.coefficient(axis).into()).collect();
        self.add_form((form.constant.into(), coefficients))
    }

    fn add_form(&mut self, form: (i64, Vec<i64>)) -> FormIx {
        let at = self.forms.iter().position(|known| *known == form);
        at.unwrap_or_else(|| {
            self.forms.push(form);
            self.forms.len() - 1
        })
    }

    fn place(&mut self, access: &Access) -> Place {
        let shape = &self.graph.tensors[access.tensor].shape;
        assert_eq!(shape.len(), access.index.len(), "bug: a subscript too many or too few");
        let mut address = (0, vec![0; self.eq.axes.len()]);
        for (form, stride) in access.index.iter().zip(strides(shape)) {
            address.0 += stride * i64::from(form.constant);
            form.terms.iter().for_each(|&(axis, factor)| address.1[usize::from(axis)] += stride * i64::from(factor));
        }
        let unsafe_ones = access.index.iter().zip(shape).filter(|(form, extent)| {
            !Range::below(**extent).covers(form.range(&self.whole)) && !self.whole.iter().any(|axis| axis.is_empty())
        });
        let unsafe_ones: Vec<_> = unsafe_ones.map(|(form, &extent)| (form.clone(), extent.into())).collect();
        let checks = unsafe_ones.into_iter().map(|(form, extent)| (self.form(&form), extent)).collect();
        Place { slot: self.slot(access.tensor), address: self.add_form(address), checks }
    }

    fn slot(&mut self, tensor: TensorId) -> usize {
        let at = self.tensors.iter().position(|&known| known == tensor);
        at.unwrap_or_else(|| {
            self.tensors.push(tensor);
            self.tensors.len() - 1
        })
    }

    fn number(&mut self) -> FormIx {
        let extents: Vec<u32> = self.eq.axes[self.eq.n_out..].iter().map(|axis| axis.extent).collect();
        let mut coefficients = vec![0; self.eq.n_out];
        coefficients.extend(strides(&extents));
        self.add_form((0, coefficients))
    }

    fn register(&mut self) -> Register {
        self.registers += 1;
        self.registers - 1
    }

    fn body(&mut self, id: ExprId) -> Register {
        if let Some(&register) = self.known.iter().find_map(|scope| scope.get(&id)) {
            return register;
        }
        let register = self.node(id);
        self.known.last_mut().expect("one scope is always open").insert(id, register);
        register
    }

    fn node(&mut self, id: ExprId) -> Register {
        match self.graph.exprs[id].clone() {
            Expr::Const(value) => {
                let to = self.register();
                self.constants.push((to, value.0));
                to
            }
            Expr::Load(access) => {
                let place = self.place(&access);
                self.emit(|to| Op::Load(to, place))
            }
            Expr::Index(form) => {
                let form = self.form(&form);
                self.emit(|to| Op::Index(to, form))
            }
            Expr::Unary(op, x) => {
                let x = self.body(x);
                self.emit(|to| Op::Unary(to, op, x))
            }
            Expr::Binary(op, a, b) => {
                let (a, b) = (self.body(a), self.body(b));
                self.emit(|to| Op::Binary(to, op, a, b))
            }
            Expr::Select(cond, x, y) => self.select(&cond, x, y),
        }
    }

    fn emit(&mut self, op: impl FnOnce(Register) -> Op) -> Register {
        let to = self.register();
        self.ops.push(op(to));
        to
    }

    fn select(&mut self, cond: &Cond, x: ExprId, y: ExprId) -> Register {
        let to = self.register();
        let test = match cond {
            Cond::Guards(guards) => Op::Unless(guards.iter().map(|guard| self.check(guard)).collect(), 0),
            &Cond::Compare(cmp, a, b) => Op::UnlessCompare(cmp, self.body(a), self.body(b), 0),
        };
        let test_at = self.ops.len();
        self.ops.push(test);
        self.branch(x, to);
        let jump_at = self.ops.len();
        self.ops.push(Op::Jump(0));
        self.land(test_at);
        self.branch(y, to);
        self.land(jump_at);
        to
    }

    fn branch(&mut self, id: ExprId, to: Register) {
        self.known.push(HashMap::new());
        let value = self.body(id);
        self.ops.push(Op::Move(to, value));
        self.known.pop();
    }

    /// The jump at `at` goes to here.
    fn land(&mut self, at: usize) {
        let here = self.ops.len();
        if let Op::Jump(to) | Op::Unless(_, to) | Op::UnlessCompare(.., to) = &mut self.ops[at] {
            *to = here;
        }
    }
}
