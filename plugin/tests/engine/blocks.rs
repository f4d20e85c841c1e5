//! The size of the host's blocks is never heard.

use std::sync::Arc;

use brownian_plugin::engine::{
    Address, EnvelopeParameters, Event, Expression, FilterMode, FilterParameters, LoopMode, Mode, ModulationTarget,
    Parameters, Place, PlayMode, RegionParameters, TimedEvent,
};

use crate::support::*;

/// A little of everything, on frames that are multiples of nothing.
fn events() -> Vec<TimedEvent> {
    let id = |note_id, key| Address { note_id: Some(note_id), ..Address::key(key) };
    let mut events = vec![
        on(0, 60),
        on(101, 67),
        at(333, Event::PitchBend { channel: 0, value: 0.7 }),
        at(451, Event::NoteOn { address: id(9, 72), velocity: 0.6 }),
        at(777, Event::Expression { address: id(9, 72), kind: Expression::Pan, value: -0.6 }),
        at(1001, Event::Sustain { channel: 0, is_down: true }),
        off(1003, 60),
        at(1507, Event::Modulation { address: id(9, 72), target: ModulationTarget::Cutoff, offset: -1.5 }),
        at(2111, Event::Choke(Address::key(67))),
        at(2503, Event::ChannelPressure { channel: 0, value: 0.4 }),
        at(3001, Event::Sustain { channel: 0, is_down: false }),
        on(3333, 42),
        on(3500, 46),
        on(3900, 44),
    ];
    events.extend((0..50).map(|i| on(4000 + 29 * i, 36 + i as u8)));
    events
}

fn busy() -> Parameters {
    let envelope = EnvelopeParameters { attack_ms: 3.0, decay_ms: 60.0, sustain: 0.4, release_ms: 70.0 };
    Parameters {
        gain_db: 2.0,
        pan: 0.2,
        glide_ms: 33.0,
        amplitude: envelope,
        filter: FilterParameters {
            mode: FilterMode::LowPass24,
            cutoff_hz: 900.0,
            resonance: 0.6,
            key_tracking: 0.5,
            envelope_octaves: 3.0,
            envelope,
            ..FilterParameters::default()
        },
        region: RegionParameters {
            start: 0.01,
            loop_mode: LoopMode::CrossFaded,
            loop_start: 0.2,
            loop_end: 0.6,
            loop_fade_ms: 5.0,
            ..RegionParameters::default()
        },
        ..Parameters::default()
    }
}

fn assert_alike_in_all_blocks(parameters: &Parameters) {
    let render = |block| {
        let (mut engine, mut handle) = engine(mono(sine(313.0, 9000).iter().map(|s| 0.3 * s).collect(), 44_100.0));
        for pad in 0..16 {
            let sound = mono(sine(200.0 + 50.0 * pad as f32, 3000).iter().map(|s| 0.3 * s).collect(), 44_100.0);
            handle.give(Place::Pad(pad), Arc::new(sound)).unwrap();
        }
        play_in_blocks(&mut engine, &events(), parameters, 9000, block)
    };
    let whole = render(9000);
    assert!(peak(&whole[0]) > 0.05 && peak(&whole[0]) <= 1.0);
    for block in [1, 16, 64, 441, 4096] {
        assert_eq!(render(block), whole, "blocks of {block}");
    }
}

#[test]
fn plain_notes_sound_the_same_in_blocks_of_any_size() {
    assert_alike_in_all_blocks(&Parameters::default());
}

#[test]
fn the_whole_instrument_sounds_the_same_in_blocks_of_any_size() {
    assert_alike_in_all_blocks(&busy());
}

#[test]
fn one_note_at_a_time_sounds_the_same_in_blocks_of_any_size() {
    for play_mode in [PlayMode::Mono, PlayMode::Legato] {
        assert_alike_in_all_blocks(&Parameters { play_mode, ..busy() });
    }
}

#[test]
fn a_kit_sounds_the_same_in_blocks_of_any_size() {
    assert_alike_in_all_blocks(&Parameters { mode: Mode::Kit, ..busy() });
    let region = RegionParameters { is_reversed: true, ..RegionParameters::default() };
    assert_alike_in_all_blocks(&Parameters { mode: Mode::Kit, region, ..busy() });
}
