use std::path::PathBuf;

use tempfile::TempDir;

use super::*;

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Decode these bytes from a file of this name.
fn decode_bytes(name: &str, bytes: &[u8]) -> Result<Clip> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    decode(&path)
}

fn error_of(name: &str, bytes: &[u8]) -> String {
    let message = decode_bytes(name, bytes).unwrap_err().to_string();
    assert!(message.contains(name), "{message:?} must name the file");
    message
}

/// A WAV file: format tag 1 is PCM, 3 is float.
fn wav(tag: u16, bits: u16, num_channels: u16, sample_rate: u32, data: &[u8]) -> Vec<u8> {
    let block = num_channels * (bits / 8);
    let mut out = b"RIFF".to_vec();
    out.extend((36 + data.len() as u32).to_le_bytes());
    out.extend(b"WAVEfmt \x10\0\0\0");
    out.extend([tag, num_channels].map(u16::to_le_bytes).concat());
    out.extend([sample_rate, sample_rate * u32::from(block)].map(u32::to_le_bytes).concat());
    out.extend([block, bits].map(u16::to_le_bytes).concat());
    out.extend(b"data");
    out.extend((data.len() as u32).to_le_bytes());
    out.extend(data);
    out
}

fn float_wav(samples: &[f32]) -> Vec<u8> {
    let data: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
    wav(3, 32, 1, 44_100, &data)
}

/// How far `samples` are from `0.5 * sin(2 pi f t)` at 22050 Hz, at most, over `frames`.
fn distance_from_tone(samples: &[f32], hz: f64, frames: std::ops::Range<usize>) -> f64 {
    let tone = |i: usize| 0.5 * (std::f64::consts::TAU * hz * i as f64 / 22_050.0).sin();
    frames.map(|i| (f64::from(samples[i]) - tone(i)).abs()).fold(0.0, f64::max)
}

#[test]
fn every_wav_depth_decodes_to_the_same_half() {
    let half: [(u16, u16, Vec<u8>); 6] = [
        (1, 8, vec![192]),
        (1, 16, (1i16 << 14).to_le_bytes().to_vec()),
        (1, 24, (1i32 << 22).to_le_bytes()[..3].to_vec()),
        (1, 32, (1i32 << 30).to_le_bytes().to_vec()),
        (3, 32, 0.5f32.to_le_bytes().to_vec()),
        (3, 64, 0.5f64.to_le_bytes().to_vec()),
    ];
    for (tag, bits, sample) in half {
        let clip = decode_bytes("half.wav", &wav(tag, bits, 1, 44_100, &sample.repeat(7))).unwrap();
        assert_eq!(clip, Clip::mono(vec![0.5; 7], 44_100).unwrap(), "{bits} bits, tag {tag}");
    }
}

#[test]
fn eight_channels_at_192_khz_keep_their_order() {
    let frame: Vec<u8> = (1..=8i16).flat_map(|channel| (channel * 1000).to_le_bytes()).collect();
    let clip = decode_bytes("wide.wav", &wav(1, 16, 8, 192_000, &frame.repeat(5000))).unwrap();
    assert_eq!((clip.num_channels(), clip.num_frames(), clip.sample_rate()), (8, 5000, 192_000));
    for (idx, channel) in clip.channels().iter().enumerate() {
        assert!(channel.iter().all(|&sample| sample == (idx + 1) as f32 * 1000.0 / 32_768.0));
    }
}

#[test]
fn flac_and_aiff_are_lossless() {
    let clip = decode(&fixture("tone.flac")).unwrap();
    assert_eq!((clip.num_channels(), clip.num_frames(), clip.sample_rate()), (2, 1100, 22_050));
    // Half a step of 16 bits, and a little for the encoder's own rounding.
    assert!(distance_from_tone(&clip.channels()[0], 441.0, 0..1100) < 2.0 / 32_768.0);
    assert!(distance_from_tone(&clip.channels()[1], 882.0, 0..1100) < 2.0 / 32_768.0);
    let clip = decode(&fixture("tone.aiff")).unwrap();
    assert_eq!((clip.num_channels(), clip.num_frames(), clip.sample_rate()), (1, 1100, 22_050));
    assert!(distance_from_tone(&clip.channels()[0], 441.0, 0..1100) < 2.0 / 32_768.0);
}

#[test]
fn vorbis_and_mp3_lose_detail_but_neither_place_nor_level() {
    for name in ["tone.ogg", "tone.mp3"] {
        let clip = decode(&fixture(name)).unwrap();
        assert_eq!((clip.num_channels(), clip.sample_rate()), (2, 22_050), "{name}");
        assert!(clip.num_frames().abs_diff(1100) <= 1, "{name}: {} frames", clip.num_frames());
        // One sample late would be 0.126 of error at 882 Hz; the codecs' own noise at these bit rates is below that.
        let distance = distance_from_tone(&clip.channels()[1], 882.0, 200..900);
        assert!(distance < 0.09, "{name}: {distance}");
    }
}

#[test]
fn memory_and_disk_give_the_same() {
    for name in ["tone.flac", "tone.aiff", "tone.ogg", "tone.mp3"] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        assert_eq!(super::decode_bytes(name, bytes).unwrap(), decode(&fixture(name)).unwrap(), "{name}");
    }
    assert!(super::decode_bytes("x", Vec::new()).unwrap_err().to_string().contains("x"));
    assert!(super::decode_bytes("x", b"no sound at all".to_vec()).is_err());
}

#[test]
fn a_wrong_file_name_does_not_matter() {
    let bytes = std::fs::read(fixture("tone.flac")).unwrap();
    assert_eq!(decode_bytes("tone.wav", &bytes).unwrap(), decode(&fixture("tone.flac")).unwrap());
}

#[test]
fn a_missing_file_a_folder_and_an_empty_file_say_so() {
    let folder = TempDir::new().unwrap();
    let message = |path: &Path| decode(path).unwrap_err().to_string();
    assert!(message(&folder.path().join("none.wav")).contains("none.wav: cannot open"));
    assert!(message(folder.path()).contains("not a regular file"));
    assert!(error_of("empty.wav", b"").contains("0 bytes"));
}

#[test]
fn what_is_no_sound_is_refused_with_the_formats_that_are() {
    for bytes in [&b"hello, this is a text file\n"[..], &[0; 5000], b"RIFF\x04\0\0\0WAVE", b"fLaC", b"OggS"] {
        let message = error_of("text.wav", bytes);
        assert!(message.contains("not a sound") && message.contains("need WAV"), "{message}");
    }
}

#[test]
fn a_sound_without_samples_is_refused() {
    assert!(error_of("none.wav", &float_wav(&[])).contains("holds 0 samples"));
}

#[test]
fn nan_and_infinity_are_refused_with_their_place() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let message = error_of("bad.wav", &float_wav(&[0.0, 0.25, bad, 0.0]));
        assert!(message.contains(&format!("sample 2 of channel 1 is {bad}")), "{message}");
    }
}

#[test]
fn loud_float_samples_pass_unclipped() {
    let clip = decode_bytes("loud.wav", &float_wav(&[3.0, -2.5])).unwrap();
    assert_eq!(clip.channels()[0], [3.0, -2.5]);
}

#[test]
fn a_wav_cut_short_says_how_many_frames_are_missing() {
    let whole = float_wav(&[0.25; 1000]);
    let message = error_of("cut.wav", &whole[..whole.len() - 2000]);
    assert!(message.contains("holds 500 of the 1000 frames"), "{message}");
}

#[test]
fn a_wav_of_unknown_length_is_read_to_its_end() {
    let mut bytes = float_wav(&[0.25; 1000]);
    bytes[4..8].fill(0xff);
    bytes[40..44].fill(0xff);
    assert_eq!(decode_bytes("stream.wav", &bytes).unwrap().num_frames(), 1000);
}

#[test]
fn every_lossless_file_cut_anywhere_is_refused() {
    for name in ["tone.flac", "tone.aiff"] {
        let whole = std::fs::read(fixture(name)).unwrap();
        for len in (0..whole.len() - 1).step_by(7) {
            assert!(decode_bytes(name, &whole[..len]).is_err(), "{name} cut to {len} of {} bytes", whole.len());
        }
    }
}

#[test]
fn an_ogg_cut_anywhere_is_refused() {
    let whole = std::fs::read(fixture("tone.ogg")).unwrap();
    for len in (0..whole.len()).step_by(7) {
        assert!(decode_bytes("cut.ogg", &whole[..len]).is_err(), "cut to {len} of {} bytes", whole.len());
    }
}

/// A page with these packets (all shorter than 255 bytes) after `model`'s fixed header: RFC 3533, section 6.
fn ogg_page(model: &[u8], flags: u8, last_frame: u64, sequence: u32, packets: &[&[u8]]) -> Vec<u8> {
    let mut page = model[..27].to_vec();
    page[5] = flags;
    page[6..14].copy_from_slice(&last_frame.to_le_bytes());
    page[18..22].copy_from_slice(&sequence.to_le_bytes());
    page[22..26].fill(0);
    page[26] = packets.len() as u8;
    page.extend(packets.iter().map(|packet| packet.len() as u8));
    page.extend(packets.concat());
    let shift = |crc: u32| (0..8).fold(crc, |crc, _| (crc << 1) ^ if crc >> 31 == 1 { 0x04c1_1db7 } else { 0 });
    let crc = page.iter().fold(0u32, |crc, &byte| shift(crc ^ (u32::from(byte) << 24)));
    page[22..26].copy_from_slice(&crc.to_le_bytes());
    page
}

#[test]
fn an_ogg_that_lacks_its_last_page_says_that_it_breaks_off() {
    let whole = std::fs::read(fixture("tone.ogg")).unwrap();
    // The third and last page holds the sound, in four packets: they become two pages of two.
    let (headers, last) = whole.split_at(3645);
    let lengths: Vec<usize> = last[27..31].iter().map(|&length| usize::from(length)).collect();
    let ends = [0, 1, 2, 3, 4].map(|n| 31 + lengths[..n].iter().sum::<usize>());
    let packets: Vec<&[u8]> = ends.windows(2).map(|pair| &last[pair[0]..pair[1]]).collect();
    let first = ogg_page(last, 0, 576, 2, &packets[..2]);
    let second = ogg_page(last, 4, 1100, 3, &packets[2..]);
    assert!(decode_bytes("repaged.ogg", &[headers, &first, &second].concat()).is_ok());
    let message = error_of("cut.ogg", &[headers, &first].concat());
    assert!(message.contains("breaks off after") && message.contains("mark of its end"), "{message}");
    assert!(error_of("cut.ogg", &[headers, &first, &second[..50]].concat()).contains("breaks off after"));
}

#[test]
fn an_mp3_shorter_than_its_tag_says_is_refused() {
    let whole = std::fs::read(fixture("tone.mp3")).unwrap();
    // A tag and four coding frames of 209 bytes, the first of 208: two of the four are there.
    let message = error_of("cut.mp3", &whole[..625]);
    assert!(message.contains("of the 1100 frames"), "{message}");
    assert!(error_of("cut.mp3", &whole[..700]).contains("of the 1100 frames"));
}

#[test]
fn an_mp3_without_a_tag_is_read_as_far_as_it_goes() {
    let whole = std::fs::read(fixture("tone.mp3")).unwrap();
    let clip = decode_bytes("untagged.mp3", &whole[208..625]).unwrap();
    // Nothing tells the encoder's delay either: two coding frames, of which a decoder may hold one back.
    assert!((576..=1152).contains(&clip.num_frames()), "{} frames", clip.num_frames());
}

#[test]
fn no_byte_changed_in_any_file_panics_or_takes_long() {
    let mut noise = crate::noise::NoiseStream::new(crate::noise::Seed(1), "mutate", 0);
    let mut files: Vec<Vec<u8>> =
        ["tone.flac", "tone.ogg", "tone.mp3", "tone.aiff"].map(|name| std::fs::read(fixture(name)).unwrap()).into();
    files.push(float_wav(&[0.25; 100]));
    for whole in files {
        for _ in 0..60 {
            let mut bytes = whole.clone();
            for _ in 0..1 + noise.below(4) {
                // Headers matter most: half of the changes fall into the first 64 bytes.
                let end = if noise.chance(0.5) { bytes.len().min(64) } else { bytes.len() };
                bytes[noise.below(end)] = [0, 0x7f, 0x80, 0xff][noise.below(4)];
            }
            if let Ok(clip) = decode_bytes("changed", &bytes) {
                assert!(clip.channels().iter().flatten().all(|sample| sample.is_finite()));
            }
        }
    }
}
