//! Plans: their layout, their checks, and running them. See tests/main.rs.

use brolga::graph::{self, HostExpr};
use brolga::ids::Arena;
use brolga::kernel::build::KernelBuilder;
use brolga::kernel::{BufferAccess, Elem, Kernel};
use brolga::plan::{Buffer, BufferId, Place, Plan, Step, check, layout::layout};
use brolga::runtime::pool::Pool;
use brolga::runtime::program::{Moment, Program};
use brolga::runtime::store::Store;
use brolga::target::Target;

/// z[i, j] = x[i, j] * y[i, j] + n, a part a row.
fn product(rows: u32, columns: u32) -> Kernel {
    let mut b = KernelBuilder::new("product");
    let len = rows * columns;
    let x = b.buffer("x", Elem::F32, len, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, len, BufferAccess::Read);
    let n = b.buffer("n", Elem::F32, 1, BufferAccess::Read);
    let z = b.buffer("z", Elem::F32, len, BufferAccess::Write);
    let i = b.part("i", rows);
    let shift = b.load_splat(n, 0, 4);
    b.each("j", columns / 4, |b, j| {
        let at = i * i64::from(columns) + j * 4;
        let (u, v) = (b.load(x, at.clone(), 4), b.load(y, at.clone(), 4));
        let sum = b.fma(u, v, shift);
        b.store(z, at, sum);
    });
    b.finish()
}

fn buffer(plan: &mut Plan, name: &str, shape: &[u32], place: Place) -> BufferId {
    let len = shape.iter().product();
    plan.buffers.push(Buffer { name: name.into(), shape: shape.to_vec(), elem: Elem::F32, len, place })
}

const ARENA: Place = Place::Arena { offset: 0, first: 0, last: 0 };

/// b = x * e + s; c = b * w + s; w = c * b + s: with noise e, the step's number s, and w in the store.
fn sample() -> Plan {
    let (rows, columns) = (64, 512);
    let mut plan = Plan::default();
    let kernel = plan.kernels.push(product(rows, columns));
    let shape = [rows, columns];
    let x = buffer(&mut plan, "x", &shape, ARENA);
    let e = buffer(&mut plan, "e", &shape, Place::Noise { key: "e".into(), normal: true });
    let half = HostExpr::Binary(graph::Binary::Mul, HostExpr::Step.into(), HostExpr::Number(0.5).into());
    let s = buffer(&mut plan, "s", &[], Place::Host(half));
    let w = buffer(&mut plan, "w", &shape, Place::Store("w".into()));
    let b = buffer(&mut plan, "b", &shape, ARENA);
    let c = buffer(&mut plan, "c", &shape, ARENA);
    let d = buffer(&mut plan, "d", &shape, ARENA);
    let call = |x, y, z| Step::Call { kernel, buffers: vec![x, y, s, z], in_place: false };
    plan.steps = vec![call(x, e, b), call(b, w, c), call(c, b, d), Step::Copy { from: d, to: w }];
    plan.inputs.push(("x".into(), x));
    plan.outputs.push(("c".into(), c));
    layout(&mut plan);
    plan
}

fn moment(step: u64) -> Moment {
    Moment { seed: 3, step, steps: 10, first_example: 0 }
}

/// The bits of output and store after three runs.
fn run(threads: usize) -> Vec<u32> {
    let mut program = Program::new(sample(), Target::Clif).unwrap();
    let mut store = Store::new();
    store.set("w", &vec![0.25; 64 * 512]);
    let pool = Pool::new(threads);
    for step in 1..=3 {
        let x = program.input_f32("x").unwrap();
        x.iter_mut().enumerate().for_each(|(i, x)| *x = i as f32 * 0.001);
        program.run(&mut store, &pool, &moment(step)).unwrap();
    }
    let numbers = program.output("c").unwrap().iter().chain(store.get("w").unwrap());
    numbers.map(|x| x.to_bits()).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    let one = run(1);
    assert!(one.iter().any(|&bits| bits != 0));
    for threads in [2, 3, 8] {
        assert!(one == run(threads), "{threads} threads");
    }
}

#[test]
fn numbers_are_right() {
    let mut program = Program::new(sample(), Target::Clif).unwrap();
    let mut store = Store::new();
    let message = program.run(&mut store, &Pool::new(1), &moment(1)).unwrap_err();
    assert_eq!(message, "the store has no w");
    store.set("w", &vec![0.25; 64 * 512]);
    program.input_f32("x").unwrap().fill(2.0);
    program.run(&mut store, &Pool::new(2), &moment(4)).unwrap();
    let noise = brolga::noise::Noise::new(3, "e", 4, true);
    for at in [0u64, 1, 777, 64 * 512 - 1] {
        let e = noise.at(at / 512, at % 512);
        let b = 2.0_f32.mul_add(e, 2.0);
        let c = b.mul_add(0.25, 2.0);
        assert_eq!(program.output("c").unwrap()[at as usize], c);
        assert_eq!(store.get("w").unwrap()[at as usize], c.mul_add(b, 2.0));
    }
}

#[test]
fn what_lives_apart_shares_memory() {
    let plan = sample();
    // x ends where c begins, so three of the four arena buffers are alive at once.
    assert_eq!(plan.arena, 3 * 4 * 64 * 512);
    check::check(&plan).unwrap();
}

#[test]
fn broken_plans_are_refused() {
    let broken = |change: fn(&mut Plan)| {
        let mut plan = sample();
        change(&mut plan);
        check::check(&plan).unwrap_err()
    };
    let id = |name: &str| sample().buffers.iter().find(|(_, b)| &*b.name == name).unwrap().0;
    assert_eq!(broken(|p| p.steps.swap(0, 1)), "step 0 reads b, which is not written yet");
    assert_eq!(broken(|p| p.arena += 64), "the arena is larger than its buffers");
    assert_eq!(broken(|p| p.buffers = Arena::new()), "an input or output has no buffer");
    let mut plan = sample();
    plan.buffers[id("c")].place = Place::Arena { offset: 131072, first: 1, last: 3 };
    assert_eq!(check::check(&plan).unwrap_err(), "b and c overlap and live at the same time");
    let mut plan = sample();
    plan.buffers[id("b")].len = 12;
    assert!(check::check(&plan).unwrap_err().contains("shorter than its shape"));
    let mut plan = sample();
    plan.buffers[id("w")].place = Place::Constant(vec![0.0; 64 * 512].into());
    assert_eq!(check::check(&plan).unwrap_err(), "step 3: w is written, but it is given");
}

#[test]
fn a_kernel_may_work_in_place_where_it_reads_first() {
    let mut plan = Plan::default();
    let kernel = plan.kernels.push(product(8, 16));
    let x = buffer(&mut plan, "x", &[8, 16], ARENA);
    let s = buffer(&mut plan, "s", &[], Place::Host(HostExpr::Step));
    plan.inputs.push(("x".into(), x));
    plan.outputs.push(("x".into(), x));
    let buffers = vec![x, x, s, x];
    plan.steps = vec![Step::Call { kernel, buffers: buffers.clone(), in_place: true }];
    layout(&mut plan);
    check::check(&plan).unwrap();
    plan.steps = vec![Step::Call { kernel, buffers, in_place: false }];
    assert!(check::check(&plan).unwrap_err().contains("not in place"));
}

#[test]
fn a_plan_prints_as_tables() {
    insta::assert_snapshot!(sample().to_string(), @r"
    steps
      0:  call product  (x, e, s, b)  parts 64
      1:  call product  (b, w, s, c)  parts 64
      2:  call product  (c, b, s, d)  parts 64
      3:  copy          (d, w)
    buffers
      x  [64, 512] f32 x 32768  bytes 0..131072, steps 0..=0           input
      e  [64, 512] f32 x 32768  normal noise e
      s  [] f32 x 1             number Binary(Mul, Step, Number(0.5))
      w  [64, 512] f32 x 32768  kept as w
      b  [64, 512] f32 x 32768  bytes 131072..262144, steps 0..=2
      c  [64, 512] f32 x 32768  bytes 0..131072, steps 1..=3           output
      d  [64, 512] f32 x 32768  bytes 262144..393216, steps 2..=3
    arena 393216 bytes
    ");
}

/// Plans of copies only: buffers of random sizes, each made from a random earlier one.
#[test]
fn random_plans_are_laid_out_tightly() {
    for seed in 0..50 {
        let noise = brolga::noise::Noise::new(seed, "plans", 0, false);
        let roll = |i: u64, sides: f32| (noise.at(0, i) * sides) as u64;
        let mut plan = Plan::default();
        let mut by_size: [Vec<BufferId>; 3] = Default::default();
        for (size, chain) in by_size.iter_mut().enumerate() {
            let input = buffer(&mut plan, &format!("in{size}"), &[10 + 100 * size as u32], ARENA);
            plan.inputs.push((format!("in{size}").into(), input));
            chain.push(input);
        }
        for i in 0..60 {
            let size = roll(2 * i, 3.0) as usize;
            let from = by_size[size][roll(2 * i + 1, by_size[size].len() as f32) as usize];
            let to = buffer(&mut plan, &format!("b{i}"), &[10 + 100 * size as u32], ARENA);
            plan.steps.push(Step::Copy { from, to });
            by_size[size].push(to);
        }
        layout(&mut plan);
        check::check(&plan).unwrap_or_else(|e| panic!("seed {seed}: {e}\n{plan}"));
        let (least, all) = live_bytes(&plan);
        assert!(plan.arena >= least && plan.arena < all, "seed {seed}: {} of {least} to {all}", plan.arena);
        assert!(plan.arena <= least + least / 4, "seed {seed}: {} where {least} live at once", plan.arena);
    }
}

/// The most bytes that live at one step, and all bytes.
fn live_bytes(plan: &Plan) -> (u64, u64) {
    let lives: Vec<(u64, u32, u32)> = plan
        .buffers
        .iter()
        .filter_map(|(_, b)| match b.place {
            Place::Arena { first, last, .. } => Some(((4 * u64::from(b.len)).next_multiple_of(64), first, last)),
            Place::Store(_) | Place::Constant(_) | Place::Noise { .. } | Place::Host(_) => None,
        })
        .collect();
    let at = |step: u32| lives.iter().filter(|l| l.1 <= step && step <= l.2).map(|l| l.0).sum::<u64>();
    ((0..plan.steps.len() as u32).map(at).max().unwrap_or(0), lives.iter().map(|l| l.0).sum())
}

/// y[t + 1] = y[t] + x[t], of rows, with x made in the turn from a given w.
fn looped() -> Plan {
    let mut plan = Plan::default();
    let mut b = KernelBuilder::new("start");
    let y = b.buffer("y", Elem::F32, 16, BufferAccess::Write);
    let one = b.f32(1.0, 4);
    b.store(y, 0, one);
    let start = plan.kernels.push(b.finish());
    let mut b = KernelBuilder::new("row");
    let w = b.buffer("w", Elem::F32, 16, BufferAccess::Read);
    let x = b.buffer("x", Elem::F32, 16, BufferAccess::Write);
    let t = b.turn("t", 3);
    let row = b.load(w, t * 4, 4);
    b.store(x, t * 4, row);
    let row = plan.kernels.push(b.finish());
    let mut b = KernelBuilder::new("step");
    let x = b.buffer("x", Elem::F32, 16, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, 16, BufferAccess::ReadWrite);
    let t = b.turn("t", 3);
    let (old, more) = (b.load(y, t * 4, 4), b.load(x, t * 4, 4));
    let sum = b.add(old, more);
    b.store(y, t * 4 + 4, sum);
    let step = plan.kernels.push(b.finish());
    let [w, x, y] = ["w", "x", "y"].map(|name| buffer(&mut plan, name, &[4, 4], ARENA));
    let call = |kernel, buffers| Step::Call { kernel, buffers, in_place: false };
    let body = vec![call(row, vec![w, x]), call(step, vec![x, y])];
    plan.steps = vec![call(start, vec![y]), Step::Loop { name: "t".into(), trip: 3, body }];
    plan.inputs.push(("w".into(), w));
    plan.outputs.push(("y".into(), y));
    layout(&mut plan);
    plan
}

#[test]
fn a_loop_runs_turn_by_turn() {
    let plan = looped();
    check::check(&plan).unwrap();
    let mut program = Program::new(plan, Target::Clif).unwrap();
    program.input_f32("w").unwrap().iter_mut().enumerate().for_each(|(i, w)| *w = (i / 4) as f32 + 1.0);
    let moment = Moment { seed: 1, step: 1, steps: 1, first_example: 0 };
    program.run(&mut Store::new(), &Pool::new(1), &moment).unwrap();
    let rows: Vec<f32> = program.output("y").unwrap().iter().copied().step_by(4).collect();
    assert_eq!(rows, [1.0, 2.0, 4.0, 7.0]);
}

#[test]
fn loops_that_break_a_rule_are_refused() {
    let broken = |change: &dyn Fn(&mut Plan)| {
        let mut plan = looped();
        change(&mut plan);
        check::check(&plan).unwrap_err()
    };
    let body = |plan: &mut Plan, change: &dyn Fn(&mut u32, &mut Vec<Step>)| {
        let Step::Loop { trip, body, .. } = &mut plan.steps[1] else { panic!("the second step is the loop") };
        change(trip, body);
    };
    let error = broken(&|p| body(p, &|trip, _| *trip = 4));
    assert_eq!(error, "step 1: kernel row is called in other loops");
    assert!(broken(&|p| body(p, &|trip, _| *trip = 0)).contains("without a turn"));
    assert_eq!(broken(&|p| body(p, &|_, body| body.swap(0, 1))), "step 1 reads x, which is not written yet");
    assert_eq!(broken(&|p| p.steps.swap(0, 1)), "step 0 reads y, which is not written yet");
    let error = broken(&|p| body(p, &|_, body| body.push(Step::Copy { from: BufferId::new(0), to: BufferId::new(9) })));
    assert!(error.contains("an unknown kernel or buffer"));
    // w must live on to the last turn, though a turn's first step reads it last: x may not take its place.
    let error = broken(&|p| {
        let place = p.buffers[BufferId::new(0)].place.clone();
        p.buffers[BufferId::new(1)].place = place;
    });
    assert!(error.contains("overlap and live at the same time"), "{error}");
}

#[test]
fn a_loop_prints_with_its_steps() {
    insta::assert_snapshot!(looped().to_string());
}
