//! `brolga test FILES`: the tests that stand in the files. Values are computed by the plain interpreter in f64.

use super::common::{Common, Outcome};
use super::output;
use crate::check::net::{Comparison, Test};
use crate::runtime::program::Moment;
use crate::train::oracle;
use crate::train::session::{Session, Work};

#[derive(clap::Args)]
pub struct Args {
    /// The files
    #[arg(required = true)]
    files: Vec<String>,
    /// Only tests whose title contains this
    #[arg(long)]
    only: Option<String>,
}

pub fn run(args: &Args, common: &Common) -> Outcome {
    let (mut passed, mut failed) = (0, 0);
    for file in &args.files {
        let Ok(loaded) = common.load(file) else {
            failed += 1;
            continue;
        };
        let session = Session::new(&loaded.checked, common.target(), 1, common.seed.unwrap_or(1));
        for (number, test) in loaded.checked.tests.iter().enumerate() {
            if args.only.as_ref().is_some_and(|only| !test.title.contains(only.as_str())) {
                continue;
            }
            let wrong = outcome(&session, number, test);
            let word = if wrong.is_empty() { "ok" } else { "FAILED" };
            output::line(&format!("{file}: \"{}\" ... {word}", test.title));
            wrong.iter().for_each(|line| output::line(&format!("    {line}")));
            if wrong.is_empty() { passed += 1 } else { failed += 1 }
        }
    }
    output::line(&format!("{passed} passed, {failed} failed"));
    Ok(u8::from(failed > 0))
}

/// What does not hold, a line each.
fn outcome(session: &Session, number: usize, test: &Test) -> Vec<String> {
    if let Some((wanted, came)) = &test.fails {
        return match came.iter().any(|code| code == wanted) {
            true => vec![],
            false if came.is_empty() => vec![format!("this should be told {wanted}, but it checks")],
            false => vec![format!("this should be told {wanted}; it is told {}", came.join(", "))],
        };
    }
    let moment = Moment { seed: 1, step: 0, steps: 1, first_example: 0 };
    let values = match oracle::run(session, Work::Test(number), &1.into(), &moment, &|_| None) {
        Ok(values) => values,
        Err(error) => return vec![error.to_string()],
    };
    let mut wrong = Vec::new();
    for (i, assertion) in test.assertions.iter().enumerate() {
        let (lhs, rhs) = (&values[format!("lhs{i}").as_str()], &values[format!("rhs{i}").as_str()]);
        let differs = lhs.iter().zip(rhs).position(|(a, b)| !holds(*a, assertion.relation, *b, assertion.within));
        if let Some(at) = differs {
            let (line, _) = session.checked.sources.position(assertion.at);
            let text = session.checked.sources.text(assertion.at);
            let element = if lhs.len() > 1 { format!(" in element {at}") } else { String::new() };
            wrong.push(format!(
                "line {line}: {text}{element}: the left side is {}, the right side {}",
                lhs[at], rhs[at]
            ));
        }
    }
    wrong
}

fn holds(a: f64, relation: Comparison, b: f64, within: Option<f64>) -> bool {
    match (relation, within) {
        (Comparison::Eq, Some(tolerance)) => (a - b).abs() <= tolerance,
        (Comparison::Eq, None) => a == b,
        (Comparison::Ne, _) => a != b,
        (Comparison::Lt, _) => a < b,
        (Comparison::Le, _) => a <= b,
        (Comparison::Gt, _) => a > b,
        (Comparison::Ge, _) => a >= b,
    }
}
