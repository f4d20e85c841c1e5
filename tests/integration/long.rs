//! `brownian render --duration`: sounds longer than a model's clips.

use brownian_core::audio::{decode, read_info};
use brownian_core::generate::{Finish, Level, Shaping};
use brownian_core::metrics::seam;
use brownian_tests::program::Bench;

/// 70 s of 16 kHz in windows of 0.128 s: through the disk.
const LONG: [&str; 10] =
    ["render", "texture", "--seed", "4", "--steps", "1", "--duration", "70", "--sample-rate", "16000"];

#[test]
fn a_sound_of_more_than_a_minute_goes_through_the_disk_and_verifies() {
    let bench = Bench::new().with_tiny_texture();
    let how = ["--format", "wav16", "--dither", "--channels", "2", "--fade-out", "500", "--loudness", "-23", "--json"];
    let row = &bench.run(&[&LONG[..], &how, &["--out", "a.wav", "--threads", "1"]].concat()).done().json()[0];
    assert_eq!(row["duration_s"], 70.0);
    assert!((row["lufs"].as_f64().unwrap() + 23.0).abs() < 0.2, "{row}");
    let clip = decode(&bench.path("a.wav")).unwrap();
    assert_eq!((clip.num_frames(), clip.num_channels()), (70 * 16_000, 2));
    assert!(read_info(&bench.path("a.wav")).unwrap().one_shot);
    bench.run(&[&LONG[..], &how, &["--out", "b.wav", "--threads", "2"]].concat()).done();
    assert!(bench.read("a.wav") == bench.read("b.wav"), "threads changed the bytes");
    assert_eq!(bench.run(&["verify", "a.wav", "--json"]).done().json()[0]["result"], "same");
    assert_eq!(bench.names("."), ["a.wav", "b.wav", "models"]);
}

#[test]
fn windows_join_as_smoothly_as_the_sound_goes_on() {
    let bench = Bench::new().with_tiny_texture();
    let args = ["render", "texture", "--seed", "4", "--duration", "3", "--raw", "--format", "wav32f", "--out", "a.wav"];
    bench.run(&args).done();
    let clip = decode(&bench.path("a.wav")).unwrap();
    // Windows of 2,048 samples, 512 of them the last one's, 96 left to the next: joins from 1,952 on, every 1,536.
    for at in (1952..clip.num_frames()).step_by(1536) {
        let found = seam(&clip.channels()[0], at);
        assert!(found.step < 0.9995 && found.slope < 0.9995 && found.flux < 0.99, "sample {at}: {found:?}");
    }
}

#[test]
fn a_long_sound_is_cut_turned_and_packed_as_a_short_one() {
    let bench = Bench::new().with_tiny_texture();
    bench.run(&[&LONG[..], &["--raw", "--format", "wav32f", "--out", "whole.wav"]].concat()).done();
    let how = ["--crop", "1..62.5", "--trim", "-20", "--reverse", "--rotate", "3", "--remove-dc", "--raw"];
    bench.run(&[&LONG[..], &how, &["--out", "a.flac"]].concat()).done();
    let shaping = Shaping {
        crop_s: Some([1.0, 62.5]),
        trim_db: Some(-20.0),
        reverse: true,
        rotate_s: Some(3.0),
        remove_dc: true,
        ..Shaping::default()
    };
    let mut finish = Finish { shaping, level: Level::Raw, ..Finish::plain(16_000) };
    let expected = finish.apply(&decode(&bench.path("whole.wav")).unwrap()).unwrap();
    let found = decode(&bench.path("a.flac")).unwrap();
    assert_eq!(found.num_frames(), expected.num_frames());
    let pairs = found.channels()[0].iter().zip(&expected.channels()[0]);
    // Half a step of 24 bits.
    assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() <= 1.01 * 2f32.powi(-24)));
    assert_eq!(bench.run(&["verify", "a.flac", "--json"]).done().json()[0]["result"], "same");
    assert_eq!(bench.names("."), ["a.flac", "models", "whole.wav"]);
}

#[test]
fn what_no_file_can_hold_is_refused_before_anything_is_made() {
    let bench = Bench::new().with_tiny_texture();
    let huge = ["--duration", "3600", "--sample-rate", "384000", "--channels", "2", "--out", "a.wav"];
    let run = bench.run(&[&["render", "texture"][..], &huge].concat());
    assert!(run.code != 0 && run.stderr.contains("4294967295"), "{run:#?}");
    let run = bench.run(&[&LONG[..], &["--out", "a.wav", "--crop", "71..72"]].concat());
    assert!(run.code == 1 && run.stderr.contains("crop is 71..72 s") && run.stderr.contains("70.000 s"), "{run:#?}");
    assert_eq!(bench.names("."), ["models"]);
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_the_middle_leaves_nothing() {
    let bench = Bench::new().with_tiny_texture();
    let run = bench.shell(
        "\"$BROWNIAN\" render texture --steps 1 --duration 3600 --sample-rate 16000 --out a.wav >/dev/null 2>&1 & \
         until ls .brownian-*.tmp >/dev/null 2>&1; do sleep 0.05; done; sleep 0.3; kill -INT $!; wait $!; echo $?",
    );
    assert_eq!(run.stdout.trim(), "130", "{run:#?}");
    assert_eq!(bench.names("."), ["models"]);
}
