//! `brownian render`: edits, from flags to recipe and back.

use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

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
    refused(&["--morph", "nowhere.wav"], &["nowhere.wav"]);
    refused(&["--morph", "1", "--morph", "2", "--morph", "3"], &["--morph is given 3 times"]);
    refused(&["--init-noise-level", "0.5"], &["--init-audio"]);
    refused(&["--init-audio", "nowhere.wav"], &["nowhere.wav"]);
    refused(&["--mask", "0..1"], &["--inpaint"]);
    bench.write("ping.wav", &wav(&ping(440.0, 16_000), 1, 16_000));
    refused(&["--init-audio", "ping.wav", "--init-noise-level", "2"], &["noise level", "0..=1"]);
    refused(&["--init-audio", "ping.wav", "--morph", "7"], &["a morph", "a variation of a file"]);
    refused(&["--inpaint", "ping.wav"], &["masks is 0"]);
    refused(&["--inpaint", "ping.wav", "--mask", "0.1..0.3"], &["mask 0.1..0.3 s", "0.2 s"]);
    refused(&["--inpaint", "ping.wav", "--mask", "0..0.2"], &["mask 0..0.2 s", "0.128 s"]);
    refused(&["--inpaint", "ping.wav", "--mask", "0..0.1", "--duration", "0.1"], &["0.1 s; need 0.2 s"]);
    refused(&["--class", "kick,snare"], &["kick:0.6,tom:0.4"]);
    refused(&["--class", "kik:1,snare:1"], &["kik", "did you mean \"kick\"?"]);
    refused(&["--not-class", "snare"], &["guidance", "more than 1"]);
    assert!(!bench.path("a.wav").exists());
}

/// The samples of a WAV file of 32-bit floats.
fn samples(bench: &Bench, file: &str) -> Vec<f32> {
    hound::WavReader::open(bench.path(file)).unwrap().into_samples().map(Result::unwrap).collect()
}

#[test]
fn a_variation_of_a_file_verifies_as_long_as_the_file_is_the_same() {
    let bench = Bench::new().with_tiny_model();
    bench.write("ping.wav", &wav(&ping(440.0, 22_050), 2, 22_050));
    verified(&bench, &["--class", "kick", "--init-audio", "ping.wav", "--init-noise-level", "0.3"]);
    let init = &inspect(&bench, "a.wav")["edit"]["init"];
    assert_eq!((&init["file"]["path"], &init["noise_level"]), (&"ping.wav".into(), &0.3.into()));
    assert_eq!(init["file"]["sha256"].as_str().unwrap().len(), 64);
    bench.write("ping.wav", &wav(&ping(441.0, 22_050), 2, 22_050));
    bench.run(&["verify", "a.wav"]).refused(1, &["a.wav", "ping.wav", "another sound"]);
    std::fs::remove_file(bench.path("ping.wav")).unwrap();
    bench.run(&["verify", "a.wav"]).refused(1, &["a.wav", "ping.wav", "cannot read"]);
}

#[test]
fn a_morph_may_lead_from_one_file_to_another() {
    let bench = Bench::new().with_tiny_model();
    bench.write("low.wav", &wav(&ping(200.0, 16_000), 1, 16_000));
    bench.write("high.wav", &wav(&ping(2000.0, 16_000), 1, 16_000));
    let files = ["--class", "kick", "--morph", "low.wav", "--morph", "high.wav", "--amount"];
    let some = verified(&bench, &[&files[..], &["0.3"]].concat());
    assert_ne!(some, verified(&bench, &[&files[..], &["0.6"]].concat()));
    let morph = &inspect(&bench, "a.wav")["edit"]["morph"];
    assert_eq!(morph["from"]["path"], "low.wav");
    assert_eq!(morph["to"]["file"]["path"], "high.wav");
    verified(&bench, &["--class", "kick", "--morph", "high.wav"]);
}

#[test]
fn outside_the_masks_every_sample_is_the_files_and_inside_it_is_new() {
    let bench = Bench::new().with_tiny_model();
    let original = ping(300.0, 16_000);
    bench.write("ping.wav", &wav(&original, 1, 16_000));
    let masks = ["--inpaint", "ping.wav", "--mask", "0.02..0.05", "--mask", "0.1..0.15", "--format", "wav32f"];
    verified(&bench, &[&["--class", "kick"], &masks[..]].concat());
    let painted = samples(&bench, "a.wav");
    assert_eq!(painted.len(), original.len());
    let (mut inside, mut changed) = (0, 0);
    for (i, (new, old)) in painted.iter().zip(&original).enumerate() {
        let is_inside = (320..800).contains(&i) || (1600..2400).contains(&i);
        assert!(is_inside || new == old, "sample {i}: {new} is not {old}");
        inside += usize::from(is_inside);
        changed += usize::from(is_inside && new != old);
    }
    assert!(changed * 10 > inside * 9, "{changed} of {inside}");
}
