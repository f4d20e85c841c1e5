//! Wheel, pressure and pedal of the sixteen MIDI channels.

/// What the controllers of one channel say.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Channel {
    /// The pitch wheel, -1 to +1.
    pub bend: f32,
    /// Channel pressure, 0 to 1.
    pub pressure: f32,
    /// Whether the sustain pedal is down.
    pub is_pedal_down: bool,
}

/// All of them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Channels([Channel; 16]);

impl Channels {
    /// Channel `number`; a note of no channel belongs to the first.
    pub(super) fn at(&self, number: Option<u8>) -> &Channel {
        &self.0[usize::from(number.unwrap_or(0)) % 16]
    }

    /// Channel `number`, to be changed.
    pub(super) fn at_mut(&mut self, number: u8) -> &mut Channel {
        &mut self.0[usize::from(number) % 16]
    }
}
