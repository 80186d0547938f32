//! Kernels as code in this process: compiles them, places the bytes, calls them. The one place that calls a kernel.
//!
//! Pages are never writable and executable at once: all code is written first, then made executable.
#![allow(unsafe_code)]

use super::arena::Span;
use crate::codegen::abi::{Call, Entry};
use crate::codegen::{clif, wide};
use crate::ids::Symbol;
use crate::kernel::interp::{Data, each_turn};
use crate::kernel::{BufferAccess, Elem, Kernel, check};
use crate::target::Target;
use cranelift_codegen::Context;
use cranelift_codegen::isa::TargetIsa;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, ModuleReloc, default_libcall_names};
use std::marker::PhantomData;
use std::sync::Arc;

/// The machine code of some kernels.
pub struct Code {
    module: Option<JITModule>,
    functions: Vec<Function>,
}

/// A kernel's code, and what `kernel::check` has proved of it: that it stays inside buffers of these lengths.
struct Function {
    entry: Entry,
    name: Symbol,
    lens: Vec<usize>,
    trips: Box<[u64]>,
    parts: u64,
}

/// A kernel as one of the back ends made it.
enum Compiled {
    Clif(Box<Context>),
    Wide(wide::Code),
}

/// How to compile one kernel.
type Compile<'a> = &'a (dyn Fn(&Kernel, &dyn TargetIsa) -> Result<Compiled, String> + Sync);

// SAFETY: after `compile` nothing of the module changes; the functions are read-only code.
unsafe impl Send for Code {}
// SAFETY: as above.
unsafe impl Sync for Code {}

impl Code {
    /// Checks and compiles kernels, on as many threads as there are CPUs: for the target where it takes them, else
    /// through Cranelift.
    ///
    /// # Errors
    /// What `kernel::check` finds, or what Cranelift or the system could not do.
    pub fn compile(kernels: &[&Kernel], target: Target) -> Result<Arc<Code>, String> {
        Code::compile_with(kernels, &|kernel, isa| match wide::compile(kernel, target) {
            Ok(code) => Ok(Compiled::Wide(code)),
            Err(_) => clif::compile(kernel, isa).map(|context| Compiled::Clif(Box::new(context))),
        })
    }

    fn compile_with(kernels: &[&Kernel], compile: Compile) -> Result<Arc<Code>, String> {
        let isa = clif::isa()?;
        let compiled = compile_all(kernels, &*isa, compile)?;
        let signature = clif::signature(isa.default_call_conv());
        let mut module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
        let text = |e: cranelift_module::ModuleError| e.to_string();
        let mut ids = Vec::new();
        for (i, compiled) in compiled.iter().enumerate() {
            let name = format!("{}_{i}", kernels[i].name);
            let id = module.declare_function(&name, Linkage::Local, &signature).map_err(text)?;
            match compiled {
                Compiled::Wide(code) => module.define_function_bytes(id, 64, &code.bytes, &[]).map_err(text)?,
                Compiled::Clif(context) => {
                    let code = context.compiled_code().expect("compile has left it there");
                    let relocs = code.buffer.relocs().iter();
                    let relocs: Vec<_> = relocs.map(|r| ModuleReloc::from_mach_reloc(r, &context.func, id)).collect();
                    let align = u64::from(code.buffer.alignment).max(64);
                    module.define_function_bytes(id, align, code.code_buffer(), &relocs).map_err(text)?;
                }
            }
            ids.push(id);
        }
        module.finalize_definitions().map_err(text)?;
        let functions = kernels.iter().zip(ids).map(|(kernel, id)| Function {
            entry: entry(module.get_finalized_function(id)),
            name: kernel.name.clone(),
            lens: kernel.buffers.iter().map(|b| b.len as usize).collect(),
            trips: kernel.trips().into_iter().map(u64::from).collect(),
            parts: kernel.part_count(),
        });
        let functions = functions.collect();
        Ok(Arc::new(Code { module: Some(module), functions }))
    }

    /// A kernel with the buffers that it is to work on.
    ///
    /// # Panics
    /// If a buffer is shorter than the kernel declares.
    pub fn bind(self: &Arc<Code>, index: usize, spans: &[Span]) -> Bound {
        let function = &self.functions[index];
        assert_eq!(function.lens.len(), spans.len(), "kernel {} wants another number of buffers", function.name);
        for (i, (&len, span)) in function.lens.iter().zip(spans).enumerate() {
            assert!(len <= span.len(), "buffer {i} of {} has {} numbers of {len}", function.name, span.len());
        }
        Bound {
            entry: function.entry,
            bases: spans.iter().map(Span::start).collect(),
            trips: function.trips.clone(),
            parts: function.parts,
            _spans: spans.to_vec(),
            _code: self.clone(),
        }
    }
}

impl Drop for Code {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: every Bound keeps its Code alive, so no entry is called any more.
            unsafe { module.free_memory() }
        }
    }
}

fn entry(code: *const u8) -> Entry {
    // SAFETY: the bytes were compiled with the signature of `Entry` for this machine.
    unsafe { std::mem::transmute::<*const u8, Entry>(code) }
}

/// Each thread takes the next kernel that nobody has begun.
fn compile_all(kernels: &[&Kernel], isa: &dyn TargetIsa, compile: Compile) -> Result<Vec<Compiled>, String> {
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = cpus.min(kernels.len().div_ceil(2)).max(1);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let Some(kernel) = kernels.get(i) else { return done };
            done.push((i, check::check(kernel).and_then(|()| compile(kernel, isa))));
        }
    };
    let mut done: Vec<_> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for other in others {
            done.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|d| d.0);
    done.into_iter().map(|d| d.1).collect()
}

/// A kernel, compiled, with its buffers.
pub struct Bound {
    entry: Entry,
    bases: Box<[*mut u8]>,
    trips: Box<[u64]>,
    parts: u64,
    _spans: Vec<Span>,
    _code: Arc<Code>,
}

// SAFETY: the pointers lead into spans that are kept, whose users the arena's invariant keeps apart.
unsafe impl Send for Bound {}
// SAFETY: as above; parts that run at once write disjoint elements (kernel::check).
unsafe impl Sync for Bound {}

impl Bound {
    /// The number of parts.
    pub fn parts(&self) -> u64 {
        self.parts
    }

    /// How many loops it is called in.
    pub fn depth(&self) -> usize {
        self.trips.len()
    }

    /// Runs the parts `first .. end` of one turn on this thread.
    ///
    /// # Panics
    /// If the kernel is not called in such loops.
    pub fn run(&self, turns: &[u64], first: u64, end: u64) {
        flushed(|set| self.run_flushed(set, turns, first, end));
    }

    /// The same where the CPU is set already.
    pub fn run_flushed(&self, _: &Flushed, turns: &[u64], first: u64, end: u64) {
        let inside = turns.len() == self.trips.len() && turns.iter().zip(&self.trips).all(|(turn, trip)| turn < trip);
        assert!(inside, "a kernel is called in other loops than its own");
        let call = Call { bases: self.bases.as_ptr(), first, end: end.min(self.parts), turns: turns.as_ptr() };
        if call.first < call.end {
            // SAFETY: kernel::check (in `compile_all`) bounded every access by the declared lengths for all turns below
            // their trips, and `bind` has seen that the spans, which live as long as this, have them.
            unsafe { (self.entry)(&call) }
        }
    }
}

/// Compiles one kernel and runs all its parts, of all turns, on the given data: for tests and tools.
///
/// # Errors
/// What compiling says, or that the kernel or the data are wrong.
pub fn run_once(kernel: &Kernel, target: Target, data: &mut [Data]) -> Result<(), String> {
    run_all(kernel, &Code::compile(&[kernel], target)?, data, None)
}

/// The same of one turn.
///
/// # Errors
/// As `run_once`.
pub fn run_turn(kernel: &Kernel, target: Target, data: &mut [Data], turns: &[u64]) -> Result<(), String> {
    run_all(kernel, &Code::compile(&[kernel], target)?, data, Some(turns))
}

/// The same in a given style, below `clif::STYLE_COUNT`.
///
/// # Errors
/// As `run_once`.
pub fn run_in_style(kernel: &Kernel, style: usize, data: &mut [Data]) -> Result<(), String> {
    let compile = |kernel: &Kernel, isa: &dyn TargetIsa| {
        clif::compile_in_style(kernel, isa, style).map(|context| Compiled::Clif(Box::new(context)))
    };
    run_all(kernel, &Code::compile_with(&[kernel], &compile)?, data, None)
}

fn run_all(kernel: &Kernel, code: &Arc<Code>, data: &mut [Data], turns: Option<&[u64]>) -> Result<(), String> {
    let mut spans: Vec<Span> = kernel.buffers.iter().map(|b| Span::alone(b.len as usize)).collect();
    for ((span, data), buffer) in spans.iter_mut().zip(data.iter()).zip(&kernel.buffers) {
        match (data, buffer.elem) {
            (Data::F32(from), Elem::F32) if from.len() == buffer.len as usize => span.f32_mut().copy_from_slice(from),
            (Data::I32(from), Elem::I32) if from.len() == buffer.len as usize => span.i32_mut().copy_from_slice(from),
            (Data::F32(_) | Data::I32(_), _) => return Err(format!("buffer {} wants other data", buffer.name)),
        }
    }
    let bound = code.bind(0, &spans);
    match turns {
        Some(turns) => bound.run(turns, 0, bound.parts()),
        None => each_turn(&kernel.trips(), &mut |turns| bound.run(turns, 0, bound.parts())),
    }
    for ((span, data), buffer) in spans.iter().zip(data).zip(&kernel.buffers) {
        match data {
            _ if buffer.access == BufferAccess::Read => {}
            Data::F32(to) => to.copy_from_slice(span.f32()),
            Data::I32(to) => to.copy_from_slice(span.i32()),
        }
    }
    Ok(())
}

/// A witness that the CPU of this thread is set as `codegen::abi` says: it does not leave its thread.
pub struct Flushed(PhantomData<*const ()>);

/// Runs `work` with the CPU set as `codegen::abi` says: results too small for a normal number become zeros.
#[cfg(target_arch = "x86_64")]
pub fn flushed<R>(work: impl FnOnce(&Flushed) -> R) -> R {
    const FLUSH_TO_ZERO: u32 = 1 << 15;
    struct Restore(u32);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_control(self.0);
        }
    }
    let restore = Restore(control());
    set_control(restore.0 | FLUSH_TO_ZERO);
    work(&Flushed(PhantomData))
}

/// Other machines keep such small results as they are.
#[cfg(not(target_arch = "x86_64"))]
pub fn flushed<R>(work: impl FnOnce(&Flushed) -> R) -> R {
    work(&Flushed(PhantomData))
}

#[cfg(target_arch = "x86_64")]
fn control() -> u32 {
    let mut word = 0u32;
    // SAFETY: stores the register's 4 bytes into `word`.
    unsafe { std::arch::asm!("stmxcsr [{}]", in(reg) &mut word, options(nostack, preserves_flags)) }
    word
}

#[cfg(target_arch = "x86_64")]
fn set_control(word: u32) {
    // SAFETY: `word` was read from the register, with at most the flush bit added, which is defined on every x86-64.
    unsafe { std::arch::asm!("ldmxcsr [{}]", in(reg) &word, options(nostack, preserves_flags)) }
}
