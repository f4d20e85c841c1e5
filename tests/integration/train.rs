//! `brownian train`

use std::time::{Duration, Instant};

use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

/// A network that trains in seconds.
pub(crate) const TOY: &str = r#"
batch_size = 4
evaluate_every = 5
preview_every = 1000

[dataset]
sample_rate = 8000
num_samples = 2048

[representation]
kind = "log-magnitude"
num_samples = 2048
n_fft = 128
hop_length = 32
floor_db = -100.0
refinements = 4

[envelope.grid]
columns = 12
bands = 8

[envelope.unet]
widths = [16, 24]
blocks = 1
attention_levels = 1
embedding = 16
circular = false

[unet]
widths = [16, 24]
blocks = 1
attention_levels = 1
embedding = 16
circular = false

[unet.head]
patch_frames = 2
patch_bins = 4
widths = [8, 16]
blocks = 1
merge = 4
"#;

fn bench() -> Bench {
    let bench = Bench::new();
    for (i, name) in ["a", "b", "c", "d", "e"].into_iter().enumerate() {
        bench.write(&format!("set/high/{name}x.wav"), &wav(&ping(2000.0 + 300.0 * i as f32, 8_000), 1, 8_000));
        bench.write(&format!("set/low/{name}y.wav"), &wav(&ping(100.0 + 20.0 * i as f32, 8_000), 1, 8_000));
    }
    bench.write("toy.toml", TOY.as_bytes());
    bench
}

/// The log's lines without what depends on the clock.
fn log(bench: &Bench, name: &str) -> Vec<serde_json::Value> {
    let text = String::from_utf8(bench.read(&format!("runs/{name}/log.jsonl"))).expect("text");
    let parse = |line: &str| {
        let mut line: serde_json::Value = serde_json::from_str(line).expect("an object a line");
        line.as_object_mut().expect("an object").remove("seconds");
        line
    };
    text.lines().map(parse).collect()
}

#[test]
fn a_trained_model_renders_and_can_be_added_by_name() {
    let bench = bench();
    let run = bench.run(&["train", "set", "--name", "toy", "--config", "toy.toml", "--steps", "10"]).done();
    assert_eq!(run.stdout.trim(), "runs/toy/model.safetensors");
    assert!(run.stderr.contains("10 of 10 files are used") && run.stderr.contains("held-out loss"), "{run:#?}");
    assert_eq!(log(&bench, "toy").last().expect("a line")["step"], 10);
    bench.run(&["render", "runs/toy/model.safetensors", "--class", "low", "--seed", "1", "--out", "low.wav"]).done();
    let checkpoint = bench.run(&["inspect", "runs/toy/checkpoint.safetensors", "--json"]).done();
    assert_eq!(checkpoint.json()[0]["kind"], "checkpoint");
    bench.run(&["models", "add", "runs/toy/model.safetensors"]).done();
    bench.run(&["render", "toy", "--class", "low", "--seed", "1", "--out", "again.wav"]).done();
    assert_eq!(bench.read("low.wav"), bench.read("again.wav"));
}

#[test]
fn a_training_killed_in_the_middle_resumes_as_if_it_had_not_been() {
    let bench = bench();
    let train = |name: &str, more: &[&str]| {
        [&["train", "set", "--name", name, "--steps", "40"], more]
            .concat()
            .iter()
            .map(|s| s.to_string())
            .collect::<Vec<_>>()
    };
    let config = ["--config", "toy.toml"];
    let run = |args: Vec<String>| bench.run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    run(train("whole", &config)).done();
    let mut child = bench.spawn(&train("killed", &config).iter().map(String::as_str).collect::<Vec<_>>());
    let checkpoint = bench.path("runs/killed/checkpoint.safetensors");
    let began = Instant::now();
    while !checkpoint.exists() && began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().expect("it still runs, or has ended");
    child.wait().expect("an end");
    run(train("killed", &["--resume"])).done();
    assert_eq!(log(&bench, "killed"), log(&bench, "whole"));
    let left: Vec<String> = bench.names("runs/killed").into_iter().filter(|name| name.contains("tmp")).collect();
    assert!(left.len() <= 1, "{left:?}: at most what the kill itself left");
}

#[test]
fn settings_that_cannot_be_are_refused_by_name_before_anything_is_written() {
    let bench = bench();
    bench.write("typo.toml", b"batchsize = 4");
    bench.run(&["train", "set", "--name", "toy", "--config", "typo.toml"]).refused(2, &["typo.toml", "batchsize"]);
    bench.write("range.toml", b"drop_condition = 3.0");
    bench.run(&["train", "set", "--name", "toy", "--config", "range.toml"]).refused(2, &["drop_condition", "0..=1"]);
    bench.run(&["train", "nowhere", "--name", "toy"]).refused(2, &["nowhere"]);
    bench.run(&["train", "set", "--name", "toy", "--resume"]).refused(2, &["no checkpoint"]);
    bench.run(&["train", "set", "--name", "Toy!", "--config", "toy.toml"]).refused(2, &["Toy!"]);
    assert!(!bench.path("runs/toy").exists() && !bench.path("runs/Toy!").exists());
}

#[test]
fn a_broken_row_of_sources_is_named_before_anything_is_trained() {
    let bench = bench();
    let train = ["train", "set", "--name", "toy", "--config", "toy.toml", "--steps", "1"];
    let header = "path,source,licence,attribution\nhigh/ax.wav,mine,CC0-1.0,me\n";
    for broken in ["high/bx.wav,mine\n", "high/bx.wav,mine,CC0-1.0,me,too,many\n"] {
        bench.write("set/SOURCES.csv", format!("{header}{broken}").as_bytes());
        bench.run(&train).refused(2, &["SOURCES.csv, row 2", "fields"]);
    }
    bench.write("set/SOURCES.csv", b"path,source,attribution\nhigh/ax.wav,mine,me\n");
    bench.run(&train).refused(2, &["SOURCES.csv, row 1", "licence"]);
    assert!(!bench.path("runs").exists());
    bench.write("set/SOURCES.csv", header.as_bytes());
    bench.run(&train).done();
    let card = &bench.run(&["inspect", "runs/toy/model.safetensors", "--json"]).done().json()[0];
    assert!(card.to_string().contains("CC0-1.0"), "{card}");
}

#[test]
fn a_folder_with_one_usable_file_trains() {
    let bench = Bench::new();
    bench.write("one/hits/only.wav", &wav(&ping(440.0, 8_000), 1, 8_000));
    bench.write("one/hits/broken.wav", b"no sound");
    bench.write("toy.toml", TOY.as_bytes());
    let run = bench.run(&["train", "one", "--name", "one", "--config", "toy.toml", "--steps", "3"]).done();
    assert!(run.stderr.contains("broken.wav"), "{run:#?}");
}
