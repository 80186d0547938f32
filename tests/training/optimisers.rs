//! A hundred steps of each optimiser and schedule, against its formula.

use super::exact::Exact;
use crate::worked::checked;

const STEPS: u64 = 100;

/// `y = w * x + b`, element by element, with the squared error: each number has a gradient of its own.
fn program(using: &str) -> String {
    format!(
        "net Line(x: [3]) -> y: [3] {{
  param w: [3] = [1.5, -2, 0.25]
  param b: [3] = [0, 0.5, -1]
  y = w * x + b
}}
data points -> (x: [3], t: [3]) {{ train = random(examples=8) }}
train Line on points {{
  minimise sum(mse(Line(x), t)) using {using}
  steps = {STEPS}
}}"
    )
}

/// Inputs and targets of two examples in a step.
fn batch(step: u64) -> ([f64; 6], [f64; 6]) {
    let at = |i: usize, phase: f64| (step as f64 * 0.7 + i as f64 * 1.3 + phase).sin();
    (std::array::from_fn(|i| at(i, 0.0)), std::array::from_fn(|i| 2.0 * at(i, 1.0)))
}

/// The gradients to w and b: means over both examples.
fn gradients(parameters: &[f64; 6], step: u64) -> [f64; 6] {
    let (x, t) = batch(step);
    let mut all = [0.0; 6];
    for example in 0..2 {
        for i in 0..3 {
            let at = example * 3 + i;
            let d = 2.0 * (parameters[i] * x[at] + parameters[3 + i] - t[at]) / 2.0;
            all[i] += d * x[at];
            all[3 + i] += d;
        }
    }
    all
}

/// One number's step: (its state, the number, its gradient, the step from 1) to the new number.
type Formula = fn(&mut [f64; 3], f64, f64, i32) -> f64;

/// Runs text and formula side by side.
fn compare(using: &str, clip: Option<f64>, formula: Formula) {
    let checked = checked(&program(using));
    let mut exact = Exact::new(&checked, 2, 1);
    let mut numbers = [1.5, -2.0, 0.25, 0.0, 0.5, -1.0];
    let mut states = [[0.0; 3]; 6];
    let mut moved = 0.0_f64;
    for step in 1..=STEPS {
        let mut g = gradients(&numbers, step);
        if let Some(clip) = clip {
            let norm = g.iter().map(|g| g * g).sum::<f64>().sqrt();
            g.iter_mut().for_each(|g| *g *= (clip / norm).min(1.0));
        }
        let (x, t) = batch(step);
        let inputs = |name: &str| Some(if name == "x" { x.to_vec() } else { t.to_vec() });
        exact.step(0, (step, STEPS), &inputs);
        for i in 0..6 {
            let new = formula(&mut states[i], numbers[i], g[i], step as i32);
            moved = moved.max((new - numbers[i]).abs());
            numbers[i] = new;
            let found = exact.kept[if i < 3 { "Line.w" } else { "Line.b" }][i % 3];
            // At most 40 roundings of 2^-53 a step, of numbers below 4, none of which later steps make larger than 4
            // times: the loss is convex, and every rate here is below the one at which it would not contract.
            let bound = step as f64 * 40.0 * 4.0 * 4.0 * f64::EPSILON;
            assert!((found - new).abs() <= bound, "{using}, step {step}, number {i}: {found}, not {new}");
        }
    }
    assert!(moved > 1e-3, "{using}: nothing moves");
}

#[test]
fn sgd() {
    compare("sgd(lr=0.05)", None, |_, w, g, _| w - 0.05 * g);
    compare("sgd(lr=0.05, decay=0.1)", None, |_, w, g, _| w - 0.05 * (g + 0.1 * w));
    let momentum: Formula = |s, w, g, step| {
        s[0] = if step == 1 { g } else { 0.9 * s[0] + g };
        w - 0.02 * s[0]
    };
    compare("sgd(lr=0.02, momentum=0.9)", None, momentum);
    compare("sgd(0.02, 0.9)", None, momentum);
    compare("sgd(lr=0.02, momentum=0.9, nesterov=true, decay=0.01)", None, |s, w, g, step| {
        let g = g + 0.01 * w;
        s[0] = if step == 1 { g } else { 0.9 * s[0] + g };
        w - 0.02 * (g + 0.9 * s[0])
    });
    compare("sgd(lr=0.05, momentum=0.9, dampening=0.5)", None, |s, w, g, step| {
        s[0] = if step == 1 { g } else { 0.9 * s[0] + 0.5 * g };
        w - 0.05 * s[0]
    });
}

#[test]
fn adam() {
    fn adam(s: &mut [f64; 3], w: f64, g: f64, step: i32, lr: f64, beta1: f64, eps: f64) -> f64 {
        s[0] = beta1 * s[0] + (1.0 - beta1) * g;
        s[1] = 0.999 * s[1] + (1.0 - 0.999) * g * g;
        let (m, v) = (s[0] / (1.0 - beta1.powi(step)), s[1] / (1.0 - 0.999_f64.powi(step)));
        w - lr * m / (v.sqrt() + eps)
    }
    compare("adam(lr=0.05)", None, |s, w, g, step| adam(s, w, g, step, 0.05, 0.9, 1e-8));
    compare("adam", None, |s, w, g, step| adam(s, w, g, step, 1e-3, 0.9, 1e-8));
    compare("adam(lr=0.05, beta1=0.5, eps=1e-3)", None, |s, w, g, step| adam(s, w, g, step, 0.05, 0.5, 1e-3));
    compare("adam(lr=0.05, decay=0.1)", None, |s, w, g, step| adam(s, w, g + 0.1 * w, step, 0.05, 0.9, 1e-8));
    compare("adamw(lr=0.05, decay=0.1)", None, |s, w, g, step| {
        adam(s, w * (1.0 - 0.05 * 0.1), g, step, 0.05, 0.9, 1e-8)
    });
    compare("adamw", None, |s, w, g, step| adam(s, w * (1.0 - 1e-3 * 0.01), g, step, 1e-3, 0.9, 1e-8));
}

#[test]
fn rmsprop_and_adagrad() {
    compare("rmsprop(lr=0.02)", None, |s, w, g, _| {
        s[0] = 0.99 * s[0] + (1.0 - 0.99) * g * g;
        w - 0.02 * g / (s[0].sqrt() + 1e-8)
    });
    compare("rmsprop(lr=0.005, alpha=0.9, momentum=0.8, decay=0.1, eps=1e-4)", None, |s, w, g, _| {
        let g = g + 0.1 * w;
        s[0] = 0.9 * s[0] + (1.0 - 0.9) * g * g;
        s[1] = 0.8 * s[1] + g / (s[0].sqrt() + 1e-4);
        w - 0.005 * s[1]
    });
    compare("rmsprop(lr=0.01, centred=true, eps=1e-2)", None, |s, w, g, _| {
        s[0] = 0.99 * s[0] + (1.0 - 0.99) * g * g;
        s[1] = 0.99 * s[1] + (1.0 - 0.99) * g;
        w - 0.01 * g / ((s[0] - s[1] * s[1]).sqrt() + 1e-2)
    });
    compare("adagrad(lr=0.5, decay=0.01)", None, |s, w, g, _| {
        let g = g + 0.01 * w;
        s[0] += g * g;
        w - 0.5 * g / (s[0].sqrt() + 1e-10)
    });
    compare("adagrad(lr=0.5, lr_decay=0.1)", None, |s, w, g, step| {
        s[0] += g * g;
        w - 0.5 / (1.0 + f64::from(step - 1) * 0.1) * g / (s[0].sqrt() + 1e-10)
    });
}

#[test]
fn every_optimiser_can_clip() {
    compare("sgd(lr=0.05, clip=1)", Some(1.0), |_, w, g, _| w - 0.05 * g);
    compare("sgd(lr=0.05, clip=1000)", None, |_, w, g, _| w - 0.05 * g);
    compare("adagrad(lr=0.5, clip=0.5)", Some(0.5), |s, w, g, _| {
        s[0] += g * g;
        w - 0.5 * g / (s[0].sqrt() + 1e-10)
    });
    compare("rmsprop(lr=0.02, clip=0.1)", Some(0.1), |s, w, g, _| {
        s[0] = 0.99 * s[0] + (1.0 - 0.99) * g * g;
        w - 0.02 * g / (s[0].sqrt() + 1e-8)
    });
    compare("adamw(lr=0.05, clip=0.25)", Some(0.25), |s, w, g, step| {
        s[0] = 0.9 * s[0] + (1.0 - 0.9) * g;
        s[1] = 0.999 * s[1] + (1.0 - 0.999) * g * g;
        let (m, v) = (s[0] / (1.0 - 0.9_f64.powi(step)), s[1] / (1.0 - 0.999_f64.powi(step)));
        w * (1.0 - 0.05 * 0.01) - 0.05 * m / (v.sqrt() + 1e-8)
    });
}

/// The rates that a schedule gives: with a gradient of 1 the parameter falls by just these.
fn rates(lr: &str) -> Vec<f64> {
    let text = format!(
        "net Line(x: [1]) -> y: [1] {{
  param w: [1] = 0
  y = w * x
}}
data points -> (x: [1]) {{ train = random(examples=8) }}
train Line on points {{
  minimise sum(Line(x)) using sgd(lr={lr})
  steps = {STEPS}
}}"
    );
    let mut exact = Exact::new(&checked(&text), 1, 1);
    let mut rate = |step| {
        let before = exact.kept["Line.w"][0];
        exact.step(0, (step, STEPS), &|_| Some(vec![1.0]));
        before - exact.kept["Line.w"][0]
    };
    (1..=STEPS).map(&mut rate).collect()
}

/// Text against a formula of (steps done before, from 0).
fn schedule(lr: &str, formula: impl Fn(f64) -> f64) {
    for (done, found) in rates(lr).into_iter().enumerate() {
        let expected = formula(done as f64);
        // The parameter, below 100, is rounded to 2^-47 in each step, the rate itself some ten times.
        assert!((found - expected).abs() <= 1e-13, "{lr}, after {done} steps: {found}, not {expected}");
    }
}

#[test]
fn schedules() {
    use std::f64::consts::PI;
    let n = STEPS as f64;
    let warm = |done: f64, warmup: f64| (done + 1.0) / warmup;
    schedule("0.1", |_| 0.1);
    schedule("constant(0.1)", |_| 0.1);
    schedule("constant(0.1, warmup=10)", |k| if k < 10.0 { 0.1 * warm(k, 10.0) } else { 0.1 });
    schedule("step_decay(0.1, period=30)", |k| 0.1 * 0.1_f64.powf((k / 30.0).floor()));
    schedule("step_decay(0.1, period=7, factor=0.5)", |k| 0.1 * 0.5_f64.powf((k / 7.0).floor()));
    schedule("exponential(0.1, 0.95)", |k| 0.1 * 0.95_f64.powf(k));
    schedule("linear_decay(0.1)", |k| 0.1 * (1.0 - k / n));
    schedule("linear_decay(0.1, warmup=20, low=0.01)", |k| {
        if k < 20.0 { 0.1 * warm(k, 20.0) } else { 0.01 + 0.09 * (1.0 - (k - 20.0) / (n - 20.0)) }
    });
    schedule("cosine(0.1)", |k| 0.1 * (1.0 + (PI * k / n).cos()) / 2.0);
    schedule("cosine(0.1, warmup=20, low=0.02)", |k| {
        if k < 20.0 { 0.1 * warm(k, 20.0) } else { 0.02 + 0.08 * (1.0 + (PI * (k - 20.0) / (n - 20.0)).cos()) / 2.0 }
    });
    let mix = |from: f64, to: f64, share: f64| to + (from - to) / 2.0 * ((PI * share).cos() + 1.0);
    let (start, end, peak) = (0.1 / 25.0, 0.1 / 25.0 / 1e4, 0.3 * n - 1.0);
    schedule("one_cycle(0.1)", |k| {
        if k <= peak { mix(start, 0.1, k / peak) } else { mix(0.1, end, (k - peak) / (n - 1.0 - peak)) }
    });
    schedule("0.1 * 0.5 ^ (step // 25)", |k| 0.1 * 0.5_f64.powf(((k + 1.0) / 25.0).floor()));
    schedule("0.1 * (step % 10) / 10", |k| 0.1 * ((k + 1.0) % 10.0) / 10.0);
    schedule(
        "if step <= 50 and step % 2 == 1 then 0.1 else 0.01",
        |k| {
            if k < 50.0 && k % 2.0 == 0.0 { 0.1 } else { 0.01 }
        },
    );
}

/// A warm-up that lasts to the end, one step in all: no rate is infinite or none.
#[test]
fn schedules_at_their_edges() {
    for lr in ["cosine(0.1, warmup=100)", "linear_decay(0.1, warmup=200)", "constant(0.1, warmup=1)"] {
        assert!(rates(lr).iter().all(|rate| rate.is_finite() && *rate >= 0.0), "{lr}");
    }
    let text = program("sgd(lr=one_cycle(0.1))");
    let mut exact = Exact::new(&checked(&text), 2, 1);
    let (x, t) = batch(1);
    exact.step(0, (1, 1), &|name| Some(if name == "x" { x.to_vec() } else { t.to_vec() }));
    assert!(exact.kept["Line.w"].iter().all(|w| w.is_finite()), "{:?}", exact.kept["Line.w"]);
}

/// State that an optimiser's step does not read is not kept.
#[test]
fn plain_descent_keeps_nothing() {
    let states = |using: &str| -> Vec<String> {
        let checked = checked(&program(using));
        let paths = checked.params.iter().map(|(_, param)| param.path.to_string());
        paths.filter(|path| path.starts_with("optimiser/")).collect()
    };
    assert_eq!(states("sgd(lr=0.1)"), [""; 0]);
    assert_eq!(states("sgd(lr=0.1, momentum=0.9)"), ["optimiser/0/v/Line.w", "optimiser/0/v/Line.b"]);
    assert_eq!(states("rmsprop(lr=0.1)"), ["optimiser/0/v/Line.w", "optimiser/0/v/Line.b"]);
    assert_eq!(states("rmsprop(lr=0.1, momentum=0.5)").len(), 4);
    assert_eq!(states("adam").len(), 4);
}
