//! `brownian data`

use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

/// Two classes of five sounds each, at different rates and channels, and one of each fault.
fn folder() -> Bench {
    let bench = Bench::new();
    for i in 0..5u32 {
        bench.write(&format!("set/high/{i}.wav"), &wav(&ping(2000.0 + 300.0 * i as f32, 44_100), 1, 44_100));
        bench.write(&format!("set/low/{i}.wav"), &wav(&ping(100.0 + 20.0 * i as f32, 48_000), 2, 48_000));
    }
    bench.write("set/low/wide.wav", &wav(&ping(90.0, 192_000), 8, 192_000));
    bench.write("set/low/empty.wav", b"");
    bench.write("set/low/text.wav", b"this is not a sound, it is a sentence");
    bench.write("set/high/none.wav", &wav(&[], 1, 44_100));
    bench.write("set/high/nan.wav", &wav(&[f32::NAN; 100], 1, 44_100));
    bench
}

#[test]
fn a_scan_counts_what_goes_in_and_says_what_does_not_and_why() {
    let bench = folder();
    let report = &bench.run(&["data", "scan", "set", "--json"]).done().json()[0];
    assert_eq!((&report["found"], &report["used"]), (&15.into(), &11.into()), "{report}");
    assert_eq!(report["skipped"].as_array().unwrap().len(), 4);
    assert!(report["skipped"].as_array().unwrap().iter().all(|file| !file["reason"].as_str().unwrap().is_empty()));
    let classes = report["classes"].as_array().unwrap();
    assert_eq!(classes.iter().map(|class| class["class"].as_str().unwrap()).collect::<Vec<_>>(), ["high", "low"]);
    let brightness = |class: usize| classes[class]["attributes"]["brightness"][1].as_f64().unwrap();
    assert!(brightness(0) > brightness(1), "{report}");
}

#[test]
fn the_table_names_every_class_and_every_skipped_file() {
    let run = folder().run(&["data", "scan", "set"]).done();
    for word in ["high", "low", "empty.wav", "text.wav", "none.wav", "nan.wav", "11 of 15"] {
        assert!(run.stdout.contains(word), "no {word:?} in {run:#?}");
    }
}

#[test]
fn files_cut_short_are_named_whatever_their_format() {
    let bench = Bench::new();
    let fixture = |name: &str| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../core/tests/data/");
        std::fs::read(format!("{folder}{name}")).expect("a file of this repository")
    };
    for name in ["tone.wav", "tone.flac", "tone.ogg", "tone.mp3"] {
        let whole = if name == "tone.wav" { wav(&ping(440.0, 22_050), 1, 22_050) } else { fixture(name) };
        bench.write(&format!("set/whole/{name}"), &whole);
        bench.write(&format!("set/cut/{name}"), &whole[..whole.len() * 3 / 5]);
    }
    let report = &bench.run(&["data", "scan", "set", "--sample-rate", "22050", "--json"]).done().json()[0];
    assert_eq!((&report["found"], &report["used"]), (&8.into(), &4.into()), "{report}");
    for file in report["skipped"].as_array().unwrap() {
        assert!(file["path"].as_str().unwrap().starts_with("cut"), "{report}");
        assert!(file["reason"].as_str().unwrap().contains("need "), "{report}");
    }
}

#[test]
fn a_folder_that_is_missing_or_holds_no_sound_is_refused() {
    let bench = Bench::new();
    bench.run(&["data", "scan", "nowhere"]).refused(2, &["nowhere"]);
    bench.write("text/readme.txt", b"no sound");
    bench.run(&["data", "scan", "text"]).refused(2, &["text"]);
}
