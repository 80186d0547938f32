//! The layers, as text: no Rust code knows one by name.
