//! Small sound files, good and bad.

use std::io::Cursor;

/// A WAV file of 32-bit floats with these frames, each sample on every channel.
///
/// # Panics
/// Never for sounds that fit into memory.
pub fn wav(samples: &[f32], channels: u16, sample_rate: u32) -> Vec<u8> {
    let spec = hound::WavSpec { channels, sample_rate, bits_per_sample: 32, sample_format: hound::SampleFormat::Float };
    let mut file = Cursor::new(Vec::new());
    let mut writer = hound::WavWriter::new(&mut file, spec).expect("a header");
    for &sample in samples {
        for _ in 0..channels {
            writer.write_sample(sample).expect("memory");
        }
    }
    writer.finalize().expect("memory");
    file.into_inner()
}

/// A decaying sine: a sound with an onset, 0.2 s long.
pub fn ping(frequency_hz: f32, sample_rate: u32) -> Vec<f32> {
    let sample = |i: u32| {
        let t = i as f32 / sample_rate as f32;
        0.8 * (std::f32::consts::TAU * frequency_hz * t).sin() * (-20.0 * t).exp()
    };
    (0..sample_rate / 5).map(sample).collect()
}
