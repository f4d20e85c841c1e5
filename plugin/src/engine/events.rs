//! What a keyboard or a host can tell the engine.

/// Which notes an event means. `None` matches every note, as a host's wildcard does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Address {
    /// The host's own number for the note, where it gives one.
    pub note_id: Option<i32>,
    /// The note port, for hosts that have several.
    pub port: Option<u16>,
    /// MIDI channel, 0 to 15.
    pub channel: Option<u8>,
    /// MIDI key, 0 to 127; 60 is middle C.
    pub key: Option<u8>,
}

impl Address {
    /// One key on channel 0, for keyboards without note numbers.
    pub fn key(key: u8) -> Self {
        Self { channel: Some(0), key: Some(key), ..Self::default() }
    }

    /// Whether an event at `self` reaches a note that was started at `note`.
    pub fn matches(&self, note: &Self) -> bool {
        agree(self.note_id, note.note_id)
            && agree(self.port, note.port)
            && agree(self.channel, note.channel)
            && agree(self.key, note.key)
    }
}

/// Two fields agree when one is open or both are the same.
fn agree<T: PartialEq>(left: Option<T>, right: Option<T>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    }
}

/// What a host can bend in one sounding note.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expression {
    /// Semitones added to the pitch; 0 is neutral.
    Tuning,
    /// How hard the key is pressed, 0 to 1; opens the filter.
    Pressure,
    /// A factor on the level, 0 to 4; 1 is neutral.
    Volume,
    /// Added to the place between left (-1) and right (+1); 0 is neutral.
    Pan,
}

/// The parameters that a host can offset in one sounding note, each in its own unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModulationTarget {
    /// Semitones.
    Tune,
    /// Decibels.
    Gain,
    /// -1 to +1.
    Pan,
    /// Octaves of the filter's cutoff.
    Cutoff,
    /// Resonance, -1 to +1.
    Resonance,
    /// Octaves that the filter's envelope adds at its top.
    FilterEnvelope,
}

impl ModulationTarget {
    /// How many targets there are.
    pub const COUNT: usize = 6;
}

/// What can happen. Channels are 0 to 15.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A key goes down.
    NoteOn {
        /// Where later events will find this note.
        address: Address,
        /// How hard it was struck, 0 to 1.
        velocity: f32,
    },
    /// A key comes up: the note takes its release, unless the pedal holds it.
    NoteOff(Address),
    /// The note stops at once, as fast as it can without a click.
    Choke(Address),
    /// A note expression takes a new value.
    Expression {
        /// The notes that it concerns.
        address: Address,
        /// What changes.
        kind: Expression,
        /// In the unit of `kind`; a value that is not finite is ignored.
        value: f32,
    },
    /// A parameter gets an offset in one note.
    Modulation {
        /// The notes that it concerns.
        address: Address,
        /// Which parameter.
        target: ModulationTarget,
        /// In the unit of `target`; a value that is not finite is ignored.
        offset: f32,
    },
    /// The pitch wheel, -1 to +1 of the range that the parameters set.
    PitchBend {
        /// The channel whose notes bend.
        channel: u8,
        /// -1 to +1; 0 is the wheel at rest.
        value: f32,
    },
    /// Pressure on the whole keyboard, 0 to 1.
    ChannelPressure {
        /// The channel whose notes feel it.
        channel: u8,
        /// 0 to 1.
        value: f32,
    },
    /// The sustain pedal.
    Sustain {
        /// The channel whose notes it holds.
        channel: u8,
        /// Whether it is pressed.
        is_down: bool,
    },
    /// Every key of the channel comes up, and its pedal too.
    AllNotesOff {
        /// The channel.
        channel: u8,
    },
    /// Every note of the channel stops, as fast as it can without a click.
    AllSoundOff {
        /// The channel.
        channel: u8,
    },
    /// Wheel, pressure and pedal of the channel return to rest.
    ResetControllers {
        /// The channel.
        channel: u8,
    },
}

/// An event and the frame of the block on which it takes effect.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimedEvent {
    /// Frames from the start of the block.
    pub frame: u32,
    /// What happens there.
    pub event: Event,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_off_by_number_leaves_its_twin_on_the_same_key_alone() {
        let first = Address { note_id: Some(1), ..Address::key(60) };
        let second = Address { note_id: Some(2), ..Address::key(60) };
        assert!(first.matches(&first));
        assert!(!first.matches(&second));
    }

    #[test]
    fn an_open_address_reaches_every_note() {
        let everything = Address::default();
        assert!(everything.matches(&Address { note_id: Some(7), port: Some(1), ..Address::key(3) }));
    }

    #[test]
    fn ports_channels_and_keys_must_agree() {
        let note = Address { note_id: None, port: Some(0), channel: Some(1), key: Some(60) };
        assert!(!Address::key(60).matches(&note));
        assert!(!Address { key: Some(61), ..note }.matches(&note));
        assert!(!Address { port: Some(1), ..note }.matches(&note));
    }
}
