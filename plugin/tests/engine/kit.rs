//! Sixteen pads on the drum keys.

use std::sync::Arc;

use brownian_plugin::engine::{Config, Engine, EngineHandle, FIRST_PAD_KEY, Mode, NUM_PADS, Parameters, Place};

use crate::support::*;

/// A kit whose pad `n` is a constant of `(n + 1) / 32`.
fn kit(num_frames: usize) -> (Engine, EngineHandle) {
    let (engine, mut handle) = Engine::new(Config { sample_rate: RATE });
    for pad in 0..NUM_PADS {
        let sound = mono(vec![(pad + 1) as f32 / 32.0; num_frames], RATE);
        handle.give(Place::Pad(pad), Arc::new(sound)).unwrap();
    }
    (engine, handle)
}

fn kit_mode() -> Parameters {
    Parameters { mode: Mode::Kit, ..plain() }
}

#[test]
fn every_key_strikes_its_own_pad_at_the_sounds_own_pitch() {
    for pad in 0..NUM_PADS as u8 {
        let (mut engine, _handle) = kit(1000);
        let output = play(&mut engine, &[on(0, FIRST_PAD_KEY + pad)], &kit_mode(), 512);
        assert!(output.iter().all(|&sample| sample == f32::from(pad + 1) / 32.0), "pad {pad}");
    }
}

#[test]
fn keys_beside_the_kit_are_silent() {
    let (mut engine, _handle) = kit(1000);
    let output = play(&mut engine, &[on(0, 35), on(0, 52), on(0, 60)], &kit_mode(), 512);
    assert_eq!(peak(&output), 0.0);
}

#[test]
fn a_drum_rings_on_when_its_key_comes_up_unless_it_is_gated() {
    for is_gated in [false, true] {
        let (mut engine, _handle) = kit(4000);
        let mut parameters = kit_mode();
        parameters.pads.0[0].is_gated = is_gated;
        let output = play(&mut engine, &[on(0, 36), off(10, 36)], &parameters, 4000);
        assert_eq!(peak(&output[100..]) == 0.0, is_gated);
    }
}

#[test]
fn the_closed_hat_chokes_the_open_one_and_nothing_else() {
    let (mut engine, _handle) = kit(48_000);
    // Bass drum (1/32) and open hat (11/32), then the closed hat (7/32).
    let output = play(&mut engine, &[on(0, 36), on(0, 46), on(4800, 42)], &kit_mode(), 9600);
    assert_eq!(output[4000], 12.0 / 32.0);
    // Five milliseconds later the open hat is gone.
    assert_eq!(output[4800 + 240], 8.0 / 32.0);
    assert!(largest_step(&output[1..4800]) == 0.0);
}

#[test]
fn level_pan_and_tune_belong_to_the_pad() {
    let (mut engine, mut handle) = kit(1000);
    handle.give(Place::Pad(2), Arc::new(mono(sine(440.0, 48_000).iter().map(|s| 0.5 * s).collect(), RATE))).unwrap();
    let mut parameters = kit_mode();
    let pad = &mut parameters.pads.0[2];
    (pad.level_db, pad.pan, pad.tune_semitones) = (-20.0, -1.0, 12.0);
    let [left, right] = play_in_blocks(&mut engine, &[on(0, 38)], &parameters, 9600, 64);
    assert!((rms(&left) / (0.05) - 1.0).abs() < 1e-2, "{}", rms(&left));
    assert!(peak(&right) < 1e-6);
    assert!((frequency_hz(&left, RATE) - 880.0).abs() < 1.0);
}

#[test]
fn a_note_of_one_mode_can_be_let_go_in_the_other() {
    let (mut engine, mut handle) = kit(1000);
    handle.give(Place::Keys, Arc::new(mono(vec![0.5; 48_000], RATE))).unwrap();
    play(&mut engine, &[on(0, 60)], &plain(), 64);
    play(&mut engine, &[off(0, 60)], &kit_mode(), 512);
    assert_eq!(engine.num_notes(), 0);
}
