//! One note at a time, and sliding between notes.

use brownian_plugin::engine::{Parameters, PlayMode, Sound};

use crate::support::*;

fn tone() -> Sound {
    mono(sine(440.0, 480_000).iter().map(|s| 0.5 * s).collect(), RATE)
}

fn one_at_a_time(play_mode: PlayMode, glide_ms: f32) -> Parameters {
    Parameters { play_mode, glide_ms, ..plain() }
}

fn pitch_at(output: &[f32], frame: usize) -> f32 {
    frequency_hz(&output[frame..frame + 2400], RATE)
}

#[test]
fn only_the_last_key_sounds_and_the_one_before_comes_back() {
    for play_mode in [PlayMode::Mono, PlayMode::Legato] {
        let (mut engine, _handle) = engine(tone());
        let events = [on(0, 60), on(4800, 72), off(9600, 72), off(14_400, 60)];
        let output = play(&mut engine, &events, &one_at_a_time(play_mode, 0.0), 19_200);
        assert!((pitch_at(&output, 1000) - 440.0).abs() < 1.0);
        assert!((pitch_at(&output, 6000) - 880.0).abs() < 1.0);
        assert!((pitch_at(&output, 11_000) - 440.0).abs() < 1.0);
        assert!(output[14_500..].iter().all(|&sample| sample == 0.0), "{play_mode:?}");
    }
}

#[test]
fn letting_go_of_a_key_that_does_not_sound_changes_nothing() {
    let (mut engine, _handle) = engine(tone());
    let events = [on(0, 60), on(4800, 72), off(9600, 60)];
    let output = play(&mut engine, &events, &one_at_a_time(PlayMode::Legato, 0.0), 14_400);
    assert!((pitch_at(&output, 11_000) - 880.0).abs() < 1.0);
}

#[test]
fn mono_starts_the_sound_again_and_legato_does_not() {
    let steps = |play_mode| {
        let (mut engine, _handle) = engine(mono((0..48_000).map(|i| i as f32 / 60_000.0).collect(), RATE));
        play(&mut engine, &[on(0, 60), on(9600, 60)], &one_at_a_time(play_mode, 0.0), 19_200)[12_000]
    };
    assert!((steps(PlayMode::Mono) - 2400.0 / 60_000.0).abs() < 1e-4);
    assert!((steps(PlayMode::Legato) - 12_000.0 / 60_000.0).abs() < 1e-4);
}

#[test]
fn a_glide_takes_its_time_and_goes_through_the_middle() {
    for play_mode in [PlayMode::Poly, PlayMode::Mono, PlayMode::Legato] {
        let (mut engine, _handle) = engine(tone());
        let first_off = if play_mode == PlayMode::Poly { 4700 } else { 4900 };
        let mut events = vec![on(0, 60), on(4800, 72), off(first_off, 60)];
        events.sort_by_key(|event| event.frame);
        let output = play(&mut engine, &events, &one_at_a_time(play_mode, 200.0), 24_000);
        // 200 ms are 9600 frames: half of the octave is an exact tritone, 622 Hz.
        let middle = pitch_at(&output, 4800 + 4800 - 1200);
        assert!((middle - 622.25).abs() < 8.0, "{play_mode:?}: {middle}");
        assert!((pitch_at(&output, 16_000) - 880.0).abs() < 1.0);
    }
}

#[test]
fn legato_does_not_slide_into_a_note_that_stands_alone() {
    let (mut engine, _handle) = engine(tone());
    let events = [on(0, 60), off(2400, 60), on(4800, 72)];
    let output = play(&mut engine, &events, &one_at_a_time(PlayMode::Legato, 200.0), 9600);
    assert!((pitch_at(&output, 5000) - 880.0).abs() < 1.0);
}

#[test]
fn a_change_of_note_does_not_click() {
    for play_mode in [PlayMode::Mono, PlayMode::Legato] {
        let (mut engine, _handle) = engine(mono(sine(100.0, 480_000).iter().map(|s| 0.4 * s).collect(), RATE));
        let events: Vec<_> = (0..40).map(|i| on(i * 613, if i % 2 == 0 { 60 } else { 61 })).collect();
        let output = play(&mut engine, &events, &one_at_a_time(play_mode, 0.0), 30_000);
        // Two notes at their steepest and one fade.
        assert!(largest_step(&output) < 0.4 * (2.0 * 0.0139 + 1.0 / 240.0), "{play_mode:?}");
    }
}
