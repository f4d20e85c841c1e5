//! Flag over environment over configuration file over default.

use brownian_tests::program::Bench;

fn steps(bench: &Bench, args: &[&str], environment: &[(&str, &str)]) -> u64 {
    let run = bench.run_in(&[&["render", "tiny", "--dry-run", "--json"], args].concat(), environment);
    run.done().json()[0]["steps"].as_u64().unwrap()
}

#[test]
fn each_source_wins_over_the_next() {
    let bench = Bench::new().with_tiny_model();
    let config = bench.write("config.toml", b"steps = 11\n");
    let config = config.to_str().unwrap();
    let default = steps(&bench, &[], &[]);
    assert!(![11, 12, 13].contains(&default));
    assert_eq!(steps(&bench, &[], &[("BROWNIAN_CONFIG", config)]), 11);
    assert_eq!(steps(&bench, &[], &[("BROWNIAN_CONFIG", config), ("BROWNIAN_STEPS", "12")]), 12);
    assert_eq!(steps(&bench, &["--steps", "13"], &[("BROWNIAN_CONFIG", config), ("BROWNIAN_STEPS", "12")]), 13);
}

#[cfg(target_os = "linux")]
#[test]
fn the_file_in_the_platform_s_folder_is_found() {
    let bench = Bench::new().with_tiny_model();
    bench.write("home/.config/brownian/config.toml", b"steps = 14\n");
    assert_eq!(steps(&bench, &[], &[]), 14);
}

#[test]
fn mistakes_are_named_with_their_source() {
    let bench = Bench::new().with_tiny_model();
    let run = |environment| bench.run_in(&["render", "tiny", "--dry-run"], &[environment]);
    run(("BROWNIAN_STEPS", "many")).refused(2, &["BROWNIAN_STEPS"]);
    run(("BROWNIAN_CONFIG", "nowhere.toml")).refused(2, &["nowhere.toml"]);
    run(("BROWNIAN_INSTRUCTIONS", "sse9")).refused(2, &["BROWNIAN_INSTRUCTIONS", "sse9", "portable"]);
    bench.write("bad.toml", b"stepz = 3\n");
    run(("BROWNIAN_CONFIG", "bad.toml")).refused(2, &["bad.toml", "stepz"]);
}
