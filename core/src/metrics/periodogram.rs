//! Power spectra: of a whole sound, and of windowed columns.

use realfft::RealFftPlanner;

/// `|X(f)|^2` of a whole sound, unwindowed: `len / 2 + 1` bins of `sample_rate / len` Hz. Empty for an empty sound.
///
/// Unwindowed because a one-shot starts at its loudest and ends in silence: a window would cut its attack.
pub fn periodogram(samples: &[f32]) -> Vec<f64> {
    if samples.is_empty() {
        return Vec::new();
    }
    let mut planner = RealFftPlanner::<f64>::new();
    let fft = planner.plan_fft_forward(samples.len());
    let mut input: Vec<f64> = samples.iter().map(|&x| f64::from(x)).collect();
    let mut output = fft.make_output_vec();
    fft.process(&mut input, &mut output).expect("the buffers come from the plan");
    output.iter().map(|bin| bin.norm_sqr()).collect()
}

/// Power of Hann-windowed columns of `n_fft` samples, every `hop_length` samples; a full-scale sine has power 1.
///
/// Column `n` is centred on sample `n * hop_length`; beyond the sound there is silence. `ceil(len / hop_length)`
/// columns, at least one, of `n_fft / 2 + 1` bins.
pub fn power_columns(samples: &[f32], n_fft: usize, hop_length: usize) -> Vec<Vec<f64>> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(n_fft);
    let window = hann(n_fft);
    // The windowed full-scale sine peaks at n_fft / 4.
    let scale = (4.0 / n_fft as f64).powi(2);
    let (mut input, mut output) = (fft.make_input_vec(), fft.make_output_vec());
    let column = |n: usize| {
        for (i, (x, w)) in input.iter_mut().zip(&window).enumerate() {
            let at = (n * hop_length + i).checked_sub(n_fft / 2);
            *x = w * f64::from(at.and_then(|at| samples.get(at)).copied().unwrap_or(0.0));
        }
        fft.process(&mut input, &mut output).expect("the buffers come from the plan");
        output.iter().map(|bin| scale * bin.norm_sqr()).collect()
    };
    (0..samples.len().div_ceil(hop_length).max(1)).map(column).collect()
}

/// The periodic Hann window.
fn hann(n: usize) -> Vec<f64> {
    (0..n).map(|i| 0.5 - 0.5 * (std::f64::consts::TAU * i as f64 / n as f64).cos()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_periodogram_holds_the_energy_of_the_sound() {
        let samples: Vec<f32> = (0..99).map(|i| ((i * 37) % 11) as f32 - 5.0).collect();
        let energy: f64 = samples.iter().map(|&x| f64::from(x * x)).sum();
        let bins = periodogram(&samples);
        // Parseval: every bin but 0 stands for two (the length is odd, so there is no Nyquist bin).
        let spectral = (bins[0] + 2.0 * bins[1..].iter().sum::<f64>()) / 99.0;
        assert!((spectral / energy - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_full_scale_sine_has_power_one_in_its_bin() {
        let samples: Vec<f32> = (0..4096).map(|i| (std::f32::consts::TAU * i as f32 * 32.0 / 1024.0).sin()).collect();
        let columns = power_columns(&samples, 1024, 256);
        assert_eq!(columns.len(), 16);
        // The samples are f32.
        assert!((columns[8][32] - 1.0).abs() < 1e-5, "{}", columns[8][32]);
    }

    #[test]
    fn a_column_is_centred_on_its_sample() {
        let mut samples = vec![0.0; 2048];
        samples[1024] = 1.0;
        let columns = power_columns(&samples, 512, 256);
        let power: Vec<f64> = columns.iter().map(|column| column.iter().sum()).collect();
        // The spike sits under the window's top in column 4 and on its zeros or outside elsewhere but in its neighbours.
        assert!(power[4] > 3.9 * power[3] && power[3] == power[5], "{power:?}");
        assert_eq!([power[1], power[7]], [0.0, 0.0]);
    }
}
