//! Recurrent nets and their gradients: plans with loops against the oracle, and machine code against kernels.

use super::{Numbers, check_graph, execute, given};
use crate::gradients::recurrent::{Sizes, texts};
use crate::gradients::unrolled::with_gradients;
use brolga::compile::optimise;
use brolga::graph::text::read;
use brolga::graph::{Affine, Cond, Dtype, Expr, Graph, Kind, Role};
use brolga::lower::lower;
use brolga::plan::{Step, check, layout::layout};
use brolga::runtime::pool::Pool;
use brolga::runtime::program::{Moment, Program};
use brolga::runtime::store::Store;
use brolga::target::Target;
use indexmap::IndexMap;

/// Sums of some hundred terms, and functions that steepen errors of a sum over the turns.
const ULPS: f64 = 4096.0;

fn sizes() -> [Sizes; 6] {
    let sizes = |batch, time, inputs, hidden| Sizes { batch, time, inputs, hidden };
    [sizes(2, 1, 2, 3), sizes(2, 2, 2, 3), sizes(3, 5, 2, 3), sizes(16, 6, 3, 4), sizes(5, 4, 3, 8), sizes(8, 7, 5, 16)]
}

#[test]
fn loops_give_what_the_oracle_gives() {
    for sizes in sizes() {
        for (name, text) in texts(sizes) {
            let graph = read(&text).unwrap();
            let graph = optimise(&with_gradients(&graph));
            let mut plan = lower(&graph, Target::Clif);
            layout(&mut plan);
            plan.kernels.iter().for_each(|(_, kernel)| brolga::kernel::check::check(kernel).unwrap());
            check::check(&plan).unwrap_or_else(|error| panic!("{name} {sizes:?}: {error}\n{plan}"));
            let loops = plan.steps.iter().filter(|step| matches!(step, Step::Loop { .. })).count();
            assert!(sizes.time < 4 || loops > 0, "{name} {sizes:?} has no loop");
            check_graph(&graph, ULPS, 7);
        }
    }
}

/// What a program of the plan gives on some threads, after two runs: the second finds what the first has left.
fn machine(plan: &brolga::plan::Plan, graph: &Graph, target: Target, threads: usize) -> IndexMap<String, Vec<f64>> {
    let given = given(graph, &mut Numbers(7));
    let mut program = Program::new(plan.clone(), target).unwrap();
    let mut store = Store::new();
    let pool = Pool::new(threads);
    let moment = Moment { seed: 1, step: 1, steps: 1, first_example: 0 };
    for _ in 0..2 {
        for (tensor, values) in &given {
            let tensor = &graph.tensors[*tensor];
            match (&tensor.kind, tensor.dtype) {
                (Kind::Param, _) => store.set(&tensor.name, &values.iter().map(|&x| x as f32).collect::<Vec<_>>()),
                (_, Dtype::Real) => {
                    let input = program.input_f32(&tensor.name).unwrap().iter_mut();
                    input.zip(values).for_each(|(to, from)| *to = *from as f32);
                }
                (_, Dtype::Index(_)) => {
                    let input = program.input_i32(&tensor.name).unwrap().iter_mut();
                    input.zip(values).for_each(|(to, from)| *to = *from as i32);
                }
            }
        }
        program.run(&mut store, &pool, &moment).unwrap();
    }
    let output = |(name, _): &(brolga::ids::Symbol, brolga::graph::TensorId)| {
        let values = program.output(name).unwrap().iter().map(|&x| f64::from(x));
        (format!("out {name}"), values.collect())
    };
    graph.outputs.iter().map(output).collect()
}

#[test]
fn machine_code_gives_the_bits_of_kernels_on_any_threads() {
    let large = Sizes { batch: 32, time: 4, inputs: 24, hidden: 96 };
    let small = Sizes { batch: 16, time: 6, inputs: 3, hidden: 4 };
    for (sizes, names) in [(small, 0..13), (large, 0..2)] {
        for (name, text) in texts(sizes).drain(names) {
            let graph = optimise(&with_gradients(&read(&text).unwrap()));
            for target in Target::here() {
                let mut plan = lower(&graph, target);
                layout(&mut plan);
                let kernels = execute(&plan, &graph, &given(&graph, &mut Numbers(7)));
                for threads in [1, 2] {
                    for (output, values) in machine(&plan, &graph, target, threads) {
                        let bits = |values: &[f64]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
                        assert_eq!(
                            bits(&values),
                            bits(&kernels[&output]),
                            "{name} {sizes:?}, {output}, {target:?}, {threads} threads"
                        );
                    }
                }
            }
        }
    }
}

/// What a turn computes has no test of the turn alone: stretches of time are cut there.
#[test]
fn loops_hold_no_test_of_time_alone() {
    for (name, text) in texts(Sizes { batch: 3, time: 7, inputs: 2, hidden: 3 }) {
        let graph = optimise(&with_gradients(&read(&text).unwrap()));
        let schedule = brolga::schedule::schedule(&graph, Target::Clif);
        let mut groups = 0;
        let mut see = |group: &brolga::schedule::Group| {
            groups += 1;
            for member in &group.members {
                let mut forms: Vec<Affine> = member.guards.iter().map(|guard| guard.form.clone()).collect();
                for id in schedule.graph.exprs.below(&[member.body]) {
                    if let Expr::Select(Cond::Guards(guards), _, _) = &schedule.graph.exprs[id] {
                        forms
                            .extend(guards.iter().filter(|guard| guard.data.is_none()).map(|guard| guard.form.clone()));
                    }
                }
                let alone = |form: &Affine| {
                    form.axes().count() > 0 && form.axes().all(|axis| group.axes[axis].role == Role::Turn)
                };
                assert!(!forms.iter().any(alone), "{name}\n{}", brolga::schedule::text::print(&schedule));
            }
        };
        let loops = schedule.steps.iter().filter(|step| matches!(step, brolga::schedule::Step::Loop { .. }));
        loops.for_each(|step| step.each_group(&mut see));
        assert!(groups > 0, "{name} has no loop");
    }
}
