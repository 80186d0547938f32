//! The adjoint against central differences, in f64.

#[path = "gradients/harness.rs"]
pub mod harness;
mod products;
mod reads;
#[path = "gradients/cases.rs"]
mod cases;
#[path = "gradients/library.rs"]
pub mod library;
#[path = "gradients/structure.rs"]
mod structure;
#[path = "gradients/pitfalls.rs"]
mod pitfalls;
#[path = "gradients/table.rs"]
mod table;
#[path = "gradients/recurrent.rs"]
pub mod recurrent;
#[path = "gradients/unrolled.rs"]
pub mod unrolled;

use harness::Case;

/// All that is wrong with all cases.
fn check(cases: impl IntoIterator<Item = Case>) {
    let seeds = 1..3;
    let wrong: Vec<String> =
        cases.into_iter().flat_map(|case| seeds.clone().filter_map(move |seed| case.check(seed).err())).collect();
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}

#[test]
fn convolutions() {
    check(cases::convolutions().into_iter().map(|(name, conv)| Case::new(format!("conv {name}"), conv.text())));
}

#[test]
fn convolutions_with_guarded_groups() {
    let grouped = cases::convolutions().into_iter().filter(|(_, conv)| conv.groups > 1);
    check(grouped.map(|(name, conv)| Case::new(format!("conv {name}"), conv.text_with_guarded_groups())));
}

#[test]
fn transposed_convolutions() {
    let conv = |(name, conv): (String, cases::Conv)| Case::new(format!("conv_transpose {name}"), conv.transposed());
    check(cases::convolutions().into_iter().map(conv));
}

#[test]
fn every_form() {
    check(cases::forms());
}

#[test]
fn recurrences() {
    check([1, 4].into_iter().flat_map(recurrent::forms));
}
