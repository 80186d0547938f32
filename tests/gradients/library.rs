//! Every block of the library, from `.net` text, over generated shapes and arguments, in both modes.

use super::harness::{Case, Random};
use brolga::check::net::Checked;
use brolga::check::{self, Options};
use brolga::grad::step;
use brolga::library;
use brolga::problem::Problems;
use brolga::source::Sources;

/// The input declarations, the output's shape, and the last line of a net that uses the block; none for a block that
/// has no case.
fn net(block: &str, random: &mut Random) -> Option<(String, &'static str, String)> {
    let mut size = |from, to| random.size(from, to);
    let image = |c: u32, h: u32, w: u32| format!("x: [{c}, {h}, {w}]");
    let vector = |n: u32| format!("x: [{n}]");
    let used = match block {
        // A rate is a number of the host: nothing flows to it.
        "constant" | "step_decay" | "exponential" | "linear_decay" | "cosine" | "one_cycle" => {
            (vector(2), "[_]", "x".into())
        }
        "relu" | "tanh" | "sigmoid" | "gelu" | "gelu_tanh" | "silu" => {
            (image(2, size(1, 3), size(1, 3)), "[_, _, _]", format!("x -> {block}"))
        }
        "leaky_relu" => (vector(size(1, 6)), "[_]", "x -> leaky_relu(slope=0.2)".into()),
        "softmax" => (vector(size(2, 6)), "[_] of probability", "x -> softmax".into()),
        "conv" => {
            let (groups, part, k) = (size(1, 3), size(1, 2), [size(1, 3), size(1, 3)]);
            let (dilation, pad, stride) = (size(1, 2), size(0, 2), size(1, 3));
            let line = format!(
                "x -> conv({}, {}x{}, stride={stride}, pad={pad}, dilation={dilation}, groups={groups})",
                groups * size(1, 2),
                k[0],
                k[1]
            );
            (image(groups * part, size(5, 8), size(5, 7)), "[_, _, _]", line)
        }
        "conv_transpose" => {
            let (k, stride) = ([size(2, 4), size(2, 3)], size(1, 3));
            let line =
                format!("x -> conv_transpose({}, {}x{}, stride={stride}, pad={})", size(1, 2), k[0], k[1], size(0, 1));
            (image(size(1, 2), size(2, 4), size(2, 4)), "[_, _, _]", line)
        }
        "max_pool" | "avg_pool" => {
            let k = [size(2, 3), size(2, 4)];
            let line = format!("x -> {block}({}x{}, stride={}, pad={})", k[0], k[1], size(1, 3), size(0, 1));
            (image(2, size(4, 8), size(4, 7)), "[_, _, _]", line)
        }
        "global_avg_pool" => (image(2, size(1, 4), size(1, 4)), "[_]", "x -> global_avg_pool".into()),
        "dense" => (vector(size(1, 5)), "[_]", format!("x -> dense({})", size(1, 4))),
        "flatten" => (image(2, size(1, 3), 3), "[_]", "x -> flatten".into()),
        "batch_norm" => (image(2, size(2, 3), 2), "[_, _, _]", "x -> batch_norm(eps=0.01)".into()),
        "layer_norm" => (vector(size(3, 6)), "[_]", "x -> layer_norm(eps=0.01)".into()),
        "dropout" => (vector(size(2, 6)), "[_]", "x -> dropout(rate=0.4)".into()),
        "embed" => ("x: index(5)".into(), "[_]", format!("x -> embed({})", size(1, 4))),
        "crop" => (image(2, size(4, 6), size(4, 6)), "[_, _, _]", format!("x -> crop({}x{})", size(1, 4), size(1, 4))),
        "upsample" => (image(2, 2, 3), "[_, _, _]", format!("x -> upsample({}x{})", size(1, 3), size(1, 3))),
        "norm" => (image(2, 2, size(1, 3)), "[]", "x -> norm".into()),
        "cross_entropy" => {
            let n = size(2, 5);
            (format!("x: [{n}], t: index({n})"), "[]", "cross_entropy(softmax(x), t)".into())
        }
        "accuracy" => ("x: [4], t: index(4)".into(), "[]", "accuracy(softmax(x), t)".into()),
        "bce" => (format!("x: [{n}], t: [{n}]", n = size(1, 4)), "[_]", "bce(sigmoid(x), t)".into()),
        "mse" | "mae" => (format!("x: [{n}], t: [{n}]", n = size(1, 4)), "[_]", format!("{block}(x, t)")),
        "huber" => (format!("x: [{n}], t: [{n}]", n = size(1, 4)), "[_]", "huber(x, t, delta=0.5)".into()),
        _ => return None,
    };
    Some(used)
}

fn check(text: &str) -> (Checked, Problems) {
    let mut sources = Sources::default();
    let file = sources.add("case.net", text);
    check::check(sources, file, &Options::default())
}

/// The cases of a block: a few shapes, a graph for each mode.
fn cases(block: &str) -> Result<Vec<Case>, String> {
    let mut random = Random(block.bytes().map(u64::from).sum());
    let mut cases = Vec::new();
    for _ in 0..4 {
        let used = net(block, &mut random).ok_or(format!("the block `{block}` has no case here"))?;
        let (inputs, output, line) = used;
        let text = format!("net N({inputs}) -> y: {output} {{ {line} }}\n");
        let (checked, problems) = check(&text);
        if problems.has_errors() {
            return Err(format!("{text}\n{:#?}", problems.diagnostics(&checked.sources, &checked.sizes)));
        }
        for (mode, flat) in [("training", &checked.nets[0].train), ("evaluation", &checked.nets[0].evaluate)] {
            let graph = step::forward(&checked, flat, 3);
            let y = graph.outputs[0].1;
            cases.push(Case { name: format!("{text} in {mode}"), graph, y, second: true, values: Vec::new() });
        }
    }
    Ok(cases)
}

#[test]
fn every_block_of_the_library() {
    let mut wrong = Vec::new();
    for (_, text) in library::FILES {
        for line in text.lines().filter_map(|line| line.strip_prefix("block ")) {
            let block = line.split('(').next().unwrap();
            match cases(block) {
                Ok(cases) => wrong.extend(cases.iter().filter_map(|case| case.check(3).err())),
                Err(text) => wrong.push(text),
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}
