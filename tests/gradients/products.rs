//! Products: of plain and of costly factors, in branches, of products, with zeros.

use super::harness::Case;

pub fn products() -> Vec<Case> {
    vec![
        Case::new(
            "product",
            "param x: [3, 4]
             tensor y: [3]
             y[n] = prod(k < 4: x[n, k])",
        ),
        Case::new(
            "product of choices",
            "param x: [3, 4]
             param z: [3]
             tensor y: [3]
             y[n] = prod(k < 4: if k >= 1 then (if (x[n, k] < 0) then x[n, k - 1] else x[n, k] * z[n]) else z[n] + 2)",
        ),
        Case::new(
            "product of a costly function",
            "param x: [3, 4]
             param z: [3]
             tensor y: [3]
             y[n] = prod(k < 4: sin(x[n, k] * z[n]))",
        ),
        Case::new(
            "product of costly functions in branches, over a triangle",
            "param x: [3, 4]
             tensor y: [3]
             y[n] = prod(k < 4: if k >= n then (if (x[n, k] < 0) then exp(x[n, k]) else (if k >= 2 then \
             tanh(x[n, k - 1]) else x[n, k] * x[n, k])))",
        ),
        Case::new(
            "product of products",
            "param x: [2, 3, 2]
             tensor p: [2, 3]
             tensor y: [2]
             p[n, k] = prod(j < 2: sigmoid(x[n, k, j]))
             y[n] = prod(k < 3: p[n, k] * x[n, k, 0])",
        ),
        Case {
            second: false,
            values: vec![("x", vec![0.0, 0.5, -0.7, 0.9, 0.0, 0.3, 0.0, 0.4, 0.2, -0.3, 0.6, 0.8])],
            ..Case::new(
                "product of a costly function with zeros",
                "param x: [3, 4]\ntensor y: [3]\ny[n] = prod(k < 4: sin(x[n, k]))",
            )
        },
        Case {
            second: false,
            values: vec![("x", vec![0.0, 0.5, -0.7, 0.9, 0.0, 0.3, 0.0, 0.4, 0.2, -0.3, 0.6, 0.8])],
            ..Case::new(
                "product with zeros",
                "param x: [3, 4]\ntensor y: [3]\ny[n] = 1 + prod(k < 4: x[n, k])".replace("1 + ", ""),
            )
        },
    ]
}
