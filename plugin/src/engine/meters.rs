//! [`Meters`]: what the audio thread tells a window, a block late and now and then torn: good for eyes.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::hand_over::Place;

/// Nothing plays.
const NOWHERE: u64 = u64::MAX;

/// Where a note reads its sound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Position {
    /// Whose sound.
    pub place: Place,
    /// 0 at its first frame, 1 at its end.
    pub fraction: f32,
}

/// Written by the audio thread with every block, read by any other. Wait-free.
#[derive(Debug)]
pub struct Meters {
    peaks: [AtomicU32; 2],
    /// The place in the upper half, the fraction's bits in the lower.
    newest: AtomicU64,
}

impl Default for Meters {
    fn default() -> Self {
        Self { peaks: Default::default(), newest: AtomicU64::new(NOWHERE) }
    }
}

impl Meters {
    /// The highest samples of left and right since they were asked for last.
    pub fn take_peaks(&self) -> [f32; 2] {
        self.peaks.each_ref().map(|peak| f32::from_bits(peak.swap(0, Ordering::Relaxed)))
    }

    /// Where the newest note reads.
    pub fn newest(&self) -> Option<Position> {
        let bits = self.newest.load(Ordering::Relaxed);
        let place = match (bits >> 32) as usize {
            0 => Place::Keys,
            pad => Place::Pad(pad - 1),
        };
        (bits != NOWHERE).then(|| Position { place, fraction: f32::from_bits(bits as u32) })
    }

    /// A block has been played.
    pub(super) fn tell(&self, sides: [&[f32]; 2], newest: Option<Position>) {
        for (peak, side) in self.peaks.iter().zip(sides) {
            let highest = side.iter().fold(0.0f32, |highest, sample| highest.max(sample.abs()));
            // For numbers from 0 up the order of the bits is that of the values.
            peak.fetch_max(highest.to_bits(), Ordering::Relaxed);
        }
        let bits = newest.map_or(NOWHERE, |Position { place, fraction }| {
            let place = match place {
                Place::Keys => 0,
                Place::Pad(pad) => 1 + pad as u64,
            };
            place << 32 | u64::from(fraction.to_bits())
        });
        self.newest.store(bits, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_are_held_until_they_are_read() {
        let meters = Meters::default();
        meters.tell([&[0.1, -0.5], &[0.0; 2]], None);
        meters.tell([&[0.2, 0.0], &[-0.25, 0.0]], None);
        assert_eq!(meters.take_peaks(), [0.5, 0.25]);
        assert_eq!(meters.take_peaks(), [0.0, 0.0]);
    }

    #[test]
    fn the_newest_note_comes_back_with_its_place() {
        let meters = Meters::default();
        assert_eq!(meters.newest(), None);
        for place in [Place::Keys, Place::Pad(0), Place::Pad(15)] {
            let position = Position { place, fraction: 0.375 };
            meters.tell([&[], &[]], Some(position));
            assert_eq!(meters.newest(), Some(position));
        }
        meters.tell([&[], &[]], None);
        assert_eq!(meters.newest(), None);
    }
}
