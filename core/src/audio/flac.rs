//! [`flac_bytes`]: a clip as a FLAC file, its recipe in a Vorbis comment.

use flacenc::bitsink::ByteSink;
use flacenc::component::{BitRepr, MetadataBlockData, Stream};
use flacenc::config::Encoder;
use flacenc::error::{Verified, Verify};
use flacenc::source::MemSource;

use super::chunks::u32_at;
use super::clip::Clip;
use super::wav::quantize;
use super::wav_info::WavInfo;
use crate::error::{AudioError, Result};

/// Bits of a sample: the most that the format's decoders all take, so that a FLAC loses what a 24-bit WAV loses.
pub(super) const BITS: u32 = 24;

/// The metadata block that holds texts.
pub(super) const VORBIS_COMMENT: u8 = 4;

/// The bytes of a 24-bit FLAC file: the samples of [`WavFormat::Wav24`](super::WavFormat), in less space.
///
/// The texts and the tempo of `info` go into a Vorbis comment (`ENCODER`, `TITLE`, `COMMENT`, `BPM`). The format knows
/// no root key, loop or one-shot: these are left out. The same arguments give the same bytes.
///
/// # Errors
/// More than 8 channels, a rate above 96 kHz, no frames, a sample that is NaN or infinite, or what
/// [`wav_bytes`](super::wav_bytes) refuses in `info`.
pub fn flac_bytes(clip: &Clip, info: &WavInfo) -> Result<Vec<u8>> {
    check_shape(clip.num_channels(), clip.num_frames(), clip.sample_rate())?;
    clip.check_finite(|| "a FLAC file".to_owned())?;
    info.validate(clip.num_frames())?;
    // The checks above cover what the encoder refuses; should it know more reasons, it says so itself.
    let refused = |found: String| AudioError::Flac { found, needed: "what the encoder takes" };
    let mut stream = encode(clip).map_err(refused)?;
    stream.add_metadata_block(comment_block(info)?);
    let mut sink = ByteSink::new();
    stream.write(&mut sink).map_err(|e| refused(e.to_string()))?;
    Ok(sink.into_inner())
}

/// Whether the format holds a sound of this shape, in blocks of a size that decoders take.
pub(super) fn check_shape(num_channels: usize, num_frames: usize, rate: u32) -> Result<(), AudioError> {
    if (1..=8).contains(&num_channels) && rate <= 96_000 && num_frames > 0 {
        return Ok(());
    }
    let found = format!("{num_channels} channels and {num_frames} frames at {rate} Hz");
    Err(AudioError::Flac { found, needed: "1..=8 channels and at least 1 frame at 1..=96000 Hz" })
}

pub(super) fn encoder() -> Result<Verified<Encoder>, String> {
    let mut config = Encoder::default();
    // Of loud noise the encoder takes the cost of fixed prediction for a small one, and writes megabytes for a block.
    config.subframe_coding.use_fixed = false;
    config.into_verified().map_err(|(_, e)| e.to_string())
}

fn encode(clip: &Clip) -> Result<Stream, String> {
    let config = encoder()?;
    let samples: Vec<i32> = clip.to_interleaved().into_iter().map(|sample| quantize(sample, BITS)).collect();
    let source = MemSource::from_samples(&samples, clip.num_channels(), BITS as usize, clip.sample_rate() as usize);
    let stream = flacenc::encode_with_fixed_block_size(&config, source, config.block_size);
    let mut stream = stream.map_err(|e| e.to_string())?;
    // The last block does not count for the smallest size; decoders refuse a header that says less than 16.
    stream.stream_info_mut().set_block_sizes(config.block_size, config.block_size).map_err(|e| e.to_string())?;
    Ok(stream)
}

/// The block of the header that tells what `info` says in words.
pub(super) fn comment_block(info: &WavInfo) -> Result<MetadataBlockData, AudioError> {
    let block = MetadataBlockData::new_unknown(VORBIS_COMMENT, &comments(info));
    block.map_err(|e| AudioError::Flac { found: e.to_string(), needed: "what the encoder takes" })
}

/// A vendor, a count, and as many `NAME=value`; each text after its length, all numbers little endian.
fn comments(info: &WavInfo) -> Vec<u8> {
    let mut fields = vec![format!("ENCODER={}", info.software_or_ours())];
    fields.extend(info.title.as_ref().map(|title| format!("TITLE={title}")));
    fields.extend(info.comment.as_ref().map(|comment| format!("COMMENT={comment}")));
    fields.extend(info.tempo_bpm.map(|bpm| format!("BPM={bpm}")));
    let text = |text: &String| [&(text.len() as u32).to_le_bytes(), text.as_bytes()].concat();
    let mut out = text(&"flacenc".to_owned());
    out.extend((fields.len() as u32).to_le_bytes());
    out.extend(fields.iter().flat_map(text));
    out
}

/// The fields of a Vorbis comment, names in capitals; as far as the block is whole.
pub(super) fn comment_fields(body: &[u8]) -> Vec<(String, String)> {
    let mut rest = body;
    let Some(_vendor) = take_text(&mut rest) else { return Vec::new() };
    // The number of fields adds nothing, as the block's end ends them.
    rest = rest.get(4..).unwrap_or_default();
    let field = |text: String| text.split_once('=').map(|(name, value)| (name.to_uppercase(), value.to_owned()));
    std::iter::from_fn(|| take_text(&mut rest)).filter_map(field).collect()
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let (text, after) = rest.get(4..)?.split_at_checked(u32_at(rest, 0)? as usize)?;
    *rest = after;
    Some(String::from_utf8_lossy(text).into_owned())
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use tempfile::TempDir;

    use super::*;
    use crate::audio::{decode, read_info, write_atomically};
    use crate::noise::{NoiseStream, Seed};

    /// A decaying tone with a little noise.
    fn clip(num_channels: usize, frames: usize) -> Clip {
        let mut noise = NoiseStream::new(Seed(1), "flac test", 0);
        let mut sample =
            |i: usize| ((i as f32 * 0.05).sin() + noise.uniform_in(-0.01, 0.01)) * (-(i as f32) * 1e-3).exp() * 0.9;
        let channel = |_| (0..frames).map(&mut sample).collect();
        Clip::new((0..num_channels).map(channel).collect(), 44_100).unwrap()
    }

    fn info() -> WavInfo {
        WavInfo {
            software: Some("Brownian 9.9.9".to_owned()),
            title: Some("Tête".to_owned()),
            comment: Some(r#"{"seed":7,"equals":"a=b"}"#.to_owned()),
            tempo_bpm: Some(120.5),
            ..WavInfo::default()
        }
    }

    #[test]
    fn samples_come_back_to_24_bits_and_texts_unchanged() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.flac");
        // Shorter than a block, a block, and several with a rest.
        for (num_channels, frames) in [(1, 1), (1, 20), (2, 4096), (1, 10_000), (8, 5000)] {
            let clip = clip(num_channels, frames);
            write_atomically(&path, &flac_bytes(&clip, &info()).unwrap()).unwrap();
            let back = decode(&path).unwrap();
            assert_eq!((back.num_channels(), back.num_frames()), (num_channels, frames));
            let pairs = back.to_interleaved().into_iter().zip(clip.to_interleaved());
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() <= 1.01 / 16_777_216.0), "{num_channels} {frames}");
            assert_eq!(read_info(&path).unwrap(), info());
        }
    }

    #[test]
    fn no_noise_takes_more_room_than_its_samples() {
        // Bursts at full scale between softer parts: fixed prediction of some of these once took 33 MB.
        for seed in 0..8 {
            let mut noise = NoiseStream::new(Seed(seed), "flac noise", 0);
            let level = |i: usize| if (i / 500).is_multiple_of(3) { 1.0 } else { 0.05 };
            let samples = (0..10_000).map(|i| level(i) * noise.uniform_in(-1.0, 1.0)).collect();
            let clip = Clip::mono(samples, 44_100).unwrap();
            let len = flac_bytes(&clip, &info()).unwrap().len();
            assert!(len < 10_000 * 3 + 1000, "seed {seed}: {len} bytes");
        }
    }

    #[test]
    fn it_is_smaller_than_the_same_wav() {
        let clip = clip(1, 44_100);
        let flac = flac_bytes(&clip, &info()).unwrap().len();
        assert!(flac < 44_100 * 3 * 4 / 5, "{flac} bytes");
        assert_eq!(flac_bytes(&clip, &info()).unwrap(), flac_bytes(&clip, &info()).unwrap());
    }

    #[test]
    fn what_flac_cannot_hold_is_refused() {
        let message = |clip: Clip| flac_bytes(&clip, &info()).unwrap_err().to_string();
        assert!(message(clip(9, 10)).contains("9 channels"));
        assert!(message(clip(1, 0)).contains("0 frames"));
        assert!(message(Clip::mono(vec![0.0], 192_000).unwrap()).contains("192000 Hz"));
        assert!(message(Clip::mono(vec![f32::NAN], 44_100).unwrap()).contains("NaN"));
    }

    #[test]
    fn broken_comments_give_what_is_whole() {
        let block = comments(&info());
        assert_eq!(comment_fields(&block).len(), 4);
        for len in 0..block.len() {
            assert!(comment_fields(&block[..len]).len() < 4);
        }
    }

    #[test]
    fn other_programs_read_our_files_without_complaint() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("a.flac");
        write_atomically(&path, &flac_bytes(&clip(2, 10_000), &info()).unwrap()).unwrap();
        let arguments = ["-v", "warning", "-show_entries", "format_tags:stream=duration_ts", "-of", "flat"];
        // Where the program is not installed there is nothing to ask.
        let Ok(output) = Command::new("ffprobe").args(arguments).arg(&path).output() else { return };
        let (answer, complaints) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(complaints, "");
        assert!(answer.contains("duration_ts=10000") && answer.contains("Tête"), "{answer}");
    }
}
