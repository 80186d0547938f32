//! How fast compiled kernels are: `cargo bench --bench kernels`.
#![allow(clippy::unwrap_used)]

use brolga::kernel::build::KernelBuilder;
use brolga::kernel::{BufferAccess, Elem, Kernel};
use brolga::runtime::{arena::Span, jit};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// c[i, j] = sum(k: a[i, k] * b[k, j]) in tiles of `rows` rows by `lanes` columns.
fn tile(m: u32, n: u32, k: u32, rows: u32, lanes: u16) -> Kernel {
    let mut b = KernelBuilder::new("tile");
    let x = b.buffer("a", Elem::F32, m * k, BufferAccess::Read);
    let y = b.buffer("b", Elem::F32, k * n, BufferAccess::Read);
    let z = b.buffer("c", Elem::F32, m * n, BufferAccess::Write);
    let i = b.part("i", m / rows);
    let j = b.part("j", n / u32::from(lanes));
    let zero = b.f32(0.0, lanes);
    let (r, c) = (i64::from(rows), i64::from(lanes));
    let sums = b.repeat("k", k, &vec![zero; rows as usize], |b, kk, sums| {
        let v = b.load(y, kk * i64::from(n) + j * c, lanes);
        let row = |row: i64| (i * r + row) * i64::from(k) + kk;
        let mut next = Vec::new();
        for q in 0..r {
            let s = b.load_splat(x, row(q), lanes);
            next.push(b.fma(s, v, sums[q as usize]));
        }
        next
    });
    for q in 0..r {
        b.store(z, (i * r + q) * i64::from(n) + j * c, sums[q as usize]);
    }
    b.finish()
}

fn kernels(c: &mut Criterion) {
    for (rows, lanes) in [(4, 12), (6, 8), (5, 8), (3, 12), (12, 4), (2, 20)] {
        let (m, n, k) = (rows * 10, u32::from(lanes) * 6, 192);
        let kernel = tile(m, n, k, rows, lanes);
        if std::env::var_os("SHOW").is_some() {
            println!("{}", brolga::codegen::show::asm(&kernel).unwrap());
        }
        let code = jit::Code::compile(&[&kernel]).unwrap();
        let spans: Vec<Span> = kernel.buffers.iter().map(|b| Span::alone(b.len as usize)).collect();
        let bound = code.bind(0, &kernel, &spans);
        let mut group = c.benchmark_group("product");
        group.throughput(Throughput::Elements(2 * u64::from(m * n * k)));
        group.bench_function(format!("{rows} rows x {lanes} lanes"), |b| b.iter(|| bound.run(0, bound.parts())));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(std::time::Duration::from_secs(1)).warm_up_time(std::time::Duration::from_millis(200)).without_plots();
    targets = kernels
}
criterion_main!(benches);
