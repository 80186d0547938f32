//! `brolga run FILE --stream`: a net over time on standard input, a line a step in, a line a step out.
//!
//! A line is JSON (a number, an array, or an object with an array for each input) or numbers with commas; what is
//! written has the same form. Each line is answered before the next is read.

use super::common::{Common, Failure, Loaded, Outcome};
use super::{output, run};
use crate::check::net::{Element, Field};
use crate::check::stepwise::{Stepwise, step_by_step};
use crate::ids::Symbol;
use crate::train::stepper::{Step, Stepper};
use serde_json::Value;
use std::io::BufRead;

/// A line of more bytes is no step.
const MOST_LINE: u64 = 1 << 24;

pub fn run(loaded: &Loaded, common: &Common, number: usize) -> Outcome {
    let stepwise = step_by_step(&loaded.checked, number).map_err(|refusal| {
        let (line, _) = loaded.checked.sources.position(refusal.at);
        let name = &loaded.checked.nets[number].name;
        Failure::new(format!("{name} cannot go step by step: {}, in line {line}, `{}`", refusal.why, {
            loaded.checked.sources.text(refusal.at)
        }))
    })?;
    let (session, _) = run::open_checked(&stepwise.checked, loaded, common)?;
    let mut stepper = Stepper::new(&stepwise, session, common.seed.unwrap_or(1));
    let net = &stepwise.checked.nets[stepwise.net];
    let mut input = std::io::stdin().lock();
    for number in 1.. {
        let Some(line) = next_line(&mut input, number)? else { break };
        if line.trim().is_empty() {
            continue;
        }
        let told = |why: String| Failure::new(format!("line {number}: {why}"));
        let given = read(&stepwise, &net.inputs, &line).map_err(told)?;
        stepper.step(&given).map_err(|error| told(error.to_string()))?;
        let values = net.outputs.iter().map(|field| {
            let values = stepper.output(&field.name).expect("a net's program has its outputs");
            (field.name.to_string(), values)
        });
        output::text(&format!("{}\n", written(is_csv(&line), &values.collect::<Vec<_>>())));
    }
    Ok(0)
}

fn next_line(input: &mut impl BufRead, number: usize) -> Result<Option<String>, Failure> {
    let mut line = Vec::new();
    let failed = |why: String| Failure::new(format!("line {number}: {why}"));
    let got = std::io::Read::take(input, MOST_LINE).read_until(b'\n', &mut line);
    match got.map_err(|error| failed(error.to_string()))? as u64 {
        0 => Ok(None),
        MOST_LINE => Err(failed(format!("a line has at most {MOST_LINE} bytes"))),
        _ => String::from_utf8(line).map(Some).map_err(|_| failed("it is no text in UTF-8".to_string())),
    }
}

/// Numbers with commas, not JSON.
fn is_csv(line: &str) -> bool {
    let first = line.trim_start().chars().next();
    !matches!(first, Some('[' | '{')) && line.contains(',')
}

/// The inputs of one step.
fn read(stepwise: &Stepwise, inputs: &[Field], line: &str) -> Result<Vec<(Symbol, Step)>, String> {
    let value: Value = match is_csv(line) {
        true => serde_json::from_str(&format!("[{line}]")),
        false => serde_json::from_str(line),
    }
    .map_err(|_| format!("expected JSON or numbers with commas, found `{}`", short(line)))?;
    let one = |field: &Field| {
        let own = match &value {
            Value::Object(all) => all.get(&*field.name).ok_or_else(|| format!("expected `{}`", field.name))?,
            other if inputs.len() == 1 => other,
            _ => return Err(format!("expected an object with {}", names(inputs))),
        };
        let mut numbers = Vec::new();
        flatten(own, &mut numbers).ok_or_else(|| format!("expected numbers for `{}`", field.name))?;
        step(stepwise, field, &numbers).map(|step| (field.name.clone(), step))
    };
    inputs.iter().map(one).collect()
}

fn step(stepwise: &Stepwise, field: &Field, numbers: &[f64]) -> Result<Step, String> {
    let sizes = &stepwise.checked.sizes;
    let size: i64 = field.shape.iter().map(|&size| sizes.number(size).unwrap_or(1)).product();
    if numbers.len() as i64 != size {
        return Err(format!("expected {size} numbers for `{}`, found {}", field.name, numbers.len()));
    }
    let Element::Index(n) = field.element else {
        return Ok(Step::Real(numbers.iter().map(|v| *v as f32).collect()));
    };
    let n = sizes.number(n).unwrap_or(0);
    let whole = |v: &f64| (v.fract() == 0.0 && *v >= 0.0 && *v < n as f64).then_some(*v as i32);
    let wrong = || format!("expected whole numbers from 0 to {} for `{}`", n - 1, field.name);
    numbers.iter().map(whole).collect::<Option<_>>().map(Step::Index).ok_or_else(wrong)
}

fn names(inputs: &[Field]) -> String {
    inputs.iter().map(|field| format!("`{}`", field.name)).collect::<Vec<_>>().join(", ")
}

fn short(line: &str) -> String {
    line.trim().chars().take(40).collect()
}

fn flatten(value: &Value, out: &mut Vec<f64>) -> Option<()> {
    match value {
        Value::Number(number) => out.push(number.as_f64()?),
        Value::Array(items) => return items.iter().try_for_each(|item| flatten(item, out)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Object(_) => return None,
    }
    Some(())
}

/// One output as its array, several as an object.
fn written(csv: bool, values: &[(String, &[f32])]) -> String {
    let list = |values: &[f32]| values.iter().map(|v| Value::from(*v)).collect::<Vec<_>>();
    match values {
        [(_, one)] if csv => one.iter().map(|v| v.to_string()).collect::<Vec<_>>().join(","),
        [(_, one)] => Value::from(list(one)).to_string(),
        _ => {
            let members = values.iter().map(|(name, values)| (name.clone(), Value::from(list(values))));
            Value::Object(members.collect()).to_string()
        }
    }
}
