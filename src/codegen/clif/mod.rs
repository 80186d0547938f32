//! Kernels through Cranelift: vectors of L lanes are L/4 values of 128 bits, one lane is a scalar.
//!
//! Cranelift runs here without its optimiser: that would gather the loads of a block in front and spill them. So a
//! kernel's order is kept, statement by statement, and what an optimiser would do is done here: pointers are stepped
//! through loops, short innermost loops are unrolled, constants are made where they are used.
//!
//! **What a fast kernel looks like** (share of the limit of 128-bit multiply-adds, measured on one core of a Zen 4,
//! operands in the first cache): a loop that does nothing but `load`s and `sum = fma(splat or vector, .., sum)` on every
//! value that it carries (`tile` says why), with few enough registers: R rows times C vectors of sums, C loaded
//! vectors, and two for the row's element and its copy, at most 14 in all.
//!
//! | rows x lanes | 5x8 | 12x4 | 4x8 | 3x12 | 10x4 | 6x8 | 4x12 | 3x16 | 2x20 |
//! | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
//! | share | 97 % | 87 % | 87 % | 87 % | 86 % | 70 % | 70 % | 70 % | 58 % |
//!
//! So 5 rows by 8 lanes is the tile to take, 4x8 or 3x12 for what is left over; more than 10 sums spill. Fewer than 8
//! sums wait for the multiply-add's latency (4 cycles, two at once). Load the vectors first, then each row's element
//! just before its use. Unrolling the loop by hand gains nothing: it is done here.
//!
//! `nest` lowers statements, `memory` loads, stores and pointers, `ops` the rest.

mod estimate;
mod memory;
mod nest;
mod ops;
mod tile;

use super::abi;
use crate::kernel::{Kernel, Op, Stmt, Type, ValueId};
use cranelift_codegen::Context;
use cranelift_codegen::ir::{self, AbiParam, Function, InstBuilder, MemFlagsData, Signature, UserFuncName};
use cranelift_codegen::isa::{CallConv, OwnedTargetIsa, TargetIsa};
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use memory::Pointers;
use nest::Var;
use smallvec::SmallVec;
use std::collections::BTreeMap;
use tile::{STYLES, Style};

/// The 128-bit values, or the one scalar, of a kernel value.
type Lanes = SmallVec<[ir::Value; 4]>;

/// Cranelift for this machine's CPU.
///
/// # Errors
/// Says why where Cranelift does not know the machine.
pub fn isa() -> Result<OwnedTargetIsa, String> {
    let mut flags = settings::builder();
    let wanted = [
        ("opt_level", "none"),
        ("regalloc_algorithm", "backtracking"),
        ("enable_verifier", if cfg!(debug_assertions) { "true" } else { "false" }),
        ("enable_alias_analysis", "false"),
        ("enable_probestack", "false"),
        ("is_pic", "false"),
        ("use_colocated_libcalls", "false"),
        ("unwind_info", "false"),
    ];
    for (name, value) in wanted {
        flags.set(name, value).map_err(|e| format!("Cranelift's setting {name}: {e}"))?;
    }
    let native = cranelift_native::builder().map_err(str::to_string)?;
    native.finish(settings::Flags::new(flags)).map_err(|e| e.to_string())
}

/// The signature that `abi` describes.
pub fn signature(call_conv: CallConv) -> Signature {
    let mut signature = Signature::new(call_conv);
    signature.params.push(AbiParam::new(ir::types::I64));
    signature
}

/// How many styles there are to lower the steps of tiles in.
pub const STYLE_COUNT: usize = STYLES.len();

/// A kernel's machine code. The steps of tiles are lowered in several styles until one seems fast enough, and the best
/// is kept.
///
/// # Errors
/// Says what Cranelift could not do.
pub fn compile(kernel: &Kernel, isa: &dyn TargetIsa) -> Result<Context, String> {
    let mut best = compile_in_style(kernel, isa, 0)?;
    if !tile::has_tile(&kernel.body) || !cfg!(target_arch = "x86_64") {
        return Ok(best);
    }
    let mut least = estimate::slowness(code(&best));
    for style in 1..STYLE_COUNT {
        if least < estimate::GOOD {
            break;
        }
        let context = compile_in_style(kernel, isa, style)?;
        let slowness = estimate::slowness(code(&context));
        if slowness < least {
            (best, least) = (context, slowness);
        }
    }
    Ok(best)
}

/// A kernel's machine code in a given style, below `STYLE_COUNT`: all give the same bits.
///
/// # Errors
/// Says what Cranelift could not do.
pub fn compile_in_style(kernel: &Kernel, isa: &dyn TargetIsa, style: usize) -> Result<Context, String> {
    let mut context = Context::for_function(function(kernel, isa, STYLES[style]));
    context.compile(isa, &mut Default::default()).map_err(|e| format!("kernel {}: {:?}", kernel.name, e.inner))?;
    Ok(context)
}

/// The bytes of what was compiled.
pub fn code(context: &Context) -> &[u8] {
    context.compiled_code().expect("compile has left it there").code_buffer()
}

/// A checked kernel as a Cranelift function.
fn function(kernel: &Kernel, isa: &dyn TargetIsa, style: Style) -> Function {
    let mut function = Function::with_name_signature(UserFuncName::default(), signature(isa.default_call_conv()));
    let mut context = FunctionBuilderContext::new();
    let mut translator = Translator::new(kernel, FunctionBuilder::new(&mut function, &mut context), style);
    translator.entry();
    translator.b.seal_all_blocks();
    translator.b.finalize(isa.frontend_config());
    function
}

/// What is known while a kernel is lowered.
struct Translator<'k, 'f> {
    kernel: &'k Kernel,
    b: FunctionBuilder<'f>,
    /// By value; empty where not made yet, or a constant.
    values: Vec<Lanes>,
    /// By value: what is made again wherever it is used.
    constants: Vec<Option<Constant>>,
    /// By value: the one lane that was splat into it.
    splats: Vec<Option<ValueId>>,
    /// By value made by a multiply-add.
    dying: Vec<tile::Dying>,
    /// The constants of the current block.
    made: BTreeMap<(Constant, Type4), ir::Value>,
    vars: Vec<Var>,
    /// The variables that step, outermost first.
    stepping: Vec<crate::kernel::VarId>,
    pointers: Pointers,
    call: ir::Value,
    /// Whether the lanes of a multiply-add are made from the last to the first.
    backwards: bool,
    style: Style,
    /// By value: a load that is made again for each use, where it loads from, and whether one element into all lanes.
    again: Vec<Option<((ir::Value, i32), bool)>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Constant {
    F32(u32),
    I32(i32),
    /// Lanes 4 c, 4 c + 1, ...; for one lane 0.
    Iota(u16),
}

/// Scalar or vector.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Type4 {
    Scalar,
    Vector,
}

impl<'k, 'f> Translator<'k, 'f> {
    fn new(kernel: &'k Kernel, b: FunctionBuilder<'f>, style: Style) -> Translator<'k, 'f> {
        let count = kernel.values.len();
        let mut t = Translator {
            kernel,
            b,
            values: vec![Lanes::new(); count],
            constants: vec![None; count],
            splats: vec![None; count],
            dying: tile::dying(kernel),
            made: BTreeMap::new(),
            vars: vec![Var::Fixed(0); kernel.vars.len()],
            stepping: Vec::new(),
            pointers: Pointers::default(),
            call: ir::Value::from_u32(0),
            backwards: false,
            style,
            again: vec![None; count],
        };
        t.note_constants(&kernel.body);
        t.note_dynamics(&kernel.body);
        t
    }

    fn note_constants(&mut self, stmts: &[Stmt]) {
        for stmt in stmts {
            match stmt {
                Stmt::Let(v, Op::F32(x)) => self.constants[v.index()] = Some(Constant::F32(x.to_bits())),
                Stmt::Let(v, Op::I32(x)) => self.constants[v.index()] = Some(Constant::I32(*x)),
                Stmt::Let(v, Op::Iota) => self.constants[v.index()] = Some(Constant::Iota(0)),
                Stmt::Let(v, Op::Splat(a)) => self.splats[v.index()] = Some(*a),
                Stmt::Let(..) | Stmt::Store { .. } => {}
                Stmt::Loop(l) => self.note_constants(&l.body),
                Stmt::If { then, otherwise, .. } => {
                    self.note_constants(then);
                    self.note_constants(otherwise);
                }
            }
        }
    }

    /// The machine values of a kernel value.
    fn get(&mut self, value: ValueId) -> Lanes {
        let Some(constant) = self.constants[value.index()] else {
            return self.values[value.index()].clone();
        };
        let t = self.kernel.values[value];
        (0..chunks(t)).map(|chunk| self.constant(at_chunk(constant, chunk), shape(t))).collect()
    }

    fn constant(&mut self, constant: Constant, shape: Type4) -> ir::Value {
        if let Some(&value) = self.made.get(&(constant, shape)) {
            return value;
        }
        let value = match (constant, shape) {
            (Constant::F32(bits), Type4::Scalar) => self.b.ins().f32const(f32::from_bits(bits)),
            (Constant::I32(x), Type4::Scalar) => self.b.ins().iconst(ir::types::I32, i64::from(x as u32)),
            (Constant::Iota(x), Type4::Scalar) => self.b.ins().iconst(ir::types::I32, i64::from(x)),
            (Constant::F32(bits), Type4::Vector) => self.vector_constant(ir::types::F32X4, [bits; 4]),
            (Constant::I32(x), Type4::Vector) => self.vector_constant(ir::types::I32X4, [x as u32; 4]),
            (Constant::Iota(c), Type4::Vector) => {
                let first = 4 * u32::from(c);
                self.vector_constant(ir::types::I32X4, [first, first + 1, first + 2, first + 3])
            }
        };
        self.made.insert((constant, shape), value);
        value
    }

    fn vector_constant(&mut self, t: ir::Type, lanes: [u32; 4]) -> ir::Value {
        let bytes: Vec<u8> = lanes.iter().flat_map(|lane| lane.to_le_bytes()).collect();
        let constant = self.b.func.dfg.constants.insert(bytes.into());
        self.b.ins().vconst(t, constant)
    }

    fn switch_to(&mut self, block: ir::Block) {
        self.b.switch_to_block(block);
        self.made.clear();
    }
}

fn at_chunk(constant: Constant, chunk: u16) -> Constant {
    match constant {
        Constant::Iota(_) => Constant::Iota(chunk),
        Constant::F32(_) | Constant::I32(_) => constant,
    }
}

/// How many machine values hold a kernel value.
fn chunks(t: Type) -> u16 {
    t.lanes.div_ceil(4)
}

fn shape(t: Type) -> Type4 {
    if t.lanes == 1 { Type4::Scalar } else { Type4::Vector }
}

/// The machine type of each chunk; truth values are one byte, or masks of all lanes' bits.
fn machine_type(t: Type) -> ir::Type {
    use crate::kernel::Base;
    match (t.base, shape(t)) {
        (Base::F32, Type4::Scalar) => ir::types::F32,
        (Base::I32, Type4::Scalar) => ir::types::I32,
        (Base::Bool, Type4::Scalar) => ir::types::I8,
        (Base::F32, Type4::Vector) => ir::types::F32X4,
        (Base::I32 | Base::Bool, Type4::Vector) => ir::types::I32X4,
    }
}

/// No trap, alignment of an element only, changed by nobody unknown.
fn flags() -> MemFlagsData {
    MemFlagsData::new().with_notrap()
}

/// For reading the same bits as another type.
fn same_bits() -> MemFlagsData {
    MemFlagsData::new().with_endianness(ir::Endianness::Little)
}
