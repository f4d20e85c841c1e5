//! The system's allocator, counting the calls of each thread on its own.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static NUM_CALLS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    NUM_CALLS.with(|calls| calls.set(calls.get() + 1));
}

// SAFETY: every call goes to `System` unchanged; counting touches no memory of the allocator,
// and a const-initialised `Cell` without a destructor allocates nothing itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations and frees of this thread during `work`.
pub fn calls_of(work: impl FnOnce()) -> usize {
    let before = NUM_CALLS.get();
    work();
    NUM_CALLS.get() - before
}

#[test]
fn the_counter_sees_an_allocation() {
    assert_eq!(calls_of(|| drop(std::hint::black_box(vec![1u8]))), 2);
}
