//! The whole way from files to examples, on sounds written here.

use super::*;
use crate::noise::Seed;
use std::path::Path;

const RATE: u32 = 44_100;
const CONFIG: DatasetConfig =
    DatasetConfig { sample_rate: RATE, num_samples: 8192, held_out: 0.2, split_seed: 1, windows: false };

/// A decaying mix of a tone and noise: `noise` 0 is pure, 1 all noise.
fn hit(hz: f32, decay_s: f32, noise: f32, seed: u64) -> Vec<f32> {
    let mut stream = NoiseStream::new(Seed(seed), "hit", 0);
    let sample = |i: u16| {
        let t = f32::from(i) / RATE as f32;
        let tone = (std::f32::consts::TAU * hz * t).sin();
        0.8 * (-4.6 * t / decay_s).exp() * ((1.0 - noise) * tone + 0.3 * noise * stream.normal())
    };
    (0..6000).map(sample).collect()
}

fn write(root: &Path, path: &str, samples: &[f32]) {
    write_as(root, path, samples, 1, RATE);
}

fn write_as(root: &Path, path: &str, interleaved: &[f32], channels: u16, sample_rate: u32) {
    let path = root.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let format = hound::SampleFormat::Float;
    let spec = hound::WavSpec { channels, sample_rate, bits_per_sample: 32, sample_format: format };
    let mut writer = hound::WavWriter::create(path, spec).unwrap();
    interleaved.iter().for_each(|x| writer.write_sample(*x).unwrap());
    writer.finalize().unwrap();
}

/// Twelve kicks in pairs of takes, and twelve snares of their own.
fn two_classes() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for i in 0..12u8 {
        let name = char::from(b'a' + i / 2);
        write(
            dir.path(),
            &format!("kick/deep {name}_v{}.wav", i % 2),
            &hit(50.0 + 9.0 * f32::from(i), 0.1, 0.1, i.into()),
        );
        // A third apart: neighbours are no near-duplicates.
        let snare = hit(150.0 * 1.25f32.powi(i.into()), 0.05, 0.4, 50 + u64::from(i));
        write(dir.path(), &format!("snare/{}.wav", char::from(b'a' + i)), &snare);
    }
    dir
}

#[test]
fn folders_become_classes_and_siblings_never_cross_the_split() {
    let dir = two_classes();
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    assert_eq!(data.classes, ["kick", "snare"]);
    assert_eq!((data.report.found, data.report.used, data.report.padded), (24, 24, 24));
    assert!(data.held_out.iter().any(|e| e.class == 1));
    for held in &data.held_out {
        assert!(data.train.iter().all(|e| e.group != held.group), "{} crosses", held.group);
    }
    let kick = data.train.iter().chain(&data.held_out).filter(|e| e.path.to_str() == Some("kick/deep a_v1.wav"));
    assert_eq!(kick.map(|e| e.group.as_str()).collect::<Vec<_>>(), ["kick/deep a"]);
}

#[test]
fn two_scans_of_one_folder_are_the_same() {
    let dir = two_classes();
    let [a, b] = [(); 2].map(|()| Dataset::scan(dir.path(), &CONFIG).unwrap());
    assert_eq!((a.train, a.held_out, a.report), (b.train, b.held_out, b.report));
}

#[test]
fn examples_have_their_length_peak_and_onset() {
    let dir = tempfile::tempdir().unwrap();
    let mut late = vec![0.0; 30_000];
    late.extend(hit(400.0, 0.1, 0.5, 1));
    write(dir.path(), "late.wav", &late);
    write(dir.path(), "long.wav", &hit(100.0, 1e9, 0.5, 2).repeat(9));
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    assert_eq!((data.report.padded, data.report.cut), (1, 1));
    for example in &data.train {
        let peak = example.samples.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert_eq!((example.samples.len(), peak), (8192, 1.0));
        let before = example.samples[..ONSET].iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!(before < 0.02 && example.samples[ONSET..ONSET + 64].iter().any(|x| x.abs() > 0.02));
    }
}

#[test]
fn a_manifest_overrules_the_folders() {
    let dir = two_classes();
    let rows = "path,class,pitch,group\nkick/deep a_v0.wav,low,36,one\nsnare/a.wav,high,,two\nsnare/none.wav,high,,\n";
    std::fs::write(dir.path().join("manifest.csv"), rows).unwrap();
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    assert_eq!(data.classes, ["high", "low"]);
    let low = &data.train[0];
    assert_eq!((low.class, low.pitch, low.group.as_str()), (1, Some(36.0), "one"));
    assert_eq!((data.report.found, data.report.used), (3, 2));
    assert_eq!(data.report.skipped[0].0, Path::new("snare/none.wav"));
}

#[test]
fn a_manifest_says_what_is_held_out_but_not_all_of_a_class() {
    let dir = two_classes();
    let write = |rows: &str| std::fs::write(dir.path().join("manifest.csv"), rows).unwrap();
    write("path,class,part\nkick/deep a_v0.wav,low,train\nsnare/a.wav,high,held-out\nsnare/b.wav,high,train\n");
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    assert_eq!(data.held_out.iter().map(|e| e.path.as_path()).collect::<Vec<_>>(), [Path::new("snare/a.wav")]);
    assert_eq!(data.train.len(), 2);
    write("path,class,part\nkick/deep a_v0.wav,low,\nsnare/a.wav,high,held-out\n");
    let message = Dataset::scan(dir.path(), &CONFIG).unwrap_err().to_string();
    assert!(message.contains("class high") && message.contains("need one to train on"), "{message}");
}

#[test]
fn every_unusable_file_is_reported_with_its_reason_and_the_rest_is_used() {
    let dir = two_classes();
    let root = dir.path();
    std::fs::write(root.join("kick/bad empty.wav"), "").unwrap();
    std::fs::write(root.join("kick/bad text.wav"), "This is no sound.\n".repeat(200)).unwrap();
    write(root, "kick/bad none.wav", &[]);
    write(root, "kick/bad nan.wav", &[f32::NAN; 4000]);
    write(root, "kick/bad silent.wav", &[0.0; 4000]);
    write(root, "kick/bad short.wav", &[0.5; 200]);
    let data = Dataset::scan(root, &CONFIG).unwrap();
    assert_eq!((data.report.found, data.report.used), (30, 24));
    let reason = |name: &str| {
        let path = Path::new("kick").join(name);
        let found = data.report.skipped.iter().find(|(p, _)| *p == path);
        found.map(|(_, reason)| reason.clone()).unwrap_or_else(|| panic!("{name} is not reported"))
    };
    assert!(reason("bad empty.wav").contains("0 bytes"), "{}", reason("bad empty.wav"));
    assert!(reason("bad text.wav").starts_with("not a sound"), "{}", reason("bad text.wav"));
    assert!(reason("bad none.wav").contains("0 samples"), "{}", reason("bad none.wav"));
    assert!(reason("bad nan.wav").contains("NaN"), "{}", reason("bad nan.wav"));
    assert!(reason("bad silent.wav").starts_with("is silent"), "{}", reason("bad silent.wav"));
    assert!(reason("bad short.wav").starts_with("sounds for 4.5 ms"), "{}", reason("bad short.wav"));
}

#[test]
fn eight_channels_at_192_khz_become_one_at_the_datasets_rate() {
    let dir = tempfile::tempdir().unwrap();
    let frame = |i: u32| (std::f32::consts::TAU * 1000.0 / 192_000.0 * i as f32).sin() * (-(i as f32) / 9000.0).exp();
    let interleaved: Vec<f32> = (0..38_400).flat_map(|i| [0.5 * frame(i); 8]).collect();
    write_as(dir.path(), "wide.wav", &interleaved, 8, 192_000);
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    let natural = AttributeMeter::new(RATE).measure(&data.train[0].samples);
    assert!((natural[0].exp2() - 1000.0).abs() < 60.0, "{} Hz", natural[0].exp2());
}

#[test]
fn one_usable_file_is_a_dataset_and_none_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("a.wav"), "").unwrap();
    let error = Dataset::scan(dir.path(), &CONFIG).unwrap_err().to_string();
    assert!(error.contains("none of 1 sound files is usable (first: a.wav: holds 0 bytes"), "{error}");
    write(dir.path(), "b.wav", &hit(80.0, 0.1, 0.2, 1));
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    assert_eq!((data.train.len(), data.held_out.len()), (1, 0));
    // It lies among its own variations.
    assert!(data.train[0].attributes.iter().all(|a| (0.1..0.9).contains(a)), "{:?}", data.train[0].attributes);
    assert!(data.report.notes.iter().any(|n| n.contains("too few sources")));
    let mut noise = NoiseStream::new(Seed(1), "augment", 0);
    let config = AugmentConfig { layer: 1.0, ..AugmentConfig::default() };
    assert!(data.augment(data.pick(&mut noise), &config, &mut noise).samples.iter().all(|x| x.is_finite()));
    let empty = tempfile::tempdir().unwrap();
    assert!(Dataset::scan(empty.path(), &CONFIG).unwrap_err().to_string().contains("no sound files found"));
}

#[test]
fn attributes_order_sounds_as_ears_do() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "plain.wav", &hit(500.0, 0.05, 0.0, 1));
    write(dir.path(), "bright.wav", &hit(6000.0, 0.05, 0.0, 1));
    write(dir.path(), "ringing.wav", &hit(500.0, 0.12, 0.0, 1));
    write(dir.path(), "noisy.wav", &hit(500.0, 0.05, 1.0, 1));
    let swell: Vec<f32> = hit(500.0, 0.12, 0.0, 1).into_iter().rev().collect();
    write(dir.path(), "swell.wav", &swell);
    let data = Dataset::scan(dir.path(), &DatasetConfig { held_out: 0.0, ..CONFIG }).unwrap();
    let of = |name: &str| data.train.iter().find(|e| e.path == Path::new(name)).unwrap().attributes;
    assert!(of("bright.wav")[0] > of("plain.wav")[0]);
    assert!(of("ringing.wav")[1] > of("plain.wav")[1]);
    for (other, attribute) in [("swell.wav", 2), ("noisy.wav", 3)] {
        let most = data.train.iter().map(|e| e.attributes[attribute]).fold(0.0, f32::max);
        assert!(of(other)[attribute] == most && most > 0.8, "{other}: {:?}", of(other));
    }
    assert!(of("ringing.wav")[4] > of("noisy.wav")[4]);
    assert!(data.train.iter().flat_map(|e| e.attributes).all(|a| (0.0..=1.0).contains(&a)));
}

#[test]
fn settings_out_of_range_are_named() {
    let refuse = |config: DatasetConfig| Dataset::scan(Path::new("."), &config).unwrap_err().to_string();
    assert_eq!(refuse(DatasetConfig { num_samples: 10, ..CONFIG }), "num_samples is 10; need 256 to 16777216");
    assert!(refuse(DatasetConfig { held_out: f64::NAN, ..CONFIG }).starts_with("held_out is NaN"));
    let layer = AugmentConfig { layer: 1.5, ..AugmentConfig::default() };
    assert!(layer.validate().unwrap_err().to_string().starts_with("augment.layer is 1.5"));
    assert!(AugmentConfig::default().validate().is_ok() && AugmentConfig::NONE.validate().is_ok());
}

#[test]
fn augmentation_is_the_same_for_a_stream_and_differs_between_streams() {
    let dir = two_classes();
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    let config = AugmentConfig { layer: 0.5, ..AugmentConfig::default() };
    let vary = |stream| data.augment(3, &config, &mut NoiseStream::new(Seed(1), "augment", stream));
    assert_eq!(vary(0), vary(0));
    assert_ne!(vary(0).samples, vary(1).samples);
    for stream in 0..40 {
        let varied = vary(stream);
        let peak = varied.samples.iter().fold(0.0f32, |m, x| m.max(x.abs()));
        assert!((peak - 1.0).abs() < 1e-6 && varied.samples.iter().all(|x| x.is_finite()));
        assert!(varied.attributes.iter().all(|a| (0.0..=1.0).contains(a)));
        assert_eq!(
            (varied.samples.len(), varied.class, &varied.group),
            (8192, data.train[3].class, &data.train[3].group)
        );
    }
}

#[test]
fn no_variation_gives_the_example_itself() {
    let dir = two_classes();
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    let mut noise = NoiseStream::new(Seed(1), "augment", 0);
    assert_eq!(data.augment(5, &AugmentConfig::NONE, &mut noise), data.train[5]);
}

#[test]
fn every_class_has_the_whole_range_of_an_attribute() {
    let dir = two_classes();
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    let of_class = |class| data.train.iter().filter(move |e| e.class == class);
    for class in [0, 1] {
        let config = AugmentConfig::default();
        let vary = |draw| {
            let mut noise = NoiseStream::new(Seed(1), "vary", draw);
            let index = (0..).map(|_| data.pick(&mut noise)).find(|&index| data.train[index].class == class).unwrap();
            data.augment(index, &config, &mut noise).attributes[0]
        };
        let mut brightness: Vec<f32> = (0..100).map(vary).collect();
        brightness.sort_by(f32::total_cmp);
        let quartiles = [25, 50, 75].map(|n| brightness[n]);
        assert!(quartiles.iter().zip([0.25, 0.5, 0.75]).all(|(q, p)| (q - p).abs() < 0.15), "{quartiles:?}");
        for example in of_class(class) {
            let measured = data.measure(class, example.pitch, &example.samples);
            assert!((measured[0] - example.attributes[0]).abs() < 1e-6);
        }
    }
    // Among all, the brightest kick is darker than the darkest snare.
    let among_all = |class| of_class(class).map(|e| data.among_all(e)[0]);
    let (kick, snare) = (among_all(0).reduce(f32::max), among_all(1).reduce(f32::min));
    assert!(kick < snare, "{kick:?}, {snare:?}");
}

#[test]
fn variations_move_the_attributes_they_name() {
    let dir = two_classes();
    let data = Dataset::scan(dir.path(), &CONFIG).unwrap();
    let meter = AttributeMeter::new(RATE);
    let spread = |config: AugmentConfig, attribute: usize| {
        let vary = |i| data.augment(0, &config, &mut NoiseStream::new(Seed(1), "augment", i));
        let values: Vec<f32> = (0..30).map(|i| meter.measure(&vary(i).samples)[attribute]).collect();
        values.iter().copied().fold(f32::MIN, f32::max) - values.iter().copied().fold(f32::MAX, f32::min)
    };
    // Half an octave of transposition, and a decay of 0.1 s between a half and its double.
    let semitones = spread(AugmentConfig { semitones: 6.0, ..AugmentConfig::NONE }, 0);
    assert!((0.5..1.1).contains(&semitones), "{semitones} octaves");
    assert!(spread(AugmentConfig { tilt_db_per_octave: 3.0, ..AugmentConfig::NONE }, 0) > 0.2);
    assert!(spread(AugmentConfig { decay_factor: 2.0, ..AugmentConfig::NONE }, 1) > 0.04);
}
