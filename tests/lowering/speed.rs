//! Times of whole steps by the machine's code, kernel by kernel. Not a test: `cargo test --release speed -- --ignored`.

use super::nets;
use brolga::graph::Graph;
use brolga::kernel::{Elem, Kernel};
use brolga::lower::lower;
use brolga::plan::{Place, Plan, Step};
use brolga::runtime::arena::Span;
use brolga::runtime::jit::{Bound, Code};
use brolga::target::Target;
use std::sync::Arc;
use std::time::{Duration, Instant};

struct Loaded {
    calls: Vec<(String, Option<Bound>, Vec<Span>)>,
    memory: Vec<Span>,
}

fn load(plan: &Plan) -> Loaded {
    let kernels: Vec<&Kernel> = plan.kernels.iter().map(|k| k.1).collect();
    let start = Instant::now();
    let code = Code::compile(&kernels, Target::detect()).unwrap();
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
    plan.steps.iter().for_each(|step| add(plan, step, &code, &memory, &mut calls));
    Loaded { calls, memory }
}

/// Of a loop one turn.
fn add(
    plan: &Plan,
    step: &Step,
    code: &Arc<Code>,
    memory: &[Span],
    calls: &mut Vec<(String, Option<Bound>, Vec<Span>)>,
) {
    match step {
        Step::Call { kernel, buffers, .. } => {
            let spans: Vec<Span> = buffers.iter().map(|b| memory[b.index()].clone()).collect();
            let k = &plan.kernels[*kernel];
            calls.push((k.name.to_string(), Some(code.bind(kernel.index(), &spans)), Vec::new()));
        }
        Step::Copy { from, to } => {
            calls.push(("copy".into(), None, vec![memory[from.index()].clone(), memory[to.index()].clone()]));
        }
        Step::Loop { body, .. } => body.iter().for_each(|step| add(plan, step, code, memory, calls)),
    }
}

fn run(loaded: &mut Loaded, times: &mut [Duration]) {
    for ((_, bound, spans), time) in loaded.calls.iter_mut().zip(times) {
        let start = Instant::now();
        match bound {
            Some(bound) => bound.run(&vec![0; bound.depth()], 0, bound.parts()),
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
    let plan = brolga::compile::laid_out(lower(graph, Target::detect()));
    println!("{name}: lowered in {:.2} ms", start.elapsed().as_secs_f64() * 1e3);
    let start = Instant::now();
    brolga::plan::check::check(&plan).unwrap_or_else(|e| println!("REFUSED: {e}"));
    println!(
        "{name}: checked in {:.2} ms, arena {:.1} MB",
        start.elapsed().as_secs_f64() * 1e3,
        plan.arena as f64 / 1e6
    );
    let mut loaded = load(&plan);
    let mut best = vec![Duration::MAX; loaded.calls.len()];
    let mut whole = Vec::new();
    let turns = if name == "net" { 8 } else { 40 };
    for _ in 0..turns {
        let start = Instant::now();
        run(&mut loaded, &mut best);
        whole.push(start.elapsed().as_secs_f64() * 1e3);
    }
    whole.sort_by(f64::total_cmp);
    println!("{name}: step {:.3} ms (median), {:.3} ms (least)", whole[whole.len() / 2], whole[0]);
    let schedule = brolga::schedule::schedule(graph, Target::detect());
    let predicted = |i: usize| match schedule.steps.get(i) {
        Some(brolga::schedule::Step::Group(g)) => g.tile.as_ref().map_or(0.0, |t| t.cost / 3700.0),
        Some(brolga::schedule::Step::Fill(_) | brolga::schedule::Step::Loop { .. }) | None => 0.0,
    };
    let mut rows: Vec<(f64, usize)> = best.iter().enumerate().map(|(i, t)| (t.as_secs_f64() * 1e6, i)).collect();
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (us, i) in rows.iter().take(25) {
        println!("{us:9.1} us, predicted {:9.1}  step {i:3} {}", predicted(*i), loaded.calls[*i].0);
    }
    println!("{} buffers, sum of the least {:.2} ms", loaded.memory.len(), rows.iter().map(|r| r.0).sum::<f64>() / 1e3);
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
        println!("{}", brolga::schedule::text::print(&brolga::schedule::schedule(&graph, Target::detect())));
    }
}

/// The equation in EQ under the tiles in TILES, one a line: `lane held n stream n / order / inner / blocks`.
#[test]
#[ignore]
fn tiles() {
    let graph = wanted();
    let (_, def) = graph.defs.first().unwrap();
    let flops: f64 = 2e-6 * def.pieces[0].axes.iter().map(|a| f64::from(a.extent)).product::<f64>();
    for line in std::env::var("TILES").unwrap().lines() {
        let parts: Vec<Vec<usize>> =
            line.split('/').map(|p| p.split_whitespace().map(|n| n.parse().unwrap()).collect()).collect();
        let mut group = brolga::schedule::Group::alone("t".into(), &def.pieces[0], false);
        let [lane, held, h, stream, s] = parts[0][..] else { panic!("five numbers first") };
        group.tile = Some(brolga::schedule::tile::Tile {
            lane,
            lanes: Target::detect().lanes(),
            held: (held, h as u32),
            stream: Some((stream, s as u32)),
            blocks: parts[3].clone(),
            taps: Vec::new(),
            order: parts[1].clone(),
            inner: parts[2].clone(),
            parts: 0,
            cost: 0.0,
        });
        let steps = vec![brolga::schedule::Step::Group(Box::new(group))];
        let target = Target::detect();
        let plan = brolga::lower::follow(&brolga::schedule::Schedule { graph: graph.clone(), steps, target });
        for (_, kernel) in plan.kernels.iter() {
            if let Err(refusal) = brolga::codegen::wide::compile(kernel, target) {
                println!("refused: {}", refusal.0);
            }
        }
        let mut loaded = load(&plan);
        let mut best = vec![Duration::MAX; loaded.calls.len()];
        (0..30).for_each(|_| run(&mut loaded, &mut best));
        let us = best.iter().map(|t| t.as_secs_f64() * 1e6).fold(0.0, f64::max);
        println!("{line}: {us:.0} us {:.1} GFLOP/s", flops * 1e3 / us);
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
    println!("{}", brolga::schedule::text::print(&brolga::schedule::schedule(&graph, Target::detect())));
    if std::env::var("KERNELS").is_ok() {
        for (_, kernel) in lower(&graph, Target::detect()).kernels.iter() {
            println!("{kernel}");
        }
    }
}

#[test]
#[ignore]
fn net() {
    time("net", &wanted());
}

/// How long the choice and the lowering themselves take.
#[test]
#[ignore]
fn scheduling() {
    let graph = wanted();
    for _ in 0..20 {
        let start = Instant::now();
        let schedule = brolga::schedule::schedule(&graph, Target::detect());
        let mid = start.elapsed();
        let plan = brolga::lower::follow(&schedule);
        println!("schedule {mid:.2?}, lower {:.2?}, {} kernels", start.elapsed() - mid, plan.kernels.len());
    }
}
