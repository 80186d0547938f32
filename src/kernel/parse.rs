//! Reads kernels as `print` writes them. It checks the text only: `check::check` the kernel.

use super::print::{BINARY, COMPARE, FOLD, UNARY};
use super::*;

/// Reads one kernel.
///
/// # Errors
/// Says at which line what was expected.
pub fn parse(text: &str) -> Result<Kernel, String> {
    let mut parser = Parser::new(text);
    let kernel = parser.kernel();
    kernel.map_err(|e| format!("line {}: {e}", parser.line()))
}

struct Parser<'t> {
    /// Words, numbers and marks, with their lines.
    tokens: Vec<(&'t str, usize)>,
    at: usize,
    buffers: Vec<Buffer>,
    vars: Arena<LoopVar>,
    /// Names and variables of the open loops.
    open: Vec<(&'t str, VarId)>,
    types: Vec<Option<Type>>,
}

type Parsed<T> = Result<T, String>;

impl<'t> Parser<'t> {
    fn new(text: &'t str) -> Parser<'t> {
        let mut tokens = Vec::new();
        for (n, line) in text.lines().enumerate() {
            if !line.trim_start().starts_with(';') {
                split(line, |token| tokens.push((token, n + 1)));
            }
        }
        Parser { tokens, at: 0, buffers: Vec::new(), vars: Arena::new(), open: Vec::new(), types: Vec::new() }
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |t| t.1)
    }

    fn peek(&self) -> &'t str {
        self.tokens.get(self.at).map_or("", |t| t.0)
    }

    fn take(&mut self) -> &'t str {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.peek() == token;
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.eat(token) { Ok(()) } else { Err(format!("{token} is expected, not {:?}", self.peek())) }
    }

    fn kernel(&mut self) -> Parsed<Kernel> {
        self.expect("kernel")?;
        let name = self.take().into();
        self.expect("(")?;
        while !self.eat(")") {
            let buffer = self.buffer()?;
            self.buffers.push(buffer);
            self.eat(",");
        }
        let turns = self.openings("turns")?;
        let parts = self.openings("parts")?;
        let (body, _) = self.list()?;
        if self.at < self.tokens.len() {
            return Err(format!("the end is expected, not {:?}", self.peek()));
        }
        let mut values = Arena::new();
        for t in &self.types {
            // A number that is left out is a value that is never made.
            values.push(t.unwrap_or(Type { base: Base::F32, lanes: 1 }));
        }
        Ok(Kernel { name, buffers: self.buffers.clone(), turns, parts, values, vars: self.vars.clone(), body })
    }

    fn buffer(&mut self) -> Parsed<Buffer> {
        let name = self.take().into();
        self.expect(":")?;
        let access = match self.take() {
            "in" => BufferAccess::Read,
            "out" => BufferAccess::Write,
            "inout" => BufferAccess::ReadWrite,
            other => return Err(format!("in, out or inout is expected, not {other:?}")),
        };
        let elem = match self.take() {
            "f32" => Elem::F32,
            "i32" => Elem::I32,
            other => return Err(format!("f32 or i32 is expected, not {other:?}")),
        };
        self.expect("[")?;
        let len = self.number()?;
        self.expect("]")?;
        Ok(Buffer { name, elem, len, access })
    }

    /// `parts i < 4, j < 8`, if they stand here.
    fn openings(&mut self, word: &str) -> Parsed<Vec<(VarId, u32)>> {
        let mut found = Vec::new();
        while self.eat(if found.is_empty() { word } else { "," }) {
            found.push(self.opening()?);
        }
        Ok(found)
    }

    /// `k < 8`, from where on k is known.
    fn opening(&mut self) -> Parsed<(VarId, u32)> {
        let name = self.take();
        self.expect("<")?;
        let var = self.vars.push(LoopVar(name.into()));
        self.open.push((name, var));
        Ok((var, self.number()?))
    }

    fn number<T: std::str::FromStr>(&mut self) -> Parsed<T> {
        let minus = if self.eat("-") { "-" } else { "" };
        let token = self.take();
        format!("{minus}{token}").parse().map_err(|_| format!("a number is expected, not {token:?}"))
    }

    /// `{ statements }`, and what stands behind `next`.
    fn list(&mut self) -> Parsed<(Vec<Stmt>, Vec<ValueId>)> {
        self.expect("{")?;
        let mut stmts = Vec::new();
        let mut next = Vec::new();
        while !self.eat("}") {
            if self.eat("next") {
                next = self.values()?;
            } else {
                stmts.push(self.stmt()?);
            }
        }
        Ok((stmts, next))
    }

    fn values(&mut self) -> Parsed<Vec<ValueId>> {
        let mut values = vec![self.value()?];
        while self.eat(",") {
            values.push(self.value()?);
        }
        Ok(values)
    }

    fn value(&mut self) -> Parsed<ValueId> {
        let token = self.take();
        let number = token.strip_prefix('v').and_then(|digits| digits.parse::<usize>().ok());
        let number = number.filter(|&n| n < 1_000_000).ok_or_else(|| format!("a value is expected, not {token:?}"))?;
        self.types.resize(self.types.len().max(number + 1), None);
        Ok(Id::new(number))
    }

    fn stmt(&mut self) -> Parsed<Stmt> {
        match self.peek() {
            "store" => {
                self.at += 1;
                let (mut place, live) = self.place()?;
                self.expect("=")?;
                let value = self.value()?;
                place.live = live.unwrap_or(self.types[value.index()].map_or(1, |t| t.lanes));
                Ok(Stmt::Store { place, value })
            }
            "if" => self.branch(),
            "loop" => self.repeat(Vec::new()),
            _ => self.definition(),
        }
    }

    fn branch(&mut self) -> Parsed<Stmt> {
        self.expect("if")?;
        let mut conditions = Vec::new();
        while self.peek() != "{" {
            let form = self.form()?;
            let equal = match self.take() {
                ">=" => false,
                "==" => true,
                other => return Err(format!(">= or == is expected, not {other:?}")),
            };
            self.expect("0")?;
            conditions.push(Condition { form, equal });
            self.eat(",");
        }
        let (then, _) = self.list()?;
        let otherwise = if self.eat("else") { self.list()?.0 } else { Vec::new() };
        Ok(Stmt::If { conditions, then, otherwise })
    }

    fn definition(&mut self) -> Parsed<Stmt> {
        let values = self.values()?;
        if self.eat("=") {
            return self.repeat(values);
        }
        self.expect(":")?;
        let t = self.type_of()?;
        self.types[values[0].index()] = Some(t);
        self.expect("=")?;
        Ok(Stmt::Let(values[0], self.op(t)?))
    }

    fn repeat(&mut self, results: Vec<ValueId>) -> Parsed<Stmt> {
        self.expect("loop")?;
        let (var, trip) = self.opening()?;
        let mut pairs = Vec::new();
        if self.eat("(") {
            while !self.eat(")") {
                let inside = self.value()?;
                self.expect("=")?;
                let init = self.value()?;
                self.types[inside.index()] = self.types[init.index()];
                pairs.push((inside, init));
                self.eat(",");
            }
        }
        let (body, next) = self.list()?;
        self.open.pop();
        if pairs.len() != next.len() || pairs.len() != results.len() {
            return Err("a loop has as many results and next values as it carries".to_string());
        }
        let mut carried = Vec::new();
        for ((&(inside, init), next), result) in pairs.iter().zip(next).zip(results) {
            self.types[result.index()] = self.types[init.index()];
            carried.push(Carried { init, inside, next, result });
        }
        Ok(Stmt::Loop(Loop { var, trip, carried, body }))
    }

    fn type_of(&mut self) -> Parsed<Type> {
        let token = self.take();
        let (base, lanes) = token.split_once('x').unwrap_or((token, "1"));
        let base = match base {
            "f32" => Base::F32,
            "i32" => Base::I32,
            "bool" => Base::Bool,
            _ => return Err(format!("a type is expected, not {token:?}")),
        };
        let lanes = lanes.parse().map_err(|_| format!("{token:?} is no type"))?;
        Ok(Type { base, lanes })
    }

    fn op(&mut self, t: Type) -> Parsed<Op> {
        let word = self.peek();
        if word == "-" || word.starts_with(|c: char| c.is_ascii_digit()) || matches!(word, "inf" | "NaN") {
            return Ok(if t.base == Base::F32 { Op::F32(self.number()?) } else { Op::I32(self.number()?) });
        }
        self.at += 1;
        match word {
            "load" => {
                let (place, live) = self.place()?;
                return Ok(Op::Load(Place { live: live.unwrap_or(t.lanes), ..place }));
            }
            "index" => return Ok(Op::Index(self.form()?)),
            "iota" => return Ok(Op::Iota),
            _ => {}
        }
        let values = self.values()?;
        let unary = UNARY.iter().find(|w| w.1 == word).map(|w| w.0);
        let binary = BINARY.iter().find(|w| w.1 == word).map(|w| w.0);
        let compare = COMPARE.iter().find(|w| w.1 == word).map(|w| w.0);
        let fold = FOLD.iter().find(|w| w.1 == word).map(|w| w.0);
        match (values.as_slice(), word) {
            (&[a], "splat") => Ok(Op::Splat(a)),
            (&[a, b, c], "fma") => Ok(Op::Fma(a, b, c)),
            (&[c, a, b], "select") => Ok(Op::Select(c, a, b)),
            (&[a], _) => match (unary, fold) {
                (Some(op), _) => Ok(Op::Unary(op, a)),
                (None, Some(op)) => Ok(Op::Fold(op, a)),
                (None, None) => Err(format!("there is no operation {word} of one value")),
            },
            (&[a, b], _) => match (binary, compare) {
                (Some(op), _) => Ok(Op::Binary(op, a, b)),
                (None, Some(op)) => Ok(Op::Compare(op, a, b)),
                (None, None) => Err(format!("there is no operation {word} of two values")),
            },
            (values, _) => Err(format!("there is no operation {word} of {} values", values.len())),
        }
    }

    /// A place, and its live lanes if they are said.
    fn place(&mut self) -> Parsed<(Place, Option<u16>)> {
        let name = self.take();
        let buffer = self.buffers.iter().position(|b| &*b.name == name);
        let buffer = buffer.ok_or_else(|| format!("there is no buffer {name:?}"))? as BufferIx;
        self.expect("[")?;
        let (address, dynamic) = self.moved_form()?;
        let (mut stride, mut live) = (1, None);
        while self.eat(";") {
            match self.take() {
                "stride" => stride = self.number()?,
                "live" => live = Some(self.number()?),
                other => return Err(format!("stride or live is expected, not {other:?}")),
            }
        }
        self.expect("]")?;
        Ok((Place { buffer, address, dynamic, stride, live: 1 }, live))
    }

    fn form(&mut self) -> Parsed<Address> {
        match self.moved_form()? {
            (form, None) => Ok(form),
            (_, Some(_)) => Err("a clamped value stands in places only".to_string()),
        }
    }

    /// Terms `3 k`, `k`, `3` and `2 * clamp(v1, 9)`, with signs between.
    fn moved_form(&mut self) -> Parsed<(Address, Option<Dynamic>)> {
        let (mut form, mut dynamic) = (Address::default(), None);
        loop {
            let sign = if self.eat("-") { -1 } else { 1 };
            let numbered = self.peek().starts_with(|c: char| c.is_ascii_digit());
            let factor = sign * if numbered { self.number::<i64>()? } else { 1 };
            if self.eat("*") {
                dynamic = Some(self.clamp(factor)?);
            } else if let Some(&(_, var)) = self.open.iter().rev().find(|o| o.0 == self.peek()) {
                self.at += 1;
                form += var * factor;
            } else if numbered {
                form += factor;
            } else {
                return Err(format!("a loop variable is expected, not {:?}", self.peek()));
            }
            if !self.eat("+") && self.peek() != "-" {
                return Ok((form, dynamic));
            }
        }
    }

    fn clamp(&mut self, scale: i64) -> Parsed<Dynamic> {
        self.expect("clamp")?;
        self.expect("(")?;
        let value = self.value()?;
        self.expect(",")?;
        let limit = self.number()?;
        self.expect(")")?;
        Ok(Dynamic { value, scale, limit })
    }
}

/// Words and numbers as they stand, marks of one or two characters.
fn split<'t>(line: &'t str, mut token: impl FnMut(&'t str)) {
    let in_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        let len = if in_word(first) {
            let exponent = |at: usize| {
                // The sign in 1e-5.
                let before = &rest[..at];
                before.ends_with('e') && before.starts_with(|c: char| c.is_ascii_digit()) && rest[at..].starts_with('-')
            };
            rest.char_indices().find(|&(at, c)| !in_word(c) && !exponent(at)).map_or(rest.len(), |(at, _)| at)
        } else if rest.starts_with(">=") || rest.starts_with("==") {
            2
        } else {
            first.len_utf8()
        };
        token(&rest[..len]);
        rest = rest[len..].trim_start();
    }
}
