//! Equation forms whose reads mix several axes.

use super::harness::Case;

/// `y[i, j] = sum(k: x[a i + b j + c k + .., d i + e j + f k + ..] * w[k])`
pub fn affine_read(n: usize, rows: [[i32; 3]; 2], extents: [u32; 3]) -> Case {
    let span = |row: [i32; 3]| {
        let far = |at: usize| row[at] * (extents[at] as i32 - 1);
        let low: i32 = (0..3).map(|at| far(at).min(0)).sum();
        let high: i32 = (0..3).map(|at| far(at).max(0)).sum();
        (low, high - low + 1)
    };
    let form = |row: [i32; 3]| {
        let term = |(factor, name): (i32, &str)| match factor {
            0 => String::new(),
            f if f < 0 => format!(" - {}*{name}", -f),
            f => format!(" + {f}*{name}"),
        };
        format!("{}{}{}{}", -span(row).0, term((row[0], "i")), term((row[1], "j")), term((row[2], "k")))
    };
    let ([i, j, k], (_, h), (_, w)) = (extents, span(rows[0]), span(rows[1]));
    Case::new(
        format!("generated read {n}: {rows:?} {extents:?}"),
        format!(
            "param x: [{h}, {w}]
             param w: [{k}]
             tensor y: [{i}, {j}]
             y[i, j] = sum(k < {k}: x[{}, {}] * w[k])",
            form(rows[0]),
            form(rows[1])
        ),
    )
}

pub fn attention() -> Vec<Case> {
    let text = |mask: &str, lengths: &str| {
        format!(
            "param q: [2, 3, 2]
             param k: [2, 3, 2]
             param v: [2, 3, 2]
             {lengths}
             tensor s: [2, 3, 3]
             tensor m: [2, 3]
             tensor e: [2, 3, 3]
             tensor z: [2, 3]
             tensor p: [2, 3, 3]
             tensor y: [2, 3, 2]
             s[b, i, j] = sum(e < 2: if {mask} >= 0 then q[b, i, e] * k[b, j, e])
             m[b, i] = max(j < 3: if {mask} >= 0 then s[b, i, j])
             e[b, i, j] = if {mask} >= 0 then exp(s[b, i, j] - m[b, i])
             z[b, i] = sum(j < 3: if {mask} >= 0 then e[b, i, j])
             p[b, i, j] = if {mask} >= 0 then e[b, i, j] / z[b, i]
             y[b, i, e] = sum(j < 3: if {mask} >= 0 then p[b, i, j] * v[b, j, e])"
        )
    };
    vec![
        Case::new("attention, causal", text("i - j", "")),
        Case::new("attention, ragged", text("len[b] - j", "input len: [2] of index(3)")),
        Case::new("attention, fully masked rows", text("i - j - 1", "")),
    ]
}
