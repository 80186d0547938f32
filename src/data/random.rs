//! Numbers that only look random: everything drawn is a function of a seed and a name, on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use sha2::{Digest, Sha256};

/// The stream of a name: ChaCha8, its 256-bit key the SHA-256 of the seed's eight bytes (little-endian) and the name.
pub fn keyed(seed: u64, name: &str) -> ChaCha8Rng {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(name.as_bytes());
    ChaCha8Rng::from_seed(hash.finalize().into())
}

/// A whole number below `n` by the high half of a product; `n` is far below 2^64, so the bias is below n / 2^64.
pub fn below(rng: &mut ChaCha8Rng, n: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(n)) >> 64) as u64
}

/// Uniform on [0, 1): the upper 24 bits of a word, exact in f32.
pub fn unit_f32(rng: &mut ChaCha8Rng) -> f32 {
    (rng.next_u32() >> 8) as f32 / (1 << 24) as f32
}

/// Uniform on [0, 1): 53 bits, exact.
pub fn unit_f64(rng: &mut ChaCha8Rng) -> f64 {
    (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// The order in which epoch `epoch` (from 0) reads a split: Fisher and Yates, keyed by (seed, epoch).
pub fn shuffle(seed: u64, epoch: u64, count: usize) -> Vec<u32> {
    let mut order: Vec<u32> = (0..count as u32).collect();
    let mut rng = keyed(seed, &format!("shuffle/{epoch}"));
    for last in (1..count).rev() {
        order.swap(last, below(&mut rng, last as u64 + 1) as usize);
    }
    order
}
