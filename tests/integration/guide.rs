//! Every command of the guide does what it is there for: run as written, in the guide's order, in one folder.
//!
//! What would take long is made small: a model of a few kilobytes stands in for `drums`, one step for many, two seeds
//! for hundreds. Files that a reader would have (`rain.wav`) are there. Training has tests of its own, and what needs a
//! terminal or a sound card is left out.

use brownian_core::conditioning::Attribute;
use brownian_core::model::tiny;
use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

/// A command with its file for the output, or a file that the guide shows.
enum Item {
    Command(String),
    File { name: String, text: String },
}

/// The blocks of a document: commands one a line without their explanations, files where a block names one.
fn items(document: &str) -> Vec<Item> {
    let mut items = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(info) = line.strip_prefix("```") else { continue };
        let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        match info.split_once(' ') {
            Some((_, name)) => items.push(Item::File { name: name.to_owned(), text: block.join("\n") + "\n" }),
            // Two spaces set the explanation apart.
            None => {
                let commands = block.into_iter().filter(|line| line.starts_with("brownian "));
                items.extend(commands.map(|line| Item::Command(line.split("  ").next().unwrap_or(line).to_owned())));
            }
        }
    }
    items
}

fn is_left_out(command: &str) -> bool {
    let is = |start: &str| command.starts_with(&format!("brownian {start}"));
    let trains = ["train", "distill", "data prepare", "evaluate", "listen"].into_iter().any(is);
    trains || command.contains("--play") || (is("audition") && !command.contains("--output"))
}

/// The same in little.
fn in_little(text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 1..words.len() {
        match words[at - 1].as_str() {
            "--steps" => words[at] = "1".into(),
            "--count" => words[at] = "2".into(),
            _ => {}
        }
    }
    words.join(" ").replace("1..500", "1..2").replace("1..20\"", "1..2\"")
}

/// A folder in which the guide's reader might sit.
fn bench() -> Bench {
    let bench = Bench::new();
    let mut card = tiny::two_stage_card();
    card.id = "drums".into();
    card.config.attributes = Attribute::ONE_SHOT.into();
    let classes = "clap closed-hat cowbell crash kick open-hat perc ride rim snare tom";
    card.config.classes = classes.split(' ').map(str::to_owned).collect();
    std::fs::create_dir_all(bench.path("models")).unwrap();
    tiny::write(&bench.path("models/drums.safetensors"), &card).unwrap();
    card.id = "mine".into();
    let model = tiny::bytes(&card).unwrap();
    for name in
        ["drums.safetensors", "mine.safetensors", "runs/mine/model.safetensors", "runs/drums-instant/model.safetensors"]
    {
        bench.write(name, &model);
    }
    for n in 0..4 {
        bench.write(&format!("my-sounds/kick/{n}.wav"), &wav(&ping(100.0 + 10.0 * n as f32, 16_000), 1, 16_000));
    }
    std::fs::create_dir_all(bench.path("home/.local/share/bash-completion/completions")).unwrap();
    bench
}

/// Sounds that a command takes and that nothing made.
fn give_sounds(bench: &Bench, command: &str) {
    let words: Vec<&str> = command.split_whitespace().collect();
    for (before, word) in words.iter().zip(&words[1..]) {
        let is_made = ["--out", "-o", "--output", ">"].contains(before);
        let is_missing = word.ends_with(".wav") && !word.contains(['*', '=']) && !bench.path(word).exists();
        if is_missing && !is_made {
            bench.write(word, &wav(&ping(220.0, 16_000), 1, 16_000));
        }
    }
}

#[cfg(unix)]
#[test]
fn every_command_of_the_guide_runs() {
    let guide = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/GUIDE.md")).unwrap();
    let bench = bench();
    let mut num_run = 0;
    for item in items(&guide) {
        let command = match item {
            Item::File { name, text } => {
                bench.write(&name, in_little(&text).as_bytes());
                continue;
            }
            Item::Command(command) if is_left_out(&command) => continue,
            Item::Command(command) => command,
        };
        give_sounds(&bench, &command);
        let script = in_little(&command).replacen("brownian", "\"$BROWNIAN\"", 1);
        let run = bench.shell(&format!("export BROWNIAN_STEPS=1\n{script}"));
        assert_eq!(run.code, 0, "{command}\n{}{}", run.stdout, run.stderr);
        num_run += 1;
    }
    assert!(num_run >= 25, "only {num_run} commands were run");
}
