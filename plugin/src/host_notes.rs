//! The host's note events as the engine's.

use nice_plug::midi::{Channel, Key, NoteEvent, VoiceID, control_change};

use crate::engine::{Address, EndedNote, Event, Expression};
use crate::params::modulation;

/// The engine's reading of a host event; `None` for the kinds that it does not play.
pub fn engine_event<S>(event: &NoteEvent<S>) -> Option<Event> {
    note(event).or_else(|| expression(event)).or_else(|| controller(event))
}

/// The host's word for a note that has ended, `timing` frames into the block.
pub fn ended<S>(note: &EndedNote, timing: u32) -> NoteEvent<S> {
    NoteEvent::VoiceTerminated {
        timing,
        voice_id: note.note_id.map_or(VoiceID::Wildcard, VoiceID::ID),
        channel: note.channel.map_or(Channel::Wildcard, Channel::Number),
        key: note.key.map_or(Key::Wildcard, Key::Number),
    }
}

fn note<S>(event: &NoteEvent<S>) -> Option<Event> {
    match *event {
        NoteEvent::NoteOn { voice_id, channel, key, velocity, .. } => {
            Some(Event::NoteOn { address: address(voice_id, channel, key), velocity })
        }
        NoteEvent::NoteOff { voice_id, channel, key, .. } => Some(Event::NoteOff(address(voice_id, channel, key))),
        NoteEvent::Choke { voice_id, channel, key, .. } => Some(Event::Choke(address(voice_id, channel, key))),
        _ => None,
    }
}

fn expression<S>(event: &NoteEvent<S>) -> Option<Event> {
    let (address, kind, value) = match *event {
        NoteEvent::PolyTuning { voice_id, channel, key, tuning, .. } => {
            (address(voice_id, channel, key), Expression::Tuning, tuning)
        }
        NoteEvent::PolyPressure { voice_id, channel, key, pressure, .. } => {
            (address(voice_id, channel, key), Expression::Pressure, pressure)
        }
        NoteEvent::PolyVolume { voice_id, channel, key, gain, .. } => {
            (address(voice_id, channel, key), Expression::Volume, gain)
        }
        NoteEvent::PolyPan { voice_id, channel, key, pan, .. } => {
            (address(voice_id, channel, key), Expression::Pan, pan)
        }
        NoteEvent::PolyModulation { voice_id, poly_modulation_id, normalized_offset, .. } => {
            let (target, span) = modulation(poly_modulation_id)?;
            let address = Address { note_id: Some(voice_id), ..Address::default() };
            return Some(Event::Modulation { address, target, offset: span * normalized_offset });
        }
        _ => return None,
    };
    Some(Event::Expression { address, kind, value })
}

fn controller<S>(event: &NoteEvent<S>) -> Option<Event> {
    match *event {
        NoteEvent::MidiPitchBend { channel, value, .. } => Some(Event::PitchBend { channel, value: wheel(value) }),
        NoteEvent::MidiChannelPressure { channel, pressure, .. } => {
            Some(Event::ChannelPressure { channel, value: pressure })
        }
        NoteEvent::MidiCC { channel, cc, value, .. } => match cc {
            control_change::DAMPER_PEDAL => Some(Event::Sustain { channel, is_down: value >= 0.5 }),
            control_change::ALL_SOUND_OFF => Some(Event::AllSoundOff { channel }),
            control_change::RESET_ALL_CONTROLLERS => Some(Event::ResetControllers { channel }),
            control_change::ALL_NOTES_OFF => Some(Event::AllNotesOff { channel }),
            _ => None,
        },
        _ => None,
    }
}

/// MIDI's 14 bits, given as 0 to 1, around their middle of 8192: a wheel at rest must be exactly 0,
/// or every note would be a hair out of tune and none would pass untouched.
fn wheel(value: f32) -> f32 {
    let steps = (value * 16_383.0).round() - 8192.0;
    if steps > 0.0 { steps / 8191.0 } else { steps / 8192.0 }
}

/// A host's wildcard is our `None`. The host does not say the port: there is only one.
fn address(voice_id: VoiceID, channel: Channel, key: Key) -> Address {
    Address { note_id: voice_id.id(), port: None, channel: channel.number(), key: key.number() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::ModulationTarget;

    type HostEvent = NoteEvent<()>;

    #[test]
    fn a_wildcard_of_the_host_becomes_an_open_field() {
        let event = HostEvent::NoteOff {
            timing: 0,
            voice_id: VoiceID::Wildcard,
            channel: Channel::Number(3),
            key: Key::Wildcard,
            velocity: 0.0,
        };
        let open = Address { channel: Some(3), ..Address::default() };
        assert_eq!(engine_event(&event), Some(Event::NoteOff(open)));
    }

    #[test]
    fn a_wheel_at_rest_bends_nothing_and_its_ends_bend_all() {
        // CLAP's 14 bits, VST3's exact half, and both ends.
        for (value, expected) in [(8192.0 / 16_383.0, 0.0), (0.5, 0.0), (0.0, -1.0), (1.0, 1.0)] {
            let event = HostEvent::MidiPitchBend { timing: 0, channel: 2, value };
            assert_eq!(engine_event(&event), Some(Event::PitchBend { channel: 2, value: expected }));
        }
    }

    #[test]
    fn the_pedal_counts_from_the_middle_of_its_travel() {
        let pedal = |raw: f32| HostEvent::MidiCC { timing: 0, channel: 0, cc: 64, value: raw / 127.0 };
        assert_eq!(engine_event(&pedal(63.0)), Some(Event::Sustain { channel: 0, is_down: false }));
        assert_eq!(engine_event(&pedal(64.0)), Some(Event::Sustain { channel: 0, is_down: true }));
    }

    #[test]
    fn a_modulation_is_a_part_of_the_parameters_range() {
        let poly_modulation_id = ModulationTarget::Cutoff as u32;
        let event = HostEvent::PolyModulation { timing: 0, voice_id: 5, poly_modulation_id, normalized_offset: 0.1 };
        let address = Address { note_id: Some(5), ..Address::default() };
        let expected = Event::Modulation { address, target: ModulationTarget::Cutoff, offset: 1.0 };
        assert_eq!(engine_event(&event), Some(expected));
    }

    #[test]
    fn controllers_without_a_meaning_are_left_alone() {
        assert_eq!(engine_event(&HostEvent::MidiCC { timing: 0, channel: 0, cc: 3, value: 1.0 }), None);
    }

    #[test]
    fn an_ended_note_is_told_by_the_numbers_that_began_it() {
        let note = Address { note_id: Some(4), ..Address::key(61) };
        let expected = HostEvent::VoiceTerminated {
            timing: 63,
            voice_id: VoiceID::ID(4),
            channel: Channel::Number(0),
            key: Key::Number(61),
        };
        assert_eq!(ended::<()>(&note, 63), expected);
    }
}
