//! `brownian verify`

use brownian_tests::program::Bench;
use brownian_tests::sounds::{ping, wav};

#[test]
fn a_file_without_a_recipe_is_named() {
    let bench = Bench::new();
    bench.write("mine.wav", &wav(&ping(440.0, 44_100), 1, 44_100));
    bench.run(&["verify", "mine.wav"]).refused(1, &["mine.wav", "no recipe"]);
    bench.run(&["render", "--from", "mine.wav"]).refused(2, &["mine.wav", "no recipe"]);
    bench.run(&["verify", "nowhere.wav"]).refused(1, &["nowhere.wav"]);
}
