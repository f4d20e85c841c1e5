//! `brownian render`: edits, from flags to recipe and back.

use brownian_tests::program::Bench;

/// Render `a.wav` with these flags: its bytes are those of its recipe.
fn verified(bench: &Bench, flags: &[&str]) -> Vec<u8> {
    bench.run(&[&["render", "tiny", "--seed", "5", "--out", "a.wav", "--force"], flags].concat()).done();
    let verdict = bench.run(&["verify", "a.wav", "--json"]).done();
    assert_eq!(verdict.json()[0]["result"], "same", "{flags:?}");
    bench.read("a.wav")
}

fn inspect(bench: &Bench, file: &str) -> serde_json::Value {
    bench.run(&["inspect", file, "--json"]).done().json()[0]["recipe"].clone()
}

#[test]
fn variations_are_counted_under_one_seed_and_the_first_is_not_the_sound_itself() {
    let bench = Bench::new().with_tiny_model();
    let flags = ["--class", "kick", "--seed", "5", "--vary", "0.2", "--count", "3", "--out", "takes", "--json"];
    let rows = bench.run(&[&["render", "tiny"], &flags[..]].concat()).done().json();
    let names = ["kick_000005_v000006.wav", "kick_000005_v000007.wav", "kick_000005_v000008.wav"];
    assert_eq!(bench.names("takes"), names);
    assert_eq!(rows[2]["edit"]["vary"], serde_json::json!({"seed": 8, "amount": 0.2}));
    let alone = verified(&bench, &["--class", "kick", "--vary", "0.2", "--vary-seed", "7"]);
    assert_eq!(alone, bench.read(&format!("takes/{}", names[1])));
    assert_ne!(alone, verified(&bench, &["--class", "kick"]));
}

#[test]
fn a_morph_to_a_file_takes_the_recipe_in_it() {
    let bench = Bench::new().with_tiny_model();
    bench
        .run(&["render", "tiny", "--class", "snare", "--seed", "9", "--set", "brightness=0.9", "--out", "b.wav"])
        .done();
    verified(&bench, &["--class", "kick", "--morph", "b.wav", "--amount", "0.25"]);
    let edit = &inspect(&bench, "a.wav")["edit"];
    assert_eq!(edit["morph"]["amount"], 0.25);
    assert_eq!(edit["morph"]["to"]["recipe"]["class"], "snare");
    verified(&bench, &["--class", "kick", "--morph", "77"]);
    assert_eq!(inspect(&bench, "a.wav")["edit"]["morph"], serde_json::json!({"to": {"seed": 77}, "amount": 0.5}));
}

#[test]
fn a_class_may_be_a_mix_and_another_be_kept_away_from() {
    let bench = Bench::new().with_tiny_model();
    verified(&bench, &["--class", "kick:0.6,snare:0.4", "--guidance", "2", "--not-class", "snare"]);
    let recipe = inspect(&bench, "a.wav");
    assert_eq!((&recipe["class"], &recipe["edit"]["not_class"]), (&"kick".into(), &"snare".into()));
    assert_eq!(recipe["edit"]["class_mix"], serde_json::json!({"kick": 0.6, "snare": 0.4}));
    // A class alone replaces the mix that a file holds.
    bench.run(&["render", "--from", "a.wav", "--class", "snare", "--out", "b.wav"]).done();
    assert!(inspect(&bench, "b.wav")["edit"]["class_mix"].is_null());
}

#[test]
fn an_edit_of_a_file_is_kept_and_its_numbers_can_be_changed() {
    let bench = Bench::new().with_tiny_model();
    verified(&bench, &["--class", "kick", "--vary", "0.2"]);
    bench.run(&["render", "--from", "a.wav", "--out", "b.wav"]).done();
    assert_eq!(bench.read("a.wav"), bench.read("b.wav"));
    bench.run(&["render", "--from", "a.wav", "--vary", "0.3", "--out", "c.wav"]).done();
    assert_eq!(inspect(&bench, "c.wav")["edit"]["vary"], serde_json::json!({"seed": 6, "amount": 0.3}));
}

#[test]
fn edits_that_cannot_be_are_refused_before_anything_is_made() {
    let bench = Bench::new().with_tiny_model();
    let refused = |flags: &[&str], words: &[&str]| {
        bench.run(&[&["render", "tiny", "--out", "a.wav"], flags].concat()).refused(2, words);
    };
    refused(&["--vary", "1.5"], &["variation is 1.5", "0..=1"]);
    refused(&["--vary-seed", "3"], &["--vary"]);
    refused(&["--amount", "0.5"], &["--morph"]);
    refused(&["--morph", "nowhere.wav"], &["--morph", "nowhere.wav"]);
    refused(&["--class", "kick,snare"], &["kick:0.6,tom:0.4"]);
    refused(&["--class", "kik:1,snare:1"], &["kik", "did you mean \"kick\"?"]);
    refused(&["--not-class", "snare"], &["guidance", "more than 1"]);
    assert!(!bench.path("a.wav").exists());
}
