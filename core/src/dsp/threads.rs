//! Work for the threads of the current rayon pool.
//!
//! Outside of a pool everything runs on the calling thread: rayon's global pool belongs to the host program.

use rayon::prelude::*;

/// Both results; the two closures run at the same time if the current pool has a thread to spare.
pub(crate) fn join<A: Send, B: Send>(a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if is_shared() { rayon::join(a, b) } else { (a(), b()) }
}

/// `work(index, item)` for every item, in any order.
pub(crate) fn for_each<T: Send>(items: &mut [T], work: impl Fn(usize, &mut T) + Sync + Send) {
    if is_shared() {
        items.par_iter_mut().with_max_len(1).enumerate().for_each(|(index, item)| work(index, item));
    } else {
        items.iter_mut().enumerate().for_each(|(index, item)| work(index, item));
    }
}

/// Whether the caller is in a pool with other threads.
fn is_shared() -> bool {
    rayon::current_thread_index().is_some() && rayon::current_num_threads() > 1
}
