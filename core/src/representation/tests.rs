//! Round trips through every representation, on known signals and a recorded hit.

use std::f64::consts::TAU;

use super::*;
use crate::noise::Seed;

/// A struck drum: five decaying partials and a burst of noise; its onset at sample 32.
fn hit(num_samples: usize) -> Vec<f32> {
    let mut noise = NoiseStream::new(Seed(2), "hit", 0);
    let sample = |i: usize| {
        let Some(t) = i.checked_sub(32).map(|i| i as f64 / 44_100.0) else { return 0.0 };
        let partial = |(ratio, decay_s): (f64, f64)| (-t / decay_s).exp() * (TAU * 140.0 * ratio * t).sin();
        let tone: f64 = [(1.0, 0.2), (1.59, 0.15), (2.14, 0.1), (2.65, 0.08), (3.6, 0.05)].map(partial).iter().sum();
        (0.15 * tone + 0.1 * (-t / 0.03).exp() * f64::from(noise.normal())) as f32
    };
    (0..num_samples).map(sample).collect()
}

fn log_magnitude(num_samples: usize, hop_length: usize, refinements: usize) -> Box<dyn Representation> {
    RepresentationConfig::LogMagnitude { num_samples, n_fft: 1024, hop_length, floor_db: -100.0, refinements, onset: 0 }
        .build()
        .unwrap()
}

fn stream() -> NoiseStream {
    NoiseStream::new(Seed(1), "decode", 0)
}

fn round_trip(representation: &dyn Representation, samples: &[f32]) -> Vec<f32> {
    representation.decode(&representation.encode(samples).unwrap(), &mut stream()).unwrap()
}

fn worst_error(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// `20 log10(|| |X| - |Y| || / || |X| ||)`: how well the magnitudes of the decoded sound are those asked for, in dB.
fn spectral_convergence_db(representation: &dyn Representation, samples: &[f32]) -> f64 {
    let magnitudes = |x: &[f32]| -> Vec<f64> {
        representation.encode(x).unwrap().data.iter().map(|&db| 10f64.powf(f64::from(db) / 20.0)).collect()
    };
    let (wanted, got) = (magnitudes(samples), magnitudes(&round_trip(representation, samples)));
    let error: f64 = wanted.iter().zip(&got).map(|(a, b)| (a - b).powi(2)).sum();
    10.0 * (error / wanted.iter().map(|a| a * a).sum::<f64>()).log10()
}

/// Frequency in Hz of the highest peak of a naive transform of `x` between `low` and `high`, in steps of 1 Hz.
fn peak_hz(x: &[f32], low: usize, high: usize) -> usize {
    let power = |hz: usize| {
        let (mut re, mut im) = (0.0, 0.0);
        for (i, &x) in x.iter().enumerate() {
            let (sin, cos) = (TAU * hz as f64 * i as f64 / 44_100.0).sin_cos();
            (re, im) = (re + f64::from(x) * cos, im + f64::from(x) * sin);
        }
        re * re + im * im
    };
    (low..high).max_by(|&a, &b| power(a).total_cmp(&power(b))).unwrap()
}

#[test]
fn the_waveform_comes_back_bit_for_bit() {
    let x = hit(4096);
    let representation = RepresentationConfig::Waveform { num_samples: 4096, patch: 64 }.build().unwrap();
    assert_eq!(round_trip(&*representation, &x), x);
}

#[test]
fn the_complex_stft_comes_back_within_rounding() {
    let x = hit(8192);
    for exponent in [1.0, 0.5, 0.3] {
        let representation =
            RepresentationConfig::ComplexStft { num_samples: 8192, n_fft: 512, exponent }.build().unwrap();
        let worst = worst_error(&round_trip(&*representation, &x), &x);
        assert!(worst <= 1e-5, "exponent {exponent}: {worst}");
    }
}

#[test]
fn companding_takes_the_square_root_of_a_sine_and_keeps_its_phase() {
    // Bin 8 of 64, cosine of amplitude 0.25: real part sqrt(0.25) in every frame, for the hop is four periods.
    let x: Vec<f32> = (0..512).map(|i| 0.25 * (TAU * i as f64 / 8.0).cos() as f32).collect();
    let config = RepresentationConfig::ComplexStft { num_samples: 512, n_fft: 64, exponent: 0.5 };
    let frames = config.build().unwrap().encode(&x).unwrap();
    for row in frames.data.chunks_exact(64) {
        // The mirror image at bin -8 takes 0.0003 away.
        assert!((row[8] - 0.4997).abs() < 1e-5 && row[32 + 8].abs() < 1e-5);
    }
}

#[test]
fn a_full_scale_sine_is_at_zero_db_and_silence_at_the_floor() {
    let x: Vec<f32> = (0..8192).map(|i| (TAU * 32.0 * i as f64 / 1024.0).sin() as f32).collect();
    let representation = log_magnitude(8192, 256, 0);
    let frames = representation.encode(&x).unwrap();
    // Column 16 of 32 sees only sine.
    assert!(frames.data[16 * 512 + 32].abs() < 0.01);
    let silence = representation.encode(&[0.0; 8192]).unwrap();
    assert!(silence.data.iter().all(|&db| db == -100.0));
    assert!(representation.decode(&silence, &mut stream()).unwrap().iter().all(|&x| x == 0.0));
}

#[test]
fn the_decoded_magnitudes_of_a_synthetic_hit_are_those_asked_for() {
    let x = hit(16384);
    let at = |hop_length, rounds| spectral_convergence_db(&*log_magnitude(16384, hop_length, rounds), &x);
    assert!(at(128, 16) <= -28.0, "{}", at(128, 16));
    assert!(at(256, 16) <= -20.0, "{}", at(256, 16));
}

#[test]
fn the_decoded_magnitudes_of_a_recorded_hit_are_those_asked_for() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/snare.wav");
    let samples = hound::WavReader::open(file).unwrap().into_samples::<i16>();
    let x: Vec<f32> = samples.map(|x| f32::from(x.unwrap()) / 32768.0).collect();
    let at = |hop_length, rounds| spectral_convergence_db(&*log_magnitude(16384, hop_length, rounds), &x);
    let found = [at(128, 16), at(256, 16), at(128, 0)];
    assert!(found[0] <= -28.0 && found[1] <= -20.0 && found[2] <= -18.0, "{found:?}");
}

#[test]
fn an_onset_near_the_start_stays_out_of_the_last_column() {
    let mut x = vec![0.0; 8192];
    x[32] = 1.0;
    let frames = log_magnitude(8192, 256, 0).encode(&x).unwrap();
    assert!(frames.data[31 * 512..].iter().all(|&db| db == -100.0));
    assert!(frames.data[..512].iter().all(|&db| db > -60.0));
}

#[test]
fn a_spike_decodes_where_it_was() {
    for hop_length in [128, 256] {
        for position in [32, 1000, 2001, 4096, 6100] {
            let mut x = vec![0.0; 8192];
            x[position] = 1.0;
            let y = round_trip(&*log_magnitude(8192, hop_length, 8), &x);
            let found = (0..8192).max_by(|&a, &b| y[a].abs().total_cmp(&y[b].abs())).unwrap();
            assert!(found.abs_diff(position) <= 1, "hop {hop_length}: {position} came back at {found}");
        }
    }
}

#[test]
fn two_tones_keep_their_frequencies_and_levels() {
    let tone = |hz: f64, i: usize| (TAU * hz * i as f64 / 44_100.0).sin();
    let x: Vec<f32> = (0..16384).map(|i| (0.4 * tone(440.0, i) + 0.1 * tone(1234.0, i)) as f32).collect();
    let y = round_trip(&*log_magnitude(16384, 128, 16), &x);
    assert!(peak_hz(&y, 400, 480).abs_diff(440) <= 1);
    assert!(peak_hz(&y, 1190, 1280).abs_diff(1234) <= 1);
    let rms = |x: &[f32]| (x.iter().map(|x| x * x).sum::<f32>() / x.len() as f32).sqrt();
    // 0.2 dB.
    assert!((rms(&y) / rms(&x) - 1.0).abs() < 0.023);
}

#[test]
fn a_sweep_keeps_its_magnitudes() {
    // 100 Hz to 8 kHz in 0.37 s, exponential.
    let phase = |t: f64| TAU * 100.0 * 0.37 / 80f64.ln() * (80f64.powf(t / 0.37) - 1.0);
    let x: Vec<f32> = (0..16384).map(|i| 0.5 * phase(i as f64 / 44_100.0).sin() as f32).collect();
    let convergence = spectral_convergence_db(&*log_magnitude(16384, 128, 16), &x);
    assert!(convergence <= -25.0, "{convergence}");
}

#[test]
fn decoding_is_the_same_every_time_and_only_random_phases_follow_the_stream() {
    let representation = log_magnitude(8192, 256, 4);
    let frames = representation.encode(&hit(8192)).unwrap();
    let decode = |seed| representation.decode(&frames, &mut NoiseStream::new(Seed(seed), "decode", 0)).unwrap();
    assert_eq!(decode(1), decode(1));
    assert_ne!(decode(1), decode(2));
    // Random phases are those of cells 80 dB below the loudest: their sum stays below 40.
    let difference = worst_error(&decode(1), &decode(2));
    assert!(difference < 0.01, "{difference}");
}

#[test]
fn any_number_of_threads_decodes_to_the_same_bytes() {
    for hop_length in [128, 256] {
        let representation = log_magnitude(16384, hop_length, 4);
        let frames = representation.encode(&hit(16384)).unwrap();
        // Outside of a pool: the calling thread does it all.
        let alone = representation.decode(&frames, &mut stream()).unwrap();
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            assert_eq!(pool.install(|| representation.decode(&frames, &mut stream())).unwrap(), alone, "{threads}");
        }
    }
}

#[test]
fn frames_that_no_sound_has_still_decode_to_finite_samples() {
    let representation = log_magnitude(8192, 256, 2);
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, 10.0] {
        let mut frames = Frames::zeros(32, 512);
        frames.data.fill(value);
        frames.data[7] = -20.0;
        let y = representation.decode(&frames, &mut stream()).unwrap();
        assert!(y.iter().all(|x| x.is_finite()), "{value}");
    }
}

#[test]
fn other_lengths_and_shapes_are_refused() {
    let representation = log_magnitude(8192, 256, 0);
    let message = representation.encode(&[0.0; 8000]).unwrap_err().to_string();
    assert!(message.contains("8000 samples") && message.contains("8192"), "{message}");
    let message = representation.decode(&Frames::zeros(31, 512), &mut stream()).unwrap_err().to_string();
    assert!(message.contains("31 x 512") && message.contains("need 32 x 512"), "{message}");
    let lying = Frames { data: vec![0.0; 5], num_frames: 32, num_channels: 512 };
    assert!(representation.decode(&lying, &mut stream()).is_err());
}

#[test]
fn before_the_onset_there_is_silence_and_the_attack_is_the_faster_for_it() -> Result<()> {
    // A click that rings, as a training example has it: nothing before sample 64.
    let num_samples = 16_384;
    let x: Vec<f32> = (0..num_samples)
        .map(|i: usize| match i.checked_sub(64) {
            Some(t) => f32::exp(-(t as f32) / 900.0) * f32::cos(t as f32 * 0.9),
            None => 0.0,
        })
        .collect();
    let decoded = |onset: usize| -> Result<Vec<f32>> {
        let config = RepresentationConfig::LogMagnitude {
            num_samples,
            n_fft: 1024,
            hop_length: 256,
            floor_db: -100.0,
            refinements: 16,
            onset,
        };
        let representation = config.build()?;
        representation.decode(&representation.encode(&x)?, &mut NoiseStream::new(Seed(1), "phase", 0))
    };
    let (with, without) = (decoded(64)?, decoded(0)?);
    assert!(with[..56].iter().all(|x| *x == 0.0));
    assert!(without[..56].iter().any(|x| x.abs() > 0.01));
    // Samples from a tenth of the peak to nine tenths.
    let rise = |y: &[f32]| {
        let peak = y.iter().fold(0.0f32, |most, x| most.max(x.abs()));
        let first = |share: f32| y.iter().position(|x| x.abs() >= share * peak).unwrap_or(0);
        first(0.9) - first(0.1)
    };
    assert!(rise(&with) < rise(&without), "{} {}", rise(&with), rise(&without));
    Ok(())
}
