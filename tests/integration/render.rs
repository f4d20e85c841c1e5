//! `brownian render`: what it writes and says.

use brownian_tests::program::Bench;

/// The keys of a row, as promised to those who read `--json`.
const KEYS: [&str; 13] = [
    "path",
    "seed",
    "model",
    "class",
    "steps",
    "sampler",
    "guidance",
    "duration_s",
    "sample_rate",
    "channels",
    "peak_dbfs",
    "lufs",
    "render_s",
];

#[test]
fn a_clip_is_a_file_named_by_class_and_seed_and_a_row_of_the_table() {
    let bench = Bench::new().with_tiny_model();
    let run = bench.run(&["render", "tiny", "--class", "kick", "--seed", "42", "--out", "sounds"]).done();
    assert_eq!(bench.names("sounds"), ["kick_000042.wav"]);
    let row: Vec<&str> = run.stdout.lines().nth(1).unwrap().split_whitespace().collect();
    assert_eq!(row[..3], ["sounds/kick_000042.wav", "kick", "42"], "{run:#?}");
    assert_eq!(run.stdout.lines().count(), 2, "{run:#?}");
}

#[test]
fn json_gives_exactly_the_promised_keys_one_object_a_clip() {
    let bench = Bench::new().with_tiny_model();
    let run = bench.run(&["render", "tiny", "--seed", "7", "--count", "3", "--json"]).done();
    let rows = run.json();
    assert_eq!(rows.len(), 3);
    for (i, row) in rows.iter().enumerate() {
        let mut keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
        let mut promised = KEYS;
        keys.sort_unstable();
        promised.sort_unstable();
        assert_eq!(keys, promised);
        assert_eq!(row["seed"], 7 + i as u64);
        assert!((row["peak_dbfs"].as_f64().unwrap() + 1.0).abs() < 1e-3, "{row}");
        assert!(bench.path(row["path"].as_str().unwrap()).is_file(), "{row}");
    }
}

#[test]
fn a_dry_run_says_the_same_and_makes_nothing() {
    let bench = Bench::new().with_tiny_model();
    let args = ["render", "tiny", "--seed", "7", "--count", "2", "--out", "sounds", "--json"];
    let planned = bench.run(&[&args[..], &["--dry-run"]].concat()).done().json();
    assert!(!bench.path("sounds").exists());
    let made = bench.run(&args).done().json();
    for (planned, made) in planned.iter().zip(&made) {
        for key in KEYS.iter().filter(|key| !["peak_dbfs", "lufs", "render_s", "duration_s"].contains(key)) {
            assert_eq!(planned[key], made[key], "{key}");
        }
        assert!(planned["render_s"].is_null() && planned["peak_dbfs"].is_null());
    }
}

#[test]
fn a_seed_that_nobody_chose_is_shown_and_makes_the_sound_again() {
    let bench = Bench::new().with_tiny_model();
    let first = &bench.run(&["render", "tiny", "--out", "a.wav", "--json"]).done().json()[0];
    let seed = first["seed"].to_string();
    bench.run(&["render", "tiny", "--out", "b.wav", "--seed", &seed]).done();
    assert_eq!(bench.read("a.wav"), bench.read("b.wav"));
    let second = &bench.run(&["render", "tiny", "--out", "c.wav", "--json"]).done().json()[0];
    assert_ne!(first["seed"], second["seed"]);
}

#[test]
fn format_rate_channels_and_level_are_those_asked_for() {
    let bench = Bench::new().with_tiny_model();
    for (format, bits, float) in [("wav16", 16, false), ("wav24", 24, false), ("wav32f", 32, true)] {
        let name = format!("{format}.wav");
        let shape = ["--format", format, "--sample-rate", "48000", "--channels", "2", "--peak", "-6"];
        bench.run(&[&["render", "tiny", "--seed", "1", "--out", &name], &shape[..]].concat()).done();
        let spec = hound::WavReader::open(bench.path(&name)).unwrap().spec();
        assert_eq!((spec.bits_per_sample, spec.sample_format == hound::SampleFormat::Float), (bits, float));
        assert_eq!((spec.channels, spec.sample_rate), (2, 48_000));
        let sound = &bench.run(&["inspect", &name, "--json"]).done().json()[0];
        // Half a step of 16 bits at -6 dBFS is 0.0003 dB.
        assert!((sound["peak_dbfs"].as_f64().unwrap() + 6.0).abs() < 1e-3, "{sound}");
        assert_eq!(sound["output"]["level"]["peak_dbfs"], -6.0);
    }
}

#[test]
fn a_flac_holds_the_samples_of_the_24_bit_wav_and_its_recipe() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tiny", "--seed", "1", "--out", "a.wav"]).done();
    bench.run(&["render", "tiny", "--seed", "1", "--out", "a.flac"]).done();
    let clip = |name: &str| brownian_core::audio::decode(&bench.path(name)).unwrap();
    assert_eq!(clip("a.flac"), clip("a.wav"));
    let run = bench.run(&["verify", "a.flac", "--json"]).done();
    assert_eq!(run.json()[0]["result"], "same");
    bench.run(&["render", "--from", "a.flac", "--out", "b.wav"]).done();
    bench.run(&["render", "tiny", "--class", "kick", "--seed", "1", "--format", "flac", "--out", "set"]).done();
    assert_eq!(bench.names("set"), ["kick_000001.flac"]);
}

#[test]
fn raw_is_what_the_model_made_and_loudness_is_reached() {
    let bench = Bench::new().with_tiny_model();
    let make = |out: &str, level: &[&str]| {
        let args = [&["render", "tiny", "--seed", "1", "--format", "wav32f", "--json", "--out", out], level].concat();
        bench.run(&args).done().json()[0].clone()
    };
    let (raw, quiet) = (make("raw.wav", &["--raw"]), make("quiet.wav", &["--loudness", "-40"]));
    assert_ne!(raw["peak_dbfs"], quiet["peak_dbfs"]);
    assert!((quiet["lufs"].as_f64().unwrap() + 40.0).abs() < 0.2, "{quiet}");
    assert_eq!(bench.run(&["render", "tiny", "--raw", "--peak", "-3"]).code, 2);
}

#[test]
fn cfg_scale_is_another_name_of_guidance() {
    let bench = Bench::new().with_tiny_model();
    let guidance = |flag: &str| {
        bench.run(&["render", "tiny", "--dry-run", "--json", flag, "2.5"]).done().json()[0]["guidance"].clone()
    };
    assert_eq!(guidance("--cfg-scale"), 2.5);
    assert_eq!(guidance("--guidance"), 2.5);
}

#[test]
fn a_recipe_is_taken_from_a_file_and_flags_change_parts_of_it() {
    let bench = Bench::new().with_tiny_model();
    let first = ["--class", "snare", "--seed", "5", "--steps", "3", "--set", "brightness=0.9", "--format", "wav16"];
    bench.run(&[&["render", "tiny", "--out", "a.wav"], &first[..]].concat()).done();
    bench.run(&["render", "--from", "a.wav", "--out", "b.wav"]).done();
    assert_eq!(bench.read("a.wav"), bench.read("b.wav"));
    let row = &bench.run(&["render", "--from", "a.wav", "--seed", "6", "--dry-run", "--json"]).done().json()[0];
    assert_eq!((&row["seed"], &row["class"], &row["steps"]), (&6.into(), &"snare".into(), &3.into()));
}

#[test]
fn files_in_the_way_are_kept_unless_forced() {
    let bench = Bench::new().with_tiny_model();
    bench.write("kick_000001.wav", b"precious");
    let args = ["render", "tiny", "--class", "kick", "--seed", "0", "--count", "2"];
    bench.run(&args).refused(2, &["kick_000001.wav", "--force"]);
    assert_eq!(bench.read("kick_000001.wav"), b"precious");
    assert!(!bench.path("kick_000000.wav").exists());
    bench.run(&[&args[..], &["--force"]].concat()).done();
    assert!(bench.read("kick_000001.wav").starts_with(b"RIFF"));
}

#[test]
fn without_a_sound_card_the_clip_is_written_and_the_silence_is_told() {
    let bench = Bench::new().with_tiny_model();
    let run = bench.run(&["render", "tiny", "--seed", "1", "--out", "a.wav", "--peak", "-60", "--play"]);
    assert!(bench.path("a.wav").is_file(), "{run:#?}");
    // Where there is a sound card, the clip is played.
    assert!(run.code == 0 || (run.code == 1 && run.stderr.contains("--play: ")), "{run:#?}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_run_with_130_and_leaves_only_whole_files() {
    let bench = Bench::new().with_tiny_model();
    let run = bench.shell(
        "\"$BROWNIAN\" render tiny --seed 0 --count 20000 --out sounds >/dev/null 2>&1 & \
         until ls sounds/*.wav >/dev/null 2>&1; do sleep 0.05; done; kill -INT $!; wait $!; echo $?",
    );
    assert_eq!(run.stdout.trim(), "130", "{run:#?}");
    let names = bench.names("sounds");
    assert!((1..20_000).contains(&names.len()), "{} clips were made", names.len());
    let len = bench.read(&format!("sounds/{}", names[0])).len();
    for name in names {
        assert!(name.ends_with(".wav") && bench.read(&format!("sounds/{name}")).len().abs_diff(len) < 16, "{name}");
    }
}
