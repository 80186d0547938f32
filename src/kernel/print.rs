//! Kernels as text; `parse` reads it back.
//!
//! ```text
//! kernel product(x: in f32[64], y: in f32[64], z: out f32[8]) parts i < 2 {
//!   v0: f32x4 = 0.0
//!   v3 = loop k < 8 (v1 = v0) {
//!     v2: f32x4 = load x[k + 32 i; stride 8]
//!     v4: f32x4 = load y[4 k; stride 0]
//!     v5: f32x4 = fma v2, v4, v1
//!     next v5
//!   }
//!   if i - 1 >= 0, i == 1 {
//!     store z[4 i; live 3] = v3
//!   } else {
//!     store z[4 i] = v3
//!   }
//! }
//! ```
//!
//! A place is `buffer[form + scale * clamp(v1, limit); stride s; live n]`, all but the form left out where they are the
//! usual ones. `;` at a line's start begins a comment. Names that occur twice get a number.

use super::*;
use std::collections::BTreeSet;
use std::fmt::{self, Write};

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let printer = Printer::new(self);
        f.write_str(&printer.kernel())
    }
}

struct Printer<'k> {
    kernel: &'k Kernel,
    buffers: Vec<String>,
    vars: Vec<String>,
}

impl Printer<'_> {
    fn new(kernel: &Kernel) -> Printer<'_> {
        let buffers = unique(kernel.buffers.iter().map(|b| &*b.name));
        let vars = unique(kernel.vars.iter().map(|(_, v)| &*v.0));
        Printer { kernel, buffers, vars }
    }

    fn kernel(&self) -> String {
        let buffers: Vec<String> = self
            .kernel
            .buffers
            .iter()
            .zip(&self.buffers)
            .map(|(b, name)| format!("{name}: {} {}[{}]", access(b.access), elem(b.elem), b.len))
            .collect();
        let mut text = format!("kernel {}({})", word(&self.kernel.name), buffers.join(", "));
        for (word, loops) in [(" turns", &self.kernel.turns), (" parts", &self.kernel.parts)] {
            for (i, &(var, trip)) in loops.iter().enumerate() {
                let before = if i == 0 { word } else { "," };
                text += &format!("{before} {} < {trip}", self.vars[var.index()]);
            }
        }
        text += " {\n";
        self.list(&mut text, 1, &self.kernel.body);
        text + "}\n"
    }

    fn list(&self, text: &mut String, depth: usize, stmts: &[Stmt]) {
        let indent = "  ".repeat(depth);
        for stmt in stmts {
            match stmt {
                Stmt::Let(v, op) => {
                    *text += &format!("{indent}v{v}: {} = {}\n", type_text(self.kernel.values[*v]), self.op(*v, op));
                }
                Stmt::Store { place, value } => {
                    let lanes = self.kernel.values[*value].lanes;
                    *text += &format!("{indent}store {} = v{value}\n", self.place(place, lanes));
                }
                Stmt::Loop(l) => self.repeat(text, depth, l),
                Stmt::If { conditions, then, otherwise } => {
                    let all: Vec<String> = conditions.iter().map(|c| self.condition(c)).collect();
                    *text += &format!("{indent}if {} {{\n", all.join(", "));
                    self.list(text, depth + 1, then);
                    if !otherwise.is_empty() {
                        *text += &format!("{indent}}} else {{\n");
                        self.list(text, depth + 1, otherwise);
                    }
                    *text += &format!("{indent}}}\n");
                }
            }
        }
    }

    fn repeat(&self, text: &mut String, depth: usize, l: &Loop) {
        let indent = "  ".repeat(depth);
        let values =
            |f: fn(&Carried) -> ValueId| l.carried.iter().map(|c| format!("v{}", f(c))).collect::<Vec<_>>().join(", ");
        *text += &indent;
        if !l.carried.is_empty() {
            *text += &format!("{} = ", values(|c| c.result));
        }
        *text += &format!("loop {} < {}", self.vars[l.var.index()], l.trip);
        if !l.carried.is_empty() {
            let start: Vec<String> = l.carried.iter().map(|c| format!("v{} = v{}", c.inside, c.init)).collect();
            *text += &format!(" ({})", start.join(", "));
        }
        *text += " {\n";
        self.list(text, depth + 1, &l.body);
        if !l.carried.is_empty() {
            *text += &format!("{indent}  next {}\n", values(|c| c.next));
        }
        *text += &format!("{indent}}}\n");
    }

    fn condition(&self, c: &Condition) -> String {
        format!("{} {} 0", self.form(&c.form), if c.equal { "==" } else { ">=" })
    }

    fn form(&self, form: &Address) -> String {
        let mut text = String::new();
        for &(var, factor) in &form.terms {
            let name = &self.vars[var.index()];
            signed(
                &mut text,
                factor,
                if factor.abs() == 1 { name.clone() } else { format!("{} {name}", factor.abs()) },
            );
        }
        if form.constant != 0 || text.is_empty() {
            signed(&mut text, form.constant, form.constant.unsigned_abs().to_string());
        }
        text
    }

    fn place(&self, place: &Place, lanes: u16) -> String {
        let mut text = format!("{}[{}", self.buffers[usize::from(place.buffer)], self.form(&place.address));
        if let Some(d) = place.dynamic {
            let clamp = format!("{} * clamp(v{}, {})", d.scale.abs(), d.value, d.limit);
            signed(&mut text, d.scale, clamp);
        }
        if place.stride != 1 {
            text += &format!("; stride {}", place.stride);
        }
        if place.live != lanes {
            text += &format!("; live {}", place.live);
        }
        text + "]"
    }

    fn op(&self, value: ValueId, op: &Op) -> String {
        match op {
            Op::F32(x) => format!("{x:?}"),
            Op::I32(x) => x.to_string(),
            Op::Load(place) => format!("load {}", self.place(place, self.kernel.values[value].lanes)),
            Op::Splat(a) => format!("splat v{a}"),
            Op::Index(form) => format!("index {}", self.form(form)),
            Op::Iota => "iota".to_string(),
            Op::Unary(op, a) => format!("{} v{a}", name_of(&UNARY, *op)),
            Op::Binary(op, a, b) => format!("{} v{a}, v{b}", name_of(&BINARY, *op)),
            Op::Fma(a, b, c) => format!("fma v{a}, v{b}, v{c}"),
            Op::Compare(op, a, b) => format!("{} v{a}, v{b}", name_of(&COMPARE, *op)),
            Op::Select(c, a, b) => format!("select v{c}, v{a}, v{b}"),
            Op::Fold(op, a) => format!("{} v{a}", name_of(&FOLD, *op)),
        }
    }
}

/// The words of the text.
pub(super) const UNARY: [(Unary, &str); 9] = [
    (Unary::Neg, "neg"),
    (Unary::Abs, "abs"),
    (Unary::Sqrt, "sqrt"),
    (Unary::Floor, "floor"),
    (Unary::Nearest, "nearest"),
    (Unary::ToInt, "to_int"),
    (Unary::ToFloat, "to_float"),
    (Unary::Bits, "bits"),
    (Unary::FromBits, "from_bits"),
];
pub(super) const BINARY: [(Binary, &str); 11] = [
    (Binary::Add, "add"),
    (Binary::Sub, "sub"),
    (Binary::Mul, "mul"),
    (Binary::Div, "div"),
    (Binary::Max, "max"),
    (Binary::Min, "min"),
    (Binary::And, "and"),
    (Binary::Or, "or"),
    (Binary::Xor, "xor"),
    (Binary::Shl, "shl"),
    (Binary::Shr, "shr"),
];
pub(super) const COMPARE: [(Compare, &str); 4] =
    [(Compare::Eq, "eq"), (Compare::Ne, "ne"), (Compare::Lt, "lt"), (Compare::Le, "le")];
pub(super) const FOLD: [(Fold, &str); 2] = [(Fold::Sum, "fold_sum"), (Fold::Max, "fold_max")];

fn name_of<T: PartialEq + Copy>(words: &[(T, &'static str)], op: T) -> &'static str {
    words.iter().find(|w| w.0 == op).expect("every operation has a word").1
}

pub(super) fn type_text(t: Type) -> String {
    let base = match t.base {
        Base::F32 => "f32",
        Base::I32 => "i32",
        Base::Bool => "bool",
    };
    if t.lanes == 1 { base.to_string() } else { format!("{base}x{}", t.lanes) }
}

fn elem(elem: Elem) -> &'static str {
    match elem {
        Elem::F32 => "f32",
        Elem::I32 => "i32",
    }
}

fn access(access: BufferAccess) -> &'static str {
    match access {
        BufferAccess::Read => "in",
        BufferAccess::Write => "out",
        BufferAccess::ReadWrite => "inout",
    }
}

/// Appends `+ term` or `- term`, or the term alone at the start.
fn signed(text: &mut String, sign: i64, term: String) {
    let start = text.is_empty() || text.ends_with('[');
    let sign = match (start, sign < 0) {
        (true, true) => "-",
        (true, false) => "",
        (false, true) => " - ",
        (false, false) => " + ",
    };
    write!(text, "{sign}{term}").expect("a String can be written");
}

/// Names of letters, digits, `_` and `.`, each once.
fn unique<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    names
        .map(|name| {
            let word = word(name);
            let mut tried = word.clone();
            let mut number = 1;
            while !taken.insert(tried.clone()) {
                number += 1;
                tried = format!("{word}_{number}");
            }
            tried
        })
        .collect()
}

fn word(name: &str) -> String {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let word: String = name.chars().map(|c| if fits(c) { c } else { '_' }).collect();
    if word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') { word } else { format!("_{word}") }
}
