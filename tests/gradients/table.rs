//! Every row of the table of primitives.

use super::harness::Case;
use brolga::graph::scalar::{BINARY, UNARY};

/// Random values are in -1..1, at least 1/50 from 0; roots and logarithms take what is away from 0.
#[test]
fn every_function_of_one_number() {
    for row in UNARY.iter().filter(|row| row.pull.is_some()) {
        for argument in ["1.3 + x[i]", "2.5 * x[i] + 4"] {
            let text = format!("param x: [9]\ntensor y: [9]\ny[i] = {}({argument})", row.name);
            let text = if row.name == "neg" { text.replace("neg", "-") } else { text };
            Case::new(row.name, text).check(5).unwrap();
        }
    }
}

#[test]
fn every_function_below_zero() {
    for row in UNARY.iter().filter(|row| row.pull.is_some() && !matches!(row.name, "neg" | "log" | "sqrt")) {
        let text = format!("param x: [9]\ntensor y: [9]\ny[i] = {}(2 * x[i] - 2.5)", row.name);
        Case::new(row.name, text).check(6).unwrap();
    }
}

#[test]
fn every_function_of_two_numbers() {
    for row in &BINARY {
        let call = match row.name {
            "max" => "max(a[i], b[i] + 2)".replace("+ 2", "* 2"),
            name => format!("a[i] {name} (b[i] + 2)"),
        };
        let text = format!("param a: [9]\nparam b: [9]\ntensor y: [9]\ny[i] = {call}");
        Case::new(row.name, text).check(7).unwrap();
    }
}
