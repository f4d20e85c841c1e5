//! The two chunks of a WAV file that are the sound, as bytes.

/// Format and samples of a WAV file in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WavData<'a> {
    /// Body of the `fmt ` chunk, at least 16 bytes.
    pub format: &'a [u8],
    /// Body of the `data` chunk.
    pub samples: &'a [u8],
}

impl<'a> WavData<'a> {
    /// Find them in the bytes of a file; `None` where it is no whole WAV.
    pub fn find(file: &'a [u8]) -> Option<Self> {
        let (mut format, mut samples) = (None, None);
        let mut rest = file.strip_prefix(b"RIFF")?.get(8..)?;
        while let Some((head, body)) = rest.split_at_checked(8) {
            let len = u32::from_le_bytes(head[4..].try_into().ok()?) as usize;
            match &head[..4] {
                b"fmt " => format = Some(body.get(..len)?).filter(|format| format.len() >= 16),
                b"data" => samples = Some(body.get(..len)?),
                _ => {}
            }
            rest = body.get(len.next_multiple_of(2)..).unwrap_or_default();
        }
        Some(Self { format: format?, samples: samples? })
    }

    /// Bytes of one sample of every channel, at least 1.
    pub fn bytes_per_frame(&self) -> usize {
        // `find` saw to the length.
        usize::from(u16::from_le_bytes([self.format[12], self.format[13]])).max(1)
    }
}

#[cfg(test)]
mod tests {
    use brownian_core::audio::{Clip, WavFormat, WavInfo, wav_bytes};

    use super::*;

    #[test]
    fn the_samples_are_found_between_other_chunks() {
        let clip = Clip::mono(vec![0.5; 7], 44_100).unwrap();
        let file = wav_bytes(&clip, WavFormat::Wav24, &WavInfo::default()).unwrap();
        let data = WavData::find(&file).unwrap();
        assert_eq!((data.bytes_per_frame(), data.samples), (3, [0, 0, 0x40].repeat(7).as_slice()));
    }

    #[test]
    fn cut_off_files_are_not_found_and_never_panic() {
        let clip = Clip::mono(vec![0.5; 7], 44_100).unwrap();
        let file = wav_bytes(&clip, WavFormat::Wav32f, &WavInfo::default()).unwrap();
        let end_of_samples = file.windows(4).position(|w| w == b"LIST").unwrap();
        for len in 0..file.len() {
            assert_eq!(WavData::find(&file[..len]).is_some(), len >= end_of_samples, "{len} bytes");
        }
    }
}
