//! Reading a clip between its samples.

/// The value of `samples` at `position` (in samples, fractional), by a cubic through four points.
///
/// Catmull-Rom: exact at whole positions and continuous in slope. Outside the clip lies silence.
/// It does not filter: a clip played far above its root key folds the highs that no longer fit.
pub fn cubic(samples: &[f32], position: f64) -> f32 {
    let floor = position.floor();
    let (index, t) = (floor as i64, (position - floor) as f32);
    let at = |offset: i64| {
        let index = usize::try_from(index.saturating_add(offset)).ok();
        index.and_then(|index| samples.get(index)).copied().unwrap_or(0.0)
    };
    let (before, left, right, after) = (at(-1), at(0), at(1), at(2));
    let slope = 0.5 * (right - before);
    let curve = before - 2.5 * left + 2.0 * right - 0.5 * after;
    let bend = 1.5 * (left - right) + 0.5 * (after - before);
    ((bend * t + curve) * t + slope) * t + left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_positions_return_the_samples_themselves() {
        let samples = [0.1, -0.7, 0.4, 0.9];
        for (index, &sample) in samples.iter().enumerate() {
            assert_eq!(cubic(&samples, index as f64), sample);
        }
    }

    #[test]
    fn a_straight_line_is_read_exactly() {
        let samples: Vec<f32> = (0..8).map(|i| i as f32).collect();
        // Eighths are exact in binary, so nothing may be lost.
        assert_eq!(cubic(&samples, 3.125), 3.125);
    }

    #[test]
    fn a_sine_is_read_to_within_the_cubic_error() {
        let omega = std::f64::consts::TAU * 1000.0 / 44_100.0;
        let samples: Vec<f32> = (0..400).map(|i| (omega * i as f64).sin() as f32).collect();
        for i in 0..1000 {
            let position = 10.0 + i as f64 * 0.37;
            let error = cubic(&samples, position) as f64 - (omega * position).sin();
            // Catmull-Rom's error on a sine is about omega^3 / 24 at most: 1.2e-4 at 1 kHz.
            assert!(error.abs() < 1.2e-4, "{error} at {position}");
        }
    }

    #[test]
    fn outside_the_clip_is_silence() {
        assert_eq!(cubic(&[1.0, 1.0], -2.0), 0.0);
        assert_eq!(cubic(&[1.0, 1.0], 4.5), 0.0);
        assert_eq!(cubic(&[], 0.0), 0.0);
    }
}
