//! How long a 0.74 s hit takes from log-magnitude frames to samples: the phases alone, then with Griffin-Lim rounds.
//!
//! `cargo bench -p brownian-core --bench decoder`

use std::f64::consts::TAU;
use std::hint::black_box;

use brownian_core::noise::{NoiseStream, Seed};
use brownian_core::representation::{Representation, RepresentationConfig};
use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

/// 0.74 s at 44.1 kHz.
const NUM_SAMPLES: usize = 32_768;

/// A struck drum: decaying partials and a burst of noise.
fn hit() -> Vec<f32> {
    let mut noise = NoiseStream::new(Seed(2), "hit", 0);
    let sample = |i: usize| {
        let t = i as f64 / 44_100.0;
        let partial = |(hz, decay_s): (f64, f64)| (-t / decay_s).exp() * (TAU * hz * t).sin();
        let tone: f64 = [(140.0, 0.2), (223.0, 0.15), (300.0, 0.1), (504.0, 0.05)].map(partial).iter().sum();
        (0.15 * tone + 0.1 * (-t / 0.1).exp() * f64::from(noise.normal())) as f32
    };
    (0..NUM_SAMPLES).map(sample).collect()
}

fn log_magnitude(hop_length: usize, refinements: usize) -> Box<dyn Representation> {
    RepresentationConfig::LogMagnitude {
        num_samples: NUM_SAMPLES,
        n_fft: 1024,
        hop_length,
        floor_db: -100.0,
        refinements,
        onset: 0,
    }
    .build()
    .expect("these parameters are in range")
}

fn decode(criterion: &mut Criterion) {
    for hop_length in [256, 128] {
        let mut group = criterion.benchmark_group(format!("decode, hop {hop_length}"));
        for refinements in [0, 8, 16] {
            let representation = log_magnitude(hop_length, refinements);
            let frames = representation.encode(&hit()).expect("the hit has the length of the representation");
            for threads in [1, 2] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a small pool");
                let id = BenchmarkId::new(format!("{refinements} rounds"), format!("{threads} threads"));
                group.bench_function(id, |bencher| {
                    let stream = || NoiseStream::new(Seed(1), "phase", 0);
                    pool.install(|| bencher.iter(|| representation.decode(black_box(&frames), &mut stream())));
                });
            }
        }
        group.finish();
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
