//! The arguments of a source's call, held against its signature.

use super::error::{DataError, DataProblem, Result};
use crate::check::net::{Setting, SourceCall};

/// The arguments of one call, all of them known to its signature.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    call: &'a SourceCall,
    positional: &'a [&'a str],
}

impl<'a> Args<'a> {
    /// `positional` names the arguments in order, `named` those given by name only; `free` names are those of the
    /// data's fields, where a source takes such.
    pub fn new(call: &'a SourceCall, positional: &'a [&'a str], named: &[&str], free: &[&str]) -> Result<Args<'a>> {
        let args = Args { call, positional };
        let mut seen: Vec<&str> = Vec::new();
        for (place, (name, _)) in call.args.iter().enumerate() {
            let name = match name {
                Some(name) => &**name,
                None => positional.get(place).copied().ok_or_else(|| args.too_many(place))?,
            };
            if ![positional, named, free].iter().any(|names| names.contains(&name)) {
                return Err(args.unknown(name, positional, named, free));
            }
            if seen.contains(&name) {
                return Err(args.error(format!("`{name}` once"), "it twice"));
            }
            seen.push(name);
        }
        Ok(args)
    }

    /// The value of an argument.
    pub fn get(&self, name: &str) -> Option<&'a Setting> {
        let by_place = |place: usize| self.positional.get(place).is_some_and(|p| *p == name);
        let mut all = self.call.args.iter().enumerate();
        all.find(|(place, (given, _))| given.as_ref().map_or(by_place(*place), |g| &**g == name)).map(|(_, (_, v))| v)
    }

    /// A text that must be there.
    pub fn text(&self, name: &str) -> Result<&'a str> {
        match self.get(name) {
            Some(Setting::Text(text)) => Ok(text),
            Some(other) => Err(self.error(format!("`{name}` to be a text in quotes"), kind(other))),
            None => Err(self.error(format!("`{name}`, a text in quotes"), "nothing")),
        }
    }

    /// A finite number, or its default.
    pub fn number(&self, name: &str, default: f64) -> Result<f64> {
        match self.get(name) {
            Some(Setting::Number(number)) if number.is_finite() => Ok(*number),
            Some(other) => Err(self.error(format!("`{name}` to be a number"), kind(other))),
            None => Ok(default),
        }
    }

    /// A whole number from 0 to `most`.
    pub fn whole(&self, name: &str, default: Option<u64>, most: u64) -> Result<u64> {
        match (self.get(name), default) {
            (Some(Setting::Number(n)), _) if *n >= 0.0 && *n <= most as f64 && libm::trunc(*n) == *n => Ok(*n as u64),
            (Some(Setting::Number(n)), _) => {
                Err(self.error(format!("`{name}` to be a whole number from 0 to {most}"), n.to_string()))
            }
            (Some(other), _) => Err(self.error(format!("`{name}` to be a whole number"), kind(other))),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(self.error(format!("`{name}`, a whole number"), "nothing")),
        }
    }

    /// true or false, or its default.
    pub fn truth(&self, name: &str, default: bool) -> Result<bool> {
        match self.get(name) {
            Some(Setting::Truth(truth)) => Ok(*truth),
            Some(other) => Err(self.error(format!("`{name}` to be true or false"), kind(other))),
            None => Ok(default),
        }
    }

    /// A finding about the call itself.
    pub fn error(&self, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        let expected = format!("{} in `{}(...)`", expected.into(), self.call.name);
        DataError { call: Some(self.call.at), ..DataError::new(DataProblem::Call, "", expected, found) }
    }

    fn too_many(&self, place: usize) -> DataError {
        self.error(format!("{} by position", super::count(self.positional.len(), "argument")), format!("{}", place + 1))
    }

    fn unknown(&self, name: &str, positional: &[&str], named: &[&str], free: &[&str]) -> DataError {
        let known: Vec<&str> = [positional, named, free].concat();
        let known = if known.is_empty() { "no arguments".to_string() } else { known.join(", ") };
        self.error(known, format!("`{name}`"))
    }
}

/// The kind of a value, for messages.
pub fn kind(value: &Setting) -> String {
    match value {
        Setting::Number(number) => format!("the number {number}"),
        Setting::Text(text) => format!("the text \"{text}\""),
        Setting::Truth(truth) => truth.to_string(),
        Setting::Array { .. } => "an array".to_string(),
        Setting::List(_) => "a list".to_string(),
    }
}
