//! One case for each class of equation.

use super::check_text;

fn cases(list: &[&str]) {
    for text in list {
        check_text(text, 4.0);
    }
}

#[test]
fn maps_moves_and_fills() {
    cases(&[
        "input x: [3, 7]\ntensor y: [3, 7]\ny[a, b] = x[a, b] * 2 + 1\noutput y = y\n",
        "input x: [3, 8]\ntensor y: [8, 3]\ny[a, b] = x[b, a]\noutput y = y\n",
        "input x: [3, 16]\ntensor y: [48]\nfor a < 3, b < 16: y[16*a + b] = x[a, b]\noutput y = y\n",
        "input x: [4, 6]\ntensor y: [8, 12]\nfor a < 4, b < 6: y[2*a, 2*b + 1] = x[a, b]\noutput y = y\n",
        "tensor y: [5, 5]\ny[a, b] = index(3*a + b)\noutput y = y\n",
        "tensor y: [5, 5]\nnothing y\noutput y = y\n",
        "input x: [20]\ntensor y: [20]\ny[a] = x[19 - a]\noutput y = y\n",
        "input x: []\ntensor y: [9]\ny[a] = x\noutput y = y\n",
        "input x: [3, 4, 5]\ntensor y: [3, 4, 5]\ny[a, b, c] = if (x[a, b, c] < 0) then 0 else x[a, b, c]\noutput y = y\n",
        "input l: [6] of index(5)\ntensor y: [6, 5]\ny[n, c] = if c == l[n] then 1\noutput y = y\n",
        "input l: [6] of index(5)\ntensor y: [6]\ny[n] = l[n]\noutput y = y\n",
    ]);
}

#[test]
fn padding_and_pieces() {
    cases(&[
        "input x: [3, 30]\ntensor y: [3, 32]\ny[a, b] = if b >= 1 and 30 >= b then x[a, b - 1]\noutput y = y\n",
        "input x: [3, 30]\ntensor y: [3, 32]\ny[a, b] = if b >= 1 and 30 >= b then x[a, b - 1] else 7\noutput y = y\n",
        "input x: [9, 30]\ntensor y: [11, 30]\ny[a, b] = if a >= 1 and 9 >= a then x[a - 1, b] else 7\noutput y = y\n",
        "input x: [9, 30]\ntensor y: [11, 30]\ny[a, b] = if a >= 1 and 9 >= a then x[a - 1, b]\noutput y = y\n",
        "input x: [4, 8]\ninput z: [4, 5]\ntensor y: [4, 13]\nfor a < 4, b < 8: y[a, b] = x[a, b]\nfor a < 4, b < 5: y[a, b + 8] = z[a, b]\noutput y = y\n",
        "input x: [4, 8]\ntensor y: [4, 16]\nfor a < 4, b < 8: y[a, 2*b] = if b >= a then x[a, b]\nfor a < 4, b < 8: y[a, 2*b + 1] = 3\noutput y = y\n",
    ]);
}

#[test]
fn reductions() {
    cases(&[
        "input x: [3, 40]\ntensor y: [3]\ny[a] = sum(b < 40: x[a, b])\noutput y = y\n",
        "input x: [3, 43]\ntensor y: []\ny = sum(a < 3, b < 43: x[a, b] * x[a, b])\noutput y = y\n",
        "input x: [30, 8]\ntensor y: [8]\ny[b] = sum(a < 30: x[a, b])\noutput y = y\n",
        "input x: [3, 43]\ntensor y: [3]\ny[a] = max(b < 43: x[a, b])\noutput y = y\n",
        "input x: [3, 5]\ntensor y: [3]\ny[a] = prod(b < 5: x[a, b] + 2)\noutput y = y\n",
        "input x: [3, 50]\ntensor y: [3]\ny[a] = argmax(b < 50: x[a, b])\noutput y = y\n",
        "input x: [3, 50]\ntensor y: [50]\ny[a] = argmax(b < 3: x[b, a])\noutput y = y\n",
        "input x: [6, 6]\ntensor y: [6]\ny[a] = max(b < 6: if b >= a + 2 then x[a, b])\noutput y = y\n",
        "input x: [6, 6]\ntensor y: [6]\ny[a] = prod(b < 6: if b >= a + 2 then x[a, b])\noutput y = y\n",
        "input x: [6, 6]\ntensor y: [6]\ny[a] = sum(b < 6: if b >= a + 2 then exp(x[a, b]))\noutput y = y\n",
        "input x: [6, 3, 6]\ntensor y: [3]\ny[c] = sum(a < 6, b < 6: if a >= b then x[a, c, b])\noutput y = y\n",
    ]);
}

#[test]
fn windows() {
    cases(&[
        "input x: [2, 3, 8, 8]\ntensor y: [2, 3, 4, 4]\ny[n, c, i, j] = max(u < 2, v < 2: x[n, c, 2*i + u, 2*j + v])\noutput y = y\n",
        "input x: [2, 3, 8, 8]\ntensor y: [2, 3, 4, 4]\ny[n, c, i, j] = argmax(u < 3, v < 3: if 2*i + u >= 1 and 8 >= 2*i + u and 2*j + v >= 1 and 8 >= 2*j + v then x[n, c, 2*i + u - 1, 2*j + v - 1])\noutput y = y\n",
        "input x: [2, 3, 20, 20]\ntensor y: [2, 3, 20, 20]\ny[n, c, i, j] = max(u < 3, v < 3: if i + u >= 1 and 20 >= i + u and j + v >= 1 and 20 >= j + v then x[n, c, i + u - 1, j + v - 1])\noutput y = y\n",
        "input x: [2, 3, 20, 20]\ntensor y: [2, 3, 20, 20]\ny[n, c, i, j] = sum(u < 3, v < 3: if i + u >= 1 and 20 >= i + u and j + v >= 1 and 20 >= j + v then x[n, c, i + u - 1, j + v - 1])\noutput y = y\n",
    ]);
}

#[test]
fn contractions() {
    cases(&[
        "input x: [6, 20]\nparam w: [9, 20]\ntensor y: [6, 9]\ny[n, o] = sum(k < 20: w[o, k] * x[n, k])\noutput y = y\n",
        "input x: [6, 20]\nparam w: [20, 9]\ntensor y: [6, 9]\ny[n, o] = sum(k < 20: w[k, o] * x[n, k])\noutput y = y\n",
        "input x: [2, 3, 9, 9]\nparam w: [5, 3, 3, 3]\ntensor y: [2, 5, 7, 7]\ny[n, o, i, j] = sum(c < 3, u < 3, v < 3: x[n, c, i + u, j + v] * w[o, c, u, v])\noutput y = y\n",
        "input x: [2, 3, 9, 9]\nparam w: [5, 3, 3, 3]\ntensor y: [2, 5, 9, 9]\ny[n, o, i, j] = sum(c < 3, u < 3, v < 3: if i + u >= 1 and 9 >= i + u and j + v >= 1 and 9 >= j + v then x[n, c, i + u - 1, j + v - 1] * w[o, c, u, v])\noutput y = y\n",
        "input x: [2, 3, 9, 9]\nparam w: [5, 3, 3, 3]\ntensor y: [2, 5, 9, 9]\ny[n, o, i, j] = sum(c < 3, u < 3, v < 3: (if i + u >= 1 and 9 >= i + u and j + v >= 1 and 9 >= j + v then x[n, c, i + u - 1, j + v - 1] else 0) * w[o, c, u, v])\noutput y = y\n",
        "input x: [2, 3, 9, 9]\ninput dy: [2, 5, 9, 9]\ntensor dw: [5, 3, 3, 3]\ndw[o, c, u, v] = sum(n < 2, i < 9, j < 9: if i + u >= 1 and 9 >= i + u and j + v >= 1 and 9 >= j + v then x[n, c, i + u - 1, j + v - 1] * dy[n, o, i, j])\noutput y = dw\n",
    ]);
}

/// A factor that is no operand, and sums that pass through memory: the reduced axis n goes around the tiles.
#[test]
fn contractions_in_blocks() {
    for (n, i) in [(1, 20), (8, 512), (5, 511)] {
        check_text(
            &format!(
                "input x: [{n}, 8, {i}]\ninput dy: [{n}, 8, {i}]\ntensor y: [8, 8]\n\
                 y[o, c] = sum(n < {n}, i < {i}: 0.5 * x[n, c, i] * dy[n, o, i])\noutput y = y\n"
            ),
            64.0,
        );
    }
}

/// Small images under a padding, many channels: guards are tested around the tiles, the batch lies in vectors.
#[test]
fn contractions_with_tested_guards() {
    for (h, w) in [(2, 2), (3, 2)] {
        let conv = |to: &str, from: &str| {
            format!(
                "{to}[n, o, i, j] = sum(c < 16, u < 3, v < 3: if i + u >= 1 and {h} >= i + u and j + v >= 1 and \
                 {w} >= j + v then {from}[n, c, i + u - 1, j + v - 1] * w[o, c, u, v])\n"
            )
        };
        let shape = format!("[8, 16, {h}, {w}]");
        check_text(
            &format!(
                "input x: {shape}\nparam w: [16, 16, 3, 3]\ntensor y: {shape}\ntensor z: {shape}\n{}{}output z = z\n",
                conv("y", "x"),
                conv("z", "y")
            ),
            64.0,
        );
    }
}

/// Equations that read an earlier one elsewhere than at their own point, or at a part of its points.
#[test]
fn neighbours_are_read_when_they_are_there() {
    let head = "input x: [6, 8]\ntensor y: [6, 8]\ny[a, b] = x[a, b] * 2\n";
    for (shape, body) in [
        ("[6, 8]", "z[a, b] = y[a, b] + y[a, 7 - b]"),
        ("[6, 8]", "z[a, b] = y[5 - a, b] * y[a, b]"),
        ("[6, 8]", "z[a, b] = if b >= 1 then y[a, b] - y[a, b - 1]"),
        ("[6, 6]", "z[a, b] = y[a, b] * y[b, a]"),
        ("[6, 5]", "z[a, b] = y[a, b] + 1"),
        ("[4, 8]", "z[a, b] = y[a, b] + 1"),
        ("[6]", "z[a] = sum(b < 5: y[a, b])"),
        ("[6]", "z[a] = y[a, a] + y[a, 0]"),
        ("[6]", "z[a] = sum(b < 8: y[a, b] * y[5 - a, b])"),
        ("[6, 8, 3]", "z[a, b, c] = y[a, b] + index(c)"),
        ("[8, 6]", "z[b, a] = y[a, b] + 1"),
    ] {
        check_text(&format!("{head}tensor z: {shape}\n{body}\noutput z = z\n"), 4.0);
        check_text(&format!("{head}tensor z: {shape}\n{body}\noutput z = z\noutput y = y\n"), 4.0);
    }
}

/// Two reductions over the same elements, one of them under a guard.
#[test]
fn siblings_with_guards() {
    for (a, b) in [("sum", "max"), ("max", "sum"), ("sum", "sum")] {
        check_text(
            &format!(
                "input x: [6, 9]\ntensor y: [6]\ntensor z: [6]\ny[a] = {a}(b < 9: x[a, b])\n\
                 z[a] = {b}(b < 9: if b >= a + 1 then x[a, b])\noutput y = y\noutput z = z\n"
            ),
            4.0,
        );
    }
}

/// What follows a contraction in its tile.
#[test]
fn maps_behind_contractions() {
    let product = "input x: [6, 20]\nparam w: [9, 20]\ntensor y: [6, 9]\ntensor z: [6, 9]\n\
                   y[n, o] = sum(k < 20: w[o, k] * x[n, k])\n";
    for map in ["if o >= n then y[n, o] + 1", "if 7 >= o then y[n, o] * y[n, o]", "y[n, o] + index(o + n)"] {
        check_text(&format!("{product}z[n, o] = {map}\noutput z = z\n"), 4.0);
        check_text(&format!("{product}z[n, o] = {map}\noutput z = z\noutput y = y\n"), 4.0);
    }
}

/// Axes so long that they are not swept: their position is loaded, inside the tensor or not.
#[test]
fn positions_from_data() {
    for (rows, condition) in
        [(30, "c == l[n]"), (20, "c == l[n]"), (20, "c + 3 == l[n]"), (20, "c + l[n] == 25"), (40, "c == l[n] + 2")]
    {
        for more in ["", "c >= n + 4 and "] {
            check_text(
                &format!(
                    "input l: [9] of index(30)\ninput p: [9, {rows}]\ntensor y: [9]\n\
                     y[n] = sum(c < {rows}: if {more}{condition} then p[n, c])\noutput y = y\n"
                ),
                4.0,
            );
            check_text(
                &format!(
                    "input l: [9] of index(30)\nparam p: [{rows}, 18]\ntensor y: [9, 18]\n\
                     y[n, k] = sum(c < {rows}: if {more}{condition} then p[c, k])\noutput y = y\n"
                ),
                4.0,
            );
        }
    }
}

#[test]
fn lookups_and_scatters() {
    cases(&[
        "input t: [2, 5] of index(11)\nparam e: [11, 20]\ntensor y: [2, 5, 20]\ny[n, t, k] = sum(w < 11: if w == t[n, t] then e[w, k])\noutput y = y\n",
        "input l: [7] of index(10)\ninput p: [7, 10]\ntensor y: [7]\ny[n] = sum(c < 10: if c == l[n] then p[n, c])\noutput y = y\n",
        "input l: [7] of index(10)\ninput p: [7, 4]\ntensor y: [7]\ny[n] = sum(c < 4: if c + 3 == l[n] then p[n, c])\noutput y = y\n",
        "input l: [7] of index(10)\ninput p: [7, 4]\ntensor y: [7]\ny[n] = sum(c < 4: if c == l[n] then p[n, c])\noutput y = y\n",
        "input l: [7] of index(4)\ninput p: [7, 3]\ntensor y: [7]\ny[n] = sum(c < 3: if c + l[n] == 3 then p[n, c])\noutput y = y\n",
        "input t: [2, 5] of index(11)\ninput dy: [2, 5, 20]\ntensor de: [11, 20]\nde[w, k] = sum(n < 2, t < 5: if w == t[n, t] then dy[n, t, k])\noutput y = de\n",
        "input x: [2, 3, 8, 8]\ninput dy: [2, 3, 4, 4]\ntensor a: [2, 3, 4, 4]\ntensor dx: [2, 3, 8, 8]\na[n, c, i, j] = argmax(u < 2, v < 2: x[n, c, 2*i + u, 2*j + v])\nfor n < 2, c < 3, i < 4, j < 4, u < 2, v < 2: dx[n, c, 2*i + u, 2*j + v] = if 2*u + v == a[n, c, i, j] then dy[n, c, i, j]\noutput y = dx\n",
    ]);
}

/// Rows that nobody names, points that name no row, and rows that are no vectors.
#[test]
fn scatters_with_dead_points() {
    for (rows, length) in [(11, 20), (8, 20), (8, 18), (8, 3), (13, 4)] {
        for more in ["", "t >= n + 1 and "] {
            check_text(
                &format!(
                    "input t: [2, 5] of index(11)\ninput dy: [2, 5, {length}]\ntensor de: [{rows}, {length}]\n\
                     de[w, k] = sum(n < 2, t < 5: if {more}w == t[n, t] then dy[n, t, k])\noutput y = de\n"
                ),
                4.0,
            );
        }
    }
}

#[test]
fn updates() {
    cases(&[
        "input g: [40]\nparam w: [40]\nstate v: [40]\nhost lr: [] = 0.1\ntensor n: [40]\ntensor m: [40]\nn[i] = 0.9 * v[i] + g[i]\nm[i] = w[i] - lr * n[i]\noutput g = g\nupdate v = n\nupdate w = m\n",
        "input x: [4, 8]\nparam w: [8, 3]\ntensor y: [4, 3]\ntensor g: [8, 3]\ntensor m: [8, 3]\ny[n, o] = sum(k < 8: x[n, k] * w[k, o])\ng[k, o] = sum(n < 4: x[n, k] * y[n, o])\nm[k, o] = w[k, o] - g[k, o]\noutput y = y\nupdate w = m\n",
        "input g: [4]\nparam a: [4]\nparam b: [4]\noutput g = g\nupdate a = b\nupdate b = a\n",
        "input g: [4]\nparam a: [4]\nparam b: [4]\nparam c: [4]\noutput g = g\nupdate a = b\nupdate b = c\nupdate c = a\n",
        "input g: [40]\nparam w: [40]\ntensor m: [40]\nm[i] = w[39 - i] + g[i]\noutput g = g\nupdate w = m\n",
        "input g: [40]\nparam w: [40]\ntensor m: [40]\nm[i] = w[i] + g[i]\noutput m = m\noutput w = w\nupdate w = m\n",
        "input g: [40]\nparam w: [40]\ntensor m: [40]\ntensor s: []\nm[i] = w[i] + g[i]\ns = sum(i < 40: w[i] * m[39 - i])\noutput s = s\nupdate w = m\n",
        "input g: [40]\nparam w: [40]\ntensor m: [40]\ntensor s: [40]\nm[i] = w[i] + g[i]\ns[i] = w[i] * m[i]\noutput s = s\nupdate w = m\n",
        "input g: [8]\nparam w: [8]\ntensor m: [8]\nm[i] = sum(j < 8: w[i] * g[j])\noutput g = g\nupdate w = m\n",
        "input g: [8]\nparam w: [8]\ntensor m: [8]\nm[i] = sum(j < 8: w[j] * g[i])\noutput g = g\nupdate w = m\n",
    ]);
}
