//! What happens when there are more notes than voices.

use brownian_plugin::engine::{Address, EnvelopeParameters, Event, MAX_NOTES, Parameters};

use crate::support::*;

fn slow_sine(level: f32) -> brownian_plugin::engine::Sound {
    mono(sine(100.0, 480_000).iter().map(|s| level * s).collect(), RATE)
}

#[test]
fn no_more_than_the_limit_of_notes_sound_and_the_newest_are_among_them() {
    let (mut engine, _handle) = engine(slow_sine(0.01));
    let events: Vec<_> = (0..60).map(|i| on(i * 100, 30 + i as u8)).collect();
    play(&mut engine, &events, &plain(), 6100);
    assert_eq!(engine.num_notes(), MAX_NOTES);
    let newest: Vec<_> = (28..60).map(|i| off(0, 30 + i as u8)).collect();
    play(&mut engine, &newest, &plain(), 512);
    assert_eq!(engine.num_notes(), 0);
}

#[test]
fn the_player_can_ask_for_fewer() {
    let (mut engine, _handle) = engine(slow_sine(0.01));
    let parameters = Parameters { num_notes: 3, ..plain() };
    play(&mut engine, &[on(0, 60), on(1, 62), on(2, 64), on(3, 65)], &parameters, 64);
    assert_eq!(engine.num_notes(), 3);
}

#[test]
fn a_released_note_is_taken_before_a_held_one() {
    let (mut engine, _handle) = engine(slow_sine(0.01));
    let amplitude = EnvelopeParameters { release_ms: 5000.0, ..plain().amplitude };
    let parameters = Parameters { amplitude, ..plain() };
    let mut events: Vec<_> = (0..MAX_NOTES as u32).map(|i| on(i * 10, 40 + i as u8)).collect();
    events.extend([off(1000, 45), on(1100, 90)]);
    play(&mut engine, &events, &parameters, 3000);
    let before = engine.num_notes();
    // The oldest key (40) still sounds, the released one (45) does not.
    play(&mut engine, &[at(0, Event::Choke(Address::key(40)))], &parameters, 64);
    assert_eq!(engine.num_notes(), before - 1);
    play(&mut engine, &[at(0, Event::Choke(Address::key(45)))], &parameters, 64);
    assert_eq!(engine.num_notes(), before - 1);
}

#[test]
fn a_stolen_voice_does_not_click() {
    let level = 0.02;
    let (mut engine, _handle) = engine(slow_sine(level));
    // Old notes are taken on every phase of the sine.
    let mut events: Vec<_> = (0..MAX_NOTES).map(|_| on(0, ROOT)).collect();
    events.extend((1..40).map(|i| on(i * 613, ROOT)));
    let output = play(&mut engine, &events, &plain(), 30_000);
    // 33 sines at their steepest, and one fade of 5 ms.
    let bound = level * (33.0 * 0.0131 + 1.0 / 240.0);
    assert!(largest_step(&output) <= bound, "{} of {bound}", largest_step(&output));
}

#[test]
fn hundreds_of_notes_at_once_leave_as_many_as_may_sound() {
    let (mut engine, _handle) = engine(slow_sine(0.01));
    let events: Vec<_> = (0..500).map(|i| on(0, (i % 128) as u8)).collect();
    play(&mut engine, &events, &plain(), 64);
    assert_eq!(engine.num_notes(), MAX_NOTES);
    // The newest is among them.
    play(&mut engine, &[off(0, (499 % 128) as u8)], &plain(), 512);
    assert_eq!(engine.num_notes(), MAX_NOTES - 1);
}

#[test]
fn a_chord_of_full_scale_sounds_stays_below_full_scale() {
    let (mut engine, _handle) = engine(slow_sine(1.0));
    let events: Vec<_> = (0..MAX_NOTES as u32).map(|i| on(i * 37, 50 + i as u8)).collect();
    let output = play(&mut engine, &events, &plain(), 24_000);
    assert!(peak(&output) <= 1.0 && peak(&output) > 0.9, "{}", peak(&output));
}
