//! Norms, and what works on images and signals.

use super::{assert_near, compute, random};

fn mean(x: &[f64]) -> f64 {
    x.iter().sum::<f64>() / x.len() as f64
}

fn variance(x: &[f64]) -> f64 {
    let mu = mean(x);
    x.iter().map(|x| (x - mu) * (x - mu)).sum::<f64>() / x.len() as f64
}

#[test]
fn group_norm_takes_mean_and_variance_of_each_group() {
    let (groups, part, places) = (3, 2, 4);
    let (x, weight, bias) = (random(1, 24), random(2, 6), random(3, 6));
    let got = compute("x: [6, 2, 2]", "x -> group_norm(3)", &[("x", &x), ("weight", &weight), ("bias", &bias)]);
    let mut want = Vec::new();
    for g in 0..groups {
        let numbers = &x[g * part * places..(g + 1) * part * places];
        let (mu, var) = (mean(numbers), variance(numbers));
        for (at, x) in numbers.iter().enumerate() {
            let c = g * part + at / places;
            want.push(weight[c] * (x - mu) / (var + 1e-5).sqrt() + bias[c]);
        }
    }
    assert_near(&got, &want);
    let one = compute("x: [6, 2, 2]", "x -> group_norm(6)", &[("x", &x), ("weight", &weight), ("bias", &bias)]);
    let own = compute("x: [6, 2, 2]", "x -> instance_norm", &[("x", &x), ("weight", &weight), ("bias", &bias)]);
    assert_near(&one, &own);
}

#[test]
fn rms_norm_divides_by_the_root_of_the_mean_square() {
    let (x, weight) = (random(4, 5), random(5, 5));
    let root = (mean(&x.iter().map(|x| x * x).collect::<Vec<_>>()) + 1e-6).sqrt();
    let want: Vec<f64> = x.iter().zip(&weight).map(|(x, w)| w * x / root).collect();
    assert_near(&compute("x: [5]", "x -> rms_norm", &[("x", &x), ("weight", &weight)]), &want);
}

/// What PyTorch defines for align_corners=False: the source of pixel p is max((p + 1/2) / k - 1/2, 0); its neighbour is
/// the next one, or itself at the border.
fn source(p: usize, k: usize, size: usize) -> (usize, usize, f64) {
    let place = ((p as f64 + 0.5) / k as f64 - 0.5).max(0.0);
    let low = place.floor() as usize;
    (low, (low + 1).min(size - 1), place - low as f64)
}

#[test]
fn bilinear_upsampling_is_that_of_pixels_as_squares() {
    for (h, w, kh, kw) in [(3, 4, 2, 3), (1, 3, 4, 1), (2, 1, 5, 4), (3, 3, 1, 2)] {
        let x = random(6, 2 * h * w);
        let line = format!("x -> upsample_bilinear({kh}x{kw})");
        let got = compute(&format!("x: [2, {h}, {w}]"), &line, &[("x", &x)]);
        let mut want = Vec::new();
        for c in 0..2 {
            let pixel = |i: usize, j: usize| x[(c * h + i) * w + j];
            for p in 0..kh * h {
                let (top, bottom, down) = source(p, kh, h);
                for q in 0..kw * w {
                    let (left, right, along) = source(q, kw, w);
                    let row = |i: usize| pixel(i, left) * (1.0 - along) + pixel(i, right) * along;
                    want.push(row(top) * (1.0 - down) + row(bottom) * down);
                }
            }
        }
        assert_near(&got, &want);
    }
}

#[test]
fn a_depthwise_convolution_is_one_of_as_many_groups_as_channels() {
    let (x, weight, bias) = (random(7, 3 * 30), random(8, 18), random(9, 3));
    let given = [("x", &x[..]), ("weight", &weight), ("bias", &bias)];
    let options = "stride=2, pad=1, dilation=2";
    let depthwise = compute("x: [3, 6, 5]", &format!("x -> depthwise_conv(3x2, {options})"), &given);
    assert_near(&depthwise, &compute("x: [3, 6, 5]", &format!("x -> conv(3, 3x2, groups=3, {options})"), &given));
}

/// Layers along one axis are those of images of height 1.
#[test]
fn signals_are_images_of_one_row() {
    let (x, weight, bias) = (random(10, 4 * 9), random(11, 6 * 2 * 3), random(12, 6));
    let given = [("x", &x[..]), ("weight", &weight), ("bias", &bias)];
    let line = |name: &str, k: &str, pad: &str| format!("x -> {name}(6, {k}, stride={pad}2, pad={pad}1, groups=2)");
    let flat = compute("x: [4, 9]", &line("conv1d", "3", ""), &given);
    let image = "x -> conv(6, 1x3, stride=1x2, pad=0x1, groups=2)";
    assert_near(&flat, &compute("x: [4, 1, 9]", image, &given));
    let weight = random(13, 4 * 6 * 3);
    let given = [("x", &x[..]), ("weight", &weight), ("bias", &bias)];
    let flat = compute("x: [4, 9]", "x -> conv_transpose1d(6, 3, stride=2, pad=1)", &given);
    let image = "x -> conv_transpose(6, 1x3, stride=1x2, pad=0x1)";
    assert_near(&flat, &compute("x: [4, 1, 9]", image, &given));
    for pool in ["max_pool", "avg_pool"] {
        let flat = compute("x: [4, 9]", &format!("x -> {pool}1d(3, stride=2, pad=1)"), &[("x", &x)]);
        let image = format!("x -> {pool}(1x3, stride=1x2, pad=0x1)");
        assert_near(&flat, &compute("x: [4, 1, 9]", &image, &[("x", &x)]));
    }
    let flat = compute("x: [4, 9]", "x -> upsample1d(3) -> global_avg_pool1d", &[("x", &x)]);
    assert_near(&flat, &x.chunks(9).map(mean).collect::<Vec<_>>());
}

fn each(x: &[f64], line: &str, f: impl Fn(f64) -> f64) {
    let got = compute(&format!("x: [{}]", x.len()), &format!("x -> {line}"), &[("x", x)]);
    assert_near(&got, &x.iter().map(|&x| f(x)).collect::<Vec<_>>());
}

#[test]
fn activations_are_their_formulas() {
    let x = [-40.0, -4.0, -2.5, -0.5, 0.0, 0.5, 2.0, 3.0, 5.0, 40.0];
    let clamped = |x: f64| (x / 6.0 + 0.5).clamp(0.0, 1.0);
    each(&x, "elu(alpha=0.5)", |x| if x > 0.0 { x } else { 0.5 * x.exp_m1() });
    each(&x, "selu", |x| 1.050_700_987_355_480_5 * if x > 0.0 { x } else { 1.673_263_242_354_377_2 * x.exp_m1() });
    each(&x, "softplus", |x| x.exp().ln_1p());
    each(&x, "mish", |x| x * x.exp().ln_1p().tanh());
    each(&x, "hard_sigmoid", clamped);
    each(&x, "hard_swish", |x| x * clamped(x));
    let slopes = [0.5, -1.0];
    let got = compute("x: [2, 2]", "x -> prelu", &[("x", &[1.0, -2.0, -3.0, 4.0]), ("weight", &slopes)]);
    assert_near(&got, &[1.0, -1.0, 3.0, 4.0]);
}

/// In f32 the exponential of 100 is infinite: the forms must not go there.
#[test]
fn softplus_and_log_softmax_stay_finite() {
    each(&[-800.0, 800.0], "softplus", |x| x.max(0.0));
    let got = compute("x: [3]", "x -> log_softmax", &[("x", &[1000.0, 0.0, -1000.0])]);
    assert_near(&got, &[0.0, -1000.0, -2000.0]);
}

#[test]
fn losses_are_their_formulas() {
    let (x, z) = ([0.5, -1.0, 2.0, 0.0], [1.5, 0.5, -1.0, 0.25]);
    let distance = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
    let inputs = "x: [4], z: [4]";
    let given = [("x", &x[..]), ("z", &z[..])];
    let softmax = |x: &[f64]| {
        let sum: f64 = x.iter().map(|x| x.exp()).sum();
        x.iter().map(|x| x.exp() / sum).collect::<Vec<f64>>()
    };
    let (p, q) = (softmax(&x), softmax(&z));
    let kl: f64 = p.iter().zip(&q).map(|(p, q)| p * (p / q).ln()).sum();
    assert_near(&compute(inputs, "kl_divergence(softmax(x), softmax(z))", &given), &[kl]);
    let sure = "kl_divergence(probability(x), softmax(z))";
    assert_near(&compute(inputs, sure, &[("x", &[0.0, 1.0, 0.0, 0.0]), ("z", &z)]), &[-q[1].ln()]);
    let hinge: Vec<f64> = x.iter().zip(&z).map(|(x, z)| (1.0 - x * z).max(0.0)).collect();
    assert_near(&compute(inputs, "hinge(x, z)", &given), &hinge);
    let given_label = [("x", &x[..]), ("label", &[3.0][..])];
    assert_near(&compute("x: [4], label: index(4)", "multi_hinge(x, label)", &given_label), &[1.5 + 0.0 + 3.0]);
    let triplet = (distance(&x, &z) - 0.25 * distance(&x, &[0.0; 4]) + 1.0).max(0.0);
    assert_near(&compute(inputs, "triplet(x, z, x / 2)", &given), &[triplet]);
    let d = distance(&x, &z).sqrt();
    let pair = |y: f64| {
        let given = [("x", &x[..]), ("z", &z[..]), ("same", &[y][..])];
        compute("x: [4], z: [4], same: []", "contrastive(x, z, same, margin=5)", &given)
    };
    assert_near(&pair(1.0), &[d * d / 2.0]);
    assert_near(&pair(0.0), &[(5.0 - d).max(0.0).powi(2) / 2.0]);
}
