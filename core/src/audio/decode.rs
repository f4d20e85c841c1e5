//! [`decode`]: a sound file of any common format -> [`Clip`].

use std::fs::File;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::LazyLock;

use symphonia::core::audio::GenericAudioBufferRef;
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::codecs::registry::CodecRegistry;
use symphonia::core::errors::Error as SymphoniaError;
use symphonia::core::formats::probe::{Hint, Probe};
use symphonia::core::formats::well_known::{
    FORMAT_ID_AIFF, FORMAT_ID_FLAC, FORMAT_ID_MP3, FORMAT_ID_OGG, FORMAT_ID_WAVE,
};
use symphonia::core::formats::{self as containers, FormatId, FormatReader, TrackType};
use symphonia::core::io::{MediaSource, MediaSourceStream};
use symphonia::default::{codecs, formats, meta};

use super::clip::{Clip, MAX_SAMPLES};
use crate::error::{AudioError, Result};

/// Decode a WAV or AIFF (PCM or float of any depth), FLAC, OGG Vorbis or MP3 file.
///
/// Any rate up to [`MAX_SAMPLE_RATE`](super::MAX_SAMPLE_RATE), any number of channels, as they are in the file. The
/// content decides about the format, not the file's name. Encoder delay and padding are cut off where the file tells
/// them. Samples of a float file may exceed -1..=1. Blocks on the disk; holds the whole sound in memory.
///
/// # Errors
/// One [`AudioError`] naming the file, for: no such file, an empty one, one that is no sound, no samples, a sample
/// that is NaN or infinite, fewer frames than promised (WAV, AIFF, FLAC; MP3 with a Xing or Info tag, to within one of
/// its coding frames), no mark of the end (OGG), damage, more than [`MAX_SAMPLES`] samples. Only an MP3 without a tag
/// can be cut short unseen: nothing in it tells its length.
pub fn decode(path: &Path) -> Result<Clip> {
    // A hostile header can trip an overflow check inside a demuxer, in builds that have them. That is the file's
    // fault: it must not take the caller's thread along. Nothing outlives the closure, so nothing is left half done.
    let outcome = catch_unwind(AssertUnwindSafe(|| decode_file(path)));
    let fallback = || Err(damaged(path, 0, "the decoder gave up on a field out of range".to_owned()).into());
    outcome.unwrap_or_else(|_| fallback())
}

/// As [`decode`], from memory: `name` stands for the file in errors.
///
/// # Errors
/// As [`decode`], but for those of the disk.
pub fn decode_bytes(name: &str, bytes: Vec<u8>) -> Result<Clip> {
    let name = Path::new(name);
    if bytes.is_empty() {
        return Err(AudioError::EmptyFile { path: name.to_owned() }.into());
    }
    // As above: a hostile header must not take the caller's thread along.
    let outcome = catch_unwind(AssertUnwindSafe(|| decode_reader(name, probe(name, Box::new(Cursor::new(bytes)))?)));
    let fallback = || Err(damaged(name, 0, "the decoder gave up on a field out of range".to_owned()).into());
    outcome.unwrap_or_else(|_| fallback())
}

fn decode_file(path: &Path) -> Result<Clip> {
    decode_reader(path, open(path)?)
}

fn decode_reader(path: &Path, mut reader: Box<dyn FormatReader + 'static>) -> Result<Clip> {
    let Track { id, promise, mut decoder } = choose_track(path, reader.as_ref())?;
    let is_ogg = reader.format_info().format == FORMAT_ID_OGG;
    let mut taken = Taken::default();
    loop {
        let packet = match reader.next_packet() {
            Ok(Some(packet)) if packet.track_id == id => packet,
            Ok(Some(_)) => continue,
            Ok(None) => break,
            // An OGG ends with a page that says so; this one did not come to it.
            Err(SymphoniaError::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof && is_ogg => {
                return Err(AudioError::BreaksOff { path: path.to_owned(), frames: taken.num_frames() as u64 }.into());
            }
            // The end of the file in the middle of a packet: the count below tells whether something is missing.
            Err(SymphoniaError::IoError(e)) if e.kind() == std::io::ErrorKind::UnexpectedEof => break,
            Err(e) => return Err(read_error(path, taken.num_frames() as u64, e).into()),
        };
        match decoder.decode(&packet) {
            Ok(buffer) => taken.append(path, &buffer)?,
            // An MP3 that was cut out of a longer one starts with frames that lean on what was cut away.
            Err(SymphoniaError::DecodeError(_)) if taken.num_frames() == 0 => continue,
            Err(e) => return Err(read_error(path, taken.num_frames() as u64, e).into()),
        }
    }
    taken.finish(path, promise)
}

/// Open and recognise a file. Only the formats that [`decode`] promises are tried.
fn open(path: &Path) -> Result<Box<dyn FormatReader + 'static>, AudioError> {
    let io = |action| move |source| AudioError::Io { path: path.to_owned(), action, source };
    // Before opening: opening a pipe would wait for its writer.
    let metadata = std::fs::metadata(path).map_err(io("open"))?;
    if !metadata.is_file() {
        return Err(AudioError::NotAFile { path: path.to_owned() });
    }
    if metadata.len() == 0 {
        return Err(AudioError::EmptyFile { path: path.to_owned() });
    }
    let file = File::open(path).map_err(io("open"))?;
    probe(path, Box::new(file))
}

/// Recognise what `source` holds.
fn probe(path: &Path, source: Box<dyn MediaSource>) -> Result<Box<dyn FormatReader + 'static>, AudioError> {
    let io = |action| move |source| AudioError::Io { path: path.to_owned(), action, source };
    let stream = MediaSourceStream::new(source, Default::default());
    let reader = PROBE.probe(&Hint::new(), stream, Default::default(), Default::default());
    reader.map_err(|e| match e {
        SymphoniaError::IoError(e) if e.kind() != std::io::ErrorKind::UnexpectedEof => io("read")(e),
        SymphoniaError::IoError(_) => not_audio(path, "the file ends inside its header"),
        e => not_audio(path, e),
    })
}

static PROBE: LazyLock<Probe> = LazyLock::new(|| {
    let mut probe = Probe::default();
    probe.register_format::<formats::WavReader<'_>>();
    probe.register_format::<formats::AiffReader<'_>>();
    probe.register_format::<formats::FlacReader<'_>>();
    probe.register_format::<formats::OggReader<'_>>();
    probe.register_format::<formats::MpaReader<'_>>();
    probe.register_metadata::<meta::Id3v2Reader<'_>>();
    probe.register_metadata::<meta::Id3v1Reader<'_>>();
    probe.register_metadata::<meta::ApeReader<'_>>();
    probe
});

static CODECS: LazyLock<CodecRegistry> = LazyLock::new(|| {
    let mut registry = CodecRegistry::new();
    registry.register_audio_decoder::<codecs::PcmDecoder>();
    registry.register_audio_decoder::<codecs::FlacDecoder>();
    registry.register_audio_decoder::<codecs::VorbisDecoder>();
    registry.register_audio_decoder::<codecs::MpaDecoder>();
    registry
});

/// One of the sounds in a file.
struct Track {
    id: u32,
    promise: Option<Promise>,
    decoder: Box<dyn AudioDecoder>,
}

/// The main sound of the file.
fn choose_track(path: &Path, reader: &dyn FormatReader) -> Result<Track, AudioError> {
    let track = reader.default_track(TrackType::Audio).ok_or_else(|| not_audio(path, "no audio track"))?;
    let parameters = track.codec_params.as_ref().and_then(|parameters| parameters.audio());
    let parameters = parameters.ok_or_else(|| not_audio(path, "no codec parameters"))?;
    let decoder = CODECS.make_audio_decoder(parameters, &AudioDecoderOptions::default());
    let decoder = decoder.map_err(|e| not_audio(path, e))?;
    let promise = promise(reader.format_info().format, track, parameters.sample_rate.unwrap_or(0));
    Ok(Track { id: track.id, promise, decoder })
}

/// How long a file says it is.
#[derive(Clone, Copy)]
struct Promise {
    frames: u64,
    /// By how much it may honestly err.
    tolerance: u64,
}

/// The length of the track, where its header states it.
fn promise(format: FormatId, track: &containers::Track, sample_rate: u32) -> Option<Promise> {
    let tolerance = match format {
        FORMAT_ID_WAVE | FORMAT_ID_AIFF | FORMAT_ID_FLAC => 0,
        // Only a tag tells the encoder's delay; without one the length is a guess from the bit rate. Encoders differ in
        // whether they count the coding frame that holds the tag itself.
        FORMAT_ID_MP3 if track.delay.is_some() => mp3_frame(sample_rate),
        _ => return None,
    };
    track.num_frames.map(|frames| Promise { frames, tolerance })
}

/// Frames in a coding frame of an MP3: half as many at the low rates of MPEG-2 and 2.5.
fn mp3_frame(sample_rate: u32) -> u64 {
    if sample_rate < 32_000 { 576 } else { 1152 }
}

/// What has been decoded so far. Grows with the decoded packets, never by a length that a header states.
#[derive(Default)]
struct Taken {
    channels: Vec<Vec<f32>>,
    sample_rate: u32,
    scratch: Vec<Vec<f32>>,
}

impl Taken {
    fn num_frames(&self) -> usize {
        self.channels.first().map_or(0, Vec::len)
    }

    fn append(&mut self, path: &Path, buffer: &GenericAudioBufferRef<'_>) -> Result<(), AudioError> {
        let (num_channels, rate) = (buffer.num_planes(), buffer.spec().rate());
        if self.channels.is_empty() {
            self.channels.resize_with(num_channels, Vec::new);
            self.sample_rate = rate;
        }
        if (self.channels.len(), self.sample_rate) != (num_channels, rate) {
            let detail = format!("it changes to {num_channels} channels at {rate} Hz");
            return Err(damaged(path, self.num_frames() as u64, detail));
        }
        if (self.num_frames() + buffer.frames()).saturating_mul(num_channels) > MAX_SAMPLES {
            return Err(AudioError::TooLong { object: path.display().to_string(), max: MAX_SAMPLES });
        }
        buffer.copy_to_vecs_planar(&mut self.scratch);
        for (channel, packet) in self.channels.iter_mut().zip(&self.scratch) {
            channel.extend_from_slice(packet);
        }
        Ok(())
    }

    fn finish(self, path: &Path, promise: Option<Promise>) -> Result<Clip> {
        let found = self.num_frames() as u64;
        match promise {
            // Zero in a FLAC header means "unknown", and a decoder never invents frames.
            Some(Promise { frames: needed, tolerance }) if found.saturating_add(tolerance) < needed => {
                return Err(AudioError::Truncated { path: path.to_owned(), found, needed }.into());
            }
            _ if found == 0 => return Err(AudioError::NoSamples { path: path.to_owned() }.into()),
            _ => {}
        }
        let clip = Clip::new(self.channels, self.sample_rate)?;
        clip.check_finite(|| path.display().to_string())?;
        Ok(clip)
    }
}

fn read_error(path: &Path, frames: u64, error: SymphoniaError) -> AudioError {
    match error {
        SymphoniaError::IoError(source) => AudioError::Io { path: path.to_owned(), action: "read", source },
        other => damaged(path, frames, other.to_string()),
    }
}

fn damaged(path: &Path, frames: u64, detail: String) -> AudioError {
    AudioError::Damaged { path: path.to_owned(), frames, detail }
}

fn not_audio(path: &Path, found: impl ToString) -> AudioError {
    AudioError::NotAudio { path: path.to_owned(), found: found.to_string() }
}

#[cfg(test)]
mod tests;
