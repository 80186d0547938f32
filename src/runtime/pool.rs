//! Threads that share the parts of a region: thread t of n takes the parts `p t / n .. p (t + 1) / n`, always. So what
//! a part computes depends on no other thread, and results have the same bits for any number of threads.
//!
//! A region is forked and joined in about a microsecond: waiting threads watch for the next region for a while before
//! they sleep. A region of one part, or one that is said to be short, runs on the caller alone.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, Thread};

/// How often a waiting thread looks before it sleeps: some ten microseconds.
const LOOKS: u32 = 4000;

/// The work of a region, with its lifetime taken off.
type Work = *const (dyn Fn(u64, u64) + Sync);

/// Some threads, the caller of `run` among them.
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// One region at a time.
    region: Mutex<()>,
}

struct Shared {
    threads: u64,
    /// Counts the regions; `u64::MAX` ends the threads.
    region: AtomicU64,
    /// Valid from the rise of `region` until `working` is 0.
    job: UnsafeCell<Option<(Work, u64)>>,
    working: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    sleeping: Vec<AtomicBool>,
}

// SAFETY: `job` is written by the one caller (who holds `Pool::region`) while `working` is 0, that is while no worker
// reads it, and read by workers only between the rise of `region` (release, acquire) and their decrement of `working`.
unsafe impl Sync for Shared {}
// SAFETY: as above; the closure behind the pointer is Sync.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool of so many threads, at least 1, the caller's own included.
    pub fn new(threads: usize) -> Pool {
        let threads = threads.max(1);
        let shared = Arc::new(Shared {
            threads: threads as u64,
            region: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            working: AtomicUsize::new(0),
            panic: Mutex::new(None),
            sleeping: (1..threads).map(|_| AtomicBool::new(false)).collect(),
        });
        let spawn = |index: usize| {
            let shared = shared.clone();
            let builder = std::thread::Builder::new().name(format!("brolga-{index}"));
            builder.spawn(move || shared.work(index)).expect("the system has threads")
        };
        let workers = (1..threads).map(spawn).collect();
        Pool { shared, workers, region: Mutex::new(()) }
    }

    /// As many threads as the process may use CPUs.
    pub fn of_machine() -> Pool {
        Pool::new(std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// How many threads.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `work(first, end)` such that all of `0 .. parts` are covered once, and comes back when all is done.
    ///
    /// # Panics
    /// As `work` does.
    pub fn run(&self, parts: u64, work: &(dyn Fn(u64, u64) + Sync)) {
        if parts <= 1 || self.workers.is_empty() {
            return work(0, parts);
        }
        let _one = self.region.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.fork(parts, work);
        let own = catch_unwind(AssertUnwindSafe(|| {
            let (first, end) = self.shared.range(0, parts);
            work(first, end);
        }));
        self.join();
        let theirs = self.shared.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(panic) = own.err().or(theirs) {
            resume_unwind(panic);
        }
    }

    fn fork(&self, parts: u64, work: &(dyn Fn(u64, u64) + Sync)) {
        // SAFETY: only the lifetime changes; `run` does not come back, nor unwinds, before `join`, behind which no
        // worker touches the closure.
        let work = unsafe { std::mem::transmute::<&(dyn Fn(u64, u64) + Sync), Work>(work) };
        // SAFETY: see `Sync for Shared`: no worker reads while `working` is 0.
        unsafe { *self.shared.job.get() = Some((work, parts)) };
        self.shared.working.store(self.workers.len(), Ordering::Relaxed);
        self.shared.region.fetch_add(1, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        for (sleeping, worker) in self.shared.sleeping.iter().zip(&self.workers) {
            if sleeping.swap(false, Ordering::SeqCst) {
                Thread::unpark(worker.thread());
            }
        }
    }

    fn join(&self) {
        let mut looks = 0;
        while self.shared.working.load(Ordering::Acquire) > 0 {
            looks += 1;
            // More threads than free CPUs: let the others finish.
            if looks < LOOKS { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.region.store(u64::MAX, Ordering::SeqCst);
        self.wake();
        for worker in self.workers.drain(..) {
            // A worker's panic was already given to the caller of `run`.
            drop(worker.join());
        }
    }
}

impl Shared {
    /// The parts of a thread.
    fn range(&self, thread: u64, parts: u64) -> (u64, u64) {
        let cut = |t: u64| (u128::from(parts) * u128::from(t) / u128::from(self.threads)) as u64;
        (cut(thread), cut(thread + 1))
    }

    fn work(&self, index: usize) {
        let mut seen = 0;
        loop {
            seen = self.wait(index, seen);
            if seen == u64::MAX {
                return;
            }
            // SAFETY: `region` has risen, so the job is written, and stays until `working` is decremented below.
            let job = unsafe { *self.job.get() };
            let (work, parts) = job.expect("a region has a job");
            let (first, end) = self.range(index as u64, parts);
            // SAFETY: as above: the closure lives until `join` has seen `working` at 0.
            let work = unsafe { &*work };
            if first < end
                && let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(first, end)))
            {
                *self.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(panic);
            }
            self.working.fetch_sub(1, Ordering::Release);
        }
    }

    /// Waits for a region after `seen`: looks for a while, then sleeps.
    fn wait(&self, index: usize, seen: u64) -> u64 {
        for _ in 0..LOOKS {
            let now = self.region.load(Ordering::Acquire);
            if now != seen {
                return now;
            }
            std::hint::spin_loop();
        }
        let sleeping = &self.sleeping[index - 1];
        loop {
            sleeping.store(true, Ordering::SeqCst);
            // A region that rose before the store is seen here; one that rises after it finds the flag and wakes us.
            let now = self.region.load(Ordering::SeqCst);
            if now != seen {
                sleeping.store(false, Ordering::SeqCst);
                return now;
            }
            std::thread::park();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_once() {
        for threads in [1, 2, 3, 7] {
            let pool = Pool::new(threads);
            for parts in [0, 1, 2, 5, 100] {
                let counts: Vec<AtomicUsize> = (0..parts).map(|_| AtomicUsize::new(0)).collect();
                pool.run(parts, &|first, end| {
                    for part in first..end {
                        counts[part as usize].fetch_add(1, Ordering::Relaxed);
                    }
                });
                assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1), "{threads} threads, {parts} parts");
            }
        }
    }

    #[test]
    fn a_panic_comes_back() {
        let pool = Pool::new(3);
        let run = || pool.run(3, &|first, _| assert!(first != 2, "part 2"));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        pool.run(3, &|_, _| {});
    }

    #[test]
    fn sleepers_wake() {
        let pool = Pool::new(2);
        for _ in 0..5 {
            std::thread::sleep(std::time::Duration::from_millis(2));
            let done = AtomicUsize::new(0);
            pool.run(2, &|_, _| {
                done.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(done.load(Ordering::Relaxed), 2);
        }
    }
}
