//! How truly a sound is read at other pitches and rates.

use std::sync::Arc;

use brownian_plugin::engine::{Config, Engine, Place, Sound};

use crate::support::*;

/// Long enough for an FFT after the first milliseconds.
const NUM_BINS: usize = 8192;

/// How much of a note is left out in front of the spectrum.
const SKIP: usize = 2000;

/// A sine of `frequency_hz` that lasts long enough to be played `speed` times as fast. It is at
/// -6 dB, so that no limiter takes part.
fn tone(frequency_hz: f32, rate: f32, speed: usize) -> Arc<Sound> {
    let omega = std::f64::consts::TAU * f64::from(frequency_hz / rate);
    let samples = (0..(SKIP + NUM_BINS + 100) * speed).map(|i| (omega * i as f64).sin() as f32 * 0.5);
    Arc::new(mono(samples.collect(), rate))
}

/// The spectrum of `sound`, played `semitones` above its root at `rate`; its sine counts as 0 dB.
fn spectrum_of(sound: Arc<Sound>, semitones: i32, rate: f32) -> Vec<f32> {
    let (mut engine, mut handle) = Engine::new(Config { sample_rate: rate });
    handle.give(Place::Keys, sound).unwrap();
    let key = (i32::from(ROOT) + semitones) as u8;
    let output = play(&mut engine, &[on(0, key)], &plain(), SKIP + NUM_BINS);
    spectrum_db(&output[SKIP..]).iter().map(|db| db + 6.02).collect()
}

/// The loudest bin that is not part of the sine at `frequency_hz`.
fn loudest_other(spectrum: &[f32], frequency_hz: f32, rate: f32) -> f32 {
    let bin = frequency_hz / rate * NUM_BINS as f32;
    let others = spectrum.iter().enumerate().filter(|(index, _)| (*index as f32 - bin).abs() > 6.0);
    others.map(|(_, &db)| db).fold(f32::MIN, f32::max)
}

fn loudest(spectrum: &[f32]) -> f32 {
    spectrum.iter().copied().fold(f32::MIN, f32::max)
}

#[test]
fn the_root_key_plays_the_sound_bit_by_bit() {
    let samples = sine(440.0, 4800).iter().map(|s| 0.8 * s).collect::<Vec<_>>();
    let (mut engine, _handle) = engine(mono(samples.clone(), RATE));
    assert_eq!(play(&mut engine, &[on(0, ROOT)], &plain(), 4800), samples);
}

#[test]
fn two_octaves_up_a_bright_sound_aliases_below_60_db() {
    // Every 500 Hz: what fits below 24 kHz after the shift is alone, what does not is gone.
    for step in 1..48 {
        let source = 500.0 * step as f32 - 10.0;
        let shifted = 4.0 * source;
        let spectrum = spectrum_of(tone(source, RATE, 4), 24, RATE);
        let other = loudest_other(&spectrum, shifted, RATE);
        assert!(other < -60.0, "{source} Hz leaves {other} dB");
    }
}

#[test]
fn nothing_aliases_at_any_interval_or_rate() {
    for (sound_rate, rate) in [(44_100.0, 48_000.0), (48_000.0, 44_100.0), (44_100.0, 96_000.0), (44_100.0, 22_050.0)] {
        for source in [1013.0, 5013.0, 9013.0, 14_013.0, 17_513.0] {
            let sound = tone(source, sound_rate, 12);
            for semitones in [-24, -7, 0, 1, 5, 12, 19, 31] {
                let spectrum = spectrum_of(sound.clone(), semitones, rate);
                let other = loudest_other(&spectrum, source * (semitones as f32 / 12.0).exp2(), rate);
                assert!(other < -60.0, "{source} Hz, {semitones} semitones, {sound_rate} to {rate}: {other} dB");
            }
        }
    }
}

#[test]
fn from_44_1_to_48_khz_the_top_stays_flat_to_18_khz() {
    for frequency in [100.0, 1000.0, 5000.0, 10_000.0, 14_000.0, 16_000.0, 17_000.0, 18_000.0] {
        let level = loudest(&spectrum_of(tone(frequency, 44_100.0, 1), 0, RATE));
        // The window's own scalloping takes up to 0.83 dB off a sine between two bins, so the same
        // sine read at its own rate is the measure.
        let reference = loudest(&spectrum_of(tone(frequency, RATE, 1), 0, RATE));
        assert!((level - reference).abs() < 0.5, "{frequency} Hz: {level} dB, should be {reference}");
    }
}

#[test]
fn an_octave_up_keeps_the_top_to_17_khz() {
    for frequency in [1000.0, 4000.0, 8000.0, 8500.0] {
        let level = loudest(&spectrum_of(tone(frequency, RATE, 2), 12, RATE));
        let reference = loudest(&spectrum_of(tone(2.0 * frequency, RATE, 1), 0, RATE));
        assert!((level - reference).abs() < 0.5, "{frequency} Hz: {level} dB, should be {reference}");
    }
}

#[test]
fn keys_play_equal_temperament_at_every_rate() {
    for rate in [22_050.0, 44_100.0, 48_000.0, 96_000.0, 192_000.0] {
        for (key, expected) in [(48, 220.0), (60, 440.0), (67, 659.2551), (72, 880.0), (84, 1760.0)] {
            let (mut engine, _handle) = engine_at(rate, mono(sine(440.0, 96_000), RATE));
            let output = play(&mut engine, &[on(0, key)], &plain(), (0.2 * rate) as usize);
            let frequency = frequency_hz(&output, rate);
            // A hundredth of a semitone is 0.06 %.
            assert!((frequency / expected - 1.0).abs() < 6e-4, "key {key} at {rate}: {frequency} Hz");
        }
    }
}

#[test]
fn both_channels_of_a_stereo_sound_are_read_alike() {
    // Soft enough that the limiter, which couples the sides, takes no part.
    let [left, right] = [440.0, 660.0].map(|hz| sine(hz, 9600).iter().map(|s| 0.5 * s).collect::<Vec<_>>());
    let stereo = Sound::new(&[left.clone(), right.clone()], RATE, 60.0, None).unwrap();
    let render = |sound| {
        let (mut engine, _handle) = engine(sound);
        play_in_blocks(&mut engine, &[on(0, 65)], &plain(), 4000, 64)
    };
    let [both_left, both_right] = render(stereo);
    // The same sums in the same order: equal to the bit.
    assert_eq!(both_left, render(mono(left, RATE))[0]);
    assert_eq!(both_right, render(mono(right, RATE))[1]);
}
