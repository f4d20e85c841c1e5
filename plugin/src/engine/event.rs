//! Notes as the engine hears them.

/// Which notes an event means. `None` matches every note, as a host's wildcard does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Address {
    /// The host's own number for the note, where it gives one.
    pub voice_id: Option<i32>,
    /// MIDI channel, 0 to 15.
    pub channel: Option<u8>,
    /// MIDI key, 0 to 127; 60 is middle C.
    pub key: Option<u8>,
}

impl Address {
    /// An address of one key on channel 0, for keyboards without note numbers.
    pub fn key(key: u8) -> Self {
        Self { voice_id: None, channel: Some(0), key: Some(key) }
    }

    /// Whether an event at `self` reaches a note that was started at `note`.
    pub fn matches(&self, note: &Self) -> bool {
        agree(self.voice_id, note.voice_id) && agree(self.channel, note.channel) && agree(self.key, note.key)
    }
}

/// Two fields agree when one is open or both are the same.
fn agree<T: PartialEq>(left: Option<T>, right: Option<T>) -> bool {
    match (left, right) {
        (Some(left), Some(right)) => left == right,
        _ => true,
    }
}

/// What can happen to a note.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Event {
    /// A key goes down.
    NoteOn {
        /// Where later events will find this note.
        address: Address,
        /// How hard it was struck, 0 to 1.
        velocity: f32,
    },
    /// A key comes up: the note takes its release.
    NoteOff(Address),
    /// The note stops at once, as fast as it can without a click.
    Choke(Address),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_off_by_number_leaves_its_twin_on_the_same_key_alone() {
        let first = Address { voice_id: Some(1), ..Address::key(60) };
        let second = Address { voice_id: Some(2), ..Address::key(60) };
        assert!(first.matches(&first));
        assert!(!first.matches(&second));
    }

    #[test]
    fn an_open_address_reaches_every_note() {
        let everything = Address::default();
        assert!(everything.matches(&Address { voice_id: Some(7), ..Address::key(3) }));
    }

    #[test]
    fn channels_and_keys_must_agree() {
        let note = Address { voice_id: None, channel: Some(1), key: Some(60) };
        assert!(!Address::key(60).matches(&note));
        assert!(!Address { key: Some(61), ..note }.matches(&note));
    }
}
