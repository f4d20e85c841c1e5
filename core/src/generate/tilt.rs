//! [`set_brightness`]: the spectrum of a texture tilted as far as it was asked for.

use super::contrast::power_db;
use crate::representation::Frames;

/// Slope at each end of the range, in dB an octave.
const MOST: f32 = 1.5;

/// Tilt the levels of a sound, in dB: up towards high frequencies above the middle, 0.5, which changes nothing, down below.
/// Every frame keeps its power.
pub(super) fn set_brightness(levels: &mut Frames, brightness: f32) {
    let slope = MOST * (2.0 * brightness - 1.0);
    if slope == 0.0 {
        return;
    }
    let tilt: Vec<f32> = (0..levels.num_channels).map(|bin| slope * libm::log2f(bin.max(1) as f32)).collect();
    for frame in levels.data.chunks_exact_mut(levels.num_channels) {
        let before = power_db(frame);
        frame.iter_mut().zip(&tilt).for_each(|(level, tilt)| *level += tilt);
        let gain = before - power_db(frame);
        frame.iter_mut().for_each(|level| *level += gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two frames of 129 bins that fall by 3 dB an octave.
    fn frames() -> Frames {
        let level = |bin: usize| -30.0 - 3.0 * (bin.max(1) as f32).log2();
        Frames { data: (0..258).map(|i| level(i % 129)).collect(), num_frames: 2, num_channels: 129 }
    }

    /// By which an octave is above the one before.
    fn slope(frames: &Frames) -> f32 {
        frames.data[129 + 64] - frames.data[129 + 32]
    }

    #[test]
    fn levels_tilt_by_the_slope_and_keep_their_power() {
        for (brightness, wanted) in [(0.0, -4.5), (0.25, -3.75), (0.5, -3.0), (1.0, -1.5)] {
            let mut tilted = frames();
            set_brightness(&mut tilted, brightness);
            assert!((slope(&tilted) - wanted).abs() < 1e-3, "{brightness}: {}", slope(&tilted));
            let powers = [frames(), tilted].map(|frames| power_db(&frames.data));
            assert!((powers[0] - powers[1]).abs() < 1e-3, "{powers:?}");
        }
    }
}
