//! The same recipe is the same bytes, however it is rendered.

use brownian_tests::program::Bench;

fn clips(bench: &Bench, folder: &str, how: &[&str]) -> Vec<(String, Vec<u8>)> {
    bench.run(&[&["render", "tiny", "--seed", "100", "--count", "8", "--out", folder], how].concat()).done();
    let names = bench.names(folder);
    names.into_iter().map(|name| (name.clone(), bench.read(&format!("{folder}/{name}")))).collect()
}

#[test]
fn batch_size_and_threads_change_no_byte() {
    let bench = Bench::new().with_tiny_model();
    let first = clips(&bench, "a", &["--batch-size", "3", "--threads", "1"]);
    assert_eq!(first.len(), 8);
    assert_eq!(first, clips(&bench, "b", &["--batch-size", "8", "--threads", "2"]));
    assert_eq!(first, clips(&bench, "c", &[]));
}

#[test]
fn clip_i_is_the_clip_of_seed_plus_i_alone() {
    let bench = Bench::new().with_tiny_model();
    for (i, (name, bytes)) in clips(&bench, "all", &[]).into_iter().enumerate() {
        let row = &bench.run(&["inspect", &format!("all/{name}"), "--json"]).done().json()[0];
        let seed = row["recipe"]["seed"].to_string();
        bench.run(&["render", "tiny", "--seed", &seed, "--out", "alone"]).done();
        assert_eq!(bench.read(&format!("alone/{name}")), bytes, "clip {i}");
    }
}

#[test]
fn another_seed_and_another_class_are_other_sounds() {
    let bench = Bench::new().with_tiny_model();
    let make = |out: &str, class: &str, seed: &str| {
        bench.run(&["render", "tiny", "--class", class, "--seed", seed, "--out", out, "--raw"]).done();
        hound::WavReader::open(bench.path(out)).unwrap().into_samples::<i32>().map(Result::unwrap).collect::<Vec<_>>()
    };
    let kick = make("a.wav", "kick", "1");
    assert!(kick.iter().any(|&sample| sample != 0));
    assert_ne!(kick, make("b.wav", "kick", "2"));
    assert_ne!(kick, make("c.wav", "snare", "1"));
}
