//! `brownian inspect`

use brownian_core::model::tiny;
use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

#[test]
fn a_sound_tells_its_shape_and_level() {
    let bench = Bench::new();
    bench.write("a.wav", &wav(&ping(440.0, 44_100), 1, 44_100));
    let sound = &bench.run(&["inspect", "a.wav", "--json"]).done().json()[0];
    assert_eq!((&sound["kind"], &sound["frames"], &sound["channels"]), (&"sound".into(), &8820.into(), &1.into()));
    // The first quarter wave of 440 Hz takes 0.57 ms, in which the envelope falls by 0.1 dB from 0.8 (-1.94 dBFS).
    let peak = sound["peak_dbfs"].as_f64().unwrap();
    assert!((-2.15..-1.94).contains(&peak), "{peak}");
    assert!(sound["recipe"].is_null());
}

#[test]
fn a_sound_of_a_pitch_tells_samplers_its_keys() {
    let bench = Bench::new();
    let mut card = tiny::two_stage_card();
    card.config.pitch = true;
    std::fs::create_dir_all(bench.path("models")).unwrap();
    tiny::write(&bench.path("models/tiny.safetensors"), &card).unwrap();
    bench.run(&["render", "tiny", "--pitch", "D4", "--steps", "1", "--seed", "1", "--out", "d.wav"]).done();
    let sound = &bench.run(&["inspect", "d.wav", "--json"]).done().json()[0];
    assert_eq!((&sound["root_key"], &sound["instrument"]["root_key"]), (&62.into(), &62.into()));
    assert_eq!(sound["instrument"]["keys"], serde_json::json!([0, 127]));
    assert!(bench.run(&["inspect", "d.wav"]).done().stdout.contains("velocities 1..127"));
    // Seven bytes and a pad, as any reader of RIFF finds them.
    let bytes = bench.read("d.wav");
    let at = bytes.windows(4).position(|id| id == b"inst").expect("a chunk");
    assert_eq!(bytes[at + 4..at + 16], [7, 0, 0, 0, 62, 0, 0, 0, 127, 1, 127, 0]);
}

#[test]
fn eight_channels_at_192_khz_are_no_trouble() {
    let bench = Bench::new();
    bench.write("wide.wav", &wav(&ping(440.0, 192_000), 8, 192_000));
    let sound = &bench.run(&["inspect", "wide.wav", "--json"]).done().json()[0];
    assert_eq!((&sound["sample_rate"], &sound["channels"]), (&192_000.into(), &8.into()));
}

#[test]
fn every_bad_sound_is_named_with_its_fault_and_the_others_are_still_told() {
    let bench = Bench::new();
    let good = wav(&ping(440.0, 44_100), 1, 44_100);
    bench.write("good.wav", &good);
    let bad: [(&str, &[u8], &str); 5] = [
        ("empty.wav", b"", "0 bytes"),
        ("text.wav", b"this is not a sound, it is a sentence", "not a sound"),
        ("silent.wav", &wav(&[], 1, 44_100), "0 samples"),
        ("nan.wav", &wav(&[0.0, f32::NAN], 1, 44_100), "NaN"),
        ("cut.wav", &good[..good.len() / 2], "frames"),
    ];
    for (name, bytes, fault) in bad {
        bench.write(name, bytes);
        bench.run(&["inspect", name]).refused(1, &[name, fault]);
    }
    bench.run(&["inspect", "nowhere.wav"]).refused(1, &["nowhere.wav", "No such file"]);
    bench.run(&["inspect", "."]).refused(1, &["."]);
    let run = bench.run(&["inspect", "empty.wav", "good.wav"]);
    assert!(run.code == 1 && run.stdout.contains("good.wav") && run.stderr.contains("empty.wav"), "{run:?}");
}

#[test]
fn every_bad_model_is_named_with_its_fault() {
    let bench = Bench::new();
    let bad: [(&str, &[u8]); 4] = [
        ("empty.safetensors", b""),
        ("text.safetensors", b"this is not a model, it is a sentence"),
        ("huge.safetensors", b"\xff\xff\xff\xff\xff\xff\xff\x7f{}"),
        ("foreign.safetensors", b"\x02\0\0\0\0\0\0\0{}"),
    ];
    for (name, bytes) in bad {
        bench.write(name, bytes);
        bench.run(&["inspect", name]).refused(1, &[name]);
        bench.run(&["models", "show", name]).refused(2, &[name]);
        bench.run(&["models", "add", name]).refused(2, &[name]);
        bench.run(&["render", name]).refused(2, &[name]);
    }
}
