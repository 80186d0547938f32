//! From kernels to bytes.
