//! An engine with a sound in it, and ways to listen to what it plays.

use std::sync::Arc;

use brownian_plugin::engine::{
    Address, Config, Engine, EngineHandle, EnvelopeParameters, Event, Parameters, Place, Sound, TimedEvent,
};
use rustfft::FftPlanner;
use rustfft::num_complex::Complex;

pub const RATE: f32 = 48_000.0;

/// The key at which the sounds of these tests play as they are.
pub const ROOT: u8 = 60;

/// An engine at `rate` Hz that plays `sound` over the keyboard.
pub fn engine_at(rate: f32, sound: Sound) -> (Engine, EngineHandle) {
    let (engine, mut handle) = Engine::new(Config { sample_rate: rate });
    handle.give(Place::Keys, Arc::new(sound)).unwrap();
    (engine, handle)
}

/// An engine at [`RATE`] that plays `sound` over the keyboard.
pub fn engine(sound: Sound) -> (Engine, EngineHandle) {
    engine_at(RATE, sound)
}

/// `samples` in mono, made at `rate` Hz.
pub fn mono(samples: Vec<f32>, rate: f32) -> Sound {
    Sound::new(&[samples], rate, f32::from(ROOT), None).unwrap()
}

/// A sine of full scale that begins at 0.
pub fn sine(frequency_hz: f32, num_frames: usize) -> Vec<f32> {
    let omega = std::f64::consts::TAU * f64::from(frequency_hz) / f64::from(RATE);
    (0..num_frames).map(|i| (omega * i as f64).sin() as f32).collect()
}

/// Parameters that leave a note as it is and end it in a millisecond.
pub fn plain() -> Parameters {
    Parameters {
        amplitude: EnvelopeParameters { attack_ms: 0.0, decay_ms: 0.0, sustain: 1.0, release_ms: 1.0 },
        ..Parameters::default()
    }
}

pub fn on(frame: u32, key: u8) -> TimedEvent {
    TimedEvent { frame, event: Event::NoteOn { address: Address::key(key), velocity: 1.0 } }
}

pub fn off(frame: u32, key: u8) -> TimedEvent {
    TimedEvent { frame, event: Event::NoteOff(Address::key(key)) }
}

pub fn at(frame: u32, event: Event) -> TimedEvent {
    TimedEvent { frame, event }
}

/// Plays `events` (their frames count from the start) and returns left and right, asking for
/// `block` frames at a time.
pub fn play_in_blocks(
    engine: &mut Engine,
    events: &[TimedEvent],
    parameters: &Parameters,
    num_frames: usize,
    block: usize,
) -> [Vec<f32>; 2] {
    let mut output = [vec![f32::NAN; num_frames], vec![f32::NAN; num_frames]];
    let mut start = 0;
    while start < num_frames {
        let end = (start + block).min(num_frames);
        let inside = events.iter().filter(|event| (start..end).contains(&(event.frame as usize)));
        let shifted: Vec<_> = inside.map(|e| TimedEvent { frame: e.frame - start as u32, event: e.event }).collect();
        let [left, right] = &mut output;
        engine.process(&shifted, [&mut left[start..end], &mut right[start..end]], parameters);
        start = end;
    }
    output
}

/// The left channel in blocks of 512.
pub fn play(engine: &mut Engine, events: &[TimedEvent], parameters: &Parameters, num_frames: usize) -> Vec<f32> {
    let [left, _] = play_in_blocks(engine, events, parameters, num_frames, 512);
    left
}

pub fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, sample| peak.max(sample.abs()))
}

pub fn rms(samples: &[f32]) -> f32 {
    (samples.iter().map(|sample| sample * sample).sum::<f32>() / samples.len() as f32).sqrt()
}

pub fn largest_step(samples: &[f32]) -> f32 {
    samples.windows(2).map(|pair| (pair[1] - pair[0]).abs()).fold(0.0, f32::max)
}

/// Frequency in Hz from the spacing of the first and last upward crossing of zero.
pub fn frequency_hz(samples: &[f32], rate: f32) -> f32 {
    let crossings = samples.windows(2).enumerate().filter(|(_, pair)| pair[0] < 0.0 && pair[1] >= 0.0);
    let times: Vec<f32> = crossings.map(|(i, pair)| i as f32 - pair[0] / (pair[1] - pair[0])).collect();
    (times.len() - 1) as f32 * rate / (times[times.len() - 1] - times[0])
}

/// The level of every bin in dB, under a window whose side lobes lie below -92 dB (four-term
/// Blackman-Harris); 0 dB is a sine of full scale.
pub fn spectrum_db(samples: &[f32]) -> Vec<f32> {
    let n = samples.len();
    let window = |i: usize| {
        let x = std::f64::consts::TAU * i as f64 / n as f64;
        0.35875 - 0.48829 * x.cos() + 0.14128 * (2.0 * x).cos() - 0.01168 * (3.0 * x).cos()
    };
    let windowed = samples.iter().enumerate().map(|(i, &s)| Complex::new(f64::from(s) * window(i), 0.0));
    let mut bins: Vec<_> = windowed.collect();
    FftPlanner::new().plan_fft_forward(n).process(&mut bins);
    let full_scale = 0.35875 * n as f64 / 2.0;
    bins[..n / 2].iter().map(|bin| (20.0 * (bin.norm() / full_scale + 1e-12).log10()) as f32).collect()
}
