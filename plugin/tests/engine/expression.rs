//! Wheels, expressions and modulation, each heard in the right note.

use brownian_plugin::engine::{
    Address, EnvelopeParameters, Event, Expression, FilterMode, FilterParameters, ModulationTarget, Parameters,
};

use crate::support::*;

const NOTE: Address = Address { note_id: Some(7), port: None, channel: Some(0), key: Some(ROOT) };

fn note() -> brownian_plugin::engine::TimedEvent {
    at(0, Event::NoteOn { address: NOTE, velocity: 1.0 })
}

fn tone() -> brownian_plugin::engine::Sound {
    mono(sine(440.0, 192_000).iter().map(|s| 0.5 * s).collect(), RATE)
}

/// Both channels a moment after `events`.
fn render(events: &[Event], parameters: &Parameters) -> [Vec<f32>; 2] {
    let (mut engine, _handle) = engine(tone());
    let events: Vec<_> = std::iter::once(note()).chain(events.iter().map(|&event| at(0, event))).collect();
    let [left, right] = play_in_blocks(&mut engine, &events, parameters, 14_400, 512);
    [left[4800..].to_vec(), right[4800..].to_vec()]
}

fn pitch(events: &[Event]) -> f32 {
    frequency_hz(&render(events, &plain())[0], RATE)
}

fn express(kind: Expression, value: f32) -> Event {
    Event::Expression { address: NOTE, kind, value }
}

fn modulate(target: ModulationTarget, offset: f32) -> Event {
    Event::Modulation { address: Address { note_id: Some(7), ..Address::default() }, target, offset }
}

#[test]
fn the_wheel_bends_two_semitones_either_way() {
    let bent = |value| pitch(&[Event::PitchBend { channel: 0, value }]);
    assert!((bent(1.0) - 493.883).abs() < 0.2);
    assert!((bent(-1.0) - 391.995).abs() < 0.2);
    assert!((pitch(&[Event::PitchBend { channel: 1, value: 1.0 }]) - 440.0).abs() < 0.2);
}

#[test]
fn tuning_and_its_modulation_are_semitones() {
    assert!((pitch(&[express(Expression::Tuning, 12.0)]) - 880.0).abs() < 0.3);
    assert!((pitch(&[modulate(ModulationTarget::Tune, -12.0)]) - 220.0).abs() < 0.2);
}

#[test]
fn volume_is_a_factor_and_gain_is_in_db() {
    let level = |event| rms(&render(&[event], &plain())[0]);
    let reference = level(express(Expression::Volume, 1.0));
    assert!((level(express(Expression::Volume, 0.25)) / reference - 0.25).abs() < 1e-3);
    assert!((level(modulate(ModulationTarget::Gain, -20.0)) / reference - 0.1).abs() < 1e-3);
}

#[test]
fn pan_keeps_the_power() {
    for pan in [-1.0, -0.5, 0.3, 1.0] {
        for event in [express(Expression::Pan, pan), modulate(ModulationTarget::Pan, pan)] {
            let [left, right] = render(&[event], &plain()).map(|side| rms(&side));
            let centre = 0.5 / 2f32.sqrt();
            assert!(((left * left + right * right).sqrt() / (2f32.sqrt() * centre) - 1.0).abs() < 1e-2);
            assert_eq!(left > right, pan < 0.0);
        }
    }
}

#[test]
fn pressure_opens_the_filter() {
    let filter = FilterParameters {
        mode: FilterMode::LowPass12,
        cutoff_hz: 110.0,
        pressure_octaves: 4.0,
        ..FilterParameters::default()
    };
    let parameters = Parameters { filter, ..plain() };
    let level = |events: &[Event]| rms(&render(events, &parameters)[0]);
    let closed = level(&[]);
    // 440 Hz lies two octaves above the corner, then two below.
    assert!(level(&[express(Expression::Pressure, 1.0)]) > 8.0 * closed);
    assert!(level(&[Event::ChannelPressure { channel: 0, value: 1.0 }]) > 8.0 * closed);
    assert!(level(&[modulate(ModulationTarget::Cutoff, 4.0)]) > 8.0 * closed);
}

#[test]
fn the_filters_envelope_opens_and_closes_it() {
    let envelope = EnvelopeParameters { attack_ms: 0.0, decay_ms: 100.0, sustain: 0.0, release_ms: 10.0 };
    let filter = FilterParameters {
        mode: FilterMode::LowPass24,
        cutoff_hz: 110.0,
        envelope_octaves: 6.0,
        envelope,
        ..FilterParameters::default()
    };
    let (mut engine, _handle) = engine(tone());
    let output = play(&mut engine, &[note()], &Parameters { filter, ..plain() }, 14_400);
    // Six octaves above 110 Hz at first, far below the tone in the end: 24 dB an octave over two.
    assert!(rms(&output[..480]) > 0.3);
    assert!(rms(&output[9600..]) < 0.003);
}

#[test]
fn an_expression_of_another_note_changes_nothing() {
    let other = Address { note_id: Some(8), ..NOTE };
    let event = Event::Expression { address: other, kind: Expression::Tuning, value: 12.0 };
    assert_eq!(render(&[event], &plain()), render(&[], &plain()));
}

#[test]
fn a_value_that_is_no_number_is_ignored() {
    let nan = f32::NAN;
    let events = [
        express(Expression::Tuning, nan),
        modulate(ModulationTarget::Gain, nan),
        Event::PitchBend { channel: 0, value: nan },
        Event::ChannelPressure { channel: 0, value: f32::INFINITY },
    ];
    assert_eq!(render(&events, &plain()), render(&[], &plain()));
}

#[test]
fn controllers_return_to_rest_when_told() {
    let events = [Event::PitchBend { channel: 0, value: 1.0 }, Event::ResetControllers { channel: 0 }];
    assert!((pitch(&events) - 440.0).abs() < 0.2);
}
