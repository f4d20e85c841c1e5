use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::audio::{Instrument, decode, read_info, write_atomically};
use crate::noise::{NoiseStream, Seed};

const FORMATS: [WavFormat; 3] = [WavFormat::Wav16, WavFormat::Wav24, WavFormat::Wav32f];

/// Random samples in -1..1; an odd number of frames, so that a 24-bit mono file needs its pad byte.
fn noise_clip(num_channels: usize) -> Clip {
    let mut noise = NoiseStream::new(Seed(1), "wav test", 0);
    let channel = |_| (0..999).map(|_| noise.uniform_in(-1.0, 1.0)).collect();
    Clip::new((0..num_channels).map(channel).collect(), 44_100).unwrap()
}

fn full_info() -> WavInfo {
    WavInfo {
        software: Some("Brownian 9.9.9".to_owned()),
        title: Some("kick 7".to_owned()),
        comment: Some(r#"{"version":1,"model":"drums","seed":7}"#.to_owned()),
        root_key: Some(36),
        loop_frames: Some((10, 999)),
        tempo_bpm: Some(120.0),
        one_shot: false,
        instrument: Some(Instrument::everywhere(36)),
    }
}

fn write(clip: &Clip, format: WavFormat, info: &WavInfo) -> (TempDir, PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("sound.wav");
    write_atomically(&path, &wav_bytes(clip, format, info).unwrap()).unwrap();
    (folder, path)
}

#[test]
fn samples_survive_within_half_a_step_and_float_exactly() {
    for num_channels in [1, 2, 3, 8] {
        let clip = noise_clip(num_channels);
        // The largest positive samples may be clamped by up to one step.
        for (format, tolerance) in FORMATS.into_iter().zip([1.0 / 65_536.0, 1.0 / 16_777_216.0, 0.0]) {
            let (_folder, path) = write(&clip, format, &full_info());
            let back = decode(&path).unwrap();
            assert_eq!((back.num_channels(), back.sample_rate()), (num_channels, 44_100));
            let pairs = back.to_interleaved().into_iter().zip(clip.to_interleaved());
            // f32 itself has 24 bits: allow its rounding on top.
            assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() <= tolerance * 1.01), "{format:?} {num_channels}");
        }
    }
}

#[test]
fn what_was_decoded_is_written_back_unchanged() {
    for format in FORMATS {
        let (_folder, path) = write(&noise_clip(2), format, &full_info());
        let again = wav_bytes(&decode(&path).unwrap(), format, &read_info(&path).unwrap()).unwrap();
        assert!(again == std::fs::read(&path).unwrap(), "{format:?}");
    }
}

#[test]
fn integers_are_clamped_not_wrapped() {
    let clip = Clip::mono(vec![1.0, -1.0, 7.0, -7.0, 0.0], 44_100).unwrap();
    let (_folder, path) = write(&clip, WavFormat::Wav16, &WavInfo::default());
    let top = 32_767.0 / 32_768.0;
    assert_eq!(decode(&path).unwrap().channels()[0], [top, -1.0, top, -1.0, 0.0]);
}

#[test]
fn information_survives() {
    for info in [
        full_info(),
        WavInfo { one_shot: true, loop_frames: None, tempo_bpm: None, ..full_info() },
        WavInfo { software: Some("Brownian".to_owned()), ..WavInfo::default() },
    ] {
        let (_folder, path) = write(&noise_clip(1), WavFormat::Wav24, &info);
        assert_eq!(read_info(&path).unwrap(), info);
    }
}

#[test]
fn our_version_is_in_every_file() {
    let (_folder, path) = write(&noise_clip(1), WavFormat::Wav16, &WavInfo::default());
    let software = read_info(&path).unwrap().software.unwrap();
    assert_eq!(software, format!("Brownian {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_stated_sizes_add_up() {
    for format in FORMATS {
        for num_channels in 1..4 {
            let bytes = wav_bytes(&noise_clip(num_channels), format, &full_info()).unwrap();
            assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize, bytes.len() - 8);
            let ids: Vec<_> = super::super::chunks::chunks(&bytes[12..]).map(|(id, _)| id).collect();
            assert_eq!(ids.last(), Some(b"acid"), "{format:?}: {ids:?}");
        }
    }
}

#[test]
fn what_a_wav_cannot_hold_is_refused() {
    let clip = noise_clip(1);
    let refused = |info: WavInfo| wav_bytes(&clip, WavFormat::Wav16, &info).unwrap_err().to_string();
    let info = WavInfo::default;
    assert!(refused(WavInfo { root_key: Some(128), ..info() }).contains("root_key is 128"));
    let backwards = Instrument { keys: [9, 8], ..Instrument::everywhere(60) };
    assert!(refused(WavInfo { instrument: Some(backwards), ..info() }).contains("instrument is"));
    assert!(refused(WavInfo { tempo_bpm: Some(f32::NAN), ..info() }).contains("tempo_bpm is NaN"));
    assert!(refused(WavInfo { loop_frames: Some((5, 5)), ..info() }).contains("loop_frames is 5..5"));
    assert!(refused(WavInfo { loop_frames: Some((0, 1000)), ..info() }).contains("end <= 999"));
    let nan = Clip::mono(vec![0.0, f32::NAN], 44_100).unwrap();
    assert!(wav_bytes(&nan, WavFormat::Wav16, &info()).unwrap_err().to_string().contains("sample 1 of channel 1"));
    let wide = Clip::new(vec![vec![0.0]; 65], 44_100).unwrap();
    assert!(wav_bytes(&wide, WavFormat::Wav16, &info()).is_err());
}

#[test]
fn a_file_cut_anywhere_tells_what_it_still_holds() {
    let bytes = wav_bytes(&noise_clip(1), WavFormat::Wav16, &full_info()).unwrap();
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("cut.wav");
    for len in (0..bytes.len()).step_by(3) {
        std::fs::write(&path, &bytes[..len]).unwrap();
        match read_info(&path) {
            Ok(info) => assert!(len >= 12 && (info == WavInfo::default() || len > 44 + 2 * 999)),
            Err(e) => assert!(len < 12 && e.to_string().contains("neither a WAV nor a FLAC"), "{len}: {e}"),
        }
    }
}

#[test]
fn what_is_no_wav_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("note.wav");
    std::fs::write(&path, "To whom it may concern").unwrap();
    let message = read_info(&path).unwrap_err().to_string();
    assert!(message.contains("note.wav") && message.contains("To whom it"), "{message}");
}

#[test]
fn another_library_reads_the_same_samples() {
    let clip = noise_clip(2);
    for format in FORMATS {
        let (_folder, path) = write(&clip, format, &full_info());
        let ours = decode(&path).unwrap().to_interleaved();
        let mut reader = hound::WavReader::open(&path).unwrap();
        let theirs: Vec<f32> = match format {
            WavFormat::Wav16 => reader.samples::<i32>().map(|x| x.unwrap() as f32 / 32_768.0).collect(),
            WavFormat::Wav24 => reader.samples::<i32>().map(|x| x.unwrap() as f32 / 8_388_608.0).collect(),
            WavFormat::Wav32f => reader.samples::<f32>().map(|x| x.unwrap()).collect(),
        };
        assert_eq!(ours, theirs, "{format:?}");
    }
}

/// What a program prints about the file; `None` where the program is not installed.
fn ask(program: &str, arguments: &[&str], path: &std::path::Path) -> Option<String> {
    let output = Command::new(program).args(arguments).arg(path).output().ok()?;
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program}: {}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "", "{program} complains");
    Some(text(&output.stdout))
}

#[test]
fn other_programs_read_our_files_without_complaint() {
    const WAVE: &str =
        "import sys, wave; w = wave.open(sys.argv[1]); print(w.getparams().nframes, len(w.readframes(9999)))";
    for (format, width) in [(WavFormat::Wav16, 2), (WavFormat::Wav24, 3), (WavFormat::Wav32f, 4)] {
        let (_folder, path) = write(&noise_clip(1), format, &full_info());
        if let Some(samples) = ask("soxi", &["-s"], &path) {
            assert_eq!(samples.trim(), "999");
        }
        let tags = ["-v", "warning", "-show_entries", "format_tags:stream=nb_samples,duration_ts", "-of", "flat"];
        if let Some(tags) = ask("ffprobe", &tags, &path) {
            assert!(tags.contains("kick 7") && tags.contains("drums") && tags.contains("duration_ts=999"), "{tags}");
        }
        // Python's module reads integers only.
        let frames = (format != WavFormat::Wav32f).then(|| ask("python3", &["-c", WAVE], &path)).flatten();
        if let Some(frames) = frames {
            assert_eq!(frames.trim(), format!("999 {}", 999 * width));
        }
    }
}
