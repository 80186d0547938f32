//! The library's blocks: what they compute, by definitions written out here in f64; compiled, by the oracle; and `doc`.

use crate::gradients::library::{blocks, cases};
use crate::lowering::{Numbers, execute, given};
use crate::worked::checked;
use brolga::compile;
use brolga::grad::step;
use brolga::graph::{Kind, interp};
use brolga::lower::lower;
use brolga::target::Target;
use indexmap::IndexMap;
use std::process::Command;

mod images;
mod recurrent;
mod sequences;

/// A net of one line at batch 1: the numbers that come out for the given inputs, by their names, and parameters, by the
/// ends of their paths.
pub fn compute(inputs: &str, line: &str, given: &[(&str, &[f64])]) -> Vec<f64> {
    let text = format!("net N({inputs}) -> y: [_] {{ {line} -> flatten }}\n");
    let checked = checked(&text);
    let graph = step::forward(&checked, &checked.nets[0].evaluate, 1.into());
    let mut values = IndexMap::new();
    for (id, tensor) in graph.tensors.iter() {
        let born = |name: &str| matches!(tensor.kind, Kind::Param) && tensor.name.ends_with(&format!(".{name}"));
        let found = given.iter().find(|(name, _)| *tensor.name == **name || born(name));
        if let Some((_, numbers)) = found {
            values.insert(id, numbers.to_vec());
        }
    }
    assert!(values.len() >= given.len(), "a name is not found: {text}");
    interp::run::<f64>(&graph, &values).unwrap()[&graph.outputs[0].1].clone()
}

/// Numbers in (-1, 1).
pub fn random(seed: u64, count: usize) -> Vec<f64> {
    let mut numbers = Numbers(seed);
    numbers.next();
    (0..count).map(|_| numbers.real()).collect()
}

/// Sums are taken in another order: some units of the last place, of the largest number.
pub fn assert_near(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    let scale = want.iter().fold(1.0f64, |scale, x| scale.max(x.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= 1e-13 * scale, "element {i} is {got}, should be {want}");
    }
}

/// 512 units of the last place of an f32: some hundred terms, each rounded a few times.
const SLACK: f64 = 512.0 / 16_777_216.0;

/// y and its gradients, compiled, against the oracle.
#[test]
fn every_block_lowers_to_what_the_oracle_says() {
    for block in blocks() {
        for case in cases(block).unwrap().iter().take(2) {
            let graph = compile::optimise(&case.with_gradients());
            let given = given(&graph, &mut Numbers(9));
            let want = interp::run::<f64>(&graph, &given).unwrap();
            let got = execute(&lower(&graph, Target::detect()), &graph, &given);
            let all = graph.outputs.iter().flat_map(|(_, tensor)| &want[tensor]);
            let scale = all.fold(1.0f64, |scale, x| scale.max(x.abs()));
            for (name, tensor) in &graph.outputs {
                for (i, (got, want)) in got[&format!("out {name}")].iter().zip(&want[tensor]).enumerate() {
                    let near = (got - want).abs() <= SLACK * scale;
                    assert!(near, "{}: {name}[{i}] is {got}, should be {want}", case.name);
                }
            }
        }
    }
}

fn doc(args: &[&str]) -> String {
    let said = Command::new(env!("CARGO_BIN_EXE_brolga")).arg("doc").args(args).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn doc_lists_the_library() {
    insta::assert_snapshot!(doc(&[]));
}

#[test]
fn doc_prints_each_block_with_its_formula() {
    for block in blocks() {
        let printed = doc(&[block]);
        assert!(printed.contains(&format!("\nblock {block}(")), "{printed}");
        let comment = printed.split("\nblock ").next().unwrap();
        let plain = ["flatten", "dropout"].contains(&block);
        assert!(plain || comment.contains('='), "no formula:\n{printed}");
    }
    insta::assert_snapshot!("doc_attention", doc(&["attention"]));
}

/// What `brolga doc` says of the language's own words: all of them, in their order.
#[test]
fn doc_knows_the_languages_own_words() {
    let told: Vec<&str> = brolga::cli::doc::OWN.iter().map(|(name, _)| *name).collect();
    assert_eq!(told, brolga::check::own_names().collect::<Vec<_>>());
}
