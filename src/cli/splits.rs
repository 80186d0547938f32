//! The data of a `train` item, read into memory.

use super::common::{Common, Failure, Loaded};
use super::output;
use crate::check::net::{Dataset, SourceCall, Training};
use crate::data::told::wants;
use crate::data::{self, Request, Split};
use crate::diagnostic::{self, Diagnostic};
use crate::source::Sources;
use std::io::IsTerminal;

/// The data set of a `train` item.
///
/// # Errors
/// When it names none.
pub fn dataset<'a>(loaded: &'a Loaded, training: &Training) -> Result<&'a Dataset, Failure> {
    let dataset = training.data.map(|place| &loaded.checked.datasets[place]);
    dataset.ok_or_else(|| Failure::new("this `train` names no data: `train Net on data { ... }`"))
}

/// Reads one split, if the data set has it. A finding is shown at the call of its source.
///
/// # Errors
/// When its files are absent, damaged, or do not fit the fields.
pub fn load(
    loaded: &Loaded,
    common: &Common,
    dataset: &Dataset,
    split: &str,
    seed: u64,
) -> Result<Option<Split>, Failure> {
    let Some((_, call)) = dataset.splits.iter().find(|(name, _)| &**name == split) else { return Ok(None) };
    let fields = wants(&loaded.checked, dataset);
    let request = Request { split, fields: &fields, place: &loaded.place, seed };
    data::load(call, &request).map(Some).map_err(|error| told(loaded, common, call, &error))
}

/// Reads one split, or says which splits there are.
///
/// # Errors
/// As [`load`], and when there is no such split.
pub fn must(loaded: &Loaded, common: &Common, dataset: &Dataset, split: &str, seed: u64) -> Result<Split, Failure> {
    let split_names = || dataset.splits.iter().map(|(name, _)| &**name).collect::<Vec<_>>().join(", ");
    let missing = || Failure::new(format!("the data `{}` has no `{split}`, only: {}", dataset.name, split_names()));
    load(loaded, common, dataset, split, seed)?.ok_or_else(missing)
}

fn told(loaded: &Loaded, common: &Common, call: &SourceCall, error: &data::DataError) -> Failure {
    tell(common, &loaded.checked.sources, error.diagnostic(call.at))
}

/// Shows one finding; what is left is to end.
pub fn tell(common: &Common, sources: &Sources, finding: Diagnostic) -> Failure {
    let color = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = diagnostic::render(sources, &[finding], common.rendering(color));
    output::note(text.trim_end());
    Failure::said()
}
