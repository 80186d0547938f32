//! What the data files of a checked file say of themselves, held against each other before the checker holds the net
//! against them.

use super::error::{DataError, DataProblem, Result};
use super::extent::Extent;
use super::fit::Want;
use super::{Place, Request, facts};
use crate::check::net::{Checked, Dataset, Element};
use crate::check::{Counted, DataFacts, FieldFacts, SplitFacts};
use crate::ids::Symbol;
use crate::size::SizeId;

/// What a data set's fields want of a source.
pub fn wants(checked: &Checked, dataset: &Dataset) -> Vec<Want> {
    let field = |field: &crate::check::net::Field| Want {
        name: field.name.clone(),
        shape: field.shape.iter().map(|&size| extent(checked, size)).collect(),
        classes: match field.element {
            Element::Index(n) => Some(checked.sizes.number(n).map_or(0, |n| n as usize)),
            Element::Real | Element::Probability => None,
        },
    };
    dataset.fields.iter().map(field).collect()
}

fn extent(checked: &Checked, size: SizeId) -> Extent {
    match checked.sizes.number(size) {
        Some(n) => Extent::Fixed(usize::try_from(n).unwrap_or(0)),
        None => Extent::Each(checked.sizes.value(size).map_or_else(|| "?".into(), |poly| poly.to_string().into())),
    }
}

/// Of all data sets of a file; files that are absent are noted and left out.
pub fn all(checked: &Checked, place: &Place, seed: u64) -> DataFacts {
    let mut all = DataFacts::default();
    for dataset in &checked.datasets {
        let fields = wants(checked, dataset);
        let mut known: Vec<(&Symbol, SplitFacts)> = Vec::new();
        for (split, call) in &dataset.splits {
            let request = Request { split, fields: &fields, place, seed };
            let found = facts(call, &request).and_then(|found| agrees(&fields, &known, split, found));
            match found {
                Ok(found) => {
                    all.add(&dataset.name, split, found.clone());
                    known.push((split, found));
                }
                Err(error) if error.problem == DataProblem::Absent => all.absent(&dataset.name, split, &error.path),
                Err(error) => all.broken(&dataset.name, split, error.diagnostic(call.at)),
            }
        }
    }
    all
}

/// A class has one number in all splits.
fn agrees(wants: &[Want], known: &[(&Symbol, SplitFacts)], split: &str, found: SplitFacts) -> Result<SplitFacts> {
    for (first, facts) in known {
        for (want, (here, there)) in wants.iter().zip(found.fields.iter().zip(&facts.fields)) {
            if let Some((number, names)) = other_name(here, there) {
                let shown = |name: &String| here.counted.shown(name);
                let expected = format!("{} as number {number} of `{}`, as in `{first}`", shown(&names.1), want.name);
                let error = DataError::new(DataProblem::Unfit, split, expected, shown(&names.0));
                return Err(error.help(match here.counted {
                    Counted::Classes => "all splits need the same classes",
                    Counted::Characters => {
                        "`vocabulary=\"a.txt\"` names the text that numbers the characters of all splits"
                    }
                }));
            }
        }
    }
    Ok(found)
}

/// The first number whose name differs, where both know as many names.
fn other_name(here: &FieldFacts, there: &FieldFacts) -> Option<(usize, (String, String))> {
    let mut pairs = here.names.iter().zip(&there.names).enumerate();
    let differs = pairs.find(|(_, (here, there))| here != there).filter(|_| here.names.len() == there.names.len());
    differs.map(|(number, (here, there))| (number, (here.clone(), there.clone())))
}
