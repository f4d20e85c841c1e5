//! Playing a sound faster or slower.

use super::ONSET;

/// Input samples that one output sample is made of.
const TAPS: usize = 24;
/// Kernels stored per input sample; between two of them on a line (error about -70 dB).
const PHASES: usize = 64;

/// `sound` transposed by resampling, as long as before: what runs over the end is faded, what is missing is silence.
///
/// The onset stays where it is. Up-transposition filters what would alias.
pub(super) fn transpose(sound: &[f32], semitones: f32) -> Vec<f32> {
    if semitones == 0.0 {
        return sound.to_vec();
    }
    let ratio = f64::from(semitones / 12.0).exp2();
    let kernels = kernels((1.0 / ratio).min(1.0) as f32);
    let mut padded = vec![0.0; sound.len() + 2 * TAPS];
    padded[TAPS..TAPS + sound.len()].copy_from_slice(sound);
    let mut out = vec![0.0; sound.len()];
    for (n, y) in out.iter_mut().enumerate() {
        // Where the first tap lies in `padded`; before the onset of a raised sound that may be before its start.
        let place = ONSET as f64 + (n as f64 - ONSET as f64) * ratio + (TAPS / 2 + 1) as f64;
        if place < 0.0 {
            continue;
        }
        let start = place as usize;
        let Some(taps) = padded.get(start..start + TAPS) else { break };
        *y = interpolate(taps, &kernels, (place - start as f64) as f32 * PHASES as f32);
    }
    if ratio < 1.0 {
        fade_end(&mut out);
    }
    out
}

/// The taps' sum through the kernel at `phase`, in 0..[`PHASES`], between its two stored neighbours.
fn interpolate(taps: &[f32], kernels: &[[f32; TAPS]], phase: f32) -> f32 {
    let row = (phase as usize).min(PHASES - 1);
    let part = phase - row as f32;
    let (low, high) = (&kernels[row], &kernels[row + 1]);
    // Eight running sums, which the compiler keeps in one register.
    let mut sums = [0.0; 8];
    for i in (0..TAPS).step_by(8) {
        for (j, sum) in sums.iter_mut().enumerate() {
            *sum += taps[i + j] * (low[i + j] + part * (high[i + j] - low[i + j]));
        }
    }
    sums.iter().sum()
}

/// Blackman-windowed sinc of `cutoff` (1 is Nyquist) at [`PHASES`]` + 1` fractions of a sample, each of unit sum.
fn kernels(cutoff: f32) -> Vec<[f32; TAPS]> {
    let half = (TAPS / 2) as f32;
    let at = |x: f32| {
        let window =
            0.42 + 0.5 * (std::f32::consts::PI * x / half).cos() + 0.08 * (std::f32::consts::TAU * x / half).cos();
        let angle = std::f32::consts::PI * cutoff * x;
        window.max(0.0) * if angle.abs() < 1e-4 { 1.0 } else { angle.sin() / angle }
    };
    let kernel = |phase: usize| {
        let taps: [f32; TAPS] = std::array::from_fn(|i| at(i as f32 - (half - 1.0) - phase as f32 / PHASES as f32));
        let sum: f32 = taps.iter().sum();
        taps.map(|t| t / sum)
    };
    (0..=PHASES).map(kernel).collect()
}

/// A lowered sound runs longer than its place: the last sixteenth fades.
fn fade_end(samples: &mut [f32]) {
    let length = samples.len() / 16;
    for (i, x) in samples.iter_mut().rev().take(length).enumerate() {
        *x *= 0.5 - 0.5 * (std::f32::consts::PI * i as f32 / length as f32).cos();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(cycles_per_sample: f64) -> Vec<f32> {
        let angle = |i: usize| std::f64::consts::TAU * cycles_per_sample * (i as f64 - ONSET as f64);
        (0..8192).map(|i| angle(i).sin() as f32).collect()
    }

    #[test]
    fn a_tone_moves_by_the_interval_and_keeps_its_phase_at_the_onset() {
        for semitones in [-3.0f32, 2.0, 12.0] {
            let frequency = 0.02 * f64::from(semitones / 12.0).exp2();
            let (got, want) = (transpose(&sine(0.02), semitones), sine(frequency));
            let worst = (200..4000).map(|i| (got[i] - want[i]).abs()).fold(0.0, f32::max);
            // -60 dB: the window's ripple and the line between stored kernels.
            assert!(worst < 1e-3, "{worst} at {semitones}");
        }
    }

    #[test]
    fn raising_does_not_alias() {
        // 0.4 cycles a sample become 0.8: beyond Nyquist, so nothing may be left.
        let loudest = transpose(&sine(0.4), 12.0)[200..4000].iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!(loudest < 0.01, "{loudest}");
    }

    #[test]
    fn a_spike_at_the_onset_stays_there() {
        for semitones in [-7.0, -0.3, 0.0, 0.5, 5.0] {
            let mut sound = vec![0.0; 1024];
            sound[ONSET] = 1.0;
            let moved = transpose(&sound, semitones);
            let loudest = (0..1024).max_by(|&a, &b| moved[a].abs().total_cmp(&moved[b].abs()));
            assert_eq!(loudest, Some(ONSET), "{semitones}");
        }
    }
}
