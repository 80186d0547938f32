//! What is printed reads back as the same.

use brolga::graph::text::{print, read};

const ALL: &str = "\
input x: [4, 6]
input label: [4] of index(10)
param \"a/b w\": [6, 10]
state m: [10]
const c: [3] = 1, -2.5, inf
const none: [0]
noise e: [4, 20] ~ normal \"Net.e 1\"
noise u: [4] ~ uniform u
host lr: [] = if (step < 10) then 0.1 * step / steps else -pow(steps - 1e-7, 2)
tensor y: [4, 10]
tensor y'10: [4, 10] of index(4)
tensor s: []
tensor t: [4, 6]
nothing t
y[n, o] = sum(k < 6: x[n, k] * \"a/b w\"[k, o])
for i < 2, phase v < 2: y[2*i + v, 0] = if i >= 1 then x[i - 1, 0] else index(3*i + 2 - v)
for a < 4: y[3 - a, a] = if a == 0 then if (x[a, 0] == 0) then exp(x[a, 1]) else -max(s, -1)
for a < 2: y[1, a] = (if (s <= 1) then 1e-30 else inf) * --s
y'10[n, o] = argmax(k < 3: if n + k >= 1 and 4 >= n + k and label[n] == o then x[n + k - 1, k])
s = sum(n < 4, o < 10: y[n, o] - (y[n, o] - 1) / -(y[n, o] * 2) + -(2))
output loss = s
output \"the loss\" = s
update m = s
";

#[test]
fn prints_what_it_reads() {
    assert_eq!(print(&read(ALL).unwrap()), ALL);
}

#[test]
fn an_error_names_its_line() {
    let text = "tensor y: [2]\n\ny[i] = y[i, j]\n";
    assert_eq!(read(text).unwrap_err(), "line 3: there is no axis `j`");
    assert_eq!(read("tensor y: [2]\ny[i] = z[i]").unwrap_err(), "line 2: there is no tensor `z`");
    assert_eq!(read("tensor y: [2]\ny[i] = 1 1").unwrap_err(), "line 2: something stands after the end");
}
