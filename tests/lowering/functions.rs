//! The polynomials against f64, in ulp, over samples of their whole range.

use brolga::graph::Unary;
use brolga::graph::scalar;
use brolga::kernel::build::KernelBuilder;
use brolga::kernel::interp::{Data, run};
use brolga::kernel::{BufferAccess, Elem};
use brolga::lower::math;

/// Distance in units of the last place of the exact value.
fn ulps(got: f32, want: f64) -> f64 {
    if f64::from(got) == want || (got.is_nan() && want.is_nan()) || (f64::from(got) == f64::from(want as f32)) {
        return 0.0;
    }
    // Kernels flush what is not normal to 0.
    if got == 0.0 && want.abs() <= f64::from(f32::MIN_POSITIVE) {
        return 0.0;
    }
    let unit = (want.abs() as f32).max(f32::MIN_POSITIVE);
    let unit = f64::from(f32::from_bits(unit.to_bits() & 0x7f80_0000)) * 2f64.powi(-23);
    (f64::from(got) - want).abs() / unit
}

fn worst(op: Unary, from: f32, to: f32) -> (f64, f32) {
    let n = 40_000;
    let mut xs: Vec<f32> = (0..n).map(|i| from + (to - from) * (i as f32 / (n - 1) as f32)).collect();
    let small = (1..2000).map(|i| f32::from_bits(i * 1_000_003)).filter(|x| x.is_finite());
    xs.extend(small.clone().chain(small.map(|x| -x)).filter(|&x| from <= x && x <= to));
    xs.resize(xs.len().div_ceil(4) * 4, from);
    let len = xs.len() as u32;
    let mut e = KernelBuilder::new("f");
    let x = e.buffer("x", Elem::F32, len, BufferAccess::Read);
    let y = e.buffer("y", Elem::F32, len, BufferAccess::Write);
    e.each("i", len / 4, |e, i| {
        let v = e.load(x, i * 4, 4);
        let v = math::unary(e, op, v);
        e.store(y, i * 4, v);
    });
    let mut memory = [Data::F32(xs.clone()), Data::zeros(Elem::F32, len as usize)];
    run(&e.finish(), &mut memory);
    let Data::F32(ys) = &memory[1] else { panic!("the output is real") };
    let row = scalar::unary(op);
    let error = |(&x, &y): (&f32, &f32)| (ulps(y, (row.f64)(f64::from(x))), x);
    xs.iter().zip(ys).map(error).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap()
}

#[test]
fn polynomials_are_accurate() {
    for (op, from, to, most) in [
        (Unary::Exp, -110.0, 90.0, 1.5),
        (Unary::Log, -1.0, 100.0, 1.5),
        (Unary::Log, 0.0, f32::MAX, 1.5),
        (Unary::Tanh, -10.0, 10.0, 2.0),
        (Unary::Sigmoid, -100.0, 100.0, 3.0),
        (Unary::LogSigmoid, -100.0, 80.0, 3.0),
        (Unary::Erf, -5.0, 5.0, 2.5),
        (Unary::Sqrt, 0.0, 1e6, 0.5),
        (Unary::Sin, -3.2, 3.2, 2.0),
        (Unary::Cos, -1.5, 1.5, 2.0),
    ] {
        let (error, at) = worst(op, from, to);
        assert!(error <= most, "{op:?}({at}) is {error} ulp off");
    }
}
