//! Bodies, statements and pipelines.

use super::{Builder, Parts};
use crate::source::parse::Rule;
use crate::source::slip::{self, Lookup};
use crate::source::span::Span;
use crate::source::tree::*;
use pest::iterators::Pair;

impl Builder<'_> {
    /// A body, and how many findings were made in it.
    pub(super) fn body(&mut self, pair: Pair<'_, Rule>) -> (Body, usize) {
        let at = self.at(&pair);
        let before = self.findings.len();
        let mut body = Body { statements: Vec::new(), bad: Vec::new(), at };
        for node in pair.into_inner() {
            match node.as_rule() {
                Rule::unclosed => self.unclosed(at, node.as_span().start()),
                Rule::bad_statement => self.bad_statement(node, &mut body),
                _ => self.statement(node, &mut body),
            }
        }
        (body, self.findings.len() - before)
    }

    /// A body that ends where the next item begins, or the file ends.
    fn unclosed(&mut self, body: Span, next: usize) {
        let line = self.text[..next].rfind(['\n', '\r']).map_or(0, |end| end + 1);
        let indented = next > line && self.text[line..next].trim().is_empty() && next < self.text.len();
        let word = self.text[next..].find(' ').unwrap_or(0);
        match indented && self.text.as_bytes()[next].is_ascii_alphabetic() {
            true => self.nested.push(self.span(next, next + word)),
            false => return self.findings.push(slip::faults::unclosed_brace(body)),
        }
        self.findings.push(slip::faults::nested(self.span(next, next + word), body));
    }

    fn bad_statement(&mut self, node: Pair<'_, Rule>, body: &mut Body) {
        let at = self.at(&node);
        let range = at.start as usize..at.end as usize;
        body.bad.push(Bad { at, names: slip::names_of(self.id, &self.laid.text, range.clone()) });
        self.bad(range.clone(), range, Lookup::Statement { test: self.test });
    }

    /// A statement, kept if it holds no slip.
    fn statement(&mut self, node: Pair<'_, Rule>, body: &mut Body) {
        let at = self.at(&node);
        let before = self.findings.len();
        let kind = self.statement_kind(node);
        if self.findings.len() == before {
            return body.statements.push(Statement { kind, at });
        }
        let names = slip::names_of(self.id, &self.laid.text, at.start as usize..at.end as usize);
        body.bad.push(Bad { at, names });
    }

    fn statement_kind(&mut self, pair: Pair<'_, Rule>) -> StatementKind {
        let rule = pair.as_rule();
        let mut parts = self.parts(pair);
        match rule {
            Rule::definition => return self.definition(parts),
            Rule::result => return self.result(parts),
            _ => parts.next(),
        };
        match rule {
            Rule::parameter => self.parameter(parts),
            Rule::memory => self.memory(parts),
            Rule::change => self.change(parts),
            Rule::noise_input => self.noise(parts),
            Rule::requirement => self.requirement(parts),
            Rule::objective => self.objective(parts),
            Rule::metric => self.metric(parts),
            _ => self.display(parts),
        }
    }

    fn parameter(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let (names, ty) = (self.names(parts.next()), self.ty(parts.next()));
        StatementKind::Param { names, ty, init: self.init(parts) }
    }

    fn memory(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let (names, ty) = (self.names(parts.next()), self.ty(parts.next()));
        StatementKind::State { names, ty, init: self.init(parts) }
    }

    /// `~ glorot`, `= 0`, or nothing
    fn init(&mut self, mut parts: Parts<'_>) -> Option<Init> {
        let mark = parts.inner.next()?;
        let value = self.pipeline(parts.next());
        Some(if mark.as_rule() == Rule::tilde { Init::Drawn(value) } else { Init::Value(value) })
    }

    fn change(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let name = self.name(&parts.next());
        parts.next();
        StatementKind::Update { name, value: self.pipeline(parts.next()) }
    }

    fn noise(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let (names, ty) = (self.names(parts.next()), self.ty(parts.next()));
        parts.next();
        StatementKind::Noise { names, ty, distribution: self.pipeline(parts.next()) }
    }

    fn requirement(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let condition = self.expression(parts.next());
        StatementKind::Require { condition, message: self.quoted(&parts.next()) }
    }

    fn objective(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let value = self.pipeline(parts.next());
        let mut over = Vec::new();
        if parts.take(Rule::over).is_some() {
            while let Some(net) = parts.take(Rule::value) {
                over.push(self.value(net));
            }
        }
        parts.next();
        StatementKind::Minimise { value, over, using: self.value(parts.next()) }
    }

    fn metric(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let name = parts.take(Rule::name).map(|pair| self.name(&pair));
        parts.take(Rule::equals);
        StatementKind::Report { name, value: self.pipeline(parts.next()) }
    }

    fn display(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let value = self.pipeline(parts.next());
        parts.next();
        let every = parts.take(Rule::number).map(|pair| self.number(&pair));
        StatementKind::Show { value, every, unit: self.name(&parts.next()) }
    }

    fn definition(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let target = self.target(parts.next());
        let ty = parts.take(Rule::r#type).map(|pair| self.ty(pair));
        parts.next();
        StatementKind::Define { target, ty, value: self.pipeline(parts.next()) }
    }

    fn result(&mut self, mut parts: Parts<'_>) -> StatementKind {
        let value = self.pipeline(parts.next());
        let within = parts.take(Rule::within).map(|_| self.expression(parts.next()));
        StatementKind::Result { value, within }
    }

    fn target(&mut self, pair: Pair<'_, Rule>) -> Target {
        let tuple = pair.as_str().starts_with('(');
        let mut parts = self.parts(pair);
        if tuple {
            return Target::Tuple(parts.inner.map(|name| self.name(&name)).collect(), parts.at);
        }
        let name = self.name(&parts.next());
        match parts.take(Rule::subscripts) {
            None => Target::Name(name),
            Some(pair) => Target::Indexed { name, subscripts: self.subscripts(pair), at: parts.at },
        }
    }

    /// `image -> conv(6, 5x5) : [6, 24, 24] -> relu as fine`, `if a then p else q`
    pub(super) fn pipeline(&mut self, pair: Pair<'_, Rule>) -> Pipeline {
        let mut parts = self.parts(pair);
        let at = parts.at;
        let mut cases = Vec::new();
        while parts.take(Rule::r#if).is_some() {
            let condition = self.expression(parts.next());
            parts.take(Rule::then);
            cases.push((condition, self.branch(parts.next())));
            parts.take(Rule::r#else);
        }
        if cases.is_empty() {
            return self.straight(parts);
        }
        let otherwise = Box::new(self.branch(parts.next()));
        Pipeline { head: Head::If { cases, otherwise }, remark: None, stages: Vec::new(), at }
    }

    fn branch(&mut self, pair: Pair<'_, Rule>) -> Pipeline {
        let parts = self.parts(pair);
        self.straight(parts)
    }

    /// A value and its stages.
    fn straight(&mut self, mut parts: Parts<'_>) -> Pipeline {
        let first = parts.next();
        let head = match first.as_rule() {
            Rule::each_of => Head::Each(self.each(first)),
            _ => Head::Expr(self.expression(first)),
        };
        let remark = parts.take(Rule::remark).map(|pair| self.remark(pair));
        let stages = parts.inner.map(|stage| self.stage(stage)).collect();
        Pipeline { head, remark, stages, at: parts.at }
    }

    fn stage(&mut self, pair: Pair<'_, Rule>) -> Stage {
        let mut parts = self.parts(pair);
        parts.next();
        let first = parts.next();
        let at = crate::source::Span { start: self.at(&first).start, ..parts.at };
        let layer = match first.as_rule() {
            Rule::each_of => StageLayer::Each(self.each(first)),
            _ => StageLayer::Expr(self.value(first)),
        };
        let name = parts.take(Rule::r#as).map(|_| self.name(&parts.next()));
        Stage { layer, name, remark: parts.take(Rule::remark).map(|pair| self.remark(pair)), at }
    }

    fn remark(&mut self, pair: Pair<'_, Rule>) -> Remark {
        let inner = self.parts(pair).next();
        let at = self.at(&inner);
        let ty = (inner.as_rule() == Rule::r#type).then(|| self.ty(inner));
        Remark { ty, at }
    }

    fn each(&mut self, pair: Pair<'_, Rule>) -> Each {
        let mut parts = self.parts(pair);
        parts.next();
        let name = self.name(&parts.next());
        parts.next();
        let over = Box::new(self.subscript(parts.next()));
        let body = Box::new(self.group(parts.next()));
        Each { name, over, body, at: parts.at }
    }

    /// The pipeline between round brackets.
    pub(super) fn group(&mut self, pair: Pair<'_, Rule>) -> Pipeline {
        let inner = self.parts(pair).next();
        self.pipeline(inner)
    }
}
