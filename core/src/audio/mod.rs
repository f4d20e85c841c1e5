//! Sound in memory and in files: [`Clip`], decoding, WAV with a recipe inside, resampling, loudness, edits.

mod clip;
mod decode;
mod resample;

pub use clip::{Clip, MAX_SAMPLE_RATE, MAX_SAMPLES};
pub use decode::decode;
pub use resample::resample;
