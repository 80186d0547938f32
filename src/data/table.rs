//! `table(x=[[1, 2], [3, 4]], label=[0, 1])`: examples written in the file itself.

use super::args::{Args, kind};
use super::error::Result;
use super::fit::{self, Column, Raw, RawValues, Want};
use super::idx::agree;
use super::{Format, Request};
use crate::check::SplitFacts;
use crate::check::net::Setting;

/// The row of the table of formats.
pub const FORMAT: Format = Format {
    name: "table",
    usage: "table(FIELD=[...], FIELD=[...]): an array for each field, an element or row for each example",
    positional: &["first", "second", "third", "fourth"],
    named: &[],
    takes_fields: true,
    scale: 1.0,
    white: 1.0,
    load,
    facts,
};

fn load(args: &Args, request: &Request) -> Result<Raw> {
    let mut count = None;
    let mut columns = Vec::new();
    for (place, want) in request.fields.iter().enumerate() {
        let (shape, values) = array(args, place, want)?;
        agree("table", &mut count, shape[0])?;
        columns.push(Column::new("table", &shape[1..], RawValues::Real(values)));
    }
    Ok(Raw { columns, count: count.unwrap_or(0) })
}

fn facts(args: &Args, request: &Request) -> Result<SplitFacts> {
    fit::facts(load(args, request)?, request.fields)
}

/// Shape with the examples first, and values.
fn array(args: &Args, place: usize, want: &Want) -> Result<(Vec<usize>, Vec<f32>)> {
    let by_place = FORMAT.positional.get(place).and_then(|name| args.get(name));
    let expected = || format!("an array for `{}`", want.name);
    match by_place.or_else(|| args.get(&want.name)) {
        Some(Setting::Array { shape, values }) if !shape.is_empty() => {
            Ok((shape.iter().map(|n| *n as usize).collect(), values.iter().map(|v| *v as f32).collect()))
        }
        Some(Setting::List(list)) => {
            list_of_numbers(list).ok_or_else(|| args.error(expected(), "a list of other values"))
        }
        Some(other) => Err(args.error(expected(), kind(other))),
        None => Err(args.error(expected(), "nothing")),
    }
}

fn list_of_numbers(list: &[Setting]) -> Option<(Vec<usize>, Vec<f32>)> {
    let number = |setting: &Setting| match setting {
        Setting::Number(number) => Some(*number as f32),
        Setting::Text(_) | Setting::Truth(_) | Setting::Array { .. } | Setting::List(_) => None,
    };
    let values: Option<Vec<f32>> = list.iter().map(number).collect();
    values.map(|values| (vec![values.len()], values))
}
