use std::f64::consts::TAU;

use super::*;
use crate::noise::{NoiseStream, Seed};

fn noise(num_samples: usize) -> Vec<f32> {
    let mut samples = vec![0.0; num_samples];
    NoiseStream::new(Seed(1), "stft", 0).fill_normal(&mut samples);
    samples
}

fn planned(n_fft: usize, hop_length: usize, window: Window, framing: Framing) -> Stft {
    Stft::new(StftConfig { n_fft, hop_length, window, framing })
}

/// Bin `k` of the column centred on `centre`, by the definition.
fn naive_bin(x: &[f32], stft: &Stft, centre: usize, k: usize) -> (f64, f64) {
    let n_fft = stft.config().n_fft;
    let window = stft.config().window.samples(n_fft);
    let (mut re, mut im) = (0.0, 0.0);
    for (i, &w) in window.iter().enumerate() {
        let offset = i as isize - (n_fft / 2) as isize;
        let at = centre as isize + offset;
        let sample = match stft.config().framing {
            Framing::Centered => usize::try_from(at).ok().and_then(|at| x.get(at)).copied().unwrap_or(0.0),
            Framing::Circular => x[at.rem_euclid(x.len() as isize) as usize],
        };
        let (sin, cos) = (TAU * k as f64 * offset as f64 / n_fft as f64).sin_cos();
        re += f64::from(sample * w) * cos;
        im -= f64::from(sample * w) * sin;
    }
    (re, im)
}

#[test]
fn the_spectrum_equals_a_naive_transform() {
    let x = noise(80);
    for window in [Window::RootHann, Window::Gaussian] {
        for framing in [Framing::Centered, Framing::Circular] {
            let stft = planned(32, 8, window, framing);
            let spectrum = stft.forward(&x);
            for (i, got) in spectrum.iter().enumerate() {
                let (re, im) = naive_bin(&x, &stft, i / 17 * 8, i % 17);
                // 32 products of size about 1 in f32.
                assert!((f64::from(got.re) - re).abs() < 1e-5 && (f64::from(got.im) - im).abs() < 1e-5, "{i}");
            }
        }
    }
}

#[test]
fn a_signal_survives_the_round_trip() {
    for (n_fft, hop_length, window, framing) in [
        (64, 32, Window::RootHann, Framing::Circular),
        (64, 16, Window::RootHann, Framing::Centered),
        (64, 8, Window::Gaussian, Framing::Centered),
        (64, 16, Window::Gaussian, Framing::Circular),
        // The window is longer than the loop and wraps more than once.
        (256, 32, Window::Gaussian, Framing::Circular),
    ] {
        let (x, stft) = (noise(192), planned(n_fft, hop_length, window, framing));
        let y = stft.inverse(&stft.forward(&x), x.len());
        let worst = x.iter().zip(&y).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(worst < 1e-5, "{window:?} {framing:?} {n_fft}/{hop_length}: {worst}");
    }
}

#[test]
fn a_length_that_is_no_multiple_of_the_hop_survives_too() {
    let (x, stft) = (noise(197), planned(64, 16, Window::Gaussian, Framing::Centered));
    assert_eq!(stft.num_columns(197), 13);
    let y = stft.inverse(&stft.forward(&x), x.len());
    assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-5));
}

#[test]
fn a_spike_comes_back_where_it_was() {
    for position in [0, 1, 31, 32, 100, 191] {
        let mut x = vec![0.0; 192];
        x[position] = 1.0;
        let stft = planned(64, 16, Window::Gaussian, Framing::Centered);
        let y = stft.inverse(&stft.forward(&x), x.len());
        let peak = y.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map(|(i, _)| i);
        assert_eq!(peak, Some(position));
    }
}

#[test]
fn a_spike_at_the_centre_of_a_column_has_phase_zero_in_every_bin() {
    let mut x = vec![0.0; 192];
    x[48] = 1.0;
    let stft = planned(64, 16, Window::Gaussian, Framing::Centered);
    let spectrum = stft.forward(&x);
    assert!(spectrum[3 * 33..4 * 33].iter().all(|z| (z.re - 1.0).abs() < 1e-6 && z.im.abs() < 1e-6));
}

#[test]
fn centered_framing_keeps_an_onset_out_of_the_last_column_and_circular_does_not() {
    let mut x = vec![0.0; 256];
    x[8] = 1.0;
    let last = |framing| {
        let spectrum = planned(64, 16, Window::Gaussian, framing).forward(&x);
        spectrum[15 * 33..].iter().map(|z| z.norm()).fold(0.0, f32::max)
    };
    assert_eq!(last(Framing::Centered), 0.0);
    // 24 samples from the centre that comes round, of 64: 0.01^(4 (24/64)^2).
    assert!((last(Framing::Circular) - 0.075).abs() < 0.001);
}

#[test]
fn a_circular_signal_rotated_by_a_hop_rotates_its_columns() {
    let (mut x, stft) = (noise(192), planned(64, 16, Window::RootHann, Framing::Circular));
    let mut expected = stft.forward(&x);
    x.rotate_left(16);
    expected.rotate_left(33);
    assert_eq!(stft.forward(&x), expected);
}

#[test]
fn a_full_scale_sine_reaches_full_scale_in_its_bin() {
    let x: Vec<f32> = (0..1024).map(|i| (TAU * 10.0 * i as f64 / 64.0).sin() as f32).collect();
    for window in [Window::RootHann, Window::Hann, Window::Gaussian] {
        let stft = planned(64, 16, window, Framing::Centered);
        let magnitude = stft.forward(&x)[32 * 33 + 10].norm();
        // The mirror image at bin -10 leaks by the Gaussian's cut ends.
        assert!((magnitude / stft.full_scale() - 1.0).abs() < 3e-3, "{window:?}");
    }
}

#[test]
#[should_panic(expected = "hop_length is 33")]
fn a_hop_longer_than_half_a_window_is_refused() {
    planned(64, 33, Window::RootHann, Framing::Centered);
}
