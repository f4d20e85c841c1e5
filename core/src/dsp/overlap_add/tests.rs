use rayon::ThreadPoolBuilder;

use super::*;
use crate::dsp::Window;
use crate::noise::{NoiseStream, Seed};

/// The window is longer than the loop in the last but one; the last has one column.
const CASES: [(usize, usize, usize); 6] =
    [(64, 16, 1024), (64, 8, 1000), (64, 32, 192), (32, 8, 136), (256, 32, 192), (64, 32, 32)];

fn noise(num_samples: usize) -> Vec<f32> {
    let mut samples = vec![0.0; num_samples];
    NoiseStream::new(Seed(1), "overlap", 0).fill_normal(&mut samples);
    samples
}

fn planned(n_fft: usize, hop_length: usize, framing: Framing) -> Stft {
    Stft::new(StftConfig { n_fft, hop_length, window: Window::Gaussian, framing })
}

fn copy(spectrum: &[Complex32]) -> impl Fn(Column) + Sync + Send {
    |column| column.bins.copy_from_slice(&spectrum[column.index * column.bins.len()..][..column.bins.len()])
}

fn assert_close(got: &[f32], expected: &[f32], case: &str) {
    assert_eq!(got.len(), expected.len(), "{case}");
    let worst = got.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    // Samples of size 4 at most, rounded in two orders; the gain of the outermost is at most 20.
    assert!(worst < 2e-5, "{case}: {worst}");
}

#[test]
fn synthesis_equals_the_plain_inverse_with_either_framing() {
    for (n_fft, hop_length, num_samples) in CASES {
        for framing in [Framing::Centered, Framing::Circular] {
            let stft = planned(n_fft, hop_length, framing);
            // Not the spectrum of any signal: the columns do not agree with each other.
            let mut spectrum = stft.forward(&noise(num_samples));
            spectrum.iter_mut().enumerate().for_each(|(i, z)| *z *= 1.0 + (i % 7) as f32 / 7.0);
            let mut signal = OverlapAdd::new(&stft, num_samples, 0);
            signal.synthesize(&stft, copy(&spectrum));
            let case = format!("{n_fft}/{hop_length} {framing:?}");
            assert_close(&signal.samples(&stft), &stft.inverse(&spectrum, num_samples), &case);
        }
    }
}

#[test]
fn resynthesis_equals_forward_change_and_inverse_with_either_framing() {
    for (n_fft, hop_length, num_samples) in CASES {
        for framing in [Framing::Centered, Framing::Circular] {
            let (x, stft) = (noise(num_samples), planned(n_fft, hop_length, framing));
            let bend = |column: usize, z: &mut Complex32| *z *= 1.0 / (1.0 + column as f32);
            let mut signal = OverlapAdd::new(&stft, num_samples, 0);
            signal.synthesize(&stft, copy(&stft.forward(&x)));
            signal.resynthesize(&stft, |column| column.bins.iter_mut().for_each(|z| bend(column.index, z)));
            let mut spectrum = stft.forward(&x);
            spectrum.iter_mut().enumerate().for_each(|(i, z)| bend(i / stft.num_bins(), z));
            let case = format!("{n_fft}/{hop_length} {framing:?}");
            assert_close(&signal.samples(&stft), &stft.inverse(&spectrum, num_samples), &case);
        }
    }
}

#[test]
fn a_column_finds_what_it_kept() {
    let stft = planned(64, 16, Framing::Centered);
    let mut signal = OverlapAdd::new(&stft, 1000, 0);
    signal.synthesize(&stft, |column| {
        column.bins.fill(Complex32::ZERO);
        column.kept.fill(Complex32::new(column.index as f32, 1.0));
    });
    signal.resynthesize(&stft, |column| {
        assert!(column.kept.iter().all(|&z| z == Complex32::new(column.index as f32, 1.0)));
    });
}

#[test]
fn any_number_of_threads_makes_the_same_bytes() {
    let stft = planned(64, 16, Framing::Circular);
    let spectrum = stft.forward(&noise(4096));
    let make = || {
        let mut signal = OverlapAdd::new(&stft, 4096, 0);
        signal.synthesize(&stft, copy(&spectrum));
        (0..3).for_each(|_| signal.resynthesize(&stft, |column| column.bins[3] *= 1.5));
        signal.samples(&stft)
    };
    let alone = make();
    for threads in [1, 2, 3] {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(pool.install(make), alone, "{threads} threads");
    }
}
