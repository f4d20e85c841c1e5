//! `brownian evaluate`

use brownian_core::conditioning::Attribute;
use brownian_core::model::tiny;
use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};
use serde_json::Value;

use crate::train::TOY;

/// The model `tiny` and recordings of its classes, eight sources each: as many as always have one held out.
fn bench() -> Bench {
    let bench = Bench::new().with_tiny_model();
    for n in 0..8u8 {
        // Letters, for numbers at the end of a name make takes of one source; pitches far enough apart not to be one.
        let name = char::from(b'a' + n);
        let [low, high] = [200.0 * 1.25f32.powi(n.into()), 1300.0 * 1.16f32.powi(n.into())];
        bench.write(&format!("set/kick/{name}-low.wav"), &wav(&ping(low, 16_000), 1, 16_000));
        bench.write(&format!("set/snare/{name}-high.wav"), &wav(&ping(high, 16_000), 1, 16_000));
    }
    bench
}

/// As quick as it gets.
const LITTLE: [&str; 8] = ["--per-sound", "2", "--control-seeds", "1", "--renders", "6", "--steps", "1"];

fn evaluate<'a>(model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["evaluate", model, "--reference", "set"], &LITTLE[..], more].concat()
}

fn figures(bench: &Bench, file: &str) -> Value {
    serde_json::from_slice(&bench.read(file)).expect("JSON")
}

#[test]
fn a_model_is_measured_against_what_training_holds_out() {
    let bench = bench();
    let run = bench.run(&evaluate("tiny", &["--json", "a.json", "--write", "sounds"])).done();
    for part in
        ["# Evaluation of tiny", "## Likeness", "## Attacks", "## Memorisation", "## Controls of tiny", "## Faults"]
    {
        assert!(run.stdout.contains(part), "no {part} in {}", run.stdout);
    }
    let a = figures(&bench, "a.json");
    assert_eq!((&a["split"]["trained"], &a["split"]["held_out"]), (&14.into(), &2.into()));
    // Pings rise for a quarter of a cycle, in each class of one pitch or another.
    let alike = |class: &str| a["rise"]["others"][class].as_f64().expect("a share");
    assert!(["kick", "snare"].into_iter().all(|class| alike(class) > 0.1 && alike(class) < 1.0), "{}", a["rise"]);
    let all = format!("| {:.1} of 2 |", alike("kick") + alike("snare"));
    assert!(run.stdout.contains(&all), "no {all} in {}", run.stdout);
    let model = &a["models"][0];
    assert_eq!((&model["steps"], &model["generated"]["all"]["sounds"]), (&1.into(), &4.into()));
    assert_eq!((&a["baseline"]["held_out"]["sounds"], &a["baseline"]["trained"]["sounds"]), (&2.into(), &14.into()));
    // Two classes, one seed, five values; `tiny` follows brightness alone.
    assert_eq!(
        (&model["controls"][0]["clips"], &model["controls"][0]["attribute"]),
        (&10.into(), &"brightness".into())
    );
    assert_eq!((&model["health"]["clips"], &model["health"]["not_finite"]["clips"]), (&6.into(), &0.into()));
    let pair = &model["memorisation"]["nearest"][0];
    assert!(pair["recording"].as_str().is_some_and(|path| bench.path("set").join(path).exists()), "{pair}");
    assert_eq!(model["generated"]["classes"]["snare"]["sounds"], 2);
    assert_eq!(bench.names("sounds/held-out"), ["000-kick.wav", "001-snare.wav"]);
    assert_eq!((bench.names("sounds/generated").len(), bench.names("sounds/trained").len()), (4, 14));
}

#[test]
fn the_numbers_do_not_depend_on_the_threads() {
    let bench = bench();
    let run = |threads, file| bench.run(&evaluate("tiny", &["--threads", threads, "--json", file])).done();
    assert_eq!(run("1", "a.json").stdout, run("3", "b.json").stdout);
    assert_eq!(bench.read("a.json"), bench.read("b.json"));
}

#[test]
fn a_student_stands_beside_its_teacher() {
    let bench = bench();
    let run = bench.run(&evaluate("tiny", &["--teacher", "tiny", "--json", "a.json"])).done();
    assert!(run.stdout.contains("## tiny against tiny, seed by seed"), "{}", run.stdout);
    let a = figures(&bench, "a.json");
    // One step against the model's own four.
    assert_eq!((&a["models"][0]["steps"], &a["models"][1]["steps"]), (&1.into(), &4.into()));
    assert!(a["between"]["distance_db"].as_f64().is_some_and(|db| db > 0.0), "{}", a["between"]);
}

#[test]
fn other_seeds_measure_other_clips_and_are_told() {
    let bench = bench();
    let run = |first, file| bench.run(&evaluate("tiny", &["--first-seed", first, "--json", file])).done().stdout;
    let (own, other) = (run("1", "a.json"), run("1001", "b.json"));
    assert!(own.contains("seeds 1 to 4.") && !own.contains("--first-seed"), "{own}");
    let told =
        ["--first-seed 1001", "seeds 1001 to 1004.", "every class, seeds 1001 to 1001,", "renders: seeds 1001 and up"];
    assert!(told.into_iter().all(|part| other.contains(part)), "{other}");
    let [a, b] = ["a.json", "b.json"].map(|file| figures(&bench, file));
    assert_eq!((&a["first_seed"], &b["first_seed"]), (&1.into(), &1001.into()));
    // Neither the compared clips nor those of the controls are the same.
    for part in ["generated", "controls"] {
        assert_ne!(a["models"][0][part], b["models"][0][part], "{part}");
    }
}

#[test]
fn recordings_that_the_model_never_heard_are_all_compared() {
    let bench = bench();
    let run = bench.run(&evaluate("tiny", &["--unseen", "--json", "a.json"])).done();
    assert!(!run.stdout.contains("## Memorisation") && !run.stderr.contains("may have heard"), "{run:#?}");
    let a = figures(&bench, "a.json");
    assert_eq!((&a["split"]["held_out"], &a["baseline"], &a["rise"]), (&16.into(), &Value::Null, &Value::Null));
    // Of the sixteen pings each is told by the others, but perhaps those between high and low.
    assert!(a["recorded"]["all"]["class_told"].as_f64().is_some_and(|share| share > 0.7), "{}", a["recorded"]);
}

#[test]
fn a_trained_model_is_measured_on_the_split_of_its_own_training() {
    let bench = bench();
    let config = TOY.replace("[dataset]", "[dataset]\nheld_out = 0.4\nsplit_seed = 7");
    bench.write("toy.toml", config.as_bytes());
    bench.run(&["train", "set", "--name", "toy", "--config", "toy.toml", "--steps", "1"]).done();
    let run = bench.run(&evaluate("runs/toy/model.safetensors", &["--json", "a.json"])).done();
    assert!(!run.stderr.contains("may have heard"), "{run:#?}");
    let card = &bench.run(&["inspect", "runs/toy/model.safetensors", "--json"]).done().json()[0]["card"];
    assert_eq!(card["config"]["attacks"].as_array().map(Vec::len), Some(2));
    let split = &figures(&bench, "a.json")["split"];
    assert_eq!((&split["share"], &split["seed"], &split["held_out"]), (&0.4.into(), &7.into(), &6.into()));
    assert_eq!(split["is_the_models"], true);
}

#[test]
fn a_model_that_knows_what_attacks_are_in_seconds_follows_them() {
    let bench = bench();
    let mut card = tiny::two_stage_card();
    card.config.attributes.push(Attribute::Attack);
    tiny::write(&bench.path("plain.safetensors"), &card).expect("a model");
    let set = |name, out| bench.run(&["models", "set", name, "--attacks", "set", "--out", out]);
    set("plain.safetensors", "rising.safetensors").done();
    let card = &bench.run(&["inspect", "rising.safetensors", "--json"]).done().json()[0]["card"];
    let attacks = card["config"]["attacks"].as_array().expect("attacks");
    assert_eq!(attacks.len(), 2);
    for scale in attacks {
        let seconds: Vec<f64> = scale["quantiles_s"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
        assert!(seconds.len() == 21 && seconds.is_sorted() && seconds[0] < 0.01 && seconds[20] > 0.01, "{scale}");
        assert!(scale["peak_s"].as_f64().is_some_and(|seconds| (0.0..0.1).contains(&seconds)), "{scale}");
    }
    let followed = |model, file| {
        bench.run(&evaluate(model, &["--json", file])).done();
        let controls = figures(&bench, file)["models"][0]["controls"].clone();
        assert_eq!(controls[1]["attribute"], "attack");
        controls[1]["same_seed"].as_f64().expect("a correlation")
    };
    // The networks know nothing, and make noise that rises as it likes.
    let [plain, rising] =
        [("plain.safetensors", "plain.json"), ("rising.safetensors", "rising.json")].map(|(a, b)| followed(a, b));
    assert!(rising > plain.abs() + 0.1, "{plain} {rising}");
    // Measured anew, whatever the card told before.
    set("rising.safetensors", "again.safetensors").done();
    let again = &bench.run(&["inspect", "again.safetensors", "--json"]).done().json()[0]["card"];
    assert_eq!(again["config"]["attacks"], card["config"]["attacks"]);
    set("tiny", "no.safetensors").refused(2, &["tiny", "no attack"]);
    let nowhere = ["models", "set", "plain.safetensors", "--attacks", "nowhere", "--out", "no.safetensors"];
    bench.run(&nowhere).refused(2, &["nowhere", "no such folder"]);
    assert!(!bench.path("no.safetensors").exists());
}

#[test]
fn notes_of_recordings_that_stand_start_from_noise_that_stands() {
    let bench = bench();
    let mut card = tiny::two_stage_card();
    (card.config.partials, card.config.pitch) = (true, true);
    tiny::write(&bench.path("plain.safetensors"), &card).expect("a model");
    bench.run(&["models", "set", "plain.safetensors", "--wander", "set", "--out", "standing.safetensors"]).done();
    let card = &bench.run(&["inspect", "standing.safetensors", "--json"]).done().json()[0]["card"];
    let wanders: Vec<f64> = card["config"]["wanders"].as_array().unwrap().iter().filter_map(Value::as_f64).collect();
    assert!(wanders.len() == 2 && wanders.iter().all(|db| (0.0..30.0).contains(db)), "{wanders:?}");
    let sound = |model: &str, out: &str| {
        bench.run(&["render", model, "--class", "kick", "--pitch", "60", "--seed", "1", "--out", out]).done();
        std::fs::read(bench.path(out)).expect("a sound")
    };
    let samples = |bytes: &[u8]| bytes[bytes.len() / 2..bytes.len() / 2 + 64].to_vec();
    let [plain, standing] =
        [("plain.safetensors", "plain.wav"), ("standing.safetensors", "standing.wav")].map(|(a, b)| sound(a, b));
    assert_ne!(samples(&plain), samples(&standing));
    bench
        .run(&["models", "set", "tiny", "--wander", "set", "--out", "no.safetensors"])
        .refused(2, &["tiny", "no notes"]);
    assert!(!bench.path("no.safetensors").exists());
}

#[test]
fn other_recordings_than_the_card_names_are_pointed_out() {
    let bench = bench();
    let run = bench.run(&evaluate("tiny", &[])).done();
    assert!(run.stderr.contains("set is not as the model was trained on it"), "{run:#?}");
    assert!(run.stdout.contains("not those of the model's card"), "{run:#?}");
}

#[test]
fn what_cannot_be_compared_is_refused_in_one_line() {
    let bench = bench();
    bench.run(&["evaluate", "tiny", "--reference", "nowhere"]).refused(2, &["nowhere", "no such folder"]);
    bench.run(&["evaluate", "tinny", "--reference", "set"]).refused(2, &["tinny", "did you mean \"tiny\""]);
    bench
        .run(&["evaluate", "tiny", "--reference", "set", "--per-sound", "0"])
        .refused(2, &["clips a recording", "1..=1000"]);
    bench
        .run(&["evaluate", "tiny", "--reference", "set", "--first-seed", "9999999999999999999"])
        .refused(2, &["first seed", "0..=10^18"]);
    bench.write("other/kick/a.wav", &wav(&ping(100.0, 16_000), 1, 16_000));
    bench.write("other/tom/a.wav", &wav(&ping(200.0, 16_000), 1, 16_000));
    bench
        .run(&["evaluate", "tiny", "--reference", "other"])
        .refused(2, &["other", "kick, tom", "tiny has kick, snare"]);
    bench.write("few/kick/a.wav", &wav(&ping(100.0, 16_000), 1, 16_000));
    bench.write("few/snare/a.wav", &wav(&ping(900.0, 16_000), 1, 16_000));
    bench.run(&["evaluate", "tiny", "--reference", "few"]).refused(2, &["few", "none of 2 sounds", "--unseen"]);
    let mut card = tiny::two_stage_card();
    card.id = "slow".into();
    card.config.sample_rate = 8_000;
    tiny::write(&bench.path("models/slow.safetensors"), &card).expect("a model");
    bench.run(&evaluate("tiny", &["--teacher", "slow"])).refused(2, &["tiny", "slow", "sample rate"]);
}
