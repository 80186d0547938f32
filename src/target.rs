//! What the machine can do: nothing else asks the CPU.

/// An instruction set that kernels are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Target {
    /// Cranelift, 128-bit vectors: always there.
    Clif,
}

impl Target {
    /// What this process uses: `BROLGA_TARGET` if set, else the best that the CPU has.
    pub fn detect() -> Target {
        Target::Clif
    }

    /// f32 lanes of one register.
    pub fn lanes(self) -> u16 {
        match self {
            Target::Clif => 4,
        }
    }

    /// Vector registers.
    pub fn registers(self) -> u16 {
        match self {
            Target::Clif => 16,
        }
    }
}
