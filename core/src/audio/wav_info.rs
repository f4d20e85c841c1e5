//! [`WavInfo`]: what a sound file tells about its sound, and [`read_info`].

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::chunks::{Acid, Instrument, Sampler, info_texts, u32_at};
use super::flac::{VORBIS_COMMENT, comment_fields};
use crate::error::{AudioError, Result};

/// What a WAV file tells about its sound beside the samples. `None` and `false` mean that it does not tell.
///
/// A FLAC file tells the texts and the tempo only.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WavInfo {
    /// The program that wrote it (`ISFT`). Written as "Brownian VERSION" where it is `None`.
    pub software: Option<String>,
    /// Its name (`INAM`).
    pub title: Option<String>,
    /// A comment (`ICMT`): in our files, the recipe as JSON. UTF-8; a NUL becomes a space.
    pub comment: Option<String>,
    /// The MIDI note, 0..=127, at which it sounds as it is (`smpl`).
    pub root_key: Option<u8>,
    /// The frames that repeat, the second one exclusive (`smpl`; the first loop, where there are several).
    pub loop_frames: Option<(u32, u32)>,
    /// Beats per minute (`acid`).
    pub tempo_bpm: Option<f32>,
    /// To be played once, as it is, at any tempo (`acid`).
    pub one_shot: bool,
    /// How a sampler is to spread it over its keys (`inst`).
    pub instrument: Option<Instrument>,
}

impl WavInfo {
    /// The program's name as it is to be written.
    pub(super) fn software_or_ours(&self) -> String {
        self.software.clone().unwrap_or_else(|| format!("Brownian {}", env!("CARGO_PKG_VERSION")))
    }

    /// Whether a file of so many frames can tell it.
    pub(super) fn validate(&self, num_frames: usize) -> Result<(), AudioError> {
        let refuse = |field, found: String, needed: String| Err(AudioError::WavField { field, found, needed });
        if let Some(key) = self.root_key.filter(|&key| key > 127) {
            return refuse("root_key", key.to_string(), "a MIDI note in 0..=127".to_owned());
        }
        if let Some(instrument) = self.instrument.filter(|instrument| !instrument.is_valid()) {
            let needed = "keys in 0..=127, velocities in 1..=127, low to high, and -50..=50 cents".to_owned();
            return refuse("instrument", format!("{instrument:?}"), needed);
        }
        if let Some(bpm) = self.tempo_bpm.filter(|bpm| !(bpm.is_finite() && *bpm > 0.0)) {
            return refuse("tempo_bpm", bpm.to_string(), "a positive number of beats per minute".to_owned());
        }
        match self.loop_frames {
            Some((start, end)) if start >= end || end as usize > num_frames => {
                let needed = format!("start < end <= {} (the clip's frames)", num_frames);
                refuse("loop_frames", format!("{start}..{end}"), needed)
            }
            _ => Ok(()),
        }
    }
}

/// Longest chunk that [`read_info`] looks into, in bytes.
const MAX_CHUNK_LEN: u64 = 1 << 20;

/// What a WAV or FLAC file tells about its sound. Reads no samples: cheap however long the file.
///
/// Takes foreign files as they are: unknown chunks are passed over, what is senseless counts as not told, and a file
/// that was cut off tells what it still holds. Loop points are not checked against the length of the sound.
///
/// # Errors
/// The file cannot be opened or read, or starts as neither kind.
pub fn read_info(path: &Path) -> Result<WavInfo> {
    let io = |action| move |source| AudioError::Io { path: path.to_owned(), action, source };
    let is_file = std::fs::metadata(path).map_err(io("open"))?.is_file();
    if !is_file {
        return Err(AudioError::NotAFile { path: path.to_owned() }.into());
    }
    let mut file = BufReader::new(File::open(path).map_err(io("open"))?);
    let head = read_up_to(&mut file, 12).map_err(io("read"))?;
    if head.starts_with(b"fLaC") {
        file.seek(SeekFrom::Start(4)).map_err(io("read"))?;
        return Ok(read_blocks(&mut file).map_err(io("read"))?);
    }
    if !head.starts_with(b"RIFF") || head.get(8..12) != Some(b"WAVE") {
        let found = if head.is_empty() { "nothing".to_owned() } else { format!("\"{}\"", head.escape_ascii()) };
        return Err(AudioError::NoInfo { path: path.to_owned(), found }.into());
    }
    Ok(read_chunks(&mut file).map_err(io("read"))?)
}

fn read_chunks(file: &mut BufReader<File>) -> std::io::Result<WavInfo> {
    let mut info = WavInfo::default();
    loop {
        let header = read_up_to(file, 8)?;
        let (Some(id), Some(len)) = (header.get(..4), u32_at(&header, 4)) else { return Ok(info) };
        let len = u64::from(len);
        let is_ours = [&b"LIST"[..], b"smpl", b"inst", b"acid"].contains(&id) && len <= MAX_CHUNK_LEN;
        if is_ours {
            let body = read_up_to(file, len)?;
            info.take_chunk(id, &body);
        }
        let rest = len.next_multiple_of(2) - if is_ours { len } else { 0 };
        // Past the end is allowed: the next header is then empty. The lengths are 32-bit, so the cast cannot wrap.
        file.seek(SeekFrom::Current(rest as i64))?;
    }
}

/// The metadata blocks of a FLAC file: a byte of type (the highest bit marks the last), a length of 24 bits, a body.
fn read_blocks(file: &mut BufReader<File>) -> std::io::Result<WavInfo> {
    let mut info = WavInfo::default();
    loop {
        let header = read_up_to(file, 4)?;
        let &[kind, a, b, c] = header.as_slice() else { return Ok(info) };
        let len = u64::from(u32::from_be_bytes([0, a, b, c]));
        if kind & 0x7f == VORBIS_COMMENT && len <= MAX_CHUNK_LEN {
            info.take_comments(&read_up_to(file, len)?);
        } else {
            file.seek(SeekFrom::Current(len as i64))?;
        }
        if kind & 0x80 != 0 {
            return Ok(info);
        }
    }
}

/// As many bytes as there are, `len` at most; grows with what is read, not with what is asked for.
fn read_up_to(file: &mut BufReader<File>, len: u64) -> std::io::Result<Vec<u8>> {
    let mut out = Vec::new();
    file.take(len).read_to_end(&mut out)?;
    Ok(out)
}

impl WavInfo {
    fn take_chunk(&mut self, id: &[u8], body: &[u8]) {
        match id {
            b"LIST" => info_texts(body).into_iter().for_each(|(id, text)| self.take_text(id, text)),
            b"smpl" => {
                if let Some(sampler) = Sampler::from_bytes(body) {
                    self.root_key = Some(sampler.root_key);
                    self.loop_frames = sampler.loop_frames;
                }
            }
            b"inst" => self.instrument = Instrument::from_bytes(body),
            _ => {
                if let Some(acid) = Acid::from_bytes(body) {
                    self.one_shot = acid.one_shot;
                    self.tempo_bpm = acid.tempo_bpm;
                    self.root_key = self.root_key.or(acid.root_key);
                }
            }
        }
    }

    fn take_text(&mut self, id: [u8; 4], text: String) {
        match &id {
            b"ISFT" => self.software = Some(text),
            b"INAM" => self.title = Some(text),
            b"ICMT" => self.comment = Some(text),
            _ => {}
        }
    }

    fn take_comments(&mut self, body: &[u8]) {
        for (name, value) in comment_fields(body) {
            match name.as_str() {
                "ENCODER" => self.software = Some(value),
                "TITLE" => self.title = Some(value),
                "COMMENT" => self.comment = Some(value),
                "BPM" => self.tempo_bpm = value.parse().ok().filter(|bpm: &f32| bpm.is_finite() && *bpm > 0.0),
                _ => {}
            }
        }
    }
}
