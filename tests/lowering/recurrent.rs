//! Recurrent nets and their gradients: plans with loops against the oracle, and machine code against kernels.

use super::check_graph;
use crate::gradients::recurrent::{Sizes, texts};
use crate::gradients::unrolled::with_gradients;
use brolga::compile::optimise;
use brolga::graph::text::read;
use brolga::lower::lower;
use brolga::plan::{Step, check, layout::layout};
use brolga::target::Target;

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
            println!("{name} {sizes:?}");
            if std::env::var("SHOW").is_ok_and(|show| show == name) { println!("{}", brolga::schedule::text::print(&brolga::schedule::schedule(&graph, Target::Clif))); }
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
