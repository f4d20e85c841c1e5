//! The places as numbers and names. The names stand in saved projects: they never change.

use crate::engine::{NUM_PADS, Place};

/// The keyboard and the pads.
pub const NUM_PLACES: usize = 1 + NUM_PADS;

/// The number of `place`: 0 is the keyboard, then come the pads; at most `NUM_PLACES - 1`.
pub fn index_of(place: Place) -> usize {
    match place {
        Place::Keys => 0,
        Place::Pad(pad) => 1 + pad.min(NUM_PADS - 1),
    }
}

/// The place of this number.
pub fn place_at(index: usize) -> Place {
    index.checked_sub(1).map_or(Place::Keys, Place::Pad)
}

/// `keys`, or `pad-1` to `pad-16`.
pub(super) fn name_of(index: usize) -> String {
    if index == 0 { "keys".into() } else { format!("pad-{index}") }
}

/// The number of the place of this name.
pub(super) fn index_named(name: &str) -> Option<usize> {
    (0..NUM_PLACES).find(|&index| name_of(index) == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_back() {
        for index in 0..NUM_PLACES {
            assert_eq!(index_of(place_at(index)), index);
            assert_eq!(index_named(&name_of(index)), Some(index));
        }
        assert_eq!(name_of(16), "pad-16");
        assert_eq!(index_named("pad-17"), None);
    }
}
