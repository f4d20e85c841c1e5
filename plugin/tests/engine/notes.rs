//! When notes begin and end.

use brownian_plugin::engine::{Address, EnvelopeParameters, Event, Parameters, Tail, VelocityParameters};

use crate::support::*;

fn constant() -> brownian_plugin::engine::Sound {
    mono(vec![0.5; 96_000], RATE)
}

fn with_release(release_ms: f32) -> Parameters {
    Parameters { amplitude: EnvelopeParameters { release_ms, ..plain().amplitude }, ..plain() }
}

#[test]
fn a_note_starts_on_its_own_sample() {
    let (mut engine, _handle) = engine(constant());
    let output = play(&mut engine, &[on(137, ROOT)], &plain(), 256);
    assert_eq!(output.iter().position(|&sample| sample != 0.0), Some(137));
}

#[test]
fn a_release_begins_and_ends_on_its_own_sample() {
    let (mut engine, _handle) = engine(constant());
    // 10 ms at 48 kHz are 480 frames.
    let output = play(&mut engine, &[on(0, ROOT), off(1001, ROOT)], &with_release(10.0), 3000);
    assert!(output[..=1001].iter().all(|&sample| sample == 0.5));
    assert!(output[1002] < 0.5);
    assert_eq!(output.iter().rposition(|&sample| sample != 0.0), Some(1480));
    assert_eq!(engine.num_notes(), 0);
}

#[test]
fn the_envelope_has_its_four_stages() {
    let (mut engine, _handle) = engine(constant());
    let amplitude = EnvelopeParameters { attack_ms: 10.0, decay_ms: 20.0, sustain: 0.5, release_ms: 30.0 };
    let parameters = Parameters { amplitude, ..plain() };
    let output = play(&mut engine, &[on(0, ROOT), off(4800, ROOT)], &parameters, 9600);
    assert!((output[240] - 0.25).abs() < 1e-3, "half of the attack");
    assert!((output[480] - 0.5).abs() < 1e-3, "the top");
    assert!((output[480 + 960] - 0.25).abs() < 1e-3, "the sustain level");
    assert!(output[4800 + 1440..].iter().all(|&sample| sample == 0.0), "after the release");
}

#[test]
fn a_note_that_reaches_the_end_of_its_sound_frees_its_voice() {
    let (mut engine, _handle) = engine(mono(sine(440.0, 100), RATE));
    let output = play(&mut engine, &[on(0, ROOT)], &plain(), 512);
    assert_eq!(engine.num_notes(), 0);
    assert!(output[100..].iter().all(|&sample| sample == 0.0));
    assert_eq!(engine.ended_notes(), [Address::key(ROOT)]);
}

#[test]
fn a_choke_is_quick_and_does_not_click() {
    let (mut engine, _handle) = engine(mono(sine(100.0, 96_000).iter().map(|s| 0.8 * s).collect(), RATE));
    // Frame 600 lies on the crest of the sine, the worst place to cut.
    let events = [on(0, ROOT), at(600, Event::Choke(Address::key(ROOT)))];
    let output = play(&mut engine, &events, &with_release(5000.0), 2000);
    // The sine's own slope, and 5 ms of fade.
    assert!(largest_step(&output) <= 0.8 * (0.0131 + 1.0 / 240.0));
    assert!(output[840..].iter().all(|&sample| sample == 0.0));
}

#[test]
fn wildcards_reach_every_note_and_numbers_only_their_own() {
    let note = |id, key| Address { note_id: Some(id), port: Some(0), ..Address::key(key) };
    let start = |id, key| at(0, Event::NoteOn { address: note(id, key), velocity: 1.0 });
    let events = [start(1, 60), start(2, 60), start(3, 64)];
    let left_after = |address| {
        let (mut engine, _handle) = engine(constant());
        play(&mut engine, &events, &plain(), 64);
        play(&mut engine, &[at(0, Event::NoteOff(address))], &plain(), 512);
        engine.num_notes()
    };
    assert_eq!(left_after(Address { note_id: Some(2), ..Address::default() }), 2);
    assert_eq!(left_after(Address::key(60)), 1);
    assert_eq!(left_after(Address { port: Some(0), ..Address::default() }), 0);
    assert_eq!(left_after(Address { port: Some(1), ..Address::default() }), 3);
    assert_eq!(left_after(Address { channel: Some(1), ..Address::default() }), 3);
    assert_eq!(left_after(Address::default()), 0);
}

#[test]
fn velocity_counts_squared_and_can_be_turned_off() {
    let level = |velocity, amount| {
        let (mut engine, _handle) = engine(constant());
        let parameters = Parameters { velocity: VelocityParameters { amount, curve: 0.0 }, ..plain() };
        let event = at(0, Event::NoteOn { address: Address::key(ROOT), velocity });
        peak(&play(&mut engine, &[event], &parameters, 64))
    };
    assert_eq!(level(1.0, 1.0), 0.5);
    assert_eq!(level(0.5, 1.0), 0.125);
    assert_eq!(level(0.0, 1.0), 0.0);
    assert_eq!(level(0.1, 0.0), 0.5);
}

#[test]
fn the_pedal_holds_notes_until_it_comes_up() {
    let (mut engine, _handle) = engine(constant());
    let pedal = |frame, is_down| at(frame, Event::Sustain { channel: 0, is_down });
    let events = [pedal(0, true), on(10, 60), off(100, 60), on(200, 64), pedal(1000, false), off(2000, 64)];
    let output = play(&mut engine, &events, &plain(), 3000);
    // Both notes until the pedal, the held one until its key, then none.
    assert!(output[900] > 0.9 && (output[1500] - 0.5).abs() < 1e-6);
    assert!(output[2100..].iter().all(|&sample| sample == 0.0));
}

#[test]
fn the_pedal_of_one_channel_leaves_the_others_alone() {
    let (mut engine, _handle) = engine(constant());
    let address = Address { channel: Some(1), ..Address::key(60) };
    let events = [
        at(0, Event::Sustain { channel: 0, is_down: true }),
        at(0, Event::NoteOn { address, velocity: 1.0 }),
        at(10, Event::NoteOff(address)),
    ];
    play(&mut engine, &events, &plain(), 512);
    assert_eq!(engine.num_notes(), 0);
}

#[test]
fn all_notes_off_and_all_sound_off_leave_nothing() {
    for event in [Event::AllNotesOff { channel: 0 }, Event::AllSoundOff { channel: 0 }] {
        let (mut engine, _handle) = engine(constant());
        let events = [at(0, Event::Sustain { channel: 0, is_down: true }), on(0, 60), on(0, 64), at(100, event)];
        play(&mut engine, &events, &plain(), 512);
        assert_eq!(engine.num_notes(), 0, "{event:?}");
    }
}

#[test]
fn a_one_shot_plays_to_its_end_whatever_the_key_does() {
    let parameters = Parameters { is_one_shot: true, ..plain() };
    let (mut engine, _handle) = engine(mono(vec![0.5; 2000], RATE));
    let output = play(&mut engine, &[on(0, ROOT), off(10, ROOT)], &parameters, 4000);
    assert!(output[..2000].iter().all(|&sample| sample == 0.5));
    assert_eq!(engine.num_notes(), 0);
}

#[test]
fn the_engine_says_when_it_is_silent_and_how_long_it_is_not() {
    let (mut engine, _handle) = engine(constant());
    let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
    let parameters = with_release(10.0);
    let mut process = |events: &[_]| engine.process(events, [&mut left, &mut right], &parameters);
    let silent = process(&[]);
    assert!(silent.is_silent);
    assert_eq!(silent.tail, Tail::Frames(0));
    let held = process(&[on(0, ROOT)]);
    assert!(!held.is_silent);
    // The sound ends by itself, which is as far as the tail can be known.
    assert!(matches!(held.tail, Tail::Frames(frames) if frames > 95_000));
    assert_eq!(process(&[off(0, ROOT)]).tail, Tail::Frames(480 - 64));
    for _ in 0..8 {
        process(&[]);
    }
    let after = process(&[]);
    assert!(after.is_silent);
    assert_eq!(after.tail, Tail::Frames(0));
}

#[test]
fn reset_brings_silence_at_once() {
    let (mut engine, _handle) = engine(constant());
    play(&mut engine, &[on(0, ROOT)], &plain(), 100);
    engine.reset();
    assert!(play(&mut engine, &[], &plain(), 100).iter().all(|&sample| sample == 0.0));
    // The sound is still there.
    assert_eq!(peak(&play(&mut engine, &[on(0, ROOT)], &plain(), 100)), 0.5);
}

#[test]
fn without_a_sound_a_note_is_silence() {
    let (mut engine, _handle) =
        brownian_plugin::engine::Engine::new(brownian_plugin::engine::Config { sample_rate: RATE });
    assert_eq!(peak(&play(&mut engine, &[on(0, ROOT)], &plain(), 64)), 0.0);
}

#[test]
fn events_past_the_block_or_out_of_order_still_count() {
    let (mut engine, _handle) = engine(constant());
    let (mut left, mut right) = ([0.0; 64], [0.0; 64]);
    engine.process(&[on(40, 60), on(20, 62), on(9999, 64)], [&mut left, &mut right], &plain());
    assert_eq!(engine.num_notes(), 3);
    assert_eq!(left.iter().position(|&sample| sample != 0.0), Some(40));
}
