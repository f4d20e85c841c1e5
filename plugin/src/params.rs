//! What the host can automate and stores in its project. An id never changes once released.

use nice_plug::prelude::*;

/// The instrument's parameters. The host's thread writes, the audio thread reads.
#[derive(Params)]
pub struct BrownianParams {
    /// Output level in dB, -60 to +12.
    #[id = "gain"]
    pub gain_db: FloatParam,
    /// Time from note-off to silence in milliseconds, 1 to 5000.
    #[id = "release"]
    pub release_ms: FloatParam,
}

impl Default for BrownianParams {
    fn default() -> Self {
        Self {
            gain_db: FloatParam::new("Gain", 0.0, FloatRange::Linear { min: -60.0, max: 12.0 })
                .with_unit(" dB")
                .with_smoother(SmoothingStyle::Linear(20.0))
                .with_value_to_string(formatters::v2s_f32_rounded(1)),
            release_ms: FloatParam::new("Release", 400.0, release_range())
                .with_unit(" ms")
                .with_value_to_string(formatters::v2s_f32_rounded(1)),
        }
    }
}

/// Skewed so that half of the knob's travel covers the times below a few hundred milliseconds.
fn release_range() -> FloatRange {
    FloatRange::Skewed { min: 1.0, max: 5000.0, factor: FloatRange::skew_factor(-1.5) }
}
