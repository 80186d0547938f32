//! Answers that are known from exercise sheets, exactly; and that a user's own layer becomes the library's kernels.

use brolga::check::net::Checked;
use brolga::check::{Options, shapes};
use brolga::compile::{self, Job};
use brolga::runtime::program::Moment;
use brolga::target::Target;
use brolga::train::oracle;
use brolga::train::session::{Session, Work};
use std::path::Path;
use std::process::Command;

fn example(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)).unwrap()
}

pub fn checked(text: &str) -> Checked {
    let (checked, problems) = compile::front("test.net", text, &Options::default());
    let told: Vec<String> =
        problems.diagnostics(&checked.sources, &checked.sizes).iter().map(|d| d.headline.clone()).collect();
    assert!(!problems.has_errors(), "{}", told.join("\n"));
    checked
}

fn brolga(args: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brolga"));
    let said = command.args(args).current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

#[test]
fn recitation_has_the_numbers_of_its_sheet() {
    let checked = checked(&example("recitation.net"));
    let table = shapes::table(&checked, &checked.nets[0]);
    let row = |path: &str| table.rows.iter().find(|row| row.path == path).unwrap_or_else(|| panic!("no row {path}"));
    assert_eq!(table.total.params, 405_050);
    assert_eq!(row("conv").counts.params, 10_416);
    assert_eq!(row("dense_1").counts.params + row("dense_2").counts.params, 394_634);
    let shapes: [(&str, &[u64]); 5] = [
        ("max_pool_1", &[3, 64, 64]),
        ("conv", &[12, 48, 48]),
        ("max_pool_2", &[12, 16, 16]),
        ("flatten", &[3072]),
        ("softmax", &[10]),
    ];
    for (path, shape) in shapes {
        let numbers: Vec<u64> = row(path).output.iter().map(|n| n.as_number().unwrap() as u64).collect();
        assert_eq!(numbers, shape, "{path}");
    }
}

#[test]
fn shapes_prints_the_numbers_and_shares_of_recitation() {
    let printed = brolga(&["shapes", "examples/recitation.net"]);
    insta::assert_snapshot!(printed);
    for known in ["10,416", "2.57", "394,634", "97.43", "405,050"] {
        assert!(printed.contains(known), "{known} is missing:\n{printed}");
    }
}

#[test]
fn shapes_as_json_has_a_version_and_the_same_numbers() {
    let printed = brolga(&["shapes", "examples/recitation.net", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(value["version"], 1);
    assert_eq!(value["nets"][0]["total"]["parameters"], 405_050);
    assert_eq!(value["nets"][0]["kinds"]["conv"]["counts"]["parameters"], 10_416);
}

#[test]
fn the_filter_dances_over_the_picture() {
    let printed = brolga(&["test", "examples/dance.net"]);
    assert!(printed.ends_with("2 passed, 0 failed\n"), "{printed}");
    let checked = checked(&example("dance.net"));
    let session = Session::new(&checked, Target::detect(), 1, 1);
    let moment = Moment { seed: 1, step: 0, steps: 1, first_example: 0 };
    let corner =
        |test: usize| oracle::run(&session, Work::Test(test), &1.into(), &moment, &|_| None).unwrap()["lhs0"][0];
    assert_eq!(corner(0), -22.0);
    assert_eq!(corner(1), 7.0);
}

#[test]
fn a_wrong_value_in_a_test_is_told_with_both_sides() {
    let text = example("dance.net").replace("== -22", "== -21");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wrong.net");
    std::fs::write(&path, text).unwrap();
    let said = Command::new(env!("CARGO_BIN_EXE_brolga")).arg("test").arg(&path).output().unwrap();
    let printed = String::from_utf8_lossy(&said.stdout).into_owned();
    assert_eq!(said.status.code(), Some(1));
    assert!(printed.contains("the left side is -22, the right side -21"), "{printed}");
    assert!(printed.ends_with("1 passed, 1 failed\n"), "{printed}");
}

#[test]
fn resnet18_has_the_parameters_that_papers_count() {
    let checked = checked(&example("resnet18.net"));
    assert_eq!(shapes::table(&checked, &checked.nets[0]).total.params, 11_173_962);
}

const BY_HAND: &str = r#"
block my_conv(x: [C, H, W], out, k) -> y: [out, H - k + 1, W - k + 1] {
  param weight: [out, C, k, k] ~ glorot
  param bias: [out] = 0
  y[o, i, j] = sum(c, u, v: weight[o, c, u, v] * x[c, i + u, j + v]) + bias[o]
}
"#;

/// The kernels of a training step, without their names.
fn kernels(layer: &str) -> Vec<String> {
    let text = format!(
        "{BY_HAND}
net Net(image: [3, 12, 12]) -> class: [10] {{
  image -> {layer}(8, 3) -> relu -> {layer}(8, 3) -> relu -> flatten -> dense(10) -> softmax
}}
data d -> (image: [3, 12, 12], label: index(10)) {{ train = random(examples=16) }}
train Net on d {{ minimise cross_entropy(Net(image), label) using sgd(lr=0.1) }}
"
    );
    let checked = checked(&text);
    let graph = compile::graph(&checked, Job::Train(&checked.trainings[0].objectives[0]), 16);
    let plan = compile::plan(&graph, Target::detect());
    let bare = |kernel: &brolga::kernel::Kernel| {
        let mut kernel = kernel.clone();
        kernel.name = "k".into();
        kernel.buffers.iter_mut().enumerate().for_each(|(i, buffer)| buffer.name = format!("b{i}").into());
        kernel.to_string()
    };
    plan.kernels.iter().map(|(_, kernel)| bare(kernel)).collect()
}

#[test]
fn a_convolution_written_as_a_sum_becomes_the_librarys_kernels() {
    let (own, library) = (kernels("my_conv"), kernels("conv"));
    assert_eq!(own.len(), library.len());
    for (own, library) in own.iter().zip(&library) {
        assert_eq!(own, library);
    }
}
