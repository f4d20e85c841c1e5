//! The keys that are down, in the order in which they were struck; for playing one note at a time.

use super::events::Address;

/// More keys than two hands and a pedal board hold down.
const CAPACITY: usize = 64;

/// A key that is down.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct HeldKey {
    /// Whose note it is.
    pub address: Address,
    /// How hard it was struck, 0 to 1.
    pub velocity: f32,
}

/// A stack of keys. Wait-free; when it is full the oldest key is forgotten.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldKeys {
    keys: [HeldKey; CAPACITY],
    len: usize,
}

impl HeldKeys {
    /// No key is down.
    pub(super) fn new() -> Self {
        Self { keys: [HeldKey::default(); CAPACITY], len: 0 }
    }

    /// A key goes down.
    pub(super) fn push(&mut self, key: HeldKey) {
        if self.len == CAPACITY {
            self.keys.rotate_left(1);
            self.len -= 1;
        }
        self.keys[self.len] = key;
        self.len += 1;
    }

    /// The keys at `address` come up.
    pub(super) fn remove(&mut self, address: &Address) {
        let mut kept = 0;
        for index in 0..self.len {
            if !address.matches(&self.keys[index].address) {
                self.keys[kept] = self.keys[index];
                kept += 1;
            }
        }
        self.len = kept;
    }

    /// The key that was struck last.
    pub(super) fn last(&self) -> Option<&HeldKey> {
        self.keys[..self.len].last()
    }

    /// Whether the note at `address` is one of them.
    pub(super) fn contains(&self, address: &Address) -> bool {
        self.keys[..self.len].iter().any(|key| key.address == *address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: u8) -> HeldKey {
        HeldKey { address: Address::key(key), velocity: 1.0 }
    }

    #[test]
    fn the_last_key_down_is_the_one_that_sounds() {
        let mut held = HeldKeys::new();
        [60, 64, 67].iter().for_each(|&k| held.push(key(k)));
        held.remove(&Address::key(64));
        assert_eq!(held.last(), Some(&key(67)));
        held.remove(&Address::key(67));
        assert_eq!(held.last(), Some(&key(60)));
        held.remove(&Address::default());
        assert_eq!(held.last(), None);
    }

    #[test]
    fn a_hundred_keys_forget_the_oldest() {
        let mut held = HeldKeys::new();
        (0..100).for_each(|k| held.push(key(k)));
        assert!(!held.contains(&Address::key(35)));
        assert!(held.contains(&Address::key(36)));
        assert_eq!(held.last(), Some(&key(99)));
    }
}
