//! Sound in memory and in files: [`Clip`], decoding, WAV with a recipe inside, resampling, loudness, edits.

mod chunks;
mod clip;
mod decode;
pub mod edit;
mod envelope;
mod file;
mod flac;
mod flac_stream;
mod loudness;
mod periodic;
mod resample;
mod resample_stream;
mod saturate;
mod spill;
mod sustain;
mod wav;
mod wav_info;
mod wav_stream;

pub use chunks::Instrument;
pub use clip::{Clip, MAX_SAMPLE_RATE, MAX_SAMPLES};
pub use decode::{decode, decode_bytes};
pub(crate) use envelope::Envelope;
pub use file::{clear_abandoned, write_atomically};
pub use flac::flac_bytes;
pub use flac_stream::FlacStream;
pub use loudness::{Loudness, LoudnessMeter, measure_loudness};
pub use periodic::resample_periodic;
pub use resample::{resample, resampled_len};
pub use resample_stream::ResampleStream;
pub use saturate::saturate;
pub use spill::Spill;
pub use sustain::{close_loop, find_sustain};
pub use wav::{WavFormat, wav_bytes};
pub use wav_info::{WavInfo, read_info};
pub use wav_stream::WavStream;
