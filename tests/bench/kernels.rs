//! How fast compiled kernels are, beside the limit of the machine's 128-bit multiply-adds: `cargo bench`.
#![allow(clippy::unwrap_used)]

use brolga::kernel::build::KernelBuilder;
use brolga::kernel::{BufferAccess, Elem, Kernel};
use brolga::runtime::{arena::Span, jit, pool::Pool};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

/// Ten sums that meet no memory: 10 multiply-adds of 4 lanes a turn.
fn limit(turns: u32) -> Kernel {
    let mut b = KernelBuilder::new("limit");
    let z = b.buffer("z", Elem::F32, 40, BufferAccess::ReadWrite);
    let start: Vec<_> = (0..10).map(|i| b.load(z, i * 4, 4)).collect();
    let one = b.f32(1.0, 4);
    let sums = b.repeat("k", turns, &start, |b, _, sums| sums.iter().map(|&sum| b.fma(sum, one, sum)).collect());
    for (i, sum) in (0..).zip(sums) {
        b.store(z, i * 4, sum);
    }
    b.finish()
}

/// z[i, j] = sum(k: x[i, k] * y[k, j]) in tiles of `rows` rows by `lanes` columns.
fn product([m, n, k]: [u32; 3], rows: u32, lanes: u16) -> Kernel {
    let mut b = KernelBuilder::new("product");
    let x = b.buffer("x", Elem::F32, m * k, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, k * n, BufferAccess::Read);
    let z = b.buffer("z", Elem::F32, m * n, BufferAccess::Write);
    let i = b.part("i", m / rows);
    let j = b.part("j", n / u32::from(lanes));
    let zero = b.f32(0.0, lanes);
    let (height, width) = (i64::from(rows), i64::from(lanes));
    let sums = b.repeat("k", k, &vec![zero; rows as usize], |b, step, sums| {
        let v = b.load(y, step * i64::from(n) + j * width, lanes);
        let mut next = Vec::new();
        for (row, &sum) in (0..height).zip(sums) {
            let s = b.load_splat(x, (i * height + row) * i64::from(k) + step, lanes);
            next.push(b.fma(s, v, sum));
        }
        next
    });
    for (row, sum) in (0..height).zip(sums) {
        b.store(z, (i * height + row) * i64::from(n) + j * width, sum);
    }
    b.finish()
}

fn bind(kernel: &Kernel) -> jit::Bound {
    let code = jit::Code::compile(&[kernel], brolga::target::Target::detect()).unwrap();
    let spans: Vec<Span> = kernel.buffers.iter().map(|b| Span::alone(b.len as usize)).collect();
    code.bind(0, &spans)
}

fn kernels(c: &mut Criterion) {
    let mut group = c.benchmark_group("multiply-adds");
    let mut run = |name: String, flops: u64, kernel: Kernel| {
        let bound = bind(&kernel);
        group.throughput(Throughput::Elements(flops));
        group.bench_function(name, |b| b.iter(|| bound.run(&[], 0, bound.parts())));
    };
    run("limit".to_string(), 10_000 * 80, limit(10_000));
    for (rows, lanes) in [(5, 8), (4, 8), (3, 12), (12, 4)] {
        let size = [rows * 8, u32::from(lanes) * 6, 192];
        let flops = 2 * size.map(u64::from).iter().product::<u64>();
        run(format!("{rows} rows x {lanes} lanes"), flops, product(size, rows, lanes));
    }
    run("40 x 512 x 520".to_string(), 2 * 40 * 512 * 520, product([40, 520, 512], 5, 8));
}

fn threads(c: &mut Criterion) {
    let mut group = c.benchmark_group("pool");
    for threads in [1, 2] {
        let pool = Pool::new(threads);
        group.bench_function(format!("fork and join {threads}"), |b| b.iter(|| pool.run(threads as u64, &|_, _| {})));
    }
}

fn compiling(c: &mut Criterion) {
    let kernel = product([40, 48, 192], 5, 8);
    let isa = brolga::codegen::clif::isa().unwrap();
    c.bench_function("compile a tile", |b| b.iter(|| brolga::codegen::clif::compile(&kernel, &*isa).unwrap()));
    c.bench_function("check a tile", |b| b.iter(|| brolga::kernel::check::check(&kernel).unwrap()));
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(1)).warm_up_time(Duration::from_millis(200));
    targets = kernels, threads, compiling
}
criterion_main!(benches);
