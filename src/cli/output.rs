//! What is printed goes through here: a closed pipe ends the program quietly.

use std::io::Write;

/// Writes text and a line end to standard output.
pub fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{text}").is_err() {
        // Nobody reads any more (`brolga shapes f.net | head`): what is left to say is for nobody.
        std::process::exit(0);
    }
}

/// Writes text as it is.
pub fn text(text: &str) {
    let mut out = std::io::stdout().lock();
    if write!(out, "{text}").and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

/// Writes a line to standard error.
pub fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
