//! Kernels: the text cases in tests/kernel, the builder, the interpreter. See tests/main.rs.

use brolga::kernel::build::KernelBuilder;
use brolga::kernel::interp::{self, Data};
use brolga::kernel::{BufferAccess, Elem, Fold};

#[test]
fn sum_of_squares() {
    let mut b = KernelBuilder::new("dot");
    let x = b.buffer("x", Elem::F32, 8, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, 1, BufferAccess::Write);
    let zero = b.f32(0.0, 4);
    let sums = b.repeat("k", 2, &[zero], |b, k, sums| {
        let v = b.load(x, k * 4, 4);
        vec![b.fma(v, v, sums[0])]
    });
    let sum = b.fold(Fold::Sum, sums[0]);
    b.store(y, 0, sum);
    let mut data = [Data::F32((1..=8).map(|i| i as f32).collect()), Data::zeros(Elem::F32, 1)];
    interp::run(&b.finish(), &mut data);
    assert_eq!(data[1], Data::F32(vec![204.0]));
}

#[test]
fn compiled_sum_of_squares() {
    let mut b = KernelBuilder::new("dot");
    let x = b.buffer("x", Elem::F32, 400, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, 1, BufferAccess::Write);
    let zero = b.f32(0.0, 4);
    let sums = b.repeat("k", 100, &[zero], |b, k, sums| {
        let v = b.load(x, k * 4, 4);
        vec![b.fma(v, v, sums[0])]
    });
    let sum = b.fold(Fold::Sum, sums[0]);
    b.store(y, 0, sum);
    let kernel = b.finish();
    let mut data = [Data::F32((1..=400).map(|i| i as f32 * 0.3).collect()), Data::zeros(Elem::F32, 1)];
    let mut compiled = data.clone();
    interp::run(&kernel, &mut data);
    brolga::runtime::jit::run_once(&kernel, &mut compiled).unwrap();
    assert_eq!(data[1].bits(), compiled[1].bits());
}
