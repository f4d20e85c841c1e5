//! `brownian export` and the pictures: files for other programs and for eyes.

use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

fn png_size(bytes: &[u8]) -> (u32, u32) {
    assert!(bytes.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn a_kit_lies_on_general_midis_keys_and_names_files_that_are_there() {
    let bench = Bench::new().with_tiny_model();
    let flags = ["--steps", "1", "--seed", "1", "--count", "2", "--out", "kit"];
    for class in ["kick", "snare"] {
        bench.run(&[&["render", "tiny", "--class", class], &flags[..]].concat()).done();
    }
    let run = bench.run(&["export", "kit", "kit", "--out", "presets/kit"]).done();
    assert_eq!(run.stdout.lines().count(), 2, "{run:#?}");
    let sfz = String::from_utf8(bench.read("presets/kit.sfz")).unwrap();
    assert_eq!((sfz.matches("lokey=36 hikey=36").count(), sfz.matches("lokey=38").count()), (2, 2), "{sfz}");
    assert!(sfz.contains("seq_length=2 seq_position=2"), "{sfz}");
    for path in sfz.lines().filter_map(|line| line.strip_prefix("<region> sample=")) {
        assert!(bench.path("presets").join(path).is_file(), "{path}");
    }
    assert!(String::from_utf8(bench.read("presets/kit.dspreset")).unwrap().contains("../kit/kick_000001.wav"));
}

#[test]
fn notes_need_a_pitch() {
    let bench = Bench::new();
    bench.write("a.wav", &wav(&ping(220.0, 16_000), 1, 16_000));
    bench.run(&["export", "notes", "a.wav", "--out", "a"]).refused(2, &["a.wav", "--pitch"]);
    bench.run(&["export", "kit", "nothing.wav", "--out", "a"]).refused(2, &["nothing.wav"]);
}

#[test]
fn a_sound_and_a_batch_have_pictures() {
    let bench = Bench::new().with_tiny_model();
    let flags = ["--steps", "1", "--class", "kick", "--seed", "1"];
    bench.run(&[&["render", "tiny", "--spectrogram"], &flags[..]].concat()).done();
    assert_eq!(png_size(&bench.read("kick_000001.png")), (1280, 800));
    bench.run(&[&["render", "tiny", "--spectrogram=b.png", "--out", "b.wav"], &flags[..]].concat()).done();
    bench.run(&["inspect", "b.wav", "--spectrogram", "c.png"]).done();
    assert_eq!(bench.read("b.png"), bench.read("kick_000001.png"));
    assert_eq!(png_size(&bench.read("c.png")), (1280, 800));
    bench.run(&["inspect", "b.wav", "b.wav", "--spectrogram", "c.png"]).refused(2, &["one"]);
    bench.write("a.csv", b"model,class,seed,steps\ntiny,kick|snare,1..5,1\n");
    bench.run(&["batch", "a.csv", "--out", "out", "--sheet", "sheet.png"]).done();
    let (width, height) = png_size(&bench.read("sheet.png"));
    assert!(width > 600 && height > 300, "{width} x {height}");
}

#[test]
fn every_command_has_a_manual_page() {
    let bench = Bench::new();
    bench.run(&["man", "man"]).done();
    let names = bench.names("man");
    for name in ["brownian.1", "brownian-render.1", "brownian-batch.1", "brownian-export-kit.1", "brownian-data-scan.1"]
    {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    let page = String::from_utf8(bench.read("man/brownian-batch.1")).unwrap();
    assert!(page.contains("brownian\\-batch") && page.contains("seed = \"1..500\""), "{page}");
}
