//! What is wrong with data: facts for one message, with path, place, expected and found, and what to do.

use crate::diagnostic::{Diagnostic, Help, Label};
use crate::source::Span;
use std::fmt;

/// What kind of thing went wrong; each has a code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataProblem {
    /// There is no such file or folder.
    Absent,
    /// The file is not of its format, ends too soon, or cannot be read.
    Damaged,
    /// The path leads out of the project's folder.
    Outside,
    /// The file is in order, but is not what the fields of `data` say.
    Unfit,
    /// The call of the source is not understood.
    Call,
}

/// A place inside a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Where {
    /// The whole file, or no file at all.
    Whole,
    /// Bytes from the start, inflated if the file is compressed.
    Byte(u64),
    /// Counted from 1.
    Line(u64),
    /// Counted from 0.
    Example(u64),
}

/// One finding about data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    pub problem: DataProblem,
    /// As the `.net` file writes it; empty where no file is concerned.
    pub path: Box<str>,
    pub place: Where,
    pub expected: String,
    pub found: String,
    /// What to do; may be empty.
    pub help: Box<str>,
    /// The call or stage that it is about, if that is known better than by who asks.
    pub call: Option<Span>,
}

/// What reading data gives.
pub type Result<T> = std::result::Result<T, DataError>;

impl DataError {
    /// A finding about a whole file.
    pub fn new(problem: DataProblem, path: &str, expected: impl Into<String>, found: impl Into<String>) -> DataError {
        let (expected, found) = (expected.into(), found.into());
        DataError { problem, path: path.into(), place: Where::Whole, expected, found, help: Box::default(), call: None }
    }

    /// The same at a place inside the file.
    pub fn at(self, place: Where) -> DataError {
        DataError { place, ..self }
    }

    /// The same with advice.
    pub fn help(self, help: impl Into<String>) -> DataError {
        DataError { help: help.into().into_boxed_str(), ..self }
    }

    /// From the operating system's own words.
    pub fn io(path: &str, wanted: &str, error: &std::io::Error) -> DataError {
        if error.kind() == std::io::ErrorKind::NotFound {
            return DataError::new(DataProblem::Absent, path, wanted, "no such file")
                .help("paths are relative to the .net file; `--data DIR` looks elsewhere");
        }
        DataError::new(DataProblem::Damaged, path, wanted, error.to_string())
    }

    /// The number of the message.
    pub fn code(&self) -> &'static str {
        match self.problem {
            DataProblem::Absent => "E0701",
            DataProblem::Damaged | DataProblem::Unfit => "E0702",
            DataProblem::Outside => "E0703",
            DataProblem::Call => "E0605",
        }
    }

    /// The finding as a message at the call of the source.
    pub fn diagnostic(&self, at: Span) -> Diagnostic {
        let helps =
            if self.help.is_empty() { vec![] } else { vec![Help { text: self.help.to_string(), edits: vec![] }] };
        let label = Label { at: self.call.unwrap_or(at), text: format!("expected {}", self.expected) };
        Diagnostic { code: self.code(), headline: self.to_string(), labels: vec![label], notes: vec![], helps }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let comma = if self.path.is_empty() || self.place == Where::Whole { "" } else { ", " };
        let colon = if self.path.is_empty() && self.place == Where::Whole { "" } else { ": " };
        let (path, place) = (&self.path, self.place);
        write!(f, "{path}{comma}{place}{colon}expected {}, found {}", self.expected, self.found)
    }
}

impl fmt::Display for Where {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Where::Whole => Ok(()),
            Where::Byte(at) => write!(f, "byte {at}"),
            Where::Line(line) => write!(f, "line {line}"),
            Where::Example(number) => write!(f, "example {number}"),
        }
    }
}

impl std::error::Error for DataError {}
