//! Ranges, units and texts that several parameters share.

use std::sync::Arc;

use nice_plug::prelude::*;

/// The lowest cutoff in Hz.
const LOWEST_HZ: f32 = 20.0;

/// From there to 20.48 kHz.
pub const CUTOFF_OCTAVES: f32 = 10.0;

/// How far envelope, velocity and pressure can move the cutoff.
pub const OCTAVES: f32 = 8.0;

/// A straight range.
pub fn plain(name: impl Into<String>, default: f32, (min, max): (f32, f32), unit: &'static str) -> FloatParam {
    FloatParam::new(name, default, FloatRange::Linear { min, max })
        .with_unit(unit)
        .with_value_to_string(formatters::v2s_f32_rounded(2))
}

/// 0 to 100 %.
pub fn percent(name: &str, default: f32) -> FloatParam {
    plain(name, default, (0.0, 100.0), " %")
}

/// -100 to +100 %.
pub fn signed_percent(name: impl Into<String>, default: f32) -> FloatParam {
    plain(name, default, (-100.0, 100.0), " %")
}

/// Octaves either way.
pub fn octaves(name: &str, default: f32) -> FloatParam {
    plain(name, default, (-OCTAVES, OCTAVES), " oct")
}

/// Skewed so that half of the knob's travel covers the times below a few hundred milliseconds.
pub fn milliseconds(name: &str, default: f32, (min, max): (f32, f32)) -> FloatParam {
    let range = FloatRange::Skewed { min, max, factor: FloatRange::skew_factor(-2.0) };
    FloatParam::new(name, default, range).with_unit(" ms").with_value_to_string(formatters::v2s_f32_rounded(1))
}

/// A cutoff in octaves above 20 Hz that reads as a frequency; wide open by default.
pub fn cutoff(name: &str) -> FloatParam {
    FloatParam::new(name, CUTOFF_OCTAVES, FloatRange::Linear { min: 0.0, max: CUTOFF_OCTAVES })
        .with_value_to_string(Arc::new(|octaves| {
            let hz = cutoff_hz(octaves);
            if hz < 999.95 { format!("{hz:.1} Hz") } else { format!("{:.3} kHz", 0.001 * hz) }
        }))
        .with_string_to_value(Arc::new(|text| hz_of(text).map(octaves_of)))
}

/// The frequency at `octaves` above the lowest one.
pub fn cutoff_hz(octaves: f32) -> f32 {
    LOWEST_HZ * octaves.exp2()
}

fn octaves_of(hz: f32) -> f32 {
    (hz / LOWEST_HZ).log2().clamp(0.0, CUTOFF_OCTAVES)
}

/// "1.5 kHz", "1500 Hz" and "1500" are one frequency.
fn hz_of(text: &str) -> Option<f32> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.trim_end_matches("hz").trim_end();
    let (number, scale) = text.strip_suffix('k').map_or((text, 1.0), |number| (number, 1000.0));
    let hz = number.trim_end().parse::<f32>().ok()? * scale;
    (hz > 0.0).then_some(hz)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_are_read_with_and_without_units() {
        assert_eq!(hz_of("1.5 kHz"), Some(1500.0));
        assert_eq!(hz_of("1500 Hz"), Some(1500.0));
        assert_eq!(hz_of(" 1500 "), Some(1500.0));
        assert_eq!(hz_of("kHz"), None);
        assert_eq!(hz_of("-3 Hz"), None);
    }

    #[test]
    fn octaves_and_hertz_agree() {
        assert_eq!(cutoff_hz(0.0), 20.0);
        assert_eq!(cutoff_hz(10.0), 20_480.0);
        assert!((cutoff_hz(octaves_of(1234.0)) - 1234.0).abs() < 0.01);
    }
}
