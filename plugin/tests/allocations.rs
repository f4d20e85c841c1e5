//! The engine under an allocator that counts: on the audio thread the count must not move.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use brownian_plugin::clip::Clip;
use brownian_plugin::engine::{Address, Event, Voices};

/// The system's allocator, counting the calls of each thread on its own.
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

fn calls_of(work: impl FnOnce()) -> usize {
    let before = NUM_CALLS.get();
    work();
    NUM_CALLS.get() - before
}

#[test]
fn the_counter_sees_an_allocation() {
    assert_eq!(calls_of(|| drop(std::hint::black_box(vec![1u8]))), 2);
}

#[test]
fn playing_stealing_choking_and_resetting_neither_allocate_nor_free() {
    let clip = Clip::from_interleaved(&[0.5; 4800], 1, 48_000.0).unwrap();
    let mut voices = Voices::new(clip, 48_000.0);
    let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
    let calls = calls_of(|| {
        for i in 0..200u8 {
            let address = Address::key(i % 128);
            voices.set_release_ms(f32::from(i));
            voices.handle(Event::NoteOn { address, velocity: 0.7 });
            voices.add_to(&mut [&mut left, &mut right], 0..64);
            voices.handle(Event::NoteOff(Address::key(i / 2)));
            voices.handle(Event::Choke(Address::key(i / 3)));
        }
        voices.reset();
    });
    assert_eq!(calls, 0);
    assert!(left.iter().any(|&sample| sample != 0.0));
}
