//! `brownian render` given what it cannot do: one clear line, the right exit code, no file.

use brownian_tests::program::Bench;

fn refused(args: &[&str], words: &[&str]) {
    let bench = Bench::new().with_tiny_model();
    let target: &[&str] = if args.contains(&"--out") { &[] } else { &["--out", "sounds"] };
    let seed: &[&str] = if args.contains(&"--seed") { &[] } else { &["--seed", "1"] };
    let all = [&["render", "tiny"], seed, target, args].concat();
    bench.run(&all).refused(2, words);
    assert_eq!(bench.names(""), ["models"], "{args:?} left something behind");
}

#[test]
fn an_unknown_class_lists_the_valid_ones_and_the_nearest() {
    refused(&["--class", "snar"], &["snar", "kick, snare", "did you mean \"snare\""]);
}

#[test]
fn an_unknown_attribute_lists_the_valid_ones_and_the_nearest() {
    refused(&["--set", "brightnes=0.5"], &["brightnes", "did you mean \"brightness\""]);
}

#[test]
fn an_attribute_that_the_model_does_not_follow_is_refused() {
    refused(&["--set", "decay=0.5"], &["decay", "brightness"]);
}

#[test]
fn an_unknown_model_lists_the_known_ones_and_the_nearest() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tinny"]).refused(2, &["tinny", "tiny", "did you mean \"tiny\""]);
}

#[test]
fn numbers_out_of_range_are_refused_with_their_range() {
    refused(&["--steps", "0"], &["steps", "1..=1000"]);
    refused(&["--steps", "1001"], &["steps", "1..=1000"]);
    refused(&["--guidance", "-1"], &["guidance", "-1"]);
    refused(&["--guidance", "nan"], &["guidance", "NaN"]);
    refused(&["--set", "brightness=1.5"], &["brightness", "1.5"]);
    refused(&["--set", "brightness=nan"], &["brightness", "NaN"]);
    refused(&["--sample-rate", "0"], &["sample rate", "8000"]);
    refused(&["--channels", "3"], &["channels is 3", "1 or 2"]);
    refused(&["--peak", "3"], &["peak", "-60"]);
    refused(&["--peak", "nan"], &["peak", "NaN"]);
    refused(&["--loudness", "inf"], &["loudness", "inf"]);
    refused(&["--batch-size", "0"], &["batch size"]);
    refused(&["--threads", "100000"], &["threads"]);
    refused(&["--pitch", "60"], &["pitch"]);
}

#[test]
fn durations_that_cannot_be_are_refused_with_their_range() {
    for duration in ["0", "-1", "1e9", "inf", "nan"] {
        refused(&["--duration", duration], &["duration"]);
    }
}

#[test]
fn seeds_that_would_run_over_are_refused() {
    refused(&["--seed", "18446744073709551615", "--count", "2"], &["18446744073709551615"]);
}

#[test]
fn one_file_for_several_clips_is_refused() {
    refused(&["--out", "a.wav", "--count", "2"], &["a.wav", "folder"]);
    refused(&["--out", "a.mp3"], &["a.mp3", ".wav"]);
    refused(&["--out", "a.wav", "--format", "flac"], &["--format", ".flac"]);
}

#[test]
fn a_device_that_is_not_there_is_refused() {
    refused(&["--device", if cfg!(target_os = "macos") { "cuda" } else { "metal" }], &["device", "cpu"]);
}

#[test]
fn what_cannot_be_parsed_is_usage() {
    let bench = Bench::new().with_tiny_model();
    for args in [
        ["--set", "brightness"],
        ["--set", "brightness=much"],
        ["--pitch", "H9"],
        ["--seed", "-1"],
        ["--count", "0"],
        ["--sampler", "magic"],
        ["--format", "mp3"],
    ] {
        let run = bench.run(&[&["render", "tiny"], &args[..]].concat());
        assert!(run.code == 2 && run.stdout.is_empty() && run.stderr.contains(args[1]), "{run:#?}");
    }
}

#[test]
fn a_target_that_cannot_be_written_is_refused_before_anything_is_rendered() {
    let bench = Bench::new().with_tiny_model();
    bench.write("taken", b"a file");
    bench.run(&["render", "tiny", "--out", "taken/below"]).refused(2, &["taken/below"]);
    // Nobody, root included, makes files there.
    #[cfg(target_os = "linux")]
    bench.run(&["render", "tiny", "--out", "/proc/sounds"]).refused(2, &["/proc/sounds"]);
}

/// A limit on the size of files stops a write half way, as a full disk does.
#[cfg(unix)]
#[test]
fn a_write_that_fails_half_way_names_the_clip_leaves_nothing_and_the_others_go_on() {
    let bench = Bench::new().with_tiny_model();
    let run = bench
        .shell("trap '' XFSZ; ulimit -f 4; \"$BROWNIAN\" render tiny --seed 1 --count 2 --out sounds --format wav32f");
    assert_eq!(run.code, 1, "{run:#?}");
    assert_eq!(run.stderr.matches("cannot write").count(), 2, "{run:#?}");
    assert_eq!(bench.names("sounds"), [""; 0]);
}

#[test]
fn a_broken_model_is_named_with_its_fault() {
    let bench = Bench::new().with_tiny_model();
    let good = bench.read("models/tiny.safetensors");
    let mut flipped = good.clone();
    let last = flipped.len() - 1;
    flipped[last] ^= 1;
    for (name, bytes) in [("cut.safetensors", &good[..good.len() / 2]), ("flipped.safetensors", &flipped)] {
        bench.write(name, bytes);
        bench.run(&["render", name]).refused(2, &[name]);
        bench.run(&["inspect", name]).refused(1, &[name]);
    }
}

#[test]
fn a_recipe_of_another_model_needs_that_model_named() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tiny", "--seed", "1", "--out", "a.wav"]).done();
    let mut card = brownian_core::model::tiny::two_stage_card();
    card.description = "another".into();
    brownian_core::model::tiny::write(&bench.path("models/tiny.safetensors"), &card).unwrap();
    bench.run(&["render", "--from", "a.wav", "--out", "b.wav"]).refused(2, &["tiny", "name the model"]);
    bench.run(&["render", "tiny", "--from", "a.wav", "--out", "b.wav"]).done();
    bench.run(&["verify", "a.wav"]).refused(1, &["a.wav", "tiny"]);
}
