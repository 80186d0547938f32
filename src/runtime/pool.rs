//! Threads that share the parts of a region. Thread t of n begins with the parts `p t / n .. p (t + 1) / n`, in four
//! chunks, always the same ones (so that its cache still holds them); who is done takes what others have not begun. What
//! a part computes depends on no other part, so results have the same bits for any number of threads.
//!
//! A region is forked and joined in about a microsecond: waiting threads watch for the next region for a while before
//! they sleep. A thread that the system does not let run delays nobody: others take its chunks.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex};
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
    /// Counts the regions; `u64::MAX` ends the threads.
    region: AtomicU64,
    /// Valid while `left` is not 0.
    job: UnsafeCell<Option<(Work, u64)>>,
    /// For each thread's range: the low half of the region's number, and how many of its chunks are taken.
    ranges: Vec<AtomicU64>,
    /// Chunks of this region that are not done.
    left: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    sleeping: Vec<AtomicBool>,
}

/// Into how many chunks each thread's range is cut.
const CHUNKS: u64 = 4;

// SAFETY: `job` is written by the one caller (who holds `Pool::region`) while `left` is 0, and read only by a thread that
// has taken a chunk of the region and not yet counted it off `left`.
unsafe impl Sync for Shared {}
// SAFETY: as above; the closure behind the pointer is Sync.
unsafe impl Send for Shared {}

impl Pool {
    /// A pool of so many threads, at least 1, the caller's own included.
    pub fn new(threads: usize) -> Pool {
        let threads = threads.max(1);
        let shared = Arc::new(Shared {
            region: AtomicU64::new(0),
            job: UnsafeCell::new(None),
            ranges: (0..threads).map(|_| AtomicU64::new(CHUNKS)).collect(),
            left: AtomicUsize::new(0),
            panic: Mutex::new(None),
            sleeping: (1..threads).map(|_| AtomicBool::new(false)).collect(),
        });
        let started = Arc::new(Barrier::new(threads));
        let spawn = |index: usize| {
            let (shared, started) = (shared.clone(), started.clone());
            let builder = std::thread::Builder::new().name(format!("brolga-{index}"));
            let work = move || {
                started.wait();
                shared.work(index);
            };
            builder.spawn(work).expect("the system has threads")
        };
        let workers = (1..threads).map(spawn).collect();
        // What a thread's start allocates is over before the first region.
        started.wait();
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
        self.shared.help(0);
        self.join();
        let panic = self.shared.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    fn fork(&self, parts: u64, work: &(dyn Fn(u64, u64) + Sync)) {
        // SAFETY: only the lifetime changes; `run` does not come back, nor unwinds, before `join`, behind which nobody
        // touches the closure.
        let work = unsafe { std::mem::transmute::<&(dyn Fn(u64, u64) + Sync), Work>(work) };
        let shared = &self.shared;
        // SAFETY: see `Sync for Shared`: nobody reads while `left` is 0.
        unsafe { *shared.job.get() = Some((work, parts)) };
        shared.left.store(shared.ranges.len() * CHUNKS as usize, Ordering::Relaxed);
        let region = shared.region.load(Ordering::Relaxed) + 1;
        // Whoever takes a chunk has seen what was written above.
        shared.ranges.iter().for_each(|range| range.store(region << 32, Ordering::Release));
        shared.region.store(region, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        for (sleeping, worker) in self.shared.sleeping.iter().zip(&self.workers) {
            if sleeping.swap(false, Ordering::SeqCst) {
                Thread::unpark(worker.thread());
            }
        }
    }

    /// Waits until the chunks that other threads have begun are done.
    fn join(&self) {
        let mut looks = 0;
        while self.shared.left.load(Ordering::Acquire) > 0 {
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
    fn work(&self, index: usize) {
        let mut seen = 0;
        loop {
            seen = self.wait(index, seen);
            if seen == u64::MAX {
                return;
            }
            self.help(index);
        }
    }

    /// Runs chunks until none is left to begin, those of the thread's own range first.
    fn help(&self, index: usize) {
        for i in 0..self.ranges.len() {
            let range = (index + i) % self.ranges.len();
            while let Some(chunk) = self.take(range) {
                self.chunk(range, chunk);
                self.left.fetch_sub(1, Ordering::Release);
            }
        }
    }

    /// Takes the next chunk of a range. Who has one holds the region open.
    fn take(&self, range: usize) -> Option<u64> {
        let one_more = |taken: u64| ((taken & 0xffff_ffff) < CHUNKS).then_some(taken + 1);
        let taken = self.ranges[range].fetch_update(Ordering::Acquire, Ordering::Relaxed, one_more);
        taken.ok().map(|taken| taken & 0xffff_ffff)
    }

    fn chunk(&self, range: usize, chunk: u64) {
        // SAFETY: the caller has taken this chunk, so the job is written, and stays until the chunk is counted off.
        let job = unsafe { *self.job.get() };
        let (work, parts) = job.expect("a region has a job");
        let all = self.ranges.len() as u64 * CHUNKS;
        let at = range as u64 * CHUNKS + chunk;
        let cut = |at: u64| (u128::from(parts) * u128::from(at) / u128::from(all)) as u64;
        let (first, end) = (cut(at), cut(at + 1));
        // SAFETY: as above: the closure lives until `join` has seen `left` at 0.
        let work = unsafe { &*work };
        if first < end
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(first, end)))
        {
            *self.panic.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(panic);
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
