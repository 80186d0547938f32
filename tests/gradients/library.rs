//! Every block of the library, from `.net` text, over generated shapes and arguments, in both modes.

use super::harness::{Case, Random};
use brolga::check::net::Checked;
use brolga::check::{self, Options};
use brolga::grad::step;
use brolga::graph::text::print;
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
        "relu" | "tanh" | "sigmoid" | "gelu" | "gelu_tanh" | "silu" | "selu" | "softplus" | "mish" | "hard_sigmoid"
        | "hard_swish" => (image(2, size(1, 3), size(1, 3)), "[_, _, _]", format!("x -> {block}")),
        "leaky_relu" => (vector(size(1, 6)), "[_]", "x -> leaky_relu(slope=0.2)".into()),
        "elu" => (vector(size(1, 6)), "[_]", "x -> elu(alpha=0.7)".into()),
        "prelu" => (image(2, size(1, 3), size(1, 3)), "[_, _, _]", "x -> prelu".into()),
        "log_softmax" => (vector(size(2, 6)), "[_]", "x -> log_softmax".into()),
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
        "depthwise_conv" => {
            let (k, pad) = ([size(1, 3), size(1, 3)], size(0, 2));
            let line = format!(
                "x -> depthwise_conv({}x{}, stride={}, pad={pad}, dilation={})",
                k[0],
                k[1],
                size(1, 3),
                size(1, 2)
            );
            (image(size(1, 3), size(5, 7), size(5, 6)), "[_, _, _]", line)
        }
        "conv1d" => {
            let (groups, part) = (size(1, 2), size(1, 2));
            let line = format!(
                "x -> conv1d({}, {}, stride={}, pad={}, dilation={}, groups={groups})",
                groups * size(1, 2),
                size(1, 3),
                size(1, 3),
                size(0, 2),
                size(1, 2)
            );
            (format!("x: [{}, {}]", groups * part, size(5, 9)), "[_, _]", line)
        }
        "conv_transpose1d" => {
            let line = format!(
                "x -> conv_transpose1d({}, {}, stride={}, pad={})",
                size(1, 3),
                size(2, 4),
                size(1, 3),
                size(0, 1)
            );
            (format!("x: [{}, {}]", size(1, 3), size(2, 6)), "[_, _]", line)
        }
        "max_pool1d" | "avg_pool1d" => {
            let line = format!("x -> {block}({}, stride={}, pad={})", size(2, 4), size(1, 3), size(0, 1));
            (format!("x: [2, {}]", size(4, 9)), "[_, _]", line)
        }
        "global_avg_pool1d" => (format!("x: [2, {}]", size(1, 5)), "[_]", "x -> global_avg_pool1d".into()),
        "upsample1d" => (format!("x: [2, {}]", size(1, 4)), "[_, _]", format!("x -> upsample1d({})", size(1, 3))),
        "upsample_bilinear" => {
            let line = format!("x -> upsample_bilinear({}x{})", size(1, 4), size(1, 3));
            (image(2, size(1, 3), size(1, 4)), "[_, _, _]", line)
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
        "group_norm" => {
            let groups = size(1, 3);
            let line = format!("x -> group_norm({groups}, eps=0.01)");
            (image(groups * size(1, 2), size(2, 3), 2), "[_, _, _]", line)
        }
        "instance_norm" => (image(2, size(2, 3), 2), "[_, _, _]", "x -> instance_norm(eps=0.01)".into()),
        "rms_norm" => (vector(size(3, 6)), "[_]", "x -> rms_norm(eps=0.01)".into()),
        "attention" => {
            let (heads, steps, hide, causal) = (size(1, 2), size(2, 4), size(0, 1) == 1, size(0, 1) == 1);
            let (more, mask) =
                if hide { (format!(", m: [{steps}] of index(2)"), ", hide=m") } else { (String::new(), "") };
            let line = format!("x -> attention({heads}, causal={causal}, bias={}{mask})", size(0, 1) == 1);
            (format!("x: [{steps}, {}]{more}", heads * size(1, 2)), "[_, _]", line)
        }
        "cross_attention" => {
            let (steps, hide) = (size(2, 4), size(0, 1) == 1);
            let (more, mask) =
                if hide { (format!(", h: [{steps}] of index(2)"), ", hide=h") } else { (String::new(), "") };
            let line = format!("x -> cross_attention(m, 2{mask})");
            (format!("x: [{}, 4], m: [{steps}, {}]{more}", size(2, 3), size(2, 3)), "[_, _]", line)
        }
        "positional" | "rotary" => {
            (format!("x: [{}, {}]", size(2, 4), 2 * size(1, 3)), "[_, _]", format!("x -> {block}(base=50)"))
        }
        "learned_positional" => {
            (format!("x: [{}, {}]", size(1, 4), size(1, 3)), "[_, _]", "x -> learned_positional(5)".into())
        }
        "rnn" | "lstm" | "gru" => {
            let (steps, reverse, n) = (size(1, 4), size(0, 1) == 1, size(1, 2));
            let (more, start) =
                if size(0, 1) == 1 { (format!(", s: [{n}]"), ", start=s") } else { (String::new(), "") };
            (format!("x: [{steps}, 2]{more}"), "[_, _]", format!("x -> {block}({n}, reverse={reverse}{start})"))
        }
        "bi_rnn" | "bi_lstm" | "bi_gru" => (format!("x: [{}, 2]", size(2, 3)), "[_, _]", format!("x -> {block}(2)")),
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
        "kl_divergence" => {
            let n = size(2, 5);
            (format!("x: [{n}], t: [{n}]"), "[]", "kl_divergence(softmax(x), softmax(t))".into())
        }
        "hinge" => (format!("x: [{n}], t: [{n}]", n = size(1, 4)), "[_]", "hinge(x, t, margin=0.5)".into()),
        "multi_hinge" => {
            let n = size(2, 5);
            (format!("x: [{n}], t: index({n})"), "[]", "multi_hinge(x, t, margin=0.7)".into())
        }
        "triplet" => (format!("x: [{n}], p: [{n}], q: [{n}]", n = size(2, 4)), "[]", "triplet(x, p, q)".into()),
        "contrastive" => {
            (format!("x: [{n}], p: [{n}], t: []", n = size(2, 4)), "[]", "contrastive(x, p, t, margin=2)".into())
        }
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

/// The cases of a block: a few shapes, a graph for each mode where they differ.
pub fn cases(block: &str) -> Result<Vec<Case>, String> {
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
        let mut before = String::new();
        for (mode, flat) in [("training", &checked.nets[0].train), ("evaluation", &checked.nets[0].evaluate)] {
            let graph = step::forward(&checked, flat, 3.into());
            if before == print(&graph) {
                continue;
            }
            before = print(&graph);
            let y = graph.outputs[0].1;
            cases.push(Case { name: format!("{text} in {mode}"), graph, y, second: true, values: Vec::new() });
        }
    }
    Ok(cases)
}

/// The names of all blocks.
pub fn blocks() -> impl Iterator<Item = &'static str> {
    let lines = library::FILES.into_iter().flat_map(|(_, text)| text.lines());
    lines.filter_map(|line| Some(line.strip_prefix("block ")?.split('(').next().unwrap()))
}

/// With `--nocapture` it prints the table of docs/gradients.md.
#[test]
fn every_block_of_the_library() {
    let mut wrong = Vec::new();
    for block in blocks() {
        let mut worst = [0.0f64; 2];
        match cases(block) {
            Ok(cases) => cases.iter().for_each(|case| match case.check(3) {
                Ok(errors) => worst = [worst[0].max(errors[0]), worst[1].max(errors[1])],
                Err(text) => wrong.push(text),
            }),
            Err(text) => wrong.push(text),
        }
        println!("| `{block}` | {:.1} | {:.1} |", worst[0] * 1e11, worst[1] * 1e11);
    }
    assert!(wrong.is_empty(), "{}\n{} wrong", wrong.join("\n"), wrong.len());
}
