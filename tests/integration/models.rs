//! `brownian models`

use brownian_core::model::tiny;
use brownian_tests::program::Bench;

#[test]
fn an_unknown_model_is_named() {
    let bench = Bench::new();
    bench.run(&["render", "drmus"]).refused(2, &["drmus"]);
    bench.run(&["models", "show", "drmus"]).refused(2, &["drmus"]);
    bench.run(&["models", "remove", "drmus"]).refused(2, &["drmus"]);
    bench.run(&["render", "./nowhere.safetensors"]).refused(2, &["nowhere.safetensors"]);
}

#[test]
fn a_model_is_added_listed_shown_used_and_removed() {
    let bench = Bench::new();
    tiny::write(&bench.path("mine.safetensors"), &tiny::two_stage_card()).unwrap();
    bench.run(&["models", "add", "mine.safetensors"]).done();
    bench.run(&["models", "add", "mine.safetensors"]).refused(2, &["tiny"]);
    bench.run(&["models", "add", "mine.safetensors", "--force"]).done();
    let list = bench.run(&["models", "list", "--json"]).done().json();
    assert!(list.iter().any(|model| model["id"] == "tiny" && model["classes"][1] == "snare"), "{list:#?}");
    assert!(bench.run(&["models"]).done().stdout.contains("tiny"));
    let card = &bench.run(&["models", "show", "tiny", "--json"]).done().json()[0];
    assert_eq!(card["sources"][0]["licence"], "CC0-1.0");
    bench.run(&["render", "tiny", "--dry-run"]).done();
    bench.run(&["models", "remove", "tiny"]).done();
    bench.run(&["models", "show", "tiny"]).refused(2, &["tiny"]);
}

#[test]
fn a_model_is_written_with_other_settings_and_keeps_its_networks() {
    let bench = Bench::new();
    tiny::write(&bench.path("mine.safetensors"), &tiny::two_stage_card()).unwrap();
    let set = ["models", "set", "mine.safetensors", "--id", "quick", "--steps", "2", "--guidance", "1"];
    let levels = ["--envelope-steps", "3", "--envelope-guidance", "1.5", "--description", "Two steps"];
    let arguments = [&set[..], &levels, &["--out", "quick.safetensors"]].concat();
    bench.run(&arguments).done();
    let [was, is] = ["mine", "quick"].map(|name| {
        let file = format!("{name}.safetensors");
        bench.run(&["inspect", &file, "--json"]).done().json()[0]["card"].clone()
    });
    assert_eq!((&is["id"], &is["description"]), (&"quick".into(), &"Two steps".into()));
    assert_eq!((&is["config"]["sampling"]["steps"], &was["config"]["unet"]), (&2.into(), &is["config"]["unet"]));
    let levels = &is["config"]["envelope"]["sampling"];
    assert_eq!((&levels["steps"], &levels["guidance"]), (&3.into(), &1.5.into()));
    assert_eq!(levels["sampler"], was["config"]["sampling"]["sampler"]);
    assert_ne!(was["hash"], is["hash"]);
    bench.run(&["render", "quick.safetensors", "--seed", "1", "--out", "quick.wav"]).done();
    bench.run(&arguments).refused(2, &["quick.safetensors", "--force"]);
    bench.run(&[&arguments[..], &["--force"]].concat()).done();
    bench
        .run(&["models", "set", "mine.safetensors", "--steps", "0", "--out", "bad.safetensors"])
        .refused(2, &["steps"]);
    assert!(!bench.path("bad.safetensors").exists());
    tiny::write(&bench.path("one.safetensors"), &tiny::one_stage_card()).unwrap();
    let one = ["models", "set", "one.safetensors", "--envelope-steps", "3", "--out", "bad.safetensors"];
    bench.run(&one).refused(2, &["no envelope stage", "--envelope-"]);
    let still =
        |model| ["models", "set", model, "--drift", "0.25", "--brightness", "0.75", "--out", "still.safetensors"];
    bench.run(&still("one.safetensors")).refused(2, &["no textures", "--drift"]);
    let bright = ["models", "set", "one.safetensors", "--brightness", "0.75", "--out", "bad.safetensors"];
    bench.run(&bright).refused(2, &["no textures", "--brightness"]);
    let bench = bench.with_tiny_texture();
    bench.run(&still("texture")).done();
    let card = bench.run(&["inspect", "still.safetensors", "--json"]).done().json()[0]["card"].clone();
    assert_eq!([&card["config"]["sampling"]["drift"], &card["config"]["sampling"]["brightness"]], [0.25, 0.75]);
}

#[test]
fn inspect_tells_a_model_s_card_and_size() {
    let bench = Bench::new();
    tiny::write(&bench.path("mine.safetensors"), &tiny::two_stage_card()).unwrap();
    let model = &bench.run(&["inspect", "mine.safetensors", "--json"]).done().json()[0];
    assert_eq!((&model["kind"], &model["card"]["id"]), (&"model".into(), &"tiny".into()));
    // Two bytes a number, and the card beside them.
    assert!(model["bytes"].as_u64() > model["parameters"].as_u64().map(|n| 2 * n), "{model}");
    let text = bench.run(&["inspect", "mine.safetensors"]).done().stdout;
    for word in ["tiny", "kick, snare", "brightness", "CC0-1.0", "steps = 3"] {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[test]
fn a_broken_model_in_the_folder_hides_no_other() {
    let bench = Bench::new().with_tiny_model();
    bench.write("models/broken.safetensors", b"this is not a model");
    let run = bench.run(&["models", "list"]);
    assert!(run.code == 1 && run.stdout.contains("tiny") && run.stderr.contains("broken"), "{run:#?}");
}
