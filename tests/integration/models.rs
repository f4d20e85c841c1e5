//! `brownian models`

use brownian_tests::program::Bench;

#[test]
fn an_unknown_model_is_named() {
    let bench = Bench::new();
    bench.run(&["render", "drmus"]).refused(2, &["drmus"]);
    bench.run(&["models", "show", "drmus"]).refused(2, &["drmus"]);
    bench.run(&["models", "remove", "drmus"]).refused(2, &["drmus"]);
    bench.run(&["render", "./nowhere.safetensors"]).refused(2, &["nowhere.safetensors"]);
}
