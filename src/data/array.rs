//! Arrays of numbers as files hold them: the kinds of numbers, and reading many of one kind.

use super::bytes::Bytes;
use super::error::Result;
use super::fit::RawValues;

/// A kind of number in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NumberKind {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
    U64,
    I64,
    F32,
    F64,
}

impl NumberKind {
    /// By numpy's name without its byte order: `f4`, `u1`, `b1`.
    pub fn named(name: &str) -> Option<NumberKind> {
        use NumberKind::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
        let all = [U8, U8, I8, U16, I16, U32, I32, U64, I64, F32, F64];
        let names = ["u1", "b1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"];
        names.iter().zip(all).find(|(n, _)| **n == name).map(|(_, kind)| kind)
    }

    /// Bytes of one number.
    pub fn width(self) -> u64 {
        match self {
            NumberKind::U8 | NumberKind::I8 => 1,
            NumberKind::U16 | NumberKind::I16 => 2,
            NumberKind::U32 | NumberKind::I32 | NumberKind::F32 => 4,
            NumberKind::U64 | NumberKind::I64 | NumberKind::F64 => 8,
        }
    }
}

/// Reads `count` numbers; `None` is a product beyond all bounds. What does not fit f32 or i64 is rounded or clamped.
pub fn read_values(
    bytes: &mut Bytes,
    kind: NumberKind,
    big: bool,
    count: Option<usize>,
    what: &str,
) -> Result<RawValues> {
    let total = bytes.promise(count.and_then(|n| (n as u64).checked_mul(kind.width())), what)?;
    let raw = bytes.take(total, what)?;
    Ok(match kind {
        NumberKind::U8 => RawValues::Bytes(raw),
        NumberKind::I8 => RawValues::Whole(raw.iter().map(|b| i64::from(*b as i8)).collect()),
        NumberKind::U16 => whole(&raw, big, |b| i64::from(u16::from_le_bytes(b))),
        NumberKind::I16 => whole(&raw, big, |b| i64::from(i16::from_le_bytes(b))),
        NumberKind::U32 => whole(&raw, big, |b| i64::from(u32::from_le_bytes(b))),
        NumberKind::I32 => whole(&raw, big, |b| i64::from(i32::from_le_bytes(b))),
        NumberKind::U64 => whole(&raw, big, |b| i64::try_from(u64::from_le_bytes(b)).unwrap_or(i64::MAX)),
        NumberKind::I64 => whole(&raw, big, i64::from_le_bytes),
        NumberKind::F32 => RawValues::Real(each(&raw, big, f32::from_le_bytes)),
        NumberKind::F64 => RawValues::Real(each(&raw, big, |b| f64::from_le_bytes(b) as f32)),
    })
}

fn whole<const N: usize>(raw: &[u8], big: bool, decode: impl Fn([u8; N]) -> i64) -> RawValues {
    RawValues::Whole(each(raw, big, decode))
}

fn each<const N: usize, T>(raw: &[u8], big: bool, decode: impl Fn([u8; N]) -> T) -> Vec<T> {
    let one = |chunk: &[u8]| {
        let mut bytes: [u8; N] = chunk.try_into().expect("chunks have N bytes");
        if big {
            bytes.reverse();
        }
        decode(bytes)
    };
    raw.chunks_exact(N).map(one).collect()
}
