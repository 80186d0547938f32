//! Equation forms, over generated sizes.

use super::harness::{Case, Random};
use super::products::products;
use super::reads::{affine_read, attention};

/// The shape of a convolution.
#[derive(Clone, Copy)]
pub struct Conv {
    pub groups: u32,
    pub size: [u32; 2],
    pub kernel: [u32; 2],
    pub stride: u32,
    pub pad: u32,
    pub dilation: u32,
}

impl Conv {
    pub fn out(&self) -> [u32; 2] {
        let out =
            |at: usize| (self.size[at] + 2 * self.pad - self.dilation * (self.kernel[at] - 1) - 1) / self.stride + 1;
        [out(0), out(1)]
    }

    fn place(&self, i: &str, u: &str) -> String {
        format!("{}*{i} + {}*{u} - {}", self.stride, self.dilation, self.pad)
    }

    fn inside(&self) -> String {
        let range = |form: String, extent: u32| format!("{form} >= 0 and {} >= {form}", extent - 1);
        format!(
            "if {} and {} then ",
            range(self.place("i", "u"), self.size[0]).replace("- 0", ""),
            range(self.place("j", "v"), self.size[1]).replace("- 0", "")
        )
    }

    /// Of 2 examples, 2 channels a group in and out, or 1 and 1 where there are more than 2 groups.
    pub fn text(&self) -> String {
        let part = if self.groups > 2 { 1 } else { 2 };
        let (channels, [oh, ow], [kh, kw]) = (self.groups * part, self.out(), self.kernel);
        let guard = if self.pad > 0 { self.inside() } else { String::new() };
        let (row, column) = (self.place("i", "u"), self.place("j", "v"));
        format!(
            "param x: [2, {channels}, {}, {}]
             param w: [{channels}, {part}, {kh}, {kw}]
             tensor y: [2, {channels}, {oh}, {ow}]
             for n < 2, q < {}, o < {part}, i < {oh}, j < {ow}: y[n, {part}*q + o, i, j] = sum(c < {part}, u < {kh}, \
             v < {kw}: {guard}x[n, {part}*q + c, {row}, {column}] * w[{part}*q + o, c, u, v])",
            self.size[0], self.size[1], self.groups
        )
    }

    /// The same, with groups told by guards.
    pub fn text_with_guarded_groups(&self) -> String {
        let part = if self.groups > 2 { 1 } else { 2 };
        let (old, new) = (format!("for n < 2, q < {}, o < {part}, ", self.groups), self.groups * part);
        let text = self.text().replace(&old, &format!("for n < 2, o < {new}, "));
        let text = text.replace(&format!("{part}*q + o"), "o").replace("sum(", &format!("sum(q < {}, ", self.groups));
        let group = format!("o - {part}*q >= 0 and {part}*q + {} >= o", part - 1);
        if text.contains(": if ") {
            return text.replace(": if ", &format!(": if {group} and "));
        }
        let (head, body) = text.rsplit_once(": ").unwrap();
        format!("{head}: if {group} then {body}")
    }

    /// The transposed convolution: what `text` sends from x to y, from y to x.
    pub fn transposed(&self) -> String {
        let ([oh, ow], [kh, kw], [h, w]) = (self.out(), self.kernel, self.size);
        format!(
            "param x: [2, 2, {oh}, {ow}]
             param w: [2, 3, {kh}, {kw}]
             tensor y: [2, 3, {h}, {w}]
             y[n, o, p, q] = sum(c < 2, i < {oh}, j < {ow}, u < {kh}, v < {kw}: if p == {} and q == {} then \
             x[n, c, i, j] * w[c, o, u, v])",
            self.place("i", "u"),
            self.place("j", "v")
        )
    }

    fn random(random: &mut Random) -> Conv {
        let kernel = [random.size(1, 4), random.size(1, 3)];
        let dilation = random.size(1, 3);
        let pad = random.size(0, 2);
        let fit = |k: u32, more: u32| (dilation * (k - 1) + 1).saturating_sub(2 * pad).max(1) + more;
        let size = [fit(kernel[0], random.size(0, 6)), fit(kernel[1], random.size(0, 4))];
        Conv { groups: random.size(1, 3), size, kernel, stride: random.size(1, 4), pad, dilation }
    }
}

/// Named shapes, then generated ones.
pub fn convolutions() -> Vec<(String, Conv)> {
    let plain = Conv { groups: 1, size: [6, 5], kernel: [3, 3], stride: 1, pad: 1, dilation: 1 };
    let mut cases = vec![
        ("3x3 p1".to_string(), plain),
        ("s2 p1".to_string(), Conv { size: [7, 6], stride: 2, ..plain }),
        ("s3".to_string(), Conv { size: [9, 8], stride: 3, pad: 0, ..plain }),
        ("2x2 s3, gaps".to_string(), Conv { size: [8, 8], kernel: [2, 2], stride: 3, pad: 0, ..plain }),
        ("dilation 2".to_string(), Conv { size: [7, 7], dilation: 2, pad: 2, ..plain }),
        ("s2 dilation 3".to_string(), Conv { size: [9, 8], stride: 2, dilation: 3, pad: 1, ..plain }),
        ("s4 dilation 2".to_string(), Conv { size: [11, 10], stride: 4, dilation: 2, ..plain }),
        ("groups 2".to_string(), Conv { groups: 2, ..plain }),
        ("depthwise s2".to_string(), Conv { groups: 3, stride: 2, ..plain }),
        ("1x1 s2".to_string(), Conv { kernel: [1, 1], stride: 2, pad: 0, ..plain }),
        ("4x4 s2 p1".to_string(), Conv { size: [8, 6], kernel: [4, 4], stride: 2, ..plain }),
        ("kernel beyond the image".to_string(), Conv { size: [2, 3], kernel: [5, 4], pad: 2, ..plain }),
    ];
    let mut random = Random(11);
    cases.extend((0..24).map(|n| (format!("generated {n}"), Conv::random(&mut random))));
    cases
}

/// Windows: `text` makes the body from the guards and the access.
fn windows(reduce: &str) -> Vec<Case> {
    let mut random = Random(5);
    let mut shapes = vec![(4, 2, 2, 0), (7, 3, 2, 1), (5, 3, 1, 0), (9, 2, 3, 0), (3, 2, 3, 2)];
    shapes.extend((0..8).map(|_| {
        let k = random.size(1, 4);
        (k + random.size(0, 6), k, random.size(1, 4), random.size(0, 2))
    }));
    let case = |(size, k, s, p): (u32, u32, u32, u32)| {
        let out = (size + 2 * p - k) / s + 1;
        let place = |i: &str, u: &str| format!("{s}*{i} + {u} - {p}");
        let last = size - 1;
        let (row, column) = (place("i", "u"), place("j", "v"));
        Case::new(
            format!("{reduce} of {size}, window {k} stride {s} pad {p}"),
            format!(
                "param x: [2, {size}, {size}]
                 tensor y: [2, {out}, {out}]
                 y[c, i, j] = {reduce}(u < {k}, v < {k}: if {row} >= 0 and {last} >= {row} and {column} >= 0 and \
                 {last} >= {column} then x[c, {row}, {column}])"
            ),
        )
    };
    shapes.into_iter().map(case).collect()
}

/// Every form that is not a convolution.
pub fn forms() -> Vec<Case> {
    let mut cases = maps();
    cases.extend(rows());
    cases.extend(moves());
    cases.extend(attention());
    cases.extend(products());
    cases.extend(windows("max"));
    cases.extend(windows("sum"));
    cases
}

/// Elementwise.
fn maps() -> Vec<Case> {
    let map = |name: &str, body: &str| {
        Case::new(
            name,
            format!(
                "param x: [3, 4]\nparam z: [3, 4]\nnoise u: [3, 4] ~ uniform u\ntensor y: [3, 4]\ny[i, j] = {body}"
            ),
        )
    };
    vec![
        map("relu", "max(x[i, j], 0)"),
        map("relu as a choice", "if (0 < x[i, j]) then x[i, j] else 0"),
        map("leaky relu", "if (0 < x[i, j]) then x[i, j] else 0.01 * x[i, j]"),
        map("max of two", "max(x[i, j] * z[i, j], x[i, j] - z[i, j])"),
        map("quotient", "x[i, j] / (z[i, j] * z[i, j] + 1)"),
        map("quotient inside", "1 - 2 * (x[i, j] / (z[i, j] * z[i, j] + 1))"),
        map("the same load twice", "x[i, j] * x[i, j] * x[i, j] + x[i, j] * z[i, j]"),
        map("two loads of one tensor", "x[i, j] * x[2 - i, 3 - j]"),
        map("under and beside a choice", "x[i, j] * z[i, j] + (if i >= 1 then x[i, j] * x[i, j] else 0)"),
        map(
            "choices in choices",
            "if i >= 1 then (if j >= 2 then x[i, j] * z[i, j] else (if (z[i, j] < 0) then \
             x[i - 1, j] else x[i, j] * x[i, j])) else z[i, j] * x[i, j]",
        ),
        map(
            "a choice under a choice of values",
            "if (z[i, j] < 0.1) then (if i >= 1 then x[i - 1, j] * z[i, j] else \
             2) else (if i == 1 then x[i, j] * x[i, j] else z[i, j])",
        ),
        map("choice inside a product", "z[i, j] * (if j >= 1 then x[i, j - 1] else z[i, 0]) / 3"),
        map(
            "huber",
            "if (abs(x[i, j] - z[i, j]) < 0.5) then 0.5 * (x[i, j] - z[i, j]) * (x[i, j] - z[i, j]) else \
             0.5 * (abs(x[i, j] - z[i, j]) - 0.25)",
        ),
        map("absolute difference", "abs(x[i, j] - z[i, j])"),
        map(
            "under both sides and beside a choice",
            "x[i, j] * z[i, j] + (if (z[i, j] < 0.1) then x[i, j] * x[i, j] else 3 * x[i, j])",
        ),
        map("a function under a condition", "if i >= 1 then erf(x[i - 1, j] * z[i, j]) else x[i, j] * z[2, j]"),
        map("dropout with given noise", "if (u[i, j] < 0.3) then 0 else x[i, j] / 0.7"),
        map("index as a number", "x[i, j] * index(2*i - j)"),
        map("log in a branch", "if (0.4 < x[i, j]) then log(x[i, j]) else x[i, j] * z[i, j]"),
        Case::new(
            "gelu in 3 maps",
            "param x: [3, 4]
             tensor e: [3, 4]
             tensor y: [3, 4]
             e[i, j] = erf(x[i, j] * 0.7071067811865476)
             y[i, j] = 0.5 * x[i, j] * (1 + e[i, j])",
        ),
        Case::new(
            "silu",
            "param x: [3, 4]
             tensor s: [3, 4]
             tensor y: [3, 4]
             s[i, j] = sigmoid(x[i, j])
             y[i, j] = x[i, j] * s[i, j]",
        ),
        Case::new(
            "bce of a sigmoid",
            "param x: [5]
             input t: [5] of index(2)
             tensor a: [5]
             tensor b: [5]
             tensor y: [5]
             a[i] = log_sigmoid(x[i])
             b[i] = log_sigmoid(-x[i])
             y[i] = if t[i] == 1 then -a[i] else -b[i]",
        ),
    ]
}

/// Reductions and what is made of them.
fn rows() -> Vec<Case> {
    vec![
        Case::new(
            "dense",
            "param x: [3, 4]
             param w: [5, 4]
             param b: [5]
             tensor z: [3, 5]
             tensor y: [3, 5]
             z[n, o] = sum(k < 4: x[n, k] * w[o, k])
             y[n, o] = z[n, o] + b[o]",
        ),
        Case::new(
            "gram matrix",
            "param x: [3, 4]
             tensor y: [3, 3]
             y[i, j] = sum(k < 4: x[i, k] * x[j, k])",
        ),
        Case::new(
            "siamese, shared w",
            "param x: [2, 3]
             param z: [2, 3]
             param w: [4, 3]
             tensor a: [2, 4]
             tensor b: [2, 4]
             tensor y: [2]
             a[n, o] = sum(k < 3: x[n, k] * w[o, k])
             b[n, o] = sum(k < 3: z[n, k] * w[o, k])
             y[n] = sum(o < 4: (a[n, o] - b[n, o]) * (a[n, o] - b[n, o]))",
        ),
        Case::new(
            "norm, guarded",
            "param x: [3, 4]
             tensor s: [3]
             tensor y: [3]
             s[n] = sum(k < 4: x[n, k] * x[n, k])
             y[n] = if (0 < s[n]) then sqrt(s[n]) else 0",
        ),
        Case::new(
            "batch_norm, training",
            "param x: [3, 2, 2, 3]
             param g: [2]
             param b: [2]
             tensor mu: [2]
             tensor var: [2]
             tensor sd: [2]
             tensor y: [3, 2, 2, 3]
             mu[c] = sum(n < 3, i < 2, j < 3: x[n, c, i, j] / 18)
             var[c] = sum(n < 3, i < 2, j < 3: (x[n, c, i, j] - mu[c]) * (x[n, c, i, j] - mu[c]) / 18)
             sd[c] = sqrt(var[c] + 0.00001)
             y[n, c, i, j] = (x[n, c, i, j] - mu[c]) / sd[c] * g[c] + b[c]",
        ),
        Case::new(
            "layer_norm",
            "param x: [3, 5]
             param g: [5]
             param b: [5]
             tensor mu: [3]
             tensor var: [3]
             tensor sd: [3]
             tensor y: [3, 5]
             mu[n] = sum(i < 5: x[n, i] / 5)
             var[n] = sum(i < 5: (x[n, i] - mu[n]) * (x[n, i] - mu[n]) / 5)
             sd[n] = sqrt(var[n] + 0.00001)
             y[n, i] = (x[n, i] - mu[n]) / sd[n] * g[i] + b[i]",
        ),
        Case::new("softmax", softmax("stop(m[n])")),
        Case::new("softmax, gradient through the shift", softmax("m[n]")),
        Case::new(
            "softmax, cross-entropy",
            softmax("stop(m[n])").replace("tensor y", "tensor p").replace("y[n, k]", "p[n, k]")
                + "\ninput label: [3] of index(4)
                 tensor q: [3]
                 tensor l: [3]
                 tensor y: [3]
                 q[n] = sum(k < 4: if k == label[n] then p[n, k])
                 l[n] = log(q[n])
                 y[n] = -l[n]",
        ),
        Case::new(
            "logits, cross-entropy",
            "param x: [3, 4]
             input label: [3] of index(4)
             tensor m: [3]
             tensor e: [3, 4]
             tensor z: [3]
             tensor l: [3]
             tensor y: [3]
             m[n] = max(k < 4: x[n, k])
             e[n, k] = exp(x[n, k] - stop(m[n]))
             z[n] = sum(k < 4: e[n, k])
             l[n] = log(z[n])
             y[n] = sum(k < 4: if k == label[n] then l[n] + stop(m[n]) - x[n, k])",
        ),
        Case::new(
            "max of a choice",
            "param x: [3, 4]
             param z: [3]
             tensor y: [3]
             y[n] = max(k < 4: if k >= 2 then x[n, k] * z[n] else z[n] - x[n, k])",
        ),
        Case::new(
            "costly under a sum",
            "param x: [3, 4]
             param z: [3]
             tensor y: [3]
             y[n] = sum(k < 4: sin(x[n, k] * z[n]))",
        ),
        Case::new(
            "functions at the root of sums",
            "param x: [3, 4]
             param z: [3]
             tensor a: [3]
             tensor b: [3]
             tensor c: [3]
             tensor y: [3]
             a[n] = sum(k < 4: tanh(x[n, k] * z[n]))
             b[n] = sum(k < 4: max(x[n, k], z[n]))
             c[n] = max(k < 4: x[n, k] / (z[n] + 3))
             y[n] = a[n] * b[n] * c[n]",
        ),
        Case::new(
            "mean over ragged lengths",
            "param x: [3, 5]
             input len: [3] of index(5)
             tensor s: [3]
             tensor c: [3]
             tensor y: [3]
             s[n] = sum(t < 5: if len[n] - t >= 0 then x[n, t])
             c[n] = sum(t < 5: if len[n] - t >= 0 then 1)
             y[n] = s[n] / c[n]",
        ),
        Case::new(
            "one or the other by lengths",
            "param x: [3, 5]
             param z: [3, 5]
             input len: [3] of index(5)
             tensor y: [3, 5]
             y[n, t] = if len[n] - t >= 0 then x[n, t] else z[n, t] * z[n, t]",
        ),
        Case::new(
            "one or the other by lengths, from the other side",
            "param x: [3, 5]
             param z: [3, 5]
             input len: [3] of index(5)
             tensor y: [3, 5]
             y[n, t] = if t - len[n] >= 0 then x[n, t] else z[n, t] * z[n, t]",
        ),
        Case::new(
            "a band",
            "param x: [9]
             param w: [9, 9]
             tensor y: [9]
             y[i] = sum(j < 9: if i - j + 1 >= 0 and 1 >= i - j then x[j] * w[i, j])",
        ),
        Case::new(
            "the largest of a band",
            "param x: [9]
             param w: [9]
             tensor y: [9]
             y[i] = max(j < 9: if i - j + 1 >= 0 and 1 >= i - j then x[j] * w[i])",
        ),
        Case::new(
            "last of ragged lengths",
            "param x: [3, 5, 2]
             input len: [3] of index(5)
             tensor y: [3, 2]
             y[n, e] = sum(t < 5: if len[n] - t == 0 then x[n, t, e])",
        ),
        Case::new(
            "a constant axis",
            "param x: [3]
             tensor y: [3]
             y[n] = sum(t < 5: x[n] * x[n])",
        ),
    ]
}

fn softmax(shift: &str) -> String {
    format!(
        "param x: [3, 4]
         tensor m: [3]
         tensor e: [3, 4]
         tensor z: [3]
         tensor y: [3, 4]
         m[n] = max(k < 4: x[n, k])
         e[n, k] = exp(x[n, k] - {shift})
         z[n] = sum(k < 4: e[n, k])
         y[n, k] = e[n, k] / z[n]"
    )
}

/// Where elements go.
fn moves() -> Vec<Case> {
    let mut cases = vec![
        Case::new("x[i + j, i - j]", "param x: [7, 6]\ntensor y: [4, 3]\ny[i, j] = x[i + j, i - j + 2] * x[i + j, 1]"),
        Case::new("diagonals", "param x: [5, 5]\ntensor y: [5]\ny[i] = x[i, i] * x[4 - i, i]"),
        Case::new("onto a diagonal", "param x: [5]\ntensor y: [5, 5]\ny[i, j] = if i == j then x[j]"),
        Case::new("onto a lower diagonal", "param x: [5]\ntensor y: [5, 4]\ny[i, j] = if i == j + 1 then x[i] * x[j]"),
        Case::new("x[4i + 3j + 2k]", "param x: [40]\ntensor y: [5, 4, 3]\ny[i, j, k] = x[4*i + 3*j + 2*k]"),
        Case::new(
            "no pivot",
            "param x: [200]\ntensor y: [4, 4, 4, 3]\ny[i, j, k, l] = x[8*i + 12*j + 18*k + 27*l] * x[8*i]",
        ),
        Case::new(
            "no pivot, beside another coordinate",
            "param x: [5, 200]\ntensor y: [4, 4, 4, 3]\ny[i, j, k, l] = x[i, 8*i + 12*j + 18*k + 27*l + 3]",
        ),
        Case::new("x[6i + 10j + 15k]", "param x: [100]\ntensor y: [4, 4, 3]\ny[i, j, k] = x[6*i + 10*j + 15*k]"),
        Case::new(
            "x[i + j + k, 2i + j - k]",
            "param x: [9, 12]\ntensor y: [4, 3, 3]\ny[i, j, k] = x[i + j + k, 2*i + j - k + 2]",
        ),
        Case::new("relative positions", "param r: [9]\nparam x: [5]\ntensor y: [5, 5]\ny[i, j] = r[i - j + 4] * x[j]"),
        Case::new("backwards", "param x: [7]\nparam w: [3]\ntensor y: [5]\ny[i] = sum(u < 3: x[6 - i - u] * w[u])"),
        Case::new(
            "backwards by 2",
            "param x: [12]\nparam w: [3]\ntensor y: [5]\ny[i] = sum(u < 3: x[11 - 2*i - u] * w[u])",
        ),
        Case::new(
            "against the grain",
            "param x: [12]\nparam w: [4]\ntensor y: [4]\ny[i] = sum(u < 4: x[2*i - u + 4] * w[u])",
        ),
        Case::new(
            "flatten",
            "param x: [2, 3, 4]\ntensor y: [24]\nfor a < 2, b < 3, c < 4: y[12*a + 4*b + c] = x[a, b, c]",
        ),
        Case::new(
            "reshape",
            "param x: [6, 4]\ntensor y: [2, 12]\nfor a < 2, b < 3, c < 4: y[a, 4*b + c] = x[3*a + b, c]",
        ),
        Case::new(
            "concat",
            "param a: [2, 3]
             param b: [2, 2]
             tensor y: [2, 5]
             for n < 2, i < 3: y[n, i] = a[n, i] * a[n, 0]
             for n < 2, i < 2: y[n, i + 3] = b[n, i]",
        ),
        Case::new(
            "four quarters",
            "param x: [2, 12]
             tensor p: [2, 3]
             tensor q: [2, 3]
             tensor y: [2, 3]
             p[n, i] = x[n, i] * x[n, i + 3]
             q[n, i] = x[n, i + 6] * x[n, i + 9]
             y[n, i] = p[n, i] + q[n, i]",
        ),
        Case::new(
            "upsample",
            "param x: [3, 2]
             tensor y: [6, 4]
             for i < 3, r < 2, j < 2, s < 2: y[2*i + r, 2*j + s] = x[i, j]",
        ),
        Case::new(
            "x[(i + 1) // 2]",
            "param x: [4]
             tensor y: [7]
             for q < 4: y[2*q] = x[q]
             for q < 3: y[2*q + 1] = x[q + 1] * x[q]",
        ),
        Case::new("crop", "param x: [6, 6]\ntensor y: [3, 4]\ny[i, j] = x[i + 2, j + 1]"),
        Case::new(
            "padding with a value of its own",
            "param x: [4]\nparam v: []\ntensor y: [8]\ny[i] = if i - 2 >= 0 and 5 - i >= 0 then x[i - 2] else v",
        ),
        Case::new(
            "embedding, repeats",
            "param table: [5, 3]
             input text: [2, 6] of index(5)
             tensor y: [2, 6, 3]
             y[n, t, e] = sum(w < 5: if w == text[n, t] then table[w, e])",
        ),
        Case::new(
            "permutation by data",
            "param x: [4, 3]
             input to: [4] of index(4)
             tensor y: [4, 3]
             y[i, e] = sum(w < 4: if w == to[i] then x[w, e] * x[i, e])",
        ),
        Case::new(
            "residual",
            "param x: [2, 4]
             param w: [4, 4]
             tensor z: [2, 4]
             tensor y: [2, 4]
             z[n, o] = sum(k < 4: x[n, k] * w[o, k])
             y[n, o] = max(x[n, o] + z[n, o], 0)",
        ),
        Case::new(
            "three uses",
            "param x: [2, 4]
             tensor p: [2, 2]
             tensor q: [2]
             tensor y: [2, 4]
             p[n, i] = x[n, 2*i] * x[n, 2*i]
             q[n] = sum(k < 4: x[n, k])
             for n < 2, i < 2, r < 2: y[n, 2*i + r] = x[n, 2*i + r] * q[n] + p[n, i]",
        ),
        Case::new(
            "lags",
            "param x: [8]\ntensor y: [8]\ny[t] = x[t] + (if t >= 1 then 0.5 * x[t - 1] else 0) + (if t >= 3 then x[t - 3] \
             * x[t] else 0)",
        ),
        Case::new(
            "an equality that no axis solves",
            "param x: [6]\nparam w: [9]\ntensor y: [6]\ny[i] = sum(j < 9: if 3*i == 2*j then x[i] * w[j])",
        ),
        Case::new(
            "an equality that never holds",
            "param x: [6]\nparam w: [9]\ntensor y: [6]\ny[i] = sum(j < 9: if 2*i == 2*j + 1 then x[i] * w[j]) ",
        ),
        Case::new(
            "axes of one",
            "param x: [1, 3, 1]\ntensor y: [1, 1, 3]\ny[a, b, c] = sum(d < 1: x[a + b, c, d] * x[d, c, a])",
        ),
    ];
    let mut random = Random(3);
    for n in 0..24 {
        let factor = |random: &mut Random| random.size(0, 8) as i32 - 4;
        let (a, b, c) = (factor(&mut random), factor(&mut random), factor(&mut random));
        let (d, e) = (factor(&mut random), factor(&mut random));
        let extents = [random.size(1, 4), random.size(2, 4), random.size(2, 3)];
        cases.push(affine_read(n, [[a, b, c], [d, e, 1]], extents));
    }
    cases
}
