//! Random equations: the kernels' interpreter and the machine's code give the same bits, and both lie within the
//! derived bound of the oracle in f64. Buffers are poisoned first, so an element that nobody writes shows.

use super::lowering::{Numbers, execute_with, given};
use brolga::graph::text::read;
use brolga::graph::{Graph, TensorId, interp};
use brolga::kernel::interp::{Data, run_turn};
use brolga::lower::lower;
use brolga::runtime::jit;
use brolga::target::Target;
use indexmap::IndexMap;
use std::fmt::Write;

/// A random equation in the making.
struct Draft {
    numbers: Numbers,
    /// Extents of the output axes, then of the reduced ones.
    extents: Vec<u32>,
    n_out: usize,
    guards: Vec<String>,
    inputs: String,
}

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];

impl Draft {
    fn new(seed: u64) -> Draft {
        let mut numbers = Numbers(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..4).for_each(|_| {
            numbers.next();
        });
        let n_out = 1 + numbers.below(4) as usize;
        let reduced = numbers.below(4) as usize;
        let sizes = [1, 2, 3, 4, 5, 7, 8, 10, 16, 17, 24];
        let extents = (0..n_out + reduced).map(|_| sizes[numbers.below(sizes.len() as u64) as usize]).collect();
        let mut draft = Draft { numbers, extents, n_out, guards: Vec::new(), inputs: String::new() };
        while draft.extents.iter().map(|&n| u64::from(n)).product::<u64>() > 60_000 {
            let at = draft.numbers.below(draft.extents.len() as u64) as usize;
            draft.extents[at] = 1 + draft.extents[at] / 2;
        }
        draft
    }

    /// A load of a new input: each coordinate a form over some axes; some are padded and guarded.
    fn load(&mut self, name: &str) -> String {
        let rank = 1 + self.numbers.below(4) as usize;
        let mut shape = Vec::new();
        let mut index = Vec::new();
        let mut free: Vec<usize> = (0..self.extents.len()).collect();
        for _ in 0..rank {
            if free.is_empty() {
                break;
            }
            let axis = free.remove(self.numbers.below(free.len() as u64) as usize);
            let (mut form, mut most) = (NAMES[axis].to_string(), self.extents[axis] - 1);
            match self.numbers.below(6) {
                0 if !free.is_empty() => {
                    let other = free.remove(self.numbers.below(free.len() as u64) as usize);
                    form = format!("{form} + {}", NAMES[other]);
                    most += self.extents[other] - 1;
                }
                1 => (form, most) = (format!("2*{form}"), 2 * most),
                2 => form = format!("{most} - {form}"),
                _ => {}
            }
            let pad = if self.numbers.below(5) == 0 { 1.min(most / 2) } else { 0 };
            let n = most + 1 - 2 * pad;
            if pad > 0 {
                self.guards.push(format!("{form} >= {pad}"));
                self.guards.push(format!("{} >= {form}", n + pad - 1));
                form = format!("{form} - {pad}");
            }
            shape.push(n);
            index.push(form);
        }
        writeln!(self.inputs, "input {name}: {shape:?}").unwrap();
        format!("{name}[{}]", index.join(", "))
    }

    /// The whole text, and the combine.
    fn text(&mut self) -> (String, bool) {
        let combine = if self.extents.len() == self.n_out {
            ""
        } else {
            ["sum", "sum", "sum", "max", "argmax"][self.numbers.below(5) as usize]
        };
        let x = self.load("x");
        let body = match self.numbers.below(4) {
            0 => x,
            1 if combine != "sum" => format!("max({x}, 0)"),
            2 if combine.is_empty() => format!("exp({x})"),
            _ => format!("{x} * {}", self.load("y")),
        };
        let guards = match self.guards.is_empty() {
            true => String::new(),
            false => format!("if {} then ", self.guards.join(" and ")),
        };
        let binders = |range: std::ops::Range<usize>| {
            range.map(|a| format!("{} < {}", NAMES[a], self.extents[a])).collect::<Vec<_>>().join(", ")
        };
        let out = format!("{:?}", &self.extents[..self.n_out]);
        let left = NAMES[..self.n_out].join(", ");
        let right = match combine {
            "" => format!("{guards}{body}"),
            name => format!("{name}({}: {guards}{body})", binders(self.n_out..self.extents.len())),
        };
        let text = format!("{}tensor z: {out}\nz[{left}] = {right}\noutput z = z\n", self.inputs);
        (text, combine == "sum")
    }
}

/// Runs a kernel by the interpreter and, if the target is there, by the machine, and compares them in bits.
fn both(kernel: &brolga::kernel::Kernel, target: Target, data: &mut [Data], turns: &[u64]) {
    let before = data.to_vec();
    run_turn(kernel, data, turns);
    if target.is_there() {
        let mut machine = before.clone();
        jit::run_turn(kernel, target, &mut machine, turns).unwrap();
        for ((a, b), buffer) in data.iter().zip(&machine).zip(&kernel.buffers) {
            assert_eq!(a.bits(), b.bits(), "buffer {} of kernel {} by {target:?}\n{kernel}", buffer.name, kernel.name);
        }
    }
}

fn magnitudes(given: &IndexMap<TensorId, Vec<f64>>) -> IndexMap<TensorId, Vec<f64>> {
    given.iter().map(|(t, v)| (*t, v.iter().map(|x| x.abs()).collect())).collect()
}

/// The bound of a sum is `terms * 2^-24 * sum |a * b|`; of anything else some units in the last place.
fn check(text: &str, sums: bool, terms: f64, seed: u64) {
    let graph: Graph = read(text).unwrap();
    let given = given(&graph, &mut Numbers(seed));
    let want = interp::run(&graph, &given).unwrap();
    let size = interp::run(&graph, &magnitudes(&given)).unwrap();
    let out = graph.outputs[0].1;
    // Schedules for every target, this machine's or not.
    for target in [Target::Clif, Target::Avx2, Target::Avx512] {
        let plan = lower(&graph, target);
        let got = execute_with(&plan, &graph, &given, &|kernel, data, turns| both(kernel, target, data, turns));
        for (i, (g, w)) in got["out z"].iter().zip(&want[&out]).enumerate() {
            let bound = if sums { (terms + 1.0) * size[&out][i] } else { 4.0 * w.abs() };
            assert!((g - w).abs() <= bound * 2f64.powi(-24), "z[{i}] is {g}, should be {w}, for {target:?} in\n{text}");
        }
    }
}

#[test]
fn random_equations_give_the_same_bits_and_lie_within_the_bound() {
    let seeds = std::env::var("SEEDS").ok().and_then(|s| s.parse().ok()).unwrap_or(150);
    for seed in 0..seeds {
        let mut draft = Draft::new(seed);
        let (text, sums) = draft.text();
        let terms: u32 = draft.extents[draft.n_out..].iter().product();
        check(&text, sums, f64::from(terms), seed);
    }
}
