//! What the audio thread pays: blocks of 64 frames at 48 kHz, whose deadline is 1333 µs.
//!
//! `cargo bench -p brownian-plugin --bench voices`
//!
//! Each time is that of one block. A hundredth of the deadline, 13.3 µs, is one per cent of a core.

use std::hint::black_box;
use std::sync::Arc;

use brownian_core::noise::{NoiseStream, Seed};
use brownian_plugin::engine::{
    Address, Config, Engine, EngineHandle, Event, FilterMode, Parameters, Place, Sound, TimedEvent,
};
use criterion::{Criterion, criterion_group, criterion_main};

const SAMPLE_RATE: f32 = 48_000.0;
const NUM_FRAMES: usize = 64;
const NUM_VOICES: u8 = 32;

/// Long enough for no note to end while it is timed, with its loop for those that would.
const SOUND_S: usize = 4;

/// Quiet noise at the rate of the models.
fn sound(num_channels: usize) -> Arc<Sound> {
    let channel = |number: usize| {
        let mut noise = NoiseStream::new(Seed(1), "bench", number as u64);
        (0..44_100 * SOUND_S).map(|_| 0.02 * noise.normal()).collect()
    };
    let channels: Vec<Vec<f32>> = (0..num_channels).map(channel).collect();
    Arc::new(Sound::new(&channels, 44_100.0, 60.0, None).expect("one or two channels of finite samples"))
}

/// An engine on which the keys from `lowest` up are held.
fn playing(sound: Arc<Sound>, lowest: u8, parameters: &Parameters) -> (Engine, EngineHandle) {
    let (mut engine, mut handle) = Engine::new(Config { sample_rate: SAMPLE_RATE });
    handle.give(Place::Keys, sound).expect("the ring is empty");
    let note = |number| Event::NoteOn { address: Address::key(lowest + number), velocity: 1.0 };
    let notes: Vec<_> = (0..NUM_VOICES).map(|number| TimedEvent { frame: 0, event: note(number) }).collect();
    block(&mut engine, &notes, parameters);
    (engine, handle)
}

fn block(engine: &mut Engine, events: &[TimedEvent], parameters: &Parameters) {
    let (mut left, mut right) = ([0.0; NUM_FRAMES], [0.0; NUM_FRAMES]);
    engine.process(events, [&mut left, &mut right], parameters);
    black_box((left, right));
}

fn voices(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("32 voices");
    let filtered = |mode| {
        let mut parameters = Parameters::default();
        (parameters.filter.mode, parameters.filter.cutoff_hz) = (mode, 3000.0);
        parameters
    };
    let cases = [
        ("mono, two octaves around the root", 1, 44, filtered(FilterMode::Off)),
        ("stereo, two octaves around the root", 2, 44, filtered(FilterMode::Off)),
        ("stereo, 24 dB low-pass", 2, 44, filtered(FilterMode::LowPass24)),
        ("stereo, 24 dB low-pass, up to 31 semitones up", 2, 60, filtered(FilterMode::LowPass24)),
    ];
    for (name, num_channels, lowest, parameters) in cases {
        let sound = sound(num_channels);
        let (mut engine, _handle) = playing(sound.clone(), lowest, &parameters);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                if engine.num_notes() < usize::from(NUM_VOICES) {
                    (engine, _) = playing(sound.clone(), lowest, &parameters);
                }
                block(&mut engine, &[], &parameters);
            });
        });
    }
    group.finish();
}

fn idle(criterion: &mut Criterion) {
    let (mut engine, _handle) = Engine::new(Config { sample_rate: SAMPLE_RATE });
    criterion.bench_function("idle", |bencher| bencher.iter(|| block(&mut engine, &[], &Parameters::default())));
}

criterion_group!(benches, voices, idle);
criterion_main!(benches);
