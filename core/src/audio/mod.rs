//! Sound in memory and in files: [`Clip`], decoding, WAV with a recipe inside, resampling, loudness, edits.

mod clip;
pub use clip::Clip;
