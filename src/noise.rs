//! Random numbers that are a function of where they stand: (seed, key, step, number of the example, element). So a run
//! draws the same ones in any order, on any number of threads, in any batch size, and the oracle draws them too.
//!
//! The generator is Philox 4x32 with 10 rounds (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2,
//! 3", 2011). Its counter is (element / 4, number of the example), 64 bits each; its key is 64 bits mixed from seed, the
//! noise's name and the step. Each of its four words makes one number.

/// What the numbers of one tensor in one step depend on.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    key: [u32; 2],
    normal: bool,
}

impl Noise {
    /// The numbers named `key` of a step: normal (0, 1), or uniform on [0, 1).
    pub fn new(seed: u64, key: &str, step: u64, normal: bool) -> Noise {
        // The name by FNV-1a, then each part mixed in by the finaliser of SplitMix64.
        let name = key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let mixed = mix(mix(mix(seed) ^ name) ^ step);
        Noise { key: [mixed as u32, (mixed >> 32) as u32], normal }
    }

    /// Fills the elements of some examples, `per_example` each, the first with this number.
    pub fn fill(&self, out: &mut [f32], first_example: u64, per_example: usize) {
        for (i, example) in out.chunks_mut(per_example.max(1)).enumerate() {
            for (block, four) in example.chunks_mut(4).enumerate() {
                let numbers = self.block(first_example.wrapping_add(i as u64), block as u64);
                four.copy_from_slice(&numbers[..four.len()]);
            }
        }
    }

    /// One element of one example.
    pub fn at(&self, example: u64, element: u64) -> f32 {
        self.block(example, element / 4)[(element % 4) as usize]
    }

    fn block(&self, example: u64, block: u64) -> [f32; 4] {
        let counter = [block as u32, (block >> 32) as u32, example as u32, (example >> 32) as u32];
        let words = philox(counter, self.key);
        if !self.normal {
            return words.map(|word| unit(word) as f32);
        }
        let [a, b] = normals(words[0], words[1]);
        let [c, d] = normals(words[2], words[3]);
        [a, b, c, d]
    }
}

/// Fills numbers: see [`Noise`].
pub fn fill(out: &mut [f32], seed: u64, key: &str, step: u64, first_example: u64, per_example: usize, normal: bool) {
    Noise::new(seed, key, step, normal).fill(out, first_example, per_example);
}

/// A multiple of 2^-24 in [0, 1).
fn unit(word: u32) -> f64 {
    f64::from(word >> 8) / f64::from(1 << 24)
}

/// Two independent normal numbers (Box and Muller, 1958), computed in f64 with functions that are the same everywhere.
fn normals(a: u32, b: u32) -> [f32; 2] {
    // In (0, 1], so that the logarithm is finite.
    let radius = libm::sqrt(-2.0 * libm::log(1.0 - unit(a)));
    let angle = 2.0 * std::f64::consts::PI * unit(b);
    [(radius * libm::cos(angle)) as f32, (radius * libm::sin(angle)) as f32]
}

fn mix(mut z: u64) -> u64 {
    z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn philox(mut counter: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for _ in 0..10 {
        let a = u64::from(counter[0]) * 0xd251_1f53;
        let b = u64::from(counter[2]) * 0xcd9e_8d57;
        counter = [(b >> 32) as u32 ^ counter[1] ^ key[0], b as u32, (a >> 32) as u32 ^ counter[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(0x9e37_79b9), key[1].wrapping_add(0xbb67_ae85)];
    }
    counter
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The generator's authors' own known answers.
    #[test]
    fn known_answers() {
        assert_eq!(philox([0; 4], [0; 2]), [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]);
        assert_eq!(philox([u32::MAX; 4], [u32::MAX; 2]), [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd]);
    }

    #[test]
    fn the_same_in_any_batch() {
        let mut all = vec![0.0; 6 * 5];
        fill(&mut all, 7, "dropout_1", 3, 10, 5, true);
        for example in 0..6 {
            let mut one = vec![0.0; 5];
            fill(&mut one, 7, "dropout_1", 3, 10 + example as u64, 5, true);
            assert_eq!(one, all[example * 5..][..5]);
            assert_eq!(one[4], Noise::new(7, "dropout_1", 3, true).at(10 + example as u64, 4));
        }
    }

    #[test]
    fn moments() {
        let mut x = vec![0.0; 100_000];
        for (normal, mean, variance) in [(false, 0.5, 1.0 / 12.0), (true, 0.0, 1.0)] {
            fill(&mut x, 1, "a", 1, 0, 100, normal);
            let n = x.len() as f64;
            let m = x.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
            let v = x.iter().map(|&v| (f64::from(v) - m).powi(2)).sum::<f64>() / n;
            // Five standard deviations of the mean and, generously, of the variance.
            assert!((m - mean).abs() < 5.0 * (variance / n).sqrt(), "mean {m}");
            assert!((v - variance).abs() < 5.0 * (2.0 / n).sqrt(), "variance {v}");
        }
    }
}
