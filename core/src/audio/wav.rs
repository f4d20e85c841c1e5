//! [`wav_bytes`]: a clip as a WAV file, its recipe inside.
//!
//! The header is the oldest that holds the sound, because that is what every program reads: plain PCM or float for
//! one and two channels, the extensible form beyond. The chunks with information follow the samples.

use super::chunks::{Acid, Sampler, chunk, info_list};
use super::clip::Clip;
use super::wav_info::WavInfo;
use crate::error::{AudioError, Result};

/// How samples are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WavFormat {
    /// 16-bit integers.
    Wav16,
    /// 24-bit integers.
    Wav24,
    /// 32-bit floats: exact, and not clipped.
    Wav32f,
}

impl WavFormat {
    fn bytes_per_sample(self) -> usize {
        match self {
            Self::Wav16 => 2,
            Self::Wav24 => 3,
            Self::Wav32f => 4,
        }
    }
}

/// Most channels that [`wav_bytes`] writes.
const MAX_CHANNELS: usize = 64;

/// The bytes of a WAV file with this clip and this information. The same arguments give the same bytes, everywhere.
///
/// Integers are rounded to the nearest step of 2^-15 or 2^-23 and clamped to the format's range, so what was decoded
/// from such a file is written back unchanged. There is no dither: it needs a seed, which the caller has
/// ([`Finish::dither`](crate::generate::Finish)); at 24 bits it would lie below any converter's noise.
///
/// `smpl` is written where there is a root key or a loop (a loop without a key gets 60, the format's usual), `inst` where
/// there is an instrument, `acid` where there is a tempo or a one-shot. Cost: one pass over the samples.
///
/// # Errors
/// More than 64 channels, a sample that is NaN or infinite, a loop that does not lie inside the clip, a key above
/// 127, a tempo that is not a positive number, or a file of 4 GiB and more.
pub fn wav_bytes(clip: &Clip, format: WavFormat, info: &WavInfo) -> Result<Vec<u8>> {
    let num_channels = clip.num_channels();
    if num_channels > MAX_CHANNELS {
        let object = "a WAV file";
        return Err(AudioError::NumChannels { object, found: num_channels, needed: "1..=64" }.into());
    }
    clip.check_finite(|| "a WAV file".to_owned())?;
    info.validate(clip.num_frames())?;
    let shape = Shape { num_channels, num_frames: clip.num_frames(), sample_rate: clip.sample_rate() };
    let (head, tail) = shape.around(format, info)?;
    let mut out = Vec::with_capacity(head.len() + shape.data_len(format) as usize + tail.len());
    out.extend(head);
    let frames = (0..clip.num_frames()).flat_map(|frame| clip.channels().iter().map(move |channel| channel[frame]));
    append_samples(&mut out, frames, format);
    out.extend(tail);
    Ok(out)
}

/// What a header says of the samples.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub num_channels: usize,
    pub num_frames: usize,
    pub sample_rate: u32,
}

impl Shape {
    fn data_len(self, format: WavFormat) -> u64 {
        self.num_frames as u64 * (self.num_channels * format.bytes_per_sample()) as u64
    }

    /// The bytes before and after the samples of a file of this shape.
    ///
    /// # Errors
    /// A file of 4 GiB and more.
    pub fn around(self, format: WavFormat, info: &WavInfo) -> Result<(Vec<u8>, Vec<u8>), AudioError> {
        let data_len = self.data_len(format);
        let mut tail = vec![0; (data_len % 2) as usize];
        tail.extend(info_chunks(self, info));
        let header = format_chunks(self, format);
        // RIFF, its length and WAVE take 12 bytes, the header of the samples 8.
        let total = 20 + header.len() as u64 + data_len + tail.len() as u64;
        let (Ok(riff_len), Ok(data_len)) = (u32::try_from(total - 8), u32::try_from(data_len)) else {
            return Err(AudioError::WavTooLarge { bytes: total });
        };
        let head = [&b"RIFF"[..], &riff_len.to_le_bytes(), b"WAVE", &header, b"data", &data_len.to_le_bytes()].concat();
        Ok((head, tail))
    }
}

/// `fmt `, and the `fact` chunk that float files need.
fn format_chunks(shape: Shape, format: WavFormat) -> Vec<u8> {
    let Shape { num_channels, num_frames, sample_rate: rate } = shape;
    let width = format.bytes_per_sample();
    let tag: u16 = if format == WavFormat::Wav32f { 3 } else { 1 };
    let is_extensible = num_channels > 2;
    // At most 64 channels of 4 bytes at 768 kHz: all of these fit.
    let block_align = (num_channels * width) as u16;
    let bits = 8 * width as u16;
    let mut body = [if is_extensible { 0xfffe } else { tag }, num_channels as u16].map(u16::to_le_bytes).concat();
    body.extend([rate, rate * u32::from(block_align)].map(u32::to_le_bytes).concat());
    body.extend([block_align, bits].map(u16::to_le_bytes).concat());
    if is_extensible {
        // The speakers in their order as far as there are 18; beyond, 0 means: no speaker in particular.
        let speakers: u32 = if num_channels <= 18 { (1 << num_channels) - 1 } else { 0 };
        body.extend([22, bits].map(u16::to_le_bytes).concat());
        body.extend(speakers.to_le_bytes());
        body.extend(tag.to_le_bytes());
        body.extend(b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71");
    } else if format == WavFormat::Wav32f {
        body.extend(0u16.to_le_bytes());
    }
    let mut out = chunk(b"fmt ", &body);
    if format == WavFormat::Wav32f {
        out.extend(chunk(b"fact", &(num_frames as u32).to_le_bytes()));
    }
    out
}

/// The samples of frames in a row, as the file holds them.
pub(super) fn append_samples(out: &mut Vec<u8>, samples: impl Iterator<Item = f32>, format: WavFormat) {
    match format {
        WavFormat::Wav16 => samples.for_each(|sample| out.extend(&quantize(sample, 16).to_le_bytes()[..2])),
        WavFormat::Wav24 => samples.for_each(|sample| out.extend(&quantize(sample, 24).to_le_bytes()[..3])),
        WavFormat::Wav32f => samples.for_each(|sample| out.extend(sample.to_le_bytes())),
    }
}

/// The nearest integer of this many bits, ties to even.
pub(super) fn quantize(sample: f32, bits: u32) -> i32 {
    let steps = f64::from(1u32 << (bits - 1));
    (f64::from(sample) * steps).round_ties_even().clamp(-steps, steps - 1.0) as i32
}

fn info_chunks(shape: Shape, info: &WavInfo) -> Vec<u8> {
    let software = info.software_or_ours();
    let mut texts: Vec<(&[u8; 4], &str)> = vec![(b"ISFT", &software)];
    texts.extend(info.title.as_deref().map(|title| (b"INAM", title)));
    texts.extend(info.comment.as_deref().map(|comment| (b"ICMT", comment)));
    let mut out = info_list(&texts);
    if info.root_key.is_some() || info.loop_frames.is_some() {
        let sampler = Sampler { root_key: info.root_key.unwrap_or(60), loop_frames: info.loop_frames };
        out.extend(chunk(b"smpl", &sampler.to_bytes(shape.sample_rate)));
    }
    out.extend(info.instrument.map(|it| chunk(b"inst", &it.to_bytes())).unwrap_or_default());
    if info.one_shot || info.tempo_bpm.is_some() {
        let duration_s = shape.num_frames as f64 / f64::from(shape.sample_rate);
        let num_beats = info.tempo_bpm.map_or(0.0, |bpm| (duration_s * f64::from(bpm) / 60.0).round()) as u32;
        let WavInfo { one_shot, root_key, tempo_bpm, .. } = *info;
        out.extend(chunk(b"acid", &Acid { one_shot, root_key, num_beats, tempo_bpm }.to_bytes()));
    }
    out
}

#[cfg(test)]
mod tests;
