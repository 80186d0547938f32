//! Times of whole steps by the machine's code, kernel by kernel. Not a test: `cargo test --release speed -- --ignored`.

use super::nets;
use brolga::graph::Graph;
use brolga::kernel::{Elem, Kernel};
use brolga::lower::lower;
use brolga::plan::{Place, Plan, Step};
use brolga::runtime::arena::Span;
use brolga::runtime::jit::{Bound, Code};
use brolga::target::Target;
use std::time::{Duration, Instant};

struct Loaded {
    calls: Vec<(String, Option<Bound>, Vec<Span>)>,
    memory: Vec<Span>,
}

fn load(plan: &Plan) -> Loaded {
    let kernels: Vec<&Kernel> = plan.kernels.iter().map(|k| k.1).collect();
    let start = Instant::now();
    let code = Code::compile(&kernels).unwrap();
    println!("{} kernels compiled in {:.2} ms", kernels.len(), start.elapsed().as_secs_f64() * 1e3);
    let mut numbers = super::Numbers(7);
    let mut memory = Vec::new();
    for (_, buffer) in plan.buffers.iter() {
        let mut span = Span::alone(buffer.len as usize);
        match (buffer.elem, &buffer.place) {
            (Elem::I32, _) => span.i32_mut().iter_mut().for_each(|x| *x = numbers.below(10) as i32),
            (Elem::F32, Place::Constant(data)) => span.f32_mut().copy_from_slice(data),
            (Elem::F32, Place::Host(_)) => span.f32_mut().fill(1e-4),
            (Elem::F32, _) => span.f32_mut().iter_mut().for_each(|x| *x = numbers.real() as f32 * 0.05),
        }
        memory.push(span);
    }
    let mut calls = Vec::new();
    for step in &plan.steps {
        match step {
            Step::Call { kernel, buffers, .. } => {
                let spans: Vec<Span> = buffers.iter().map(|b| memory[b.index()].clone()).collect();
                let k = &plan.kernels[*kernel];
                calls.push((k.name.to_string(), Some(code.bind(kernel.index(), k, &spans)), Vec::new()));
            }
            Step::Copy { from, to } => {
                calls.push(("copy".into(), None, vec![memory[from.index()].clone(), memory[to.index()].clone()]));
            }
        }
    }
    Loaded { calls, memory }
}

fn run(loaded: &mut Loaded, times: &mut [Duration]) {
    for ((_, bound, spans), time) in loaded.calls.iter_mut().zip(times) {
        let start = Instant::now();
        match bound {
            Some(bound) => bound.run(0, bound.parts()),
            None => {
                let from = spans[0].clone();
                spans[1].f32_mut().copy_from_slice(from.f32());
            }
        }
        *time = (*time).min(start.elapsed());
    }
}

fn time(name: &str, graph: &Graph) {
    let start = Instant::now();
    let plan = lower(graph, Target::Clif);
    println!("{name}: lowered in {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let mut loaded = load(&plan);
    let mut best = vec![Duration::MAX; loaded.calls.len()];
    let mut whole = Vec::new();
    for _ in 0..40 {
        let start = Instant::now();
        run(&mut loaded, &mut best);
        whole.push(start.elapsed().as_secs_f64() * 1e3);
    }
    whole.sort_by(f64::total_cmp);
    println!("{name}: step {:.3} ms (median), {:.3} ms (least)", whole[whole.len() / 2], whole[0]);
    let mut rows: Vec<(f64, usize)> = best.iter().enumerate().map(|(i, t)| (t.as_secs_f64() * 1e6, i)).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (us, i) in rows.iter().take(25) {
        println!("{us:9.1} us  step {i:3} {}", loaded.calls[*i].0);
    }
    println!("{} buffers", loaded.memory.len());
}

#[test]
#[ignore]
fn lenet() {
    time("lenet", &nets::lenet(64));
}

#[test]
#[ignore]
fn mlp() {
    time("mlp", &nets::mlp(128));
}

#[test]
#[ignore]
fn vgg() {
    time("vgg", &nets::vgg(64));
}

#[test]
#[ignore]
fn show() {
    for graph in [nets::lenet(64), nets::mlp(128)] {
        println!("{}", brolga::schedule::text::print(&brolga::schedule::schedule(&graph, Target::Clif)));
    }
}

/// One equation under tiles of all sizes.
#[test]
#[ignore]
fn tiles() {
    let text = std::env::var("EQ").unwrap_or_else(|_| {
        "input x: [16, 784, 8]\nparam w: [512, 784]\ntensor y: [16, 512, 8]\ny[n, o, i] = sum(k < 784: w[o, k] * x[n, k, i])\noutput y = y\n".into()
    });
    let graph = brolga::graph::text::read(&text).unwrap();
    let schedule = brolga::schedule::schedule(&graph, Target::Clif);
    println!("{}", brolga::schedule::text::print(&schedule));
    let at = schedule.steps.iter().rposition(|s| matches!(s, brolga::schedule::Step::Group(g) if g.tile.is_some()));
    let (at, held) = (at.unwrap(), std::env::var("HELD").ok().map(|h| h.parse::<usize>().unwrap()));
    let flops: f64 = std::env::var("MFLOP").map_or(102.76, |m| m.parse().unwrap());
    for (h, s) in
        [(1, 8), (1, 10), (1, 12), (1, 13), (1, 14), (2, 3), (2, 4), (2, 5), (2, 6), (3, 3), (3, 4), (4, 2), (4, 3)]
    {
        for flip in [false, true] {
            let mut schedule = schedule.clone();
            let brolga::schedule::Step::Group(group) = &mut schedule.steps[at] else { panic!() };
            let tile = group.tile.as_mut().unwrap();
            tile.held = (held.unwrap_or(tile.held.0), h);
            tile.stream = tile.stream.map(|t| (t.0, s));
            if flip {
                let n = tile.order.len();
                tile.order.swap(0, n - 2);
                tile.parts = 0;
            }
            let plan = brolga::lower::follow(&schedule);
            let mut loaded = load(&plan);
            let mut best = vec![Duration::MAX; loaded.calls.len()];
            (0..25).for_each(|_| run(&mut loaded, &mut best));
            let us = best.iter().map(|t| t.as_secs_f64() * 1e6).fold(0.0, f64::max);
            println!("{h} x {s} {flip}: {us:.0} us {:.1} GFLOP/s", flops * 1e3 / us);
        }
    }
}

/// The graph of the training step of the file in NET, or of the text in EQ.
fn wanted() -> Graph {
    if let Ok(text) = std::env::var("EQ") {
        return brolga::graph::text::read(&text).unwrap();
    }
    let path = std::env::var("NET").unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let (checked, _) = brolga::compile::front(&path, &text, &brolga::check::Options::default());
    let training = checked.trainings.first().unwrap();
    let batch = std::env::var("BATCH").map_or(training.batch, |b| b.parse().unwrap());
    let job = brolga::compile::Job::Train(&training.objectives[0]);
    brolga::compile::optimise(&brolga::compile::graph(&checked, job, batch))
}

#[test]
#[ignore]
fn one() {
    let graph = wanted();
    println!("{}", brolga::schedule::text::print(&brolga::schedule::schedule(&graph, Target::Clif)));
    if std::env::var("KERNELS").is_ok() {
        for (_, kernel) in lower(&graph, Target::Clif).kernels.iter() {
            println!("{kernel}");
        }
    }
}

#[test]
#[ignore]
fn net() {
    time("net", &wanted());
}
