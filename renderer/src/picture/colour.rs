//! Colours: of the page, and of a level in decibels.

/// Red, green, blue.
pub type Rgb = [u8; 3];

/// Behind everything.
pub const PAGE: Rgb = [17, 18, 24];
/// Behind a waveform.
pub const PANEL: Rgb = [8, 8, 13];
/// Titles.
pub const TITLE: Rgb = [240, 240, 245];
/// Labels.
pub const LABEL: Rgb = [150, 155, 172];
/// Lines that help the eye.
pub const GRID: Rgb = [255, 255, 255];
/// A waveform's peaks.
pub const PEAK: Rgb = [178, 72, 118];
/// A waveform's energy.
pub const BODY: Rgb = [253, 158, 104];
/// Loop points.
pub const LOOP: Rgb = [110, 214, 196];

/// The colours of levels from the floor to the top: black, violet, orange, white. Lightness grows all the way, so the
/// picture reads the same in grey and to most who see few colours. Nine points of matplotlib's `magma`.
const LEVELS: [Rgb; 9] = [
    [0, 0, 4],
    [28, 16, 68],
    [79, 18, 123],
    [129, 37, 129],
    [181, 54, 122],
    [229, 80, 100],
    [251, 135, 97],
    [254, 194, 135],
    [252, 253, 191],
];

/// The colour of a level: 0 is the floor, 1 the top; beyond them, theirs.
pub fn level(level: f32) -> Rgb {
    let position = level.clamp(0.0, 1.0) * (LEVELS.len() - 1) as f32;
    // In 0..=7: the last interval holds the top. Of no number (a clamp keeps NaN), the cast makes 0.
    let below = (position as usize).min(LEVELS.len() - 2);
    mix(LEVELS[below], LEVELS[below + 1], position - below as f32)
}

/// `amount` of `to` over `from`, 0..=1.
pub fn mix(from: Rgb, to: Rgb, amount: f32) -> Rgb {
    std::array::from_fn(|i| (f32::from(from[i]) + (f32::from(to[i]) - f32::from(from[i])) * amount).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn louder_is_lighter() {
        let lightness =
            |x: f32| level(x).iter().zip([0.2126, 0.7152, 0.0722]).map(|(&c, w)| f32::from(c) * w).sum::<f32>();
        for step in 0..100 {
            assert!(lightness((step + 1) as f32 / 100.0) >= lightness(step as f32 / 100.0), "at {step} %");
        }
        assert_eq!((level(-1.0), level(2.0), level(f32::NAN)[0]), (LEVELS[0], LEVELS[8], 0));
    }
}
