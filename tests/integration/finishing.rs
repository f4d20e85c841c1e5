//! `brownian render`: what is done to a clip on its way to a file, measured in the file.

use brownian_core::audio::{Clip, decode, measure_loudness};
use brownian_tests::program::Bench;

/// The tiny model's clip of seed 3, 2,048 frames at 16 kHz, finished with `how`; verified before it is decoded.
fn clip(bench: &Bench, how: &[&str]) -> Clip {
    let fixed = ["render", "tiny", "--class", "kick", "--seed", "3", "--force", "--out", "a.wav"];
    bench.run(&[&fixed[..], how].concat()).done();
    let verdict = bench.run(&["verify", "a.wav", "--json"]).done().json()[0]["result"].clone();
    assert_eq!(verdict, "same", "{how:?}");
    decode(&bench.path("a.wav")).unwrap()
}

fn samples(bench: &Bench, how: &[&str]) -> Vec<f32> {
    clip(bench, &[&["--raw", "--format", "wav32f"], how].concat()).into_channels().remove(0)
}

#[test]
fn crop_reverse_and_rotate_move_samples_and_change_none() {
    let bench = Bench::new().with_tiny_model();
    let plain = samples(&bench, &[]);
    assert_eq!(samples(&bench, &["--crop", "0.01..0.1"]), plain[160..1600]);
    let mut reversed = plain.clone();
    reversed.reverse();
    assert_eq!(samples(&bench, &["--reverse"]), reversed);
    let mut rotated = plain.clone();
    rotated.rotate_left(320);
    assert_eq!(samples(&bench, &["--rotate", "-0.02"]), rotated);
}

#[test]
fn silence_is_trimmed_dc_removed_and_fades_reach_zero() {
    let bench = Bench::new().with_tiny_model();
    let plain = samples(&bench, &[]);
    let peak = plain.iter().fold(0.0f32, |peak, x| peak.max(x.abs()));
    let trimmed = samples(&bench, &["--trim", "-20"]);
    let first = plain.iter().position(|x| x.abs() >= 0.1 * peak).unwrap();
    assert!(trimmed.len() < plain.len() && plain[first..].starts_with(&trimmed), "{} samples", trimmed.len());
    let faded = samples(&bench, &["--remove-dc", "--fade-in", "2", "--fade-out", "2"]);
    assert_eq!((faded[0], faded[2047]), (0.0, 0.0));
    let without = samples(&bench, &["--remove-dc"]);
    let mean = without.iter().map(|&x| f64::from(x)).sum::<f64>() / 2048.0;
    // 2,048 roundings of f32 below full scale.
    assert!(mean.abs() < 1e-7, "{mean}");
}

#[test]
fn loudness_and_true_peak_are_as_asked_for() {
    let bench = Bench::new().with_tiny_model();
    let measured = |how: &[&str]| measure_loudness(&clip(&bench, &[how, &["--format", "wav32f"]].concat()));
    let quiet = measured(&["--lufs", "-50", "--true-peak", "-1"]);
    assert!((quiet.integrated_lufs.unwrap() + 50.0).abs() < 0.01, "{quiet:?}");
    for level in [["--loudness", "0"], ["--peak", "0"]] {
        let loud = measured(&[&level[..], &["--true-peak", "-3", "--sample-rate", "48000"]].concat());
        assert!((loud.true_peak_dbtp.unwrap() + 3.0).abs() < 0.01, "{level:?}: {loud:?}");
    }
}

#[test]
fn dither_is_for_16_bits_and_verifies() {
    let bench = Bench::new().with_tiny_model();
    let plain = clip(&bench, &["--format", "wav16", "--peak", "-40"]);
    let dithered = clip(&bench, &["--format", "wav16", "--peak", "-40", "--dither"]);
    let steps = |(a, b): (&f32, &f32)| ((a - b) * 32_768.0).abs().round() as u32;
    let differences: Vec<u32> = dithered.channels()[0].iter().zip(&plain.channels()[0]).map(steps).collect();
    // One step of the triangle either way, and half a step of rounding on both sides.
    assert!(differences.iter().all(|&d| d <= 2) && differences.iter().any(|&d| d > 0));
    bench.run(&["render", "tiny", "--dither", "--format", "wav24"]).refused(2, &["dither", "wav16"]);
}

#[test]
fn edits_are_taken_from_a_file_and_flags_change_parts_of_them() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tiny", "--seed", "3", "--reverse", "--crop", "0..0.1", "--out", "a.wav"]).done();
    bench.run(&["render", "--from", "a.wav", "--out", "b.wav"]).done();
    assert_eq!(bench.read("a.wav"), bench.read("b.wav"));
    bench.run(&["render", "--from", "a.wav", "--crop", "0..0.05", "--out", "c.wav"]).done();
    assert_eq!(decode(&bench.path("c.wav")).unwrap().num_frames(), 800);
    let output = &bench.run(&["inspect", "c.wav", "--json"]).done().json()[0]["output"];
    assert_eq!(output["shaping"]["reverse"], true, "{output}");
}

#[test]
fn what_cannot_be_done_is_refused_by_name() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tiny", "--crop", "0.5..0.1"]).refused(2, &["crop is 0.5..0.1 s", "START < END"]);
    let late = bench.run(&["render", "tiny", "--crop", "5..6", "--out", "a.wav"]);
    assert!(late.code == 1 && late.stderr.contains("crop is 5..6 s; need a start before the clip's end (0.128 s)"));
    assert!(!bench.path("a.wav").exists());
    bench.run(&["render", "tiny", "--true-peak", "3"]).refused(2, &["true peak is 3 dB"]);
}
