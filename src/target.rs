//! What the machine can do: nothing else asks the CPU.

/// An instruction set that kernels are made for, the lowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Cranelift, 128-bit vectors: always there.
    Clif,
    /// 16 registers of 256 bits, multiply-add.
    Avx2,
    /// 32 registers of 512 bits, masks, embedded broadcasts (F, VL, DQ, BW).
    Avx512,
}

/// All targets with their names, the lowest first.
const NAMES: [(Target, &str); 3] = [(Target::Clif, "clif"), (Target::Avx2, "avx2"), (Target::Avx512, "avx512")];

impl Target {
    /// What this process uses: `BROLGA_TARGET` if it names a target that the machine has, else the best of those.
    pub fn detect() -> Target {
        let named = std::env::var("BROLGA_TARGET").ok().and_then(|name| Target::named(&name));
        named.filter(|t| t.is_there()).unwrap_or_else(Target::best)
    }

    /// The best that the machine has.
    pub fn best() -> Target {
        Target::here().last().expect("clif is always there")
    }

    /// All that the machine has, the lowest first.
    pub fn here() -> impl Iterator<Item = Target> {
        NAMES.into_iter().map(|(target, _)| target).filter(|target| target.is_there())
    }

    /// The target of a name.
    pub fn named(name: &str) -> Option<Target> {
        NAMES.iter().find(|n| n.1 == name).map(|n| n.0)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES[self as usize].1
    }

    /// Whether this machine can run it.
    pub fn is_there(self) -> bool {
        match self {
            Target::Clif => true,
            Target::Avx2 => avx2(),
            Target::Avx512 => avx2() && avx512(),
        }
    }

    /// f32 lanes of one register.
    pub fn lanes(self) -> u16 {
        match self {
            Target::Clif => 4,
            Target::Avx2 => 8,
            Target::Avx512 => 16,
        }
    }

    /// Lanes of the vectors that cover `n` points best: narrower ones where wide ones would stay half empty.
    pub fn cover(self, n: u32) -> u16 {
        let most = self.lanes();
        let half = most / 2;
        let vectors = |lanes: u16| n.div_ceil(u32::from(lanes));
        let saves = 10 * vectors(half) < 18 * vectors(most);
        if n <= 4 {
            4
        } else if most > 4 && saves {
            half.max(4)
        } else {
            most
        }
    }

    /// The points of a block that is laid out innermost.
    pub fn block(self) -> u32 {
        match self {
            Target::Clif => 8,
            Target::Avx2 | Target::Avx512 => 16,
        }
    }

    /// Vector registers.
    pub fn registers(self) -> u16 {
        match self {
            Target::Clif | Target::Avx2 => 16,
            Target::Avx512 => 32,
        }
    }
}

/// The calling convention of Windows keeps vector registers; wide kernels do not.
#[cfg(all(target_arch = "x86_64", not(windows)))]
fn avx2() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")
}

#[cfg(all(target_arch = "x86_64", not(windows)))]
fn avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
}

#[cfg(not(all(target_arch = "x86_64", not(windows))))]
fn avx2() -> bool {
    false
}

#[cfg(not(all(target_arch = "x86_64", not(windows))))]
fn avx512() -> bool {
    false
}
