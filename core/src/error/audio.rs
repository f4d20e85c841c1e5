use std::path::PathBuf;

/// Reading, writing or converting sound.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AudioError {
    /// The system could not open, read or write a file.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What was tried: a verb.
        action: &'static str,
        /// What the system answered.
        source: std::io::Error,
    },
    /// A folder, a pipe or a device where a file is needed.
    #[error("{}: not a regular file; need a sound file", path.display())]
    NotAFile {
        /// Which path.
        path: PathBuf,
    },
    /// A file of 0 bytes.
    #[error("{}: holds 0 bytes; need a sound file (was a copy or a download cut short?)", path.display())]
    EmptyFile {
        /// Which file.
        path: PathBuf,
    },
    /// No container or codec that we read.
    #[error("{}: not a sound that can be read ({found}); need WAV or AIFF (PCM or float), FLAC, OGG Vorbis or MP3", path.display())]
    NotAudio {
        /// Which file.
        path: PathBuf,
        /// Why it was refused.
        found: String,
    },
    /// A sound file without a single sample.
    #[error("{}: holds 0 samples; need at least 1", path.display())]
    NoSamples {
        /// Which file.
        path: PathBuf,
    },
    /// A sample that is not a number, or infinite.
    #[error(
        "{object}: sample {frame} of channel {channel} is {value}; need finite numbers (render or export it again)"
    )]
    NotFinite {
        /// A path, or what was being made.
        object: String,
        /// Which channel, from 1.
        channel: usize,
        /// Which frame, from 0.
        frame: usize,
        /// NaN or an infinity.
        value: f32,
    },
    /// Fewer frames than the header promises.
    #[error("{}: holds {found} of the {needed} frames that its header promises; need the whole file (copy it again)", path.display())]
    Truncated {
        /// Which file.
        path: PathBuf,
        /// Frames there are.
        found: u64,
        /// Frames there should be.
        needed: u64,
    },
    /// A file whose container marks its end, without that mark.
    #[error("{}: breaks off after {frames} frames, before the mark of its end; need the whole file (copy or export it again)", path.display())]
    BreaksOff {
        /// Which file.
        path: PathBuf,
        /// Frames there are.
        frames: u64,
    },
    /// The container is one that we know; what it holds cannot be decoded.
    #[error("{}: damaged after {frames} frames ({detail}); need an intact file (copy or export it again)", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// Frames decoded before.
        frames: u64,
        /// What the decoder said.
        detail: String,
    },
    /// More samples than memory should hold.
    #[error("{object} holds more than {max} samples over all channels; need a shorter sound (cut it into parts)")]
    TooLong {
        /// A path, or what was being made.
        object: String,
        /// The limit.
        max: usize,
    },
    /// A clip without channels.
    #[error("a clip of 0 channels; need at least 1")]
    NoChannels,
    /// A number of channels that the operation cannot take.
    #[error("{object} has {found} channels; need {needed}")]
    NumChannels {
        /// What was being made.
        object: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        needed: &'static str,
    },
    /// A WAV header cannot state sizes of 4 GiB and more.
    #[error("a WAV file of {bytes} bytes; need at most 4294967295 (cut the sound, or write fewer bits)")]
    WavTooLarge {
        /// How large it would be.
        bytes: u64,
    },
    /// Information was asked of something that is neither a WAV nor a FLAC file.
    #[error("{}: neither a WAV nor a FLAC file (it starts with {found}); need one of these to find a recipe", path.display())]
    NoInfo {
        /// Which file.
        path: PathBuf,
        /// Its first bytes.
        found: String,
    },
    /// What a FLAC file cannot hold.
    #[error("a FLAC file of {found}; need {needed} (or write a WAV)")]
    Flac {
        /// What was to be written.
        found: String,
        /// The range.
        needed: &'static str,
    },
    /// A field of [`WavInfo`](crate::audio::WavInfo) out of range.
    #[error("{field} is {found}; need {needed}")]
    WavField {
        /// Which.
        field: &'static str,
        /// Its value.
        found: String,
        /// The range.
        needed: String,
    },
    /// Channels of unequal length.
    #[error("channel {channel} holds {found} frames where channel 1 holds {needed}; need channels of equal length")]
    UnequalChannels {
        /// Which channel, from 1.
        channel: usize,
        /// Its length.
        found: usize,
        /// The first channel's length.
        needed: usize,
    },
    /// A sample rate of 0 or beyond every converter there is.
    #[error("sample rate {0} Hz is out of range; need 1..=768000 Hz")]
    SampleRate(u32),
    /// The resampler refused.
    #[error("resampling {from_hz} Hz to {to_hz} Hz: {detail}")]
    Resample {
        /// Rate of the sound.
        from_hz: u32,
        /// Rate asked for.
        to_hz: u32,
        /// What it said.
        detail: String,
    },
}
