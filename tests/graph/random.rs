//! Random systems of equations: each rewrite keeps their values.

use super::help::{graph, lines, same};
use brolga::grad::{differentiate, solve_equalities};
use brolga::graph::check::check;
use brolga::graph::normal::normalise_all;
use brolga::graph::rewrite::{cost, meaning};
use brolga::graph::text::{print, read};
use brolga::graph::{Graph, Kind};

/// Small numbers, the same each time.
struct Dice(u64);

impl Dice {
    /// Below `n`.
    fn roll(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 33) as usize % n
    }

    fn chance(&mut self, in_ten: usize) -> bool {
        self.roll(10) < in_ten
    }

    fn pick<T: Clone>(&mut self, list: &[T]) -> T {
        list[self.roll(list.len())].clone()
    }
}

struct Known {
    name: String,
    shape: Vec<usize>,
}

/// A system being written, as text.
struct Writer {
    dice: Dice,
    heads: String,
    body: String,
    known: Vec<Known>,
}

/// An equation's axes while its body is written: name, extent, whether reduced.
type Axes = Vec<(String, usize, bool)>;

impl Writer {
    fn new(seed: u64) -> Writer {
        let mut writer = Writer {
            dice: Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1),
            heads: "input n4: [4] of index(5)\ninput n6: [6] of index(4)\n".to_string(),
            body: String::new(),
            known: Vec::new(),
        };
        for (name, shape) in [("x", vec![4, 6]), ("u", vec![6]), ("w", vec![5, 4])] {
            writer.head("input", name, &shape);
        }
        writer
    }

    fn head(&mut self, word: &str, name: &str, shape: &[usize]) {
        self.heads += &format!("{word} {name}: {shape:?}\n");
        self.known.push(Known { name: name.to_string(), shape: shape.to_vec() });
    }

    /// A whole system of some definitions; the last ones are outputs.
    fn system(mut self) -> String {
        let count = 3 + self.dice.roll(6);
        for at in 0..count {
            match self.dice.roll(8) {
                0 => self.softmax(at),
                1 => self.pieces(at),
                2 => self.again(at),
                _ => self.equation(at),
            }
        }
        let outputs = self.known[self.known.len() - 2..].iter();
        let outputs: String = outputs.map(|tensor| format!("output {0} = {0}\n", tensor.name)).collect();
        self.heads + &self.body + &outputs
    }

    /// e, z and e/z over the last axis of a matrix, maybe over a triangle, and a use of them.
    fn softmax(&mut self, at: usize) {
        let (e, z, p, y) = (format!("e{at}"), format!("z{at}"), format!("p{at}"), format!("y{at}"));
        let guard = if self.dice.chance(5) { "if i >= j then " } else { "" };
        self.body += &format!("{e}[i, j] = {guard}exp(x[i, j])\n{z}[i] = sum(j < 6: {guard}{e}[i, j])\n");
        self.body += &format!("{p}[i, j] = {guard}{e}[i, j] / {z}[i]\n");
        self.body += &format!("{y}[i, j] = {guard}(u[j] / {z}[i] - x[i, 0] / {z}[i]) * {e}[i, j]\n");
        self.head("tensor", &e, &[4, 6]);
        self.head("tensor", &z, &[4]);
        self.head("tensor", &p, &[4, 6]);
        self.head("tensor", &y, &[4, 6]);
    }

    /// Two or three pieces that share out a vector.
    fn pieces(&mut self, at: usize) {
        let name = format!("c{at}");
        let (one, two) = match self.dice.roll(3) {
            0 => ("for i < 3: NAME[2*i] = ", "for i < 3: NAME[2*i + 1] = "),
            1 => ("for i < 2: NAME[i] = ", "for i < 4: NAME[i + 2] = "),
            _ => ("for i < 2: NAME[5 - i] = ", "for i < 3: NAME[i] = "),
        };
        for (extent, head) in [(3, one), (4, two)] {
            let extent = if head.contains("i < 2") {
                2
            } else if head.contains("i < 3") {
                3
            } else {
                extent
            };
            let axes = vec![("i".to_string(), extent, false)];
            let mut guards = Vec::new();
            let body = self.load(&axes, &mut guards);
            self.body += &format!("{}{}{body}\n", head.replace("NAME", &name), condition(&guards));
        }
        self.head("tensor", &name, &[6]);
    }

    /// A copy of an earlier line under another name, for equal definitions.
    fn again(&mut self, at: usize) {
        let lines: Vec<String> = self.body.lines().filter(|line| line.starts_with('v')).map(str::to_string).collect();
        if lines.is_empty() {
            return self.equation(at);
        }
        let line = self.dice.pick(&lines);
        let old = line.split(['[', ' ']).next().unwrap_or("").to_string();
        let Some(shape) = self.known.iter().find(|tensor| tensor.name == old).map(|tensor| tensor.shape.clone()) else {
            return;
        };
        let name = format!("w{at}");
        self.body += &format!("{name}{}\n", &line[old.len()..]);
        self.head("tensor", &name, &shape);
    }

    fn equation(&mut self, at: usize) {
        let name = format!("v{at}");
        let rank = self.dice.roll(3);
        let mut axes: Axes =
            (0..rank).map(|axis| (format!("i{axis}"), self.dice.pick(&[1, 2, 3, 4, 6]), false)).collect();
        let shape: Vec<usize> = axes.iter().map(|axis| axis.1).collect();
        let combine = self.dice.pick(&["", "", "", "sum", "sum", "sum", "max", "prod", "argmax"]);
        if !combine.is_empty() {
            for axis in 0..1 + self.dice.roll(2) {
                axes.push((format!("r{axis}"), self.dice.pick(&[1, 2, 3, 4]), true));
            }
        }
        let mut guards = Vec::new();
        let mut body = self.expr(&axes, &mut guards, 2);
        if self.dice.chance(2) && !axes.is_empty() {
            body = self.look_up(&mut axes, &mut guards, body, combine);
        }
        if self.dice.chance(3) {
            guards.extend(self.guard(&axes));
        }
        guards.sort_by_key(|guard| guard.contains('['));
        if self.dice.chance(2) && combine != "prod" {
            body = format!("{}({body})", self.dice.pick(&["tanh", "sigmoid", "exp", "sin"]));
            if body.starts_with("exp") {
                body = body.replacen("exp(", "exp(0.1 * (", 1) + ")";
            }
        }
        let names: Vec<&str> = axes.iter().filter(|axis| !axis.2).map(|axis| &*axis.0).collect();
        let left = if names.is_empty() { name.clone() } else { format!("{name}[{}]", names.join(", ")) };
        let binders: Vec<String> =
            axes.iter().filter(|axis| axis.2).map(|axis| format!("{} < {}", axis.0, axis.1)).collect();
        let right = format!("{}{body}", condition(&guards));
        let right = if binders.is_empty() { right } else { format!("{combine}({}: {right})", binders.join(", ")) };
        self.body += &format!("{left} = {right}\n");
        self.head("tensor", &name, &shape);
    }

    /// One more reduced axis, pinned by data over an axis of extent 4 or 6.
    fn look_up(&mut self, axes: &mut Axes, guards: &mut Vec<String>, body: String, combine: &str) -> String {
        let Some(axis) = axes.iter().find(|axis| axis.1 == 4 || axis.1 == 6).cloned() else { return body };
        if combine != "sum" {
            return body;
        }
        let (name, extent) = if axis.1 == 4 { ("n4", 5) } else { ("n6", 4) };
        axes.push(("p".to_string(), extent, true));
        guards.push(format!("p == {name}[{}]", axis.0));
        if self.dice.chance(7) { format!("({body}) * w[{}, 0]", if extent == 5 { "p" } else { "p + 1" }) } else { body }
    }

    fn guard(&mut self, axes: &Axes) -> Vec<String> {
        if axes.is_empty() {
            return Vec::new();
        }
        let (a, b) = (self.dice.pick(axes), self.dice.pick(axes));
        match self.dice.roll(7) {
            5 => vec![format!("{} == {}", a.0, b.0)],
            6 => vec![format!("{} == {}", a.0, self.dice.roll(2))],
            0 => vec![format!("{} >= {}", a.0, b.0)],
            1 => vec![format!("{} >= 1", a.0)],
            2 => vec![format!("3 >= {} + 2*{}", a.0, b.0)],
            3 if a.1 == 4 => vec![format!("n4[{}] >= {}", a.0, b.0)],
            _ => vec![format!("2*{} >= {} + 1", a.0, b.0)],
        }
    }

    fn expr(&mut self, axes: &Axes, guards: &mut Vec<String>, depth: usize) -> String {
        if depth == 0 {
            return match self.dice.roll(6) {
                0 => self.dice.pick(&["0", "1", "2", "-1", "0.5"]).to_string(),
                1 if !axes.is_empty() => format!("index({})", self.dice.pick(axes).0),
                _ => self.load(axes, guards),
            };
        }
        let a = self.expr(axes, guards, depth - 1);
        match self.dice.roll(9) {
            0 => {
                let condition = self.guard(axes);
                let other = self.dice.pick(&["0", "1", "u[0]"]);
                if condition.is_empty() { a } else { format!("(if {} then {a} else {other})", condition.join(" and ")) }
            }
            1 => format!("(if ({a} < 0.1) then {} else 0)", self.expr(axes, guards, depth - 1)),
            2 => format!("-({a})"),
            3 => format!("max({a}, {})", self.expr(axes, guards, depth - 1)),
            4 => {
                let load = self.load(axes, guards);
                format!("({a}) / ({load} * {load} + 1)")
            }
            5 => format!("({a} + {})", self.expr(axes, guards, depth - 1)),
            6 => format!("({a} - {})", self.expr(axes, guards, depth - 1)),
            _ => format!("({a}) * ({})", self.expr(axes, guards, depth - 1)),
        }
    }

    /// A load of a known tensor; guards are added where its forms may leave the range.
    fn load(&mut self, axes: &Axes, guards: &mut Vec<String>) -> String {
        let at = self.dice.roll(self.known.len());
        let (name, shape) = (self.known[at].name.clone(), self.known[at].shape.clone());
        let forms: Vec<String> = shape.iter().map(|&extent| self.coordinate(axes, extent, guards)).collect();
        if forms.is_empty() { name } else { format!("{name}[{}]", forms.join(", ")) }
    }

    fn coordinate(&mut self, axes: &Axes, extent: usize, guards: &mut Vec<String>) -> String {
        if axes.is_empty() || self.dice.chance(1) {
            return self.dice.roll(extent).to_string();
        }
        let (a, b) = (self.dice.pick(axes), self.dice.pick(axes));
        let (form, low, high) = match self.dice.roll(6) {
            0 => (format!("{} + 1", a.0), 1, a.1),
            1 if a.0 != b.0 => (format!("{} + {}", a.0, b.0), 0, a.1 + b.1 - 2),
            2 if a.0 != b.0 => (format!("{}*{} + {}", b.1, a.0, b.0), 0, b.1 * (a.1 - 1) + b.1 - 1),
            3 => (format!("2*{}", a.0), 0, 2 * (a.1 - 1)),
            _ => (a.0.clone(), 0, a.1 - 1),
        };
        let _ = low;
        if high >= extent {
            guards.push(format!("{} >= {form}", extent - 1));
        }
        form
    }
}

fn condition(guards: &[String]) -> String {
    if guards.is_empty() { String::new() } else { format!("if {} then ", guards.join(" and ")) }
}

/// Systems that hold the invariants.
fn systems(count: u64) -> impl Iterator<Item = Graph> {
    (1..=count).map(|seed| {
        let text = Writer::new(seed).system();
        let graph = read(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        check(&graph).unwrap_or_else(|error| panic!("{error}\n{text}"));
        graph
    })
}

#[test]
fn text_reads_back() {
    for graph in systems(200) {
        let text = print(&graph);
        assert_eq!(print(&read(&text).unwrap()), text);
    }
}

#[test]
fn the_normal_form_keeps_values_and_is_one() {
    for before in systems(400) {
        let mut after = before.clone();
        normalise_all(&mut after);
        same(&before, &after);
        let mut again = after.clone();
        normalise_all(&mut again);
        assert_eq!(lines(&again), lines(&after));
    }
}

#[test]
fn meaning_keeps_values() {
    for before in systems(400) {
        let mut after = before.clone();
        meaning(&mut after);
        same(&before, &after);
    }
}

#[test]
fn cost_keeps_values_whatever_the_fuel() {
    for (seed, before) in systems(400).enumerate() {
        for fuel in [u32::MAX, seed as u32 % 7] {
            let mut after = before.clone();
            normalise_all(&mut after);
            cost(&mut after, fuel);
            same(&before, &after);
        }
    }
}

#[test]
fn cost_keeps_gradients() {
    for before in systems(300) {
        let mut before = before;
        meaning(&mut before);
        let sum = total(&mut before);
        let wrt: Vec<_> =
            before.tensors.iter().filter(|(_, t)| ["x", "u", "w"].contains(&&*t.name)).map(|t| t.0).collect();
        let gradients = differentiate(&mut before, sum, &wrt);
        before.outputs = gradients.into_iter().map(|gradient| ("gradient".into(), gradient)).collect();
        let mut after = before.clone();
        normalise_all(&mut after);
        solve_equalities(&mut after);
        cost(&mut after, u32::MAX);
        same(&before, &after);
    }
}

/// The sum of the elements of the last tensor, defined.
fn total(before: &mut Graph) -> brolga::graph::TensorId {
    let last = before.outputs[1].1;
    let text = print(before);
    let name = before.tensors[last].name.clone();
    let shape = before.tensors[last].shape.clone();
    let axes: Vec<String> = (0..shape.len()).map(|at| format!("a{at}")).collect();
    let binders: Vec<String> = axes.iter().zip(&shape).map(|(axis, extent)| format!("{axis} < {extent}")).collect();
    let load = if axes.is_empty() { name.to_string() } else { format!("{name}[{}]", axes.join(", ")) };
    let definition = if axes.is_empty() {
        format!("total = {load}\n")
    } else {
        format!("total = sum({}: {load} * {load})\n", binders.join(", "))
    };
    *before = graph(&format!("tensor total: []\n{text}{definition}"));
    let total = before.tensors.iter().find(|(_, tensor)| &*tensor.name == "total");
    let (id, tensor) = total.unwrap();
    assert!(matches!(tensor.kind, Kind::Defined));
    id
}
