//! Kernels: text cases whose meaning is compared bit for bit between the interpreter and compiled code. See
//! tests/main.rs.
//!
//! A case is a kernel and lines `; run: ([1, 2], [3]) == ([4, 5])`: the contents of the buffers that are read, in
//! order, and of those that are written, when it has run. Contents are numbers, `0..8` (0 to 7), `4 x 1.5`, or bits as
//! `0x7fc00000`; `[random]` are numbers of many kinds, the same at each run. Without `==` only the two are compared.
//! `bad/` holds kernels that break one rule each, and `; error:` lines with a part of what the check says.

use brolga::codegen::show;
use brolga::kernel::build::KernelBuilder;
use brolga::kernel::interp::{self, Data};
use brolga::kernel::{Buffer, BufferAccess, Elem, Fold, Kernel, check, parse::parse};
use brolga::runtime::jit;
use brolga::target::Target;
use std::path::PathBuf;

fn cases(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.retain(|p| p.extension().is_some_and(|e| e == "kernel"));
    paths.sort();
    assert!(!paths.is_empty());
    paths.into_iter().map(|p| (p.clone(), std::fs::read_to_string(p).unwrap())).collect()
}

fn lines<'t>(text: &'t str, head: &'t str) -> impl Iterator<Item = &'t str> {
    text.lines().filter_map(move |line| line.strip_prefix(head)).map(str::trim)
}

#[test]
fn cases_mean_the_same_everywhere() {
    for (path, text) in cases("kernel") {
        let kernel = parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        check::check(&kernel).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let mut runs = 0;
        for run in lines(&text, "; run:") {
            let (given, wanted) = run.split_once("==").map_or((run, None), |(g, w)| (g, Some(w)));
            compare(&kernel, given, wanted).unwrap_or_else(|e| panic!("{}: {run}: {e}", path.display()));
            runs += 1;
        }
        assert!(runs > 0, "{} runs nothing", path.display());
    }
}

#[test]
fn cases_read_back_as_printed() {
    for (path, text) in cases("kernel") {
        let printed = parse(&text).unwrap().to_string();
        assert_eq!(parse(&printed).unwrap().to_string(), printed, "{}", path.display());
        let bare: Vec<&str> = text.lines().filter(|l| !l.starts_with(';') && !l.is_empty()).collect();
        assert_eq!(printed.lines().collect::<Vec<_>>(), bare, "{} is not written as printed", path.display());
    }
}

#[test]
fn bad_kernels_are_refused() {
    for (path, text) in cases("kernel/bad") {
        let kernel = parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let error = check::check(&kernel).expect_err(&format!("{} passes", path.display()));
        let wanted = lines(&text, "; error:").next().unwrap();
        assert!(error.contains(wanted), "{}: {error}", path.display());
    }
}

fn compare(kernel: &Kernel, given: &str, wanted: Option<&str>) -> Result<(), String> {
    let mut given = contents(given).into_iter();
    let mut data = Vec::new();
    for buffer in &kernel.buffers {
        data.push(match buffer.access {
            BufferAccess::Write => Data::zeros(buffer.elem, buffer.len as usize),
            BufferAccess::Read | BufferAccess::ReadWrite => fill(buffer, &given.next().ok_or("too few contents")?)?,
        });
    }
    if given.next().is_some() {
        return Err("too many contents".to_string());
    }
    let before = data.clone();
    interp::run(kernel, &mut data);
    for target in Target::here() {
        let mut compiled = before.clone();
        jit::run_once(kernel, target, &mut compiled)?;
        for ((buffer, ours), theirs) in kernel.buffers.iter().zip(&data).zip(&compiled) {
            if ours.bits() != theirs.bits() {
                return Err(format!("{} is {ours:?} by the interpreter, {theirs:?} by {target:?}", buffer.name));
            }
        }
    }
    let written = kernel.buffers.iter().zip(&data).filter(|(b, _)| b.access != BufferAccess::Read);
    for ((buffer, ours), wanted) in written.zip(wanted.map(contents).unwrap_or_default()) {
        let wanted = fill(buffer, &wanted)?;
        if ours.bits() != wanted.bits() {
            return Err(format!("{} is {ours:?}", buffer.name));
        }
    }
    Ok(())
}

/// What stands between each `[` and `]`.
fn contents(text: &str) -> Vec<String> {
    text.split('[').skip(1).map(|rest| rest.split(']').next().unwrap_or("").to_string()).collect()
}

fn fill(buffer: &Buffer, text: &str) -> Result<Data, String> {
    let mut numbers: Vec<String> = Vec::new();
    for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
        if item == "random" {
            return Ok(random(buffer));
        } else if let Some((a, b)) = item.split_once("..") {
            let (a, b): (i64, i64) = (a.parse().map_err(|_| item)?, b.parse().map_err(|_| item)?);
            numbers.extend((a..b).map(|n| n.to_string()));
        } else if let Some((n, x)) = item.split_once(" x ") {
            numbers.extend(std::iter::repeat_n(x.to_string(), n.parse().map_err(|_| item)?));
        } else {
            numbers.push(item.to_string());
        }
    }
    if numbers.len() != buffer.len as usize {
        return Err(format!("{} contents for {} of {}", numbers.len(), buffer.name, buffer.len));
    }
    let float = |n: &String| match n.strip_prefix("0x") {
        Some(bits) => u32::from_str_radix(bits, 16).map(f32::from_bits).map_err(|_| n.clone()),
        None => n.parse().map_err(|_| n.clone()),
    };
    match buffer.elem {
        Elem::F32 => Ok(Data::F32(numbers.iter().map(float).collect::<Result<_, _>>()?)),
        Elem::I32 => Ok(Data::I32(numbers.iter().map(|n| n.parse().map_err(|_| n.clone())).collect::<Result<_, _>>()?)),
    }
}

/// Of each kind of number some: usual ones, whole ones, tiny, huge, zeros, infinities, NaN.
pub fn random(buffer: &Buffer) -> Data {
    let noise = brolga::noise::Noise::new(1, &buffer.name, 0, false);
    let number = |i: u32| {
        let (kind, x) = (noise.at(0, u64::from(i)), noise.at(1, u64::from(i)) * 2.0 - 1.0);
        match (kind * 16.0) as u32 {
            0 => (x * 20.0).round(),
            1 => x * 1e-19,
            2 => x * f32::MIN_POSITIVE * 4.0,
            3 => x * 1e20,
            4 => [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0, -1.0, f32::MAX]
                [(noise.at(2, u64::from(i)) * 8.0) as usize],
            _ => x * 4.0,
        }
    };
    match buffer.elem {
        Elem::F32 => Data::F32((0..buffer.len).map(number).collect()),
        Elem::I32 => Data::I32((0..buffer.len).map(|i| (noise.at(3, u64::from(i)) * 64.0) as i32 - 8).collect()),
    }
}

#[test]
fn built_kernels_print() {
    let mut b = KernelBuilder::new("dot");
    let x = b.buffer("x", Elem::F32, 8, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, 1, BufferAccess::Write);
    let zero = b.f32(0.0, 4);
    let sums = b.repeat("k", 2, &[zero], |b, k, sums| {
        let v = b.load(x, k * 4, 4);
        vec![b.fma(v, v, sums[0])]
    });
    let sum = b.fold(Fold::Sum, sums[0]);
    b.store(y, 0, sum);
    let kernel = b.finish();
    insta::assert_snapshot!(kernel.to_string(), @r"
    kernel dot(x: in f32[8], y: out f32[1]) {
      v0: f32x4 = 0.0
      v4 = loop k < 2 (v1 = v0) {
        v2: f32x4 = load x[4 k]
        v3: f32x4 = fma v2, v2, v1
        next v3
      }
      v5: f32 = fold_sum v4
      store y[0] = v5
    }
    ");
    assert!(show::clif(&kernel).unwrap().contains("fma"));
    assert!(cfg!(not(target_arch = "x86_64")) || show::asm(&kernel, Target::Clif).unwrap().contains("ret"));
}

/// The tile that `codegen::clif` recommends.
#[test]
#[cfg(target_arch = "x86_64")]
fn five_rows_of_eight_lanes_need_no_stack() {
    if !std::arch::is_x86_feature_detected!("fma") {
        return;
    }
    let mut b = KernelBuilder::new("tile");
    let x = b.buffer("x", Elem::F32, 10 * 200, BufferAccess::Read);
    let y = b.buffer("y", Elem::F32, 200 * 32, BufferAccess::Read);
    let z = b.buffer("z", Elem::F32, 10 * 32, BufferAccess::Write);
    let (i, j) = (b.part("i", 2), b.part("j", 4));
    let zero = b.f32(0.0, 8);
    let sums = b.repeat("k", 200, &[zero; 5], |b, k, sums| {
        let v = b.load(y, k * 32 + j * 8, 8);
        let step = |(row, &sum): (usize, &_)| {
            let s = b.load_splat(x, i * 1000 + k + row as i64 * 200, 8);
            b.fma(s, v, sum)
        };
        sums.iter().enumerate().map(step).collect()
    });
    for (row, sum) in sums.iter().enumerate() {
        b.store(z, i * 160 + j * 8 + row as i64 * 32, *sum);
    }
    let kernel = b.finish();
    assert_eq!(show::spills(&kernel).unwrap(), 0, "{}", show::asm(&kernel, Target::Clif).unwrap());
    compare(&kernel, "[random], [random]", None).unwrap();
}
