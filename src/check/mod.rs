//! From a tree to a checked net: names, sizes, kinds, remarks, training.

pub mod net;
