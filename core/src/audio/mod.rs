//! Sound in memory and in files: [`Clip`], decoding, WAV with a recipe inside, resampling, loudness, edits.

mod chunks;
mod clip;
mod decode;
pub mod edit;
mod file;
mod flac;
mod loudness;
mod resample;
mod wav;
mod wav_info;

pub use clip::{Clip, MAX_SAMPLE_RATE, MAX_SAMPLES};
pub use decode::{decode, decode_bytes};
pub use file::write_atomically;
pub use flac::flac_bytes;
pub use loudness::{Loudness, measure_loudness};
pub use resample::resample;
pub use wav::{WavFormat, wav_bytes};
pub use wav_info::{WavInfo, read_info};
