//! A run allocates nothing behind the first one: counted by an allocator of our own, hence a test binary of its own.
#![allow(unsafe_code, clippy::unwrap_used)]

use brolga::graph::HostExpr;
use brolga::kernel::build::KernelBuilder;
use brolga::kernel::{BufferAccess, Elem};
use brolga::plan::{Buffer, Place, Plan, Step, layout::layout};
use brolga::runtime::pool::Pool;
use brolga::runtime::program::{Moment, Program};
use brolga::runtime::store::Store;
use brolga::target::Target;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: passes everything on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// w = w * e + s, in place, with noise e and a host number s.
fn plan() -> Plan {
    let len = 64 * 1024;
    let mut b = KernelBuilder::new("update");
    let w = b.buffer("w", Elem::F32, len, BufferAccess::ReadWrite);
    let e = b.buffer("e", Elem::F32, len, BufferAccess::Read);
    let s = b.buffer("s", Elem::F32, 1, BufferAccess::Read);
    let i = b.part("i", len / 64);
    let shift = b.load_splat(s, 0, 4);
    b.each("j", 16, |b, j| {
        let at = i * 64 + j * 4;
        let (x, y) = (b.load(w, at.clone(), 4), b.load(e, at.clone(), 4));
        let sum = b.fma(x, y, shift);
        b.store(w, at, sum);
    });
    let mut plan = Plan::default();
    let kernel = plan.kernels.push(b.finish());
    let mut buffer = |name: &str, shape: &[u32], place: Place| {
        let len = shape.iter().product();
        plan.buffers.push(Buffer { name: name.into(), shape: shape.to_vec(), elem: Elem::F32, len, place })
    };
    let w = buffer("w", &[len], Place::Store("w".into()));
    let e = buffer("e", &[64, 1024], Place::Noise { key: "e".into(), normal: true });
    let s = buffer("s", &[], Place::Host(HostExpr::Step));
    let copy = buffer("copy", &[len], Place::Arena { offset: 0, first: 0, last: 0 });
    plan.steps = vec![Step::Call { kernel, buffers: vec![w, e, s], in_place: false }, Step::Copy { from: w, to: copy }];
    plan.outputs.push(("copy".into(), copy));
    layout(&mut plan);
    plan
}

#[test]
fn a_run_allocates_nothing() {
    let mut program = Program::new(plan(), Target::Clif).unwrap();
    let mut store = Store::new();
    store.set("w", &vec![1.0; 64 * 1024]);
    let pool = Pool::new(2);
    let mut moment = Moment { seed: 1, step: 1, steps: 10, first_example: 0 };
    program.run(&mut store, &pool, &moment).unwrap();
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    for step in 2..=5 {
        moment.step = step;
        program.run(&mut store, &pool, &moment).unwrap();
    }
    let allocations = ALLOCATIONS.load(Ordering::SeqCst) - before;
    assert_eq!(allocations, 0);
    assert!(program.output("copy").unwrap() == store.get("w").unwrap());
}
