//! [`Audition`]: keys that the window holds down.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::engine::{Address, Event, TimedEvent};

/// How hard the window strikes.
const VELOCITY: f32 = 0.8;

/// Notes on channel 16, where no keyboard plays by chance.
const CHANNEL: u8 = 15;

/// Which of the 128 keys the window holds, and which it struck since the last block. The window writes, the audio thread
/// reads; wait-free on both sides.
#[derive(Debug, Default)]
pub struct Audition {
    held: [AtomicU64; 2],
    struck: [AtomicU64; 2],
    /// What the audio thread has told the engine. Only that thread touches it.
    sounding: [AtomicU64; 2],
    has_window: AtomicBool,
}

impl Audition {
    /// A window opens or closes.
    pub fn set_window(&self, is_open: bool) {
        self.has_window.store(is_open, Ordering::Relaxed);
    }

    /// Whether a window is open: the host must then not put the instrument to sleep.
    pub fn has_window(&self) -> bool {
        self.has_window.load(Ordering::Relaxed)
    }

    /// A key goes down; 0 to 127.
    pub fn press(&self, key: u8) {
        let (word, bit) = place(key);
        self.held[word].fetch_or(bit, Ordering::Relaxed);
        // Seen with the key held, so that it is not let go in the same block.
        self.struck[word].fetch_or(bit, Ordering::Release);
    }

    /// A key comes up.
    pub fn release(&self, key: u8) {
        let (word, bit) = place(key);
        self.held[word].fetch_and(!bit, Ordering::Release);
    }

    /// Puts what happened since the last block before the other events of this one. For the audio thread.
    pub fn collect(&self, events: &mut Vec<TimedEvent>) {
        for word in 0..2 {
            let struck = self.struck[word].swap(0, Ordering::Acquire);
            let held = self.held[word].load(Ordering::Acquire);
            let sounding = self.sounding[word].load(Ordering::Relaxed);
            // What was struck sounds for a block at least, even if it was let go at once.
            self.sounding[word].store(held | struck, Ordering::Relaxed);
            for_each_key(word, sounding & (struck | !held), |key| push(events, Event::NoteOff(address(key))));
            for_each_key(word, struck, |key| push(events, Event::NoteOn { address: address(key), velocity: VELOCITY }));
        }
    }
}

fn place(key: u8) -> (usize, u64) {
    let key = key.min(127);
    (usize::from(key / 64), 1 << (key % 64))
}

fn for_each_key(word: usize, mut bits: u64, mut visit: impl FnMut(u8)) {
    while bits != 0 {
        visit(64 * word as u8 + bits.trailing_zeros() as u8);
        bits &= bits - 1;
    }
}

fn address(key: u8) -> Address {
    Address { channel: Some(CHANNEL), ..Address::key(key) }
}

fn push(events: &mut Vec<TimedEvent>, event: Event) {
    if events.len() < events.capacity() {
        events.push(TimedEvent { frame: 0, event });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collected(audition: &Audition) -> Vec<(bool, u8)> {
        let mut events = Vec::with_capacity(16);
        audition.collect(&mut events);
        let key = |address: Address| address.key.unwrap();
        let tell = |event: TimedEvent| match event.event {
            Event::NoteOn { address, .. } => (true, key(address)),
            Event::NoteOff(address) => (false, key(address)),
            other => panic!("{other:?}"),
        };
        events.into_iter().map(tell).collect()
    }

    #[test]
    fn a_key_sounds_from_its_press_to_its_release() {
        let audition = Audition::default();
        audition.press(60);
        assert_eq!(collected(&audition), [(true, 60)]);
        assert_eq!(collected(&audition), []);
        audition.release(60);
        assert_eq!(collected(&audition), [(false, 60)]);
        assert_eq!(collected(&audition), []);
    }

    #[test]
    fn a_press_between_two_blocks_is_heard() {
        let audition = Audition::default();
        audition.press(127);
        audition.release(127);
        assert_eq!(collected(&audition), [(true, 127)]);
        assert_eq!(collected(&audition), [(false, 127)]);
    }

    #[test]
    fn a_second_press_starts_the_note_anew() {
        let audition = Audition::default();
        audition.press(36);
        collected(&audition);
        audition.release(36);
        audition.press(36);
        assert_eq!(collected(&audition), [(false, 36), (true, 36)]);
    }
}
