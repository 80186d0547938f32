//! Attention and positions.

use super::{assert_near, compute, random};

/// The numbers of an attention: [heads, d, width] and [heads, out, d] weights, row-major, and biases.
struct Weights {
    query: Vec<f64>,
    key: Vec<f64>,
    value: Vec<f64>,
    out: Vec<f64>,
    biases: [Vec<f64>; 4],
}

#[derive(Clone, Copy)]
struct Sizes {
    steps: usize,
    asked: usize,
    width: usize,
    other: usize,
    heads: usize,
}

impl Weights {
    fn random(s: Sizes, bias: bool) -> Weights {
        let vector = |seed, n| if bias { random(seed, n) } else { vec![0.0; n] };
        Weights {
            query: random(21, s.width * s.width),
            key: random(22, s.width * s.other),
            value: random(23, s.width * s.other),
            out: random(24, s.width * s.width),
            biases: [vector(25, s.width), vector(26, s.width), vector(27, s.width), vector(28, s.width)],
        }
    }

    /// Multi-head attention as it is defined, `seen(i, j)` saying whether step i asks step j.
    fn apply(&self, s: Sizes, x: &[f64], memory: &[f64], seen: &dyn Fn(usize, usize) -> bool) -> Vec<f64> {
        let d = s.width / s.heads;
        // Row r of a head's matrix [d, n] times a vector.
        let project = |w: &[f64], b: &[f64], h: usize, r: usize, v: &[f64]| {
            let row = h * d + r;
            w[row * v.len()..(row + 1) * v.len()].iter().zip(v).map(|(w, v)| w * v).sum::<f64>() + b[row]
        };
        let row = |m: &[f64], t: usize, n: usize| m[t * n..(t + 1) * n].to_vec();
        let [query_bias, key_bias, value_bias, out_bias] = &self.biases;
        let mut y: Vec<f64> = (0..s.steps).flat_map(|_| out_bias.clone()).collect();
        for h in 0..s.heads {
            for i in 0..s.steps {
                let q: Vec<f64> = (0..d).map(|r| project(&self.query, query_bias, h, r, &row(x, i, s.width))).collect();
                let score = |j: usize| {
                    let k = (0..d).map(|r| project(&self.key, key_bias, h, r, &row(memory, j, s.other)));
                    q.iter().zip(k).map(|(q, k)| q * k).sum::<f64>() / (d as f64).sqrt()
                };
                let weights: Vec<f64> = (0..s.asked).map(|j| if seen(i, j) { score(j).exp() } else { 0.0 }).collect();
                let total: f64 = weights.iter().sum();
                if total == 0.0 {
                    continue;
                }
                for e in 0..d {
                    let value = |j: usize| project(&self.value, value_bias, h, e, &row(memory, j, s.other));
                    let mixed: f64 = (0..s.asked).map(|j| weights[j] / total * value(j)).sum();
                    for o in 0..s.width {
                        y[i * s.width + o] += self.out[(h * s.width + o) * d + e] * mixed;
                    }
                }
            }
        }
        y
    }

    fn given<'a>(&'a self, x: &'a [f64], bias: bool) -> Vec<(&'a str, &'a [f64])> {
        let mut given: Vec<(&str, &[f64])> =
            vec![("x", x), ("query", &self.query), ("key", &self.key), ("value", &self.value), ("out", &self.out)];
        if bias {
            given.extend(
                ["query_bias", "key_bias", "value_bias", "out_bias"]
                    .into_iter()
                    .zip(&self.biases)
                    .map(|(name, b)| (name, &b[..])),
            );
        }
        given
    }
}

#[test]
fn attention_is_its_definition() {
    let s = Sizes { steps: 5, asked: 5, width: 6, other: 6, heads: 3 };
    let x = random(20, 30);
    let hide = [0.0, 1.0, 0.0, 0.0, 1.0];
    for (bias, causal, masked) in
        [(false, false, false), (true, false, false), (false, true, false), (true, true, true), (false, false, true)]
    {
        let weights = Weights::random(s, bias);
        let want = weights.apply(s, &x, &x, &|i, j| (!causal || j <= i) && (!masked || hide[j] == 0.0));
        let mut given = weights.given(&x, bias);
        let (input, argument) = if masked { (", hide: [5] of index(2)", ", hide=hide") } else { ("", "") };
        if masked {
            given.push(("hide", &hide));
        }
        let line = format!("x -> attention(3, causal={causal}, bias={bias}{argument})");
        assert_near(&compute(&format!("x: [5, 6]{input}"), &line, &given), &want);
    }
}

#[test]
fn a_step_that_may_ask_nobody_gets_0() {
    let s = Sizes { steps: 3, asked: 3, width: 4, other: 4, heads: 2 };
    let (x, weights, hide) = (random(29, 12), Weights::random(s, false), [1.0, 0.0, 0.0]);
    let mut given = weights.given(&x, false);
    given.push(("hide", &hide));
    let got = compute("x: [3, 4], hide: [3] of index(2)", "x -> attention(2, causal=true, hide=hide)", &given);
    assert_eq!(got[..4], [0.0; 4]);
    assert_near(&got, &weights.apply(s, &x, &x, &|i, j| j <= i && j > 0));
}

#[test]
fn cross_attention_is_its_definition() {
    let s = Sizes { steps: 2, asked: 4, width: 4, other: 3, heads: 2 };
    let (x, memory, weights) = (random(30, 8), random(31, 12), Weights::random(s, false));
    let mut given = weights.given(&x, false);
    given.push(("memory", &memory));
    let got = compute("x: [2, 4], memory: [4, 3]", "x -> cross_attention(memory, 2)", &given);
    assert_near(&got, &weights.apply(s, &x, &memory, &|_, _| true));
}

#[test]
fn positions_are_waves() {
    let got = compute("x: [3, 6]", "x -> positional", &[("x", &[0.0; 18])]);
    let wave = |t: usize, e: usize| {
        let angle = t as f64 / 10000f64.powf((e / 2 * 2) as f64 / 6.0);
        if e.is_multiple_of(2) { angle.sin() } else { angle.cos() }
    };
    let want: Vec<f64> = (0..18).map(|at| wave(at / 6, at % 6)).collect();
    assert_near(&got, &want);
}

/// Equal questions and equal keys agree by their distance alone, and lengths stay.
#[test]
fn turned_vectors_agree_by_their_distance() {
    let (q, k) = (random(32, 6), random(33, 6));
    let turned = |v: &[f64]| {
        let all: Vec<f64> = (0..7).flat_map(|_| v.to_vec()).collect();
        compute("x: [7, 6]", "x -> rotary", &[("x", &all)])
    };
    let (a, b) = (turned(&q), turned(&k));
    let fit = |i: usize, j: usize| (0..6).map(|e| a[i * 6 + e] * b[j * 6 + e]).sum::<f64>();
    for i in 0..5 {
        assert_near(&[fit(i, i + 2), fit(i + 2, i)], &[fit(0, 2), fit(2, 0)]);
        assert_near(&[fit(i, i)], &[q.iter().zip(&k).map(|(q, k)| q * k).sum()]);
    }
    assert!((fit(0, 2) - fit(0, 1)).abs() > 1e-3);
}
