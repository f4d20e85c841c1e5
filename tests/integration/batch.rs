//! `brownian batch`: many clips from a list, whatever happens on the way.

use std::collections::{BTreeMap, BTreeSet};

use brownian_tests::program::Bench;
use serde_json::Value;

/// The lines of the report, whole and in order.
fn report(bench: &Bench, folder: &str) -> Vec<Value> {
    let text = String::from_utf8(bench.read(&format!("{folder}/report.jsonl"))).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'), "the last line is whole");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// Every sound of a folder by its name.
fn sounds(bench: &Bench, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let names = bench.names(folder).into_iter().filter(|name| name.ends_with(".wav"));
    names.map(|name| (name.clone(), bench.read(&format!("{folder}/{name}")))).collect()
}

#[test]
fn a_row_makes_the_very_files_that_render_makes() {
    let bench = Bench::new().with_tiny_model();
    bench.write(
        "a.toml",
        b"model = \"tiny\"\nsteps = 2\nsample_rate = 22050\n[[clips]]\nclass = [\"kick\", \"snare\"]\nseed = \"3..4\"\nbrightness = 0.5\n",
    );
    bench.run(&["batch", "a.toml", "--out", "batch"]).done();
    for class in ["kick", "snare"] {
        let flags =
            ["--steps", "2", "--sample-rate", "22050", "--set", "brightness=0.5", "--seed", "3", "--count", "2"];
        bench.run(&[&["render", "tiny", "--class", class, "--out", "render"], &flags[..]].concat()).done();
    }
    assert_eq!(sounds(&bench, "batch"), sounds(&bench, "render"));
    let rows = report(&bench, "batch");
    let paths: BTreeSet<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["kick_000003.wav", "kick_000004.wav", "snare_000003.wav", "snare_000004.wav"].into());
    assert!(
        rows.iter().all(|row| row["line"] == 4 && row["lufs"].is_number() && row["render_s"].is_number()),
        "{rows:?}"
    );
}

#[test]
fn the_three_forms_of_a_manifest_make_the_same() {
    let bench = Bench::new().with_tiny_model();
    bench.write("a.toml", b"[[clips]]\nmodel = \"tiny\"\nclass = \"kick\"\nsteps = 1\nseed = \"1..3\"\n");
    bench.write("a.jsonl", b"{\"model\":\"tiny\",\"class\":\"kick\",\"steps\":1,\"seed\":\"1..3\"}\n");
    bench.write("a.csv", b"model,class,steps,seed\ntiny,kick,1,1|2|3\n");
    for form in ["toml", "jsonl", "csv"] {
        bench.run(&["batch", &format!("a.{form}"), "--out", form]).done();
    }
    assert_eq!(sounds(&bench, "toml").len(), 3);
    assert_eq!(sounds(&bench, "toml"), sounds(&bench, "jsonl"));
    assert_eq!(sounds(&bench, "toml"), sounds(&bench, "csv"));
}

#[test]
fn a_bad_row_is_named_by_its_line_and_the_rest_is_made() {
    let bench = Bench::new().with_tiny_model();
    let rows = [
        r#"{"model":"tiny","class":"kick","seed":1,"steps":1}"#,
        r#"{"model":"tiny","class":"oboe","seed":1,"steps":1}"#,
        "oops",
        r#"{"model":"tiny","clas":"kick","seed":1}"#,
        r#"{"model":"tiny","class":"snare","seed":1,"steps":1,"name":"{colour}"}"#,
        r#"{"model":"tiny","class":"snare","seed":1,"steps":1}"#,
    ];
    bench.write("a.jsonl", rows.join("\n").as_bytes());
    for dry in [true, false] {
        let flags: &[&str] = if dry { &["--dry-run"] } else { &[] };
        let run = bench.run(&[&["batch", "a.jsonl", "--out", "out"], flags].concat());
        assert_eq!(run.code, 1, "{run:#?}");
        for (line, word) in [(2, "oboe"), (3, "JSON"), (4, "class"), (5, "colour")] {
            let named = |text: &&str| {
                text.contains(&format!("a.jsonl, line {line}:")) || text.contains(&format!("a.jsonl: line {line}:"))
            };
            let told = run.stderr.lines().find(named).unwrap_or_else(|| panic!("no line {line} in {run:#?}"));
            assert!(told.contains(word), "{told}");
        }
    }
    assert_eq!(sounds(&bench, "out").into_keys().collect::<Vec<_>>(), ["kick_000001.wav", "snare_000001.wav"]);
}

#[test]
fn names_follow_the_template_into_folders() {
    let bench = Bench::new().with_tiny_model();
    bench.write("a.csv", b"model,class,seed,steps,brightness\ntiny,kick,7,1,0.2|0.8\n");
    bench.run(&["batch", "a.csv", "--out", "out", "--name", "{class}/b{brightness:.2}_{seed:04}"]).done();
    assert_eq!(bench.names("out/kick"), ["b0.20_0007.wav", "b0.80_0007.wav"]);
    // Without a template, what varies is part of the name.
    bench.run(&["batch", "a.csv", "--out", "usual"]).done();
    assert_eq!(sounds(&bench, "usual").into_keys().collect::<Vec<_>>(), ["kick_000007_0.2.wav", "kick_000007_0.8.wav"]);
}

#[test]
fn what_is_there_is_not_made_again_and_another_clip_of_its_name_is_refused() {
    let bench = Bench::new().with_tiny_model();
    bench.write("a.csv", b"model,class,seed,steps\ntiny,kick,1..3,1\n");
    bench.run(&["batch", "a.csv", "--out", "out"]).done();
    let before = bench.read("out/report.jsonl");
    std::fs::remove_file(bench.path("out/kick_000002.wav")).unwrap();
    let run = bench.run(&["batch", "a.csv", "--out", "out", "--json"]).done();
    assert_eq!(run.json().len(), 1, "{run:#?}");
    assert!(run.stderr.contains("1 clips made") && run.stderr.contains("2 were there"), "{run:#?}");
    assert!(bench.read("out/report.jsonl").starts_with(&before));
    bench.write("a.csv", b"model,class,seed,steps\ntiny,kick,1..3,2\n");
    let run = bench.run(&["batch", "a.csv", "--out", "out"]);
    assert_eq!((run.code, run.stderr.matches("another recipe").count()), (1, 3), "{run:#?}");
}

#[test]
fn a_lost_report_is_written_again_from_the_files() {
    let bench = Bench::new().with_tiny_model();
    bench.write("a.csv", b"model,class,seed,steps\ntiny,kick,1..3,1\n");
    bench.run(&["batch", "a.csv", "--out", "out"]).done();
    let told = report(&bench, "out");
    std::fs::remove_file(bench.path("out/report.jsonl")).unwrap();
    bench.run(&["batch", "a.csv", "--out", "out"]).done();
    let again = report(&bench, "out");
    assert_eq!(again.len(), 3);
    for row in &again {
        let first = told.iter().find(|first| first["path"] == row["path"]).unwrap();
        for key in ["seed", "class", "duration_s", "line", "sample_rate"] {
            assert_eq!(first[key], row[key], "{key}");
        }
        // Of the file's 24 bits instead of floats.
        assert!((first["peak_dbfs"].as_f64().unwrap() - row["peak_dbfs"].as_f64().unwrap()).abs() < 1e-3);
    }
}

#[test]
fn shards_make_every_clip_once() {
    let bench = Bench::new().with_tiny_model();
    bench.write("a.csv", b"model,class,seed,steps\ntiny,kick|snare,1..5,1\ntiny,kick,100..102,1\n");
    let mut all = BTreeMap::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let folder = shard.replace('/', "-of-");
        bench.run(&["batch", "a.csv", "--out", &folder, "--shard", shard]).done();
        let mut part = sounds(&bench, &folder);
        assert!((4..=5).contains(&part.len()), "{shard}: {}", part.len());
        all.append(&mut part);
    }
    bench.run(&["batch", "a.csv", "--out", "all"]).done();
    assert_eq!(all, sounds(&bench, "all"));
    assert_eq!(all.len(), 13);
}

#[test]
fn two_processes_on_one_folder_share_the_work() {
    let bench = Bench::new().with_tiny_model();
    bench.write("a.csv", b"model,class,seed,steps\ntiny,kick|snare,1..60,1\n");
    let args = ["batch", "a.csv", "--out", "out", "--batch-size", "4", "--threads", "1"];
    let mut workers: Vec<_> = (0..3).map(|_| bench.spawn(&args)).collect();
    for worker in &mut workers {
        assert!(worker.wait().unwrap().success());
    }
    let rows = report(&bench, "out");
    let paths: BTreeSet<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), paths.len()), (120, 120), "every clip has one line");
    assert_eq!(bench.names("out").len(), 121, "nothing is left but the sounds and the report");
    assert!(rows.iter().all(|row| row["render_s"].is_number()), "no clip was made twice");
}

/// Kill the program at `kills` moments of a batch, then let it end; nothing is broken, lost or made twice.
#[cfg(unix)]
fn survives(kills: u64) {
    let bench = Bench::new().with_tiny_model();
    let num_clips = 10 * kills as usize;
    bench.write("a.csv", format!("model,class,seed,steps\ntiny,kick,1..{num_clips},1\n").as_bytes());
    let args = ["batch", "a.csv", "--out", "out", "--batch-size", "8"];
    let mut last_made = 0;
    for kill in 0..kills {
        let mut run = bench.spawn(&args);
        // Wait for progress, so that every kill meets work; then a moment that differs from kill to kill.
        for _ in 0..2000 {
            let made = bench.path("out").read_dir().map_or(0, Iterator::count);
            if made > last_made || run.try_wait().unwrap().is_some() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        std::thread::sleep(std::time::Duration::from_micros(kill * 7919 % 20_000));
        run.kill().unwrap();
        run.wait().unwrap();
        let there = sounds(&bench, "out");
        last_made = bench.names("out").len();
        for (name, bytes) in &there {
            // A RIFF file tells its own length: all that appeared are whole.
            assert_eq!(u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize + 8, bytes.len(), "{name}");
        }
    }
    bench.run(&args).done();
    let there = sounds(&bench, "out");
    assert_eq!((there.len(), bench.names("out").len()), (num_clips, num_clips + 1), "nothing is left over");
    let rows = report(&bench, "out");
    let paths: BTreeSet<&str> = rows.iter().map(|row| row["path"].as_str().unwrap()).collect();
    assert_eq!((rows.len(), paths.len()), (num_clips, num_clips), "every clip has one line");
    bench
        .run(&[
            "render",
            "tiny",
            "--class",
            "kick",
            "--steps",
            "1",
            "--seed",
            "1",
            "--count",
            &num_clips.to_string(),
            "--out",
            "whole",
        ])
        .done();
    assert_eq!(there, sounds(&bench, "whole"));
}

#[cfg(unix)]
#[test]
fn a_batch_killed_at_any_moment_goes_on_where_it_was() {
    survives(12);
}

/// The long form of the test above: `cargo test -p brownian-tests -- --ignored killed_fifty`.
#[cfg(unix)]
#[test]
#[ignore = "takes minutes"]
fn a_batch_killed_fifty_times_goes_on_where_it_was() {
    survives(50);
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_batch_with_130_and_leaves_only_whole_files() {
    let bench = Bench::new().with_tiny_model();
    bench.write("a.csv", b"model,class,seed\ntiny,kick,1..20000\n");
    let run = bench.shell(
        "\"$BROWNIAN\" batch a.csv --out out >/dev/null 2>&1 & \
         until ls out/*.wav >/dev/null 2>&1; do sleep 0.05; done; kill -INT $!; wait $!; echo $?",
    );
    assert_eq!(run.stdout.trim(), "130", "{run:#?}");
    let names = bench.names("out");
    assert!(names.iter().all(|name| name.ends_with(".wav") || name == "report.jsonl"), "{names:?}");
    assert_eq!(report(&bench, "out").len(), names.len() - 1);
}

#[test]
fn a_row_of_more_than_a_minute_goes_through_the_disk_and_is_not_made_again() {
    let bench = Bench::new().with_tiny_texture();
    bench.write("a.csv", b"model,seed,steps,duration,format\ntexture,1,1,61,wav16\n\ntexture,2,1,0.1,wav16\n");
    bench.run(&["batch", "a.csv", "--out", "out"]).done();
    let told = report(&bench, "out");
    let long = told.iter().find(|row| row["seed"] == 1).unwrap();
    assert_eq!((&long["duration_s"], &long["line"]), (&61.0.into(), &2.into()));
    assert!(long["lufs"].is_number() && long["render_s"].is_number(), "{long}");
    assert_eq!(told.iter().find(|row| row["seed"] == 2).unwrap()["line"], 4);
    let path = format!("out/{}", long["path"].as_str().unwrap());
    let flags = ["--seed", "1", "--steps", "1", "--duration", "61", "--format", "wav16", "--out", "same.wav"];
    bench.run(&[&["render", "texture"], &flags[..]].concat()).done();
    assert!(bench.read(&path) == bench.read("same.wav"));
    let before = bench.read("out/report.jsonl");
    let run = bench.run(&["batch", "a.csv", "--out", "out"]).done();
    assert!(run.stderr.contains("0 clips made") && run.stderr.contains("2 were there"), "{run:#?}");
    assert_eq!(bench.read("out/report.jsonl"), before);
}

/// What a kill in the middle of a long sound leaves is gone after the next batch in its folder.
#[cfg(target_os = "linux")]
#[test]
fn what_a_killed_batch_has_left_is_cleared_by_the_next() {
    let bench = Bench::new().with_tiny_texture();
    let temporary = |bench: &Bench| {
        let names = if bench.path("out").exists() { bench.names("out") } else { Vec::new() };
        names.into_iter().filter(|name| name.ends_with(".tmp")).count()
    };
    bench.write("a.csv", b"model,seed,steps,duration\ntexture,1,1,3600\n");
    let mut run = bench.spawn(&["batch", "a.csv", "--out", "out"]);
    for _ in 0..6000 {
        if temporary(&bench) > 0 || run.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert_eq!(temporary(&bench), 1);
    bench.write("b.csv", b"model,seed,steps,duration\ntexture,2,1,0.1\n");
    bench.run(&["batch", "b.csv", "--out", "out"]).done();
    assert_eq!(temporary(&bench), 0);
}

#[test]
fn a_long_manifest_is_read_as_it_is_made() {
    let bench = Bench::new().with_tiny_model();
    // One row of a hundred million clips; the first few are enough to know that none waits for the last.
    bench.write("a.csv", b"model,class,seed,steps\ntiny,kick,1..100000000,1\n");
    let mut run = bench.spawn(&["batch", "a.csv", "--out", "out", "--batch-size", "2"]);
    let is_made = || bench.path("out/kick_000002.wav").exists();
    for _ in 0..6000 {
        if is_made() || run.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    run.kill().unwrap();
    run.wait().unwrap();
    assert!(is_made());
}
