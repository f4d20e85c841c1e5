//! `brownian verify`

use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

#[test]
fn a_file_without_a_recipe_is_named() {
    let bench = Bench::new();
    bench.write("mine.wav", &wav(&ping(440.0, 44_100), 1, 44_100));
    bench.run(&["verify", "mine.wav"]).refused(1, &["mine.wav", "no recipe"]);
    bench.run(&["render", "--from", "mine.wav"]).refused(2, &["mine.wav", "no recipe"]);
    bench.run(&["verify", "nowhere.wav"]).refused(1, &["nowhere.wav"]);
}

#[test]
fn what_was_rendered_verifies_in_every_format_even_under_another_name() {
    let bench = Bench::new().with_tiny_model();
    for format in ["wav16", "wav24", "wav32f"] {
        let shape = ["--sample-rate", "44100", "--channels", "2", "--loudness", "-20", "--set", "brightness=0.3"];
        bench.run(&[&["render", "tiny", "--out", "a.wav", "--force", "--format", format], &shape[..]].concat()).done();
        std::fs::rename(bench.path("a.wav"), bench.path("b.wav")).unwrap();
        let run = bench.run(&["verify", "b.wav", "--json"]).done();
        assert_eq!(run.json()[0]["result"], "same");
    }
}

#[test]
fn a_changed_sample_is_found() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tiny", "--out", "a.wav", "--format", "wav16"]).done();
    let mut bytes = bench.read("a.wav");
    // The header of 16-bit mono is 44 bytes: this is frame 100.
    bytes[44 + 2 * 100] ^= 1;
    bench.write("a.wav", &bytes);
    let run = bench.run(&["verify", "a.wav", "--json"]);
    assert_eq!((run.code, &run.json()[0]["first_frame"]), (1, &100.into()), "{run:#?}");
}

#[test]
fn a_missing_model_is_named() {
    let bench = Bench::new().with_tiny_model();
    bench.run(&["render", "tiny", "--out", "a.wav"]).done();
    std::fs::remove_file(bench.path("models/tiny.safetensors")).unwrap();
    bench.run(&["verify", "a.wav"]).refused(1, &["a.wav", "tiny"]);
}
