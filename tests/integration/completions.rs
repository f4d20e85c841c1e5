//! `brownian completions`

use brownian_tests::program::Bench;

#[test]
fn a_shell_gets_a_script_that_knows_the_commands() {
    let run = Bench::new().run(&["completions", "bash"]).done();
    for word in ["render", "inspect", "verify", "models", "--guidance"] {
        assert!(run.stdout.contains(word), "no {word}");
    }
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    let run = Bench::new().shell("{ \"$BROWNIAN\" completions bash; echo code $? >&2; } | head -c 1");
    assert!(run.stderr.trim() == "code 0", "{run:?}");
}

#[test]
fn what_is_no_command_is_usage() {
    assert_eq!(Bench::new().run(&["rendr"]).code, 2);
    assert_eq!(Bench::new().run(&["render"]).code, 2);
}
