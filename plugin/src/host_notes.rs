//! The host's note events as the engine's.

use nice_plug::midi::{Channel, Key, NoteEvent, VoiceID};

use crate::engine::{Address, Event};

/// The engine's reading of a host event; `None` for the kinds that it does not play yet.
pub fn note_event<S>(event: &NoteEvent<S>) -> Option<Event> {
    match *event {
        NoteEvent::NoteOn { voice_id, channel, key, velocity, .. } => {
            Some(Event::NoteOn { address: address(voice_id, channel, key), velocity })
        }
        NoteEvent::NoteOff { voice_id, channel, key, .. } => Some(Event::NoteOff(address(voice_id, channel, key))),
        NoteEvent::Choke { voice_id, channel, key, .. } => Some(Event::Choke(address(voice_id, channel, key))),
        _ => None,
    }
}

/// A host's wildcard is our `None`.
fn address(voice_id: VoiceID, channel: Channel, key: Key) -> Address {
    Address { voice_id: voice_id.id(), channel: channel.number(), key: key.number() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wildcard_of_the_host_becomes_an_open_field() {
        let event: NoteEvent<()> = NoteEvent::NoteOff {
            timing: 0,
            voice_id: VoiceID::Wildcard,
            channel: Channel::Number(3),
            key: Key::Wildcard,
            velocity: 0.0,
        };
        let open = Address { voice_id: None, channel: Some(3), key: None };
        assert_eq!(note_event(&event), Some(Event::NoteOff(open)));
    }

    #[test]
    fn events_that_are_no_notes_are_left_alone() {
        let event: NoteEvent<()> = NoteEvent::MidiPitchBend { timing: 0, channel: 0, value: 0.5 };
        assert_eq!(note_event(&event), None);
    }
}
