//! Lines into terms: the syntax alone, without any meaning.

/// A piece of syntax.
#[derive(Clone, Debug, PartialEq)]
pub enum Term {
    Number(f64),
    /// A name, with its subscript if one stands there.
    Name(String, Option<Vec<Term>>),
    Call(String, Vec<Term>),
    /// `sum(k < 3, phase u < 2: body)`
    Reduce(String, Vec<Binder>, Box<Term>),
    Neg(Box<Term>),
    /// `+ - * /`
    Infix(char, Box<Term>, Box<Term>),
    If(Vec<Test>, Box<Term>, Option<Box<Term>>),
}

/// `i < 3`, `phase u < 2`
#[derive(Clone, Debug, PartialEq)]
pub struct Binder {
    pub name: String,
    pub extent: u32,
    pub phase: bool,
}

/// `a >= b`; in parentheses, a comparison of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Test {
    pub numbers: bool,
    pub rel: String,
    pub left: Term,
    pub right: Term,
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64),
    Name(String),
    /// `+ - * / ( ) [ ] , : = < ~` and `>= == <=`
    Sign(&'static str),
}

const SIGNS: [&str; 15] = [">=", "==", "<=", "+", "-", "*", "/", "(", ")", "[", "]", ",", ":", "=", "<"];

/// The tokens of a line, taken from the left.
pub struct Terms {
    tokens: Vec<Token>,
    at: usize,
}

type Outcome<T> = Result<T, String>;

impl Terms {
    /// Of one line.
    pub fn new(line: &str) -> Outcome<Terms> {
        let mut tokens = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let (token, length) = token(rest)?;
            tokens.push(token);
            rest = rest[length..].trim_start();
        }
        Ok(Terms { tokens, at: 0 })
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.at == self.tokens.len()
    }

    fn looking_at(&self, ahead: usize, sign: &str) -> bool {
        self.tokens.get(self.at + ahead) == Some(&Token::Sign(SIGNS.into_iter().find(|s| *s == sign).unwrap_or("~")))
    }

    /// Takes the sign if it is next.
    pub fn take(&mut self, sign: &str) -> bool {
        let found = self.looking_at(0, sign);
        self.at += usize::from(found);
        found
    }

    /// Takes the sign, or fails.
    pub fn need(&mut self, sign: &str) -> Outcome<()> {
        if self.take(sign) { Ok(()) } else { Err(format!("expected `{sign}`, found {}", self.found())) }
    }

    fn found(&self) -> String {
        match self.tokens.get(self.at) {
            None => "the end of the line".to_string(),
            Some(Token::Number(value)) => format!("{value}"),
            Some(Token::Name(name)) => format!("`{name}`"),
            Some(Token::Sign(sign)) => format!("`{sign}`"),
        }
    }

    /// Takes the word if it is next.
    pub fn take_word(&mut self, word: &str) -> bool {
        let found = matches!(self.tokens.get(self.at), Some(Token::Name(name)) if name == word);
        self.at += usize::from(found);
        found
    }

    /// Takes a name.
    pub fn name(&mut self) -> Outcome<String> {
        let Some(Token::Name(name)) = self.tokens.get(self.at).cloned() else {
            return Err(format!("expected a name, found {}", self.found()));
        };
        self.at += 1;
        Ok(name)
    }

    /// Takes a whole number that is not negative.
    pub fn whole(&mut self) -> Outcome<u32> {
        match self.tokens.get(self.at) {
            Some(&Token::Number(value)) if value >= 0.0 && value <= u32::MAX.into() && value.fract() == 0.0 => {
                self.at += 1;
                Ok(value as u32)
            }
            Some(_) | None => Err(format!("expected a whole number, found {}", self.found())),
        }
    }

    /// `i < 3, phase u < 2`, up to a colon, which is taken.
    pub fn binders(&mut self) -> Outcome<Vec<Binder>> {
        let mut binders = Vec::new();
        while !self.take(":") {
            if !binders.is_empty() {
                self.need(",")?;
            }
            let phase = self.take_word("phase");
            let name = self.name()?;
            self.need("<")?;
            binders.push(Binder { name, extent: self.whole()?, phase });
        }
        Ok(binders)
    }

    /// What an equation's right side may be.
    pub fn expr(&mut self) -> Outcome<Term> {
        if !self.take_word("if") {
            return self.sum();
        }
        let mut tests = vec![self.test()?];
        while self.take_word("and") {
            tests.push(self.test()?);
        }
        if !self.take_word("then") {
            return Err(format!("expected `then`, found {}", self.found()));
        }
        let then = Box::new(self.expr()?);
        let other = if self.take_word("else") { Some(Box::new(self.expr()?)) } else { None };
        Ok(Term::If(tests, then, other))
    }

    fn test(&mut self) -> Outcome<Test> {
        let numbers = self.take("(");
        let left = self.sum()?;
        let Some(rel) = [">=", "==", "<=", "<"].into_iter().find(|sign| self.take(sign)) else {
            return Err(format!("expected a comparison, found {}", self.found()));
        };
        let right = self.sum()?;
        if numbers {
            self.need(")")?;
        }
        Ok(Test { numbers, rel: rel.to_string(), left, right })
    }

    /// A sum of products.
    pub fn sum(&mut self) -> Outcome<Term> {
        let mut left = self.product()?;
        while let Some(sign) = ["+", "-"].into_iter().find(|sign| self.take(sign)) {
            left = Term::Infix(first(sign), Box::new(left), Box::new(self.product()?));
        }
        Ok(left)
    }

    fn product(&mut self) -> Outcome<Term> {
        let mut left = self.prefix()?;
        while let Some(sign) = ["*", "/"].into_iter().find(|sign| self.take(sign)) {
            left = Term::Infix(first(sign), Box::new(left), Box::new(self.prefix()?));
        }
        Ok(left)
    }

    fn prefix(&mut self) -> Outcome<Term> {
        if !self.take("-") {
            return self.primary();
        }
        if let Some(&Token::Number(value)) = self.tokens.get(self.at) {
            self.at += 1;
            return Ok(Term::Number(-value));
        }
        Ok(Term::Neg(Box::new(self.prefix()?)))
    }

    fn primary(&mut self) -> Outcome<Term> {
        if self.take("(") {
            let inside = self.expr()?;
            self.need(")")?;
            return Ok(inside);
        }
        if let Some(&Token::Number(value)) = self.tokens.get(self.at) {
            self.at += 1;
            return Ok(Term::Number(value));
        }
        let name = self.name()?;
        if self.take("[") {
            return Ok(Term::Name(name, Some(self.list("]")?)));
        }
        if !self.take("(") {
            return Ok(Term::Name(name, None));
        }
        if self.binds() {
            let binders = self.binders()?;
            let body = self.expr()?;
            self.need(")")?;
            return Ok(Term::Reduce(name, binders, Box::new(body)));
        }
        Ok(Term::Call(name, self.list(")")?))
    }

    /// Whether a bound axis stands here, or the colon after none.
    fn binds(&self) -> bool {
        let phase = matches!(self.tokens.get(self.at), Some(Token::Name(name)) if name == "phase");
        self.looking_at(0, ":") || self.looking_at(1 + usize::from(phase), "<")
    }

    /// Terms between commas up to a sign, which is taken.
    pub fn list(&mut self, end: &str) -> Outcome<Vec<Term>> {
        let mut list = Vec::new();
        while !self.take(end) {
            if !list.is_empty() {
                self.need(",")?;
            }
            list.push(self.expr()?);
        }
        Ok(list)
    }
}

fn first(sign: &str) -> char {
    sign.chars().next().unwrap_or(' ')
}

fn token(text: &str) -> Outcome<(Token, usize)> {
    if let Some(inside) = text.strip_prefix('"') {
        let end = inside.find('"').ok_or("a quotation mark without its other")?;
        return Ok((Token::Name(inside[..end].to_string()), end + 2));
    }
    if text.starts_with('~') {
        return Ok((Token::Sign("~"), 1));
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| text.starts_with(sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let length = number_length(text);
        let value = text[..length].parse().map_err(|_| format!("`{}` is no number", &text[..length]))?;
        return Ok((Token::Number(value), length));
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '\'');
    let length = text.find(|c| !part(c)).unwrap_or(text.len());
    match &text[..length] {
        "" => Err(format!("`{}` begins nothing", text.chars().next().unwrap_or(' '))),
        "inf" => Ok((Token::Number(f64::INFINITY), 3)),
        "nan" => Ok((Token::Number(f64::NAN), 3)),
        name => Ok((Token::Name(name.to_string()), length)),
    }
}

/// `12`, `1.5`, `1e-5`
fn number_length(text: &str) -> usize {
    let digits = |from: usize| text[from..].find(|c: char| !c.is_ascii_digit()).map_or(text.len(), |n| from + n);
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if text[end..].starts_with('e') {
        let sign = usize::from(text[end + 1..].starts_with(['-', '+']));
        if text[end + 1 + sign..].starts_with(|c: char| c.is_ascii_digit()) {
            end = digits(end + 1 + sign);
        }
    }
    end
}
