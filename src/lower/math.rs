//! The costly functions as vector polynomials in kernel operations, so that every target gives the same bits.
//!
//! Coefficients are minimax fits (weighted least squares, reweighted until the error is level) made for this file; the
//! error of each function against f64 is stated in ulp and held by tests/lowering.rs over its whole range.

use crate::graph::Unary;
use crate::kernel::build::KernelBuilder;
use crate::kernel::{self, Binary, Compare, ValueId};

/// The value of `op(x)`, lane by lane.
pub fn unary(e: &mut KernelBuilder, op: Unary, x: ValueId) -> ValueId {
    match op {
        Unary::Neg => e.unary(kernel::Unary::Neg, x),
        Unary::Abs => e.unary(kernel::Unary::Abs, x),
        Unary::Sqrt => e.unary(kernel::Unary::Sqrt, x),
        Unary::Stop => x,
        Unary::Exp => exp(e, x),
        Unary::Log => log(e, x),
        Unary::LogSigmoid => log_sigmoid(e, x),
        Unary::Tanh => tanh(e, x),
        Unary::Sigmoid => sigmoid(e, x),
        Unary::Erf => erf(e, x),
        Unary::Sin => sin_cos(e, x, false),
        Unary::Cos => sin_cos(e, x, true),
    }
}

/// `c[0] x^n + c[1] x^(n-1) + ..`, by Horner's rule.
fn poly(e: &mut KernelBuilder, x: ValueId, c: &[f32]) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let mut p = e.f32(c[0], lanes);
    for &k in &c[1..] {
        let k = e.f32(k, lanes);
        p = e.fma(p, x, k);
    }
    p
}

/// `a` with the sign of `x`; `a` is not negative.
fn with_sign(e: &mut KernelBuilder, a: ValueId, x: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let sign = e.i32(i32::MIN, lanes);
    let bits = e.unary(kernel::Unary::Bits, x);
    let bits = e.binary(Binary::And, bits, sign);
    let a = e.unary(kernel::Unary::Bits, a);
    let joined = e.binary(Binary::Or, a, bits);
    e.unary(kernel::Unary::FromBits, joined)
}

/// `2^n` for whole n from -126 to 127.
fn power_of_two(e: &mut KernelBuilder, n: ValueId) -> ValueId {
    let lanes = e.type_of(n).lanes;
    let (bias, shift) = (e.i32(127, lanes), e.i32(23, lanes));
    let exponent = e.add(n, bias);
    let bits = e.binary(Binary::Shl, exponent, shift);
    e.unary(kernel::Unary::FromBits, bits)
}

/// e^x within 1 ulp; 0 below -104, infinite above 89. `x = n ln 2 + r`, e^r by a polynomial, 2^n in two halves so that
/// neither overflows before the result does.
fn exp(e: &mut KernelBuilder, x: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let (low, high) = (e.f32(-104.0, lanes), e.f32(89.0, lanes));
    let x = e.binary(Binary::Max, low, x);
    let x = e.binary(Binary::Min, high, x);
    let (per_ln2, hi, lo) =
        (e.f32(std::f32::consts::LOG2_E, lanes), e.f32(-0.693_115_23, lanes), e.f32(-3.194_618_3e-5, lanes));
    let n = e.mul(x, per_ln2);
    let n = e.unary(kernel::Unary::Nearest, n);
    let r = e.fma(n, hi, x);
    let r = e.fma(n, lo, r);
    let p = poly(e, r, &[1.381_314_2e-3, 8.369_419e-3, 4.166_845_6e-2, 0.166_665_15, 0.499_999_94]);
    let r2 = e.mul(r, r);
    let p = e.fma(p, r2, r);
    let one = e.f32(1.0, lanes);
    let p = e.add(p, one);
    let n = e.unary(kernel::Unary::ToInt, n);
    let by = e.i32(1, lanes);
    let half = e.binary(Binary::Shr, n, by);
    let rest = e.sub(n, half);
    let (half, rest) = (power_of_two(e, half), power_of_two(e, rest));
    let p = e.mul(p, half);
    e.mul(p, rest)
}

/// ln x within 1 ulp; -inf at 0, NaN below. `x = 2^n (1 + f)`, `1 + f` from sqrt(1/2) to sqrt(2).
fn log(e: &mut KernelBuilder, x: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let (n, f) = split(e, x);
    let p = poly(
        e,
        f,
        &[
            6.757_531e-2,
            -0.116_943_25,
            0.118_935_25,
            -0.124_030_866,
            0.142_185_52,
            -0.166_680_9,
            0.200_021_67,
            -0.250_000_1,
            0.333_333_1,
        ],
    );
    let f2 = e.mul(f, f);
    let f3 = e.mul(f2, f);
    let (minus_half, hi, lo) = (e.f32(-0.5, lanes), e.f32(0.693_115_23, lanes), e.f32(3.194_618_3e-5, lanes));
    let small = e.mul(n, lo);
    let tail = e.fma(p, f3, small);
    let tail = e.fma(f2, minus_half, tail);
    let sum = e.add(tail, f);
    let result = e.fma(n, hi, sum);
    log_edges(e, x, result)
}

/// `(n, f)` with `x = 2^n (1 + f)`; denormals are scaled up first.
fn split(e: &mut KernelBuilder, x: ValueId) -> (ValueId, ValueId) {
    let lanes = e.type_of(x).lanes;
    let (least, up, zero, drop) =
        (e.f32(f32::MIN_POSITIVE, lanes), e.f32(8_388_608.0, lanes), e.f32(0.0, lanes), e.f32(-23.0, lanes));
    let tiny = e.compare(Compare::Lt, x, least);
    let scaled = e.mul(x, up);
    let y = e.select(tiny, scaled, x);
    let drop = e.select(tiny, drop, zero);
    let bits = e.unary(kernel::Unary::Bits, y);
    // The bits of sqrt(1/2): what lies above it belongs to the next power.
    let (root, shift, one) = (e.i32(0x3f35_04f3, lanes), e.i32(23, lanes), e.i32(0x3f80_0000, lanes));
    let above = e.sub(bits, root);
    let n = e.binary(Binary::Shr, above, shift);
    let whole = e.binary(Binary::Shl, n, shift);
    let mantissa = e.sub(bits, whole);
    let m = e.unary(kernel::Unary::FromBits, mantissa);
    let one = e.unary(kernel::Unary::FromBits, one);
    let f = e.sub(m, one);
    let n = e.unary(kernel::Unary::ToFloat, n);
    (e.add(n, drop), f)
}

/// The values of the logarithm at 0, below 0, at infinity and NaN.
fn log_edges(e: &mut KernelBuilder, x: ValueId, result: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let (zero, inf, minus_inf, nan) =
        (e.f32(0.0, lanes), e.f32(f32::INFINITY, lanes), e.f32(f32::NEG_INFINITY, lanes), e.f32(f32::NAN, lanes));
    let finite = e.compare(Compare::Lt, x, inf);
    let kept = e.add(x, inf);
    let result = e.select(finite, result, kept);
    let negative = e.compare(Compare::Lt, x, zero);
    let result = e.select(negative, nan, result);
    let none = e.compare(Compare::Eq, x, zero);
    e.select(none, minus_inf, result)
}

/// tanh x within 2 ulp: a polynomial near 0, else `1 - 2 / (e^2|x| + 1)`.
fn tanh(e: &mut KernelBuilder, x: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let a = e.unary(kernel::Unary::Abs, x);
    let z = e.mul(x, x);
    let p = poly(e, z, &[2.147_537_2e-3, -8.182_675e-3, 2.170_296_8e-2, -5.394_720_3e-2, 0.133_332_1, -0.333_333_3]);
    let pz = e.mul(p, z);
    let near = e.fma(pz, x, x);
    let (one, two, border) = (e.f32(1.0, lanes), e.f32(2.0, lanes), e.f32(0.625, lanes));
    let twice = e.add(a, a);
    let grown = exp(e, twice);
    let below = e.add(grown, one);
    let quotient = e.div(two, below);
    let far = e.sub(one, quotient);
    let far = with_sign(e, far, x);
    let is_near = e.compare(Compare::Lt, a, border);
    e.select(is_near, near, far)
}

/// `(t, 1 / (1 + t))` with `t = e^-|x|`.
fn decayed(e: &mut KernelBuilder, x: ValueId) -> (ValueId, ValueId) {
    let lanes = e.type_of(x).lanes;
    let a = e.unary(kernel::Unary::Abs, x);
    let a = e.unary(kernel::Unary::Neg, a);
    let t = exp(e, a);
    let one = e.f32(1.0, lanes);
    let below = e.add(one, t);
    (t, e.div(one, below))
}

/// 1 / (1 + e^-x) within 3 ulp, on both sides of 0.
fn sigmoid(e: &mut KernelBuilder, x: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let (t, r) = decayed(e, x);
    let small = e.mul(t, r);
    let zero = e.f32(0.0, lanes);
    let negative = e.compare(Compare::Lt, x, zero);
    e.select(negative, small, r)
}

/// ln(1 / (1 + e^-x)) = min(x, 0) - ln(1 + t), t = e^-|x|, within 3 ulp; ln(1 + t) = t ln(u) / (u - 1), u = 1 + t.
fn log_sigmoid(e: &mut KernelBuilder, x: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let a = e.unary(kernel::Unary::Abs, x);
    let a = e.unary(kernel::Unary::Neg, a);
    let t = exp(e, a);
    let (one, zero) = (e.f32(1.0, lanes), e.f32(0.0, lanes));
    let u = e.add(one, t);
    let logged = log(e, u);
    let rounded = e.sub(u, one);
    let product = e.mul(logged, t);
    let quotient = e.div(product, rounded);
    let lost = e.compare(Compare::Eq, rounded, zero);
    let log1p = e.select(lost, t, quotient);
    let least = e.binary(Binary::Min, zero, x);
    e.sub(least, log1p)
}

/// erf x within 2 ulp: odd polynomial near 0, else 1 - e^q(|x|); 1 from 4 on.
fn erf(e: &mut KernelBuilder, x: ValueId) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let a = e.unary(kernel::Unary::Abs, x);
    let z = e.mul(x, x);
    let p = poly(
        e,
        z,
        &[8.345_225e-5, -8.137_437_4e-4, 5.200_634e-3, -2.685_927e-2, 0.112_836_94, -0.376_126_35, 0.128_379_17],
    );
    let near = e.fma(p, x, x);
    let (four, one, border) = (e.f32(4.0, lanes), e.f32(1.0, lanes), e.f32(0.925, lanes));
    let t = e.binary(Binary::Min, four, a);
    let q = poly(
        e,
        t,
        &[
            -2.131_315e-5,
            4.366_718e-4,
            -4.180_304e-3,
            2.514_009_5e-2,
            -0.108_306_736,
            -0.633_327_2,
            -1.129_522_7,
            1.759_145_4e-4,
        ],
    );
    let rest = exp(e, q);
    let far = e.sub(one, rest);
    let far = with_sign(e, far, x);
    let is_far = e.compare(Compare::Le, border, a);
    e.select(is_far, far, near)
}

/// sin x or cos x within 2 ulp for |x| up to 10^4; beyond, the reduction by three parts of pi/2 loses bits.
fn sin_cos(e: &mut KernelBuilder, x: ValueId, cosine: bool) -> ValueId {
    let lanes = e.type_of(x).lanes;
    let per = e.f32(std::f32::consts::FRAC_2_PI, lanes);
    let n = e.mul(x, per);
    let n = e.unary(kernel::Unary::Nearest, n);
    let mut r = x;
    for part in [-1.570_312_5, -4.837_513e-4, -7.549_79e-8] {
        let part = e.f32(part, lanes);
        r = e.fma(n, part, r);
    }
    let z = e.mul(r, r);
    let s = poly(e, z, &[2.717_564_5e-6, -1.983_925_6e-4, 8.333_329e-3, -0.166_666_67]);
    let sz = e.mul(s, z);
    let s = e.fma(sz, r, r);
    let c = poly(e, z, &[2.443_120_3e-5, -1.388_730_6e-3, 4.166_664_6e-2, -0.5, 1.0]);
    let quadrant = e.unary(kernel::Unary::ToInt, n);
    let turn = e.i32(i32::from(cosine), lanes);
    let quadrant = e.add(quadrant, turn);
    quadrants(e, quadrant, s, c)
}

/// s, c, -s, -c by the quadrant modulo 4.
fn quadrants(e: &mut KernelBuilder, quadrant: ValueId, s: ValueId, c: ValueId) -> ValueId {
    let lanes = e.type_of(s).lanes;
    let (one, two, shift, none) = (e.i32(1, lanes), e.i32(2, lanes), e.i32(30, lanes), e.i32(0, lanes));
    let odd = e.binary(Binary::And, quadrant, one);
    let even = e.compare(Compare::Eq, odd, none);
    let value = e.select(even, s, c);
    let sign = e.binary(Binary::And, quadrant, two);
    let sign = e.binary(Binary::Shl, sign, shift);
    let bits = e.unary(kernel::Unary::Bits, value);
    let bits = e.binary(Binary::Xor, bits, sign);
    e.unary(kernel::Unary::FromBits, bits)
}
