//! The RIFF chunks that carry information beside the samples: `LIST/INFO`, `smpl`, `inst` and `acid`, as bytes and back.
//!
//! A chunk is four letters, a 32-bit length and that many bytes, padded to an even number. All numbers are little
//! endian. Everything here works on slices and refuses what does not fit by giving nothing: chunks of foreign files
//! are full of surprises.

use serde::Serialize;

/// A chunk: header, body, and the pad byte that an odd body needs.
pub(super) fn chunk(id: &[u8; 4], body: &[u8]) -> Vec<u8> {
    // Bodies are texts and tables made here; the caller checks the size of the whole file before anything is written.
    let len = u32::try_from(body.len()).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(body.len() + 9);
    out.extend(id);
    out.extend(len.to_le_bytes());
    out.extend(body);
    out.resize(out.len().next_multiple_of(2), 0);
    out
}

/// The chunks inside `bytes`, in order; ends at the first that is not complete.
pub(super) fn chunks(mut bytes: &[u8]) -> impl Iterator<Item = ([u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (header, rest) = bytes.split_at_checked(8)?;
        let body = rest.get(..u32_at(header, 4)? as usize)?;
        bytes = rest.get(body.len().next_multiple_of(2)..).unwrap_or_default();
        Some((header[..4].try_into().ok()?, body))
    })
}

/// `LIST/INFO`: texts by their four letters. A NUL ends a text there, so none goes in; others write and read UTF-8 too.
pub(super) fn info_list(texts: &[(&[u8; 4], &str)]) -> Vec<u8> {
    let mut body = b"INFO".to_vec();
    for (id, text) in texts {
        let mut text = text.replace('\0', " ").into_bytes();
        text.push(0);
        body.extend(chunk(id, &text));
    }
    chunk(b"LIST", &body)
}

/// The texts of a `LIST` chunk's body; none unless it is an `INFO` list.
pub(super) fn info_texts(body: &[u8]) -> Vec<([u8; 4], String)> {
    let Some(list) = body.strip_prefix(b"INFO") else { return Vec::new() };
    let text = |raw: &[u8]| {
        let end = raw.iter().position(|&byte| byte == 0).unwrap_or(raw.len());
        String::from_utf8_lossy(&raw[..end]).into_owned()
    };
    chunks(list).map(|(id, raw)| (id, text(raw))).collect()
}

/// What a sampler needs to know: the MIDI note that plays the sound unchanged, and the frames that it repeats.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sampler {
    pub root_key: u8,
    /// First frame of the loop, and the frame after its last.
    pub loop_frames: Option<(u32, u32)>,
}

impl Sampler {
    /// The body of a `smpl` chunk. The file states the last frame of the loop, not the one after it.
    pub fn to_bytes(self, sample_rate: u32) -> Vec<u8> {
        let period_ns = (1e9 / f64::from(sample_rate)).round() as u32;
        // Manufacturer, product, sample period, root key, its fraction, SMPTE format and offset, loops, extra bytes.
        let mut words = vec![0, 0, period_ns, u32::from(self.root_key), 0, 0, 0, 0, 0];
        if let Some((start, end)) = self.loop_frames {
            words[7] = 1;
            // Id, type (0: forward), first frame, last frame, fraction, play count (0: for ever).
            words.extend([0, 0, start, end.saturating_sub(1), 0, 0]);
        }
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }

    /// From the body of a `smpl` chunk: the first loop, whatever its type; `None` if it is too short or no MIDI note.
    pub fn from_bytes(body: &[u8]) -> Option<Self> {
        let root_key = u8::try_from(u32_at(body, 12)?).ok().filter(|&key| key < 128)?;
        let num_loops = u32_at(body, 28)?;
        let frames = || Some((u32_at(body, 44)?, u32_at(body, 48)?.checked_add(1)?));
        let loop_frames = frames().filter(|(start, end)| num_loops > 0 && start < end);
        Some(Self { root_key, loop_frames })
    }
}

/// How a sampler is to spread a sound over its keys (`inst`): beside `smpl`, for programs that read no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Instrument {
    /// The MIDI note that plays the sound unchanged: 0..=127.
    pub root_key: u8,
    /// What to add to its pitch, in cents: -50..=50.
    pub fine_tune_cents: i8,
    /// What to add to its level, in dB.
    pub gain_db: i8,
    /// Lowest and highest key that play it: 0..=127.
    pub keys: [u8; 2],
    /// Lowest and highest velocity that play it: 1..=127.
    pub velocities: [u8; 2],
}

impl Instrument {
    /// On every key, at every velocity, as it is.
    pub fn everywhere(root_key: u8) -> Self {
        Self { root_key, fine_tune_cents: 0, gain_db: 0, keys: [0, 127], velocities: [1, 127] }
    }

    /// Whether every number is within its range.
    pub(super) fn is_valid(self) -> bool {
        let is_span = |[low, high]: [u8; 2]| low <= high && high < 128;
        let is_tuned = (-50..=50).contains(&self.fine_tune_cents);
        self.root_key < 128 && is_tuned && is_span(self.keys) && is_span(self.velocities) && self.velocities[0] > 0
    }

    /// The body of an `inst` chunk: seven bytes.
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let Self { root_key, fine_tune_cents, gain_db, keys, velocities } = self;
        let signed = [fine_tune_cents, gain_db].map(|x| x.to_le_bytes()[0]);
        [&[root_key][..], &signed, &keys, &velocities].concat()
    }

    /// From the body of an `inst` chunk; `None` if it is too short or says what cannot be.
    pub(super) fn from_bytes(body: &[u8]) -> Option<Self> {
        let &[root_key, fine, gain, low, high, soft, loud] = body.get(..7)? else { return None };
        let [fine_tune_cents, gain_db] = [fine, gain].map(|x| i8::from_le_bytes([x]));
        let found = Self { root_key, fine_tune_cents, gain_db, keys: [low, high], velocities: [soft, loud] };
        found.is_valid().then_some(found)
    }
}

/// What a sequencer needs to know: whether to stretch the sound to its tempo, or to play it once as it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Acid {
    pub one_shot: bool,
    pub root_key: Option<u8>,
    pub num_beats: u32,
    pub tempo_bpm: Option<f32>,
}

impl Acid {
    const ONE_SHOT: u32 = 0x01;
    const ROOT_KEY_IS_SET: u32 = 0x02;
    const STRETCH: u32 = 0x04;

    /// The body of an `acid` chunk, in 4/4.
    pub fn to_bytes(self) -> Vec<u8> {
        let mut flags = if self.one_shot { Self::ONE_SHOT } else { Self::STRETCH };
        flags |= if self.root_key.is_some() { Self::ROOT_KEY_IS_SET } else { 0 };
        let mut out = flags.to_le_bytes().to_vec();
        // The two numbers after the root key are the same in every file that the format's first program wrote.
        out.extend([u16::from(self.root_key.unwrap_or(60)), 0x8000].map(u16::to_le_bytes).concat());
        out.extend([0, self.num_beats].map(u32::to_le_bytes).concat());
        out.extend([4u16, 4].map(u16::to_le_bytes).concat());
        out.extend(self.tempo_bpm.unwrap_or(0.0).to_le_bytes());
        out
    }

    /// From the body of an `acid` chunk; `None` if it is too short.
    pub fn from_bytes(body: &[u8]) -> Option<Self> {
        let (flags, key) = (u32_at(body, 0)?, u32_at(body, 4)? as u16);
        let root_key = u8::try_from(key).ok().filter(|&key| flags & Self::ROOT_KEY_IS_SET != 0 && key < 128);
        let tempo_bpm = Some(f32::from_bits(u32_at(body, 20)?)).filter(|bpm| bpm.is_finite() && *bpm > 0.0);
        Some(Self { one_shot: flags & Self::ONE_SHOT != 0, root_key, num_beats: u32_at(body, 12)?, tempo_bpm })
    }
}

/// The 32-bit number at this byte.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4)?.try_into().ok().map(u32::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bodies_are_padded_and_their_true_length_comes_back() {
        let bytes = [chunk(b"odd ", &[1, 2, 3]), chunk(b"even", &[4, 5])].concat();
        assert_eq!(bytes.len(), 8 + 4 + 8 + 2);
        let found: Vec<_> = chunks(&bytes).collect();
        assert_eq!(found, [(*b"odd ", &[1u8, 2, 3][..]), (*b"even", &[4, 5])]);
    }

    #[test]
    fn a_chunk_longer_than_the_file_ends_the_list() {
        let mut bytes = [chunk(b"good", &[1, 2]), chunk(b"bad ", &[3, 4])].concat();
        bytes[14..18].fill(0xff);
        assert_eq!(chunks(&bytes).count(), 1);
    }

    #[test]
    fn texts_survive_the_list() {
        let list = info_list(&[(b"INAM", "Tête-à-tête"), (b"ICMT", "a\0b")]);
        assert_eq!(list.len() % 2, 0);
        let texts = info_texts(&list[8..]);
        assert_eq!(texts, [(*b"INAM", "Tête-à-tête".to_owned()), (*b"ICMT", "a b".to_owned())]);
        assert_eq!(info_texts(b"adtl"), []);
    }

    #[test]
    fn a_sampler_chunk_survives_and_states_the_last_frame() {
        for loop_frames in [None, Some((100, 2000))] {
            let sampler = Sampler { root_key: 64, loop_frames };
            assert_eq!(Sampler::from_bytes(&sampler.to_bytes(44_100)), Some(sampler));
        }
        let bytes = Sampler { root_key: 60, loop_frames: Some((100, 2000)) }.to_bytes(44_100);
        assert_eq!(bytes.len(), 36 + 24);
        assert_eq!((u32_at(&bytes, 8), u32_at(&bytes, 48)), (Some(22_676), Some(1999)));
    }

    #[test]
    fn an_instrument_chunk_survives_and_one_that_cannot_be_gives_nothing() {
        let wide = Instrument::everywhere(36);
        assert_eq!(wide.to_bytes(), [36, 0, 0, 0, 127, 1, 127]);
        for instrument in [wide, Instrument { fine_tune_cents: -50, gain_db: -12, keys: [60, 60], ..wide }] {
            assert_eq!(Instrument::from_bytes(&instrument.to_bytes()), Some(instrument));
        }
        assert_eq!(Instrument::from_bytes(&[60, 0, 0, 0, 127, 1]), None);
        assert_eq!(Instrument::from_bytes(&[60, 0, 0, 9, 8, 1, 127]), None);
        assert_eq!(Instrument::from_bytes(&[0xff; 7]), None);
    }

    #[test]
    fn an_acid_chunk_survives() {
        for acid in [
            Acid { one_shot: true, root_key: Some(36), num_beats: 0, tempo_bpm: None },
            Acid { one_shot: false, root_key: None, num_beats: 16, tempo_bpm: Some(174.5) },
        ] {
            assert_eq!(acid.to_bytes().len(), 24);
            assert_eq!(Acid::from_bytes(&acid.to_bytes()), Some(acid));
        }
    }

    #[test]
    fn short_or_senseless_bodies_give_nothing() {
        assert_eq!(Sampler::from_bytes(&[0; 20]), None);
        assert_eq!(Sampler::from_bytes(&[0xff; 60]), None);
        assert_eq!(Acid::from_bytes(&[0; 23]), None);
        let mut backwards = Sampler { root_key: 60, loop_frames: Some((5, 9)) }.to_bytes(44_100);
        backwards[44] = 200;
        assert_eq!(Sampler::from_bytes(&backwards).unwrap().loop_frames, None);
    }
}
