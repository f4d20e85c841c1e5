//! One note: a place in the clip, a speed, a level and a fade.

use std::ops::Range;

use super::{Address, Fade, reader};
use crate::clip::Clip;

/// A note being played, or a free slot. Wait-free: no method allocates, frees or blocks.
#[derive(Debug, Clone)]
pub struct Voice {
    address: Address,
    order: u64,
    position: f64,
    step: f64,
    level: f32,
    fade: Fade,
    is_playing: bool,
}

impl Voice {
    /// A slot that plays nothing.
    pub fn free() -> Self {
        Self {
            address: Address::default(),
            order: 0,
            position: 0.0,
            step: 0.0,
            level: 0.0,
            fade: Fade::held(),
            is_playing: false,
        }
    }

    /// Starts the clip from its first frame.
    ///
    /// `step` is how many frames of the clip pass in one frame of output, `velocity` lies in 0 to 1
    /// and counts squared (half a velocity is 12 dB less), `order` grows with every note.
    pub fn start(&mut self, address: Address, step: f64, velocity: f32, order: u64) {
        let velocity = velocity.clamp(0.0, 1.0);
        *self = Self {
            address,
            order,
            position: 0.0,
            step,
            level: velocity * velocity,
            fade: Fade::held(),
            is_playing: true,
        };
    }

    /// Adds this voice to frames `frames` of `output` (channels of equal length).
    pub fn add_to(&mut self, clip: &Clip, output: &mut [&mut [f32]], frames: Range<usize>) {
        for frame in frames {
            if !self.is_playing {
                return;
            }
            let gain = self.level * self.fade.gain();
            for (index, channel) in output.iter_mut().enumerate() {
                channel[frame] += gain * reader::cubic(clip.channel(index), self.position);
            }
            self.advance(clip.num_frames());
        }
    }

    fn advance(&mut self, num_frames: usize) {
        self.position += self.step;
        self.fade.advance();
        // The cubic still reaches back into the clip up to one sample past its last.
        self.is_playing = !self.fade.is_finished() && self.position < num_frames as f64 + 1.0;
    }

    /// Lets the note go: silent after `num_samples`, or earlier if it already was to be.
    pub fn release(&mut self, num_samples: u32) {
        self.fade.start(num_samples);
    }

    /// Stops without a fade.
    pub fn stop(&mut self) {
        self.is_playing = false;
    }

    /// Where events find this note.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The note's place in the order of all notes; smaller is older.
    pub fn order(&self) -> u64 {
        self.order
    }

    /// Whether it still makes sound.
    pub fn is_playing(&self) -> bool {
        self.is_playing
    }

    /// Whether the key is still down.
    pub fn is_held(&self) -> bool {
        self.is_playing && !self.fade.is_falling()
    }

    /// Samples until silence by release; `None` while held.
    pub fn fade_remaining(&self) -> Option<u32> {
        self.fade.remaining()
    }
}
