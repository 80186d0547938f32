//! The layers, as text: no Rust code knows one by name.
//!
//! Each block is documented by the comment above it; `brolga doc conv` prints both. A block may have the name of a
//! scalar function (`tanh`): inside the library such a name in call position is the function.

/// The library's files: the path under which messages show each, and its text.
pub const FILES: [(&str, &str); 11] = [
    ("library/activations.net", include_str!("activations.net")),
    ("library/layers.net", include_str!("layers.net")),
    ("library/images.net", include_str!("images.net")),
    ("library/signals.net", include_str!("signals.net")),
    ("library/norms.net", include_str!("norms.net")),
    ("library/attention.net", include_str!("attention.net")),
    ("library/recurrent.net", include_str!("recurrent.net")),
    ("library/losses.net", include_str!("losses.net")),
    ("library/metrics.net", include_str!("metrics.net")),
    ("library/optimisers.net", include_str!("optimisers.net")),
    ("library/schedules.net", include_str!("schedules.net")),
];
