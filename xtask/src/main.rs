//! Set-up, demo, test and bundle, each one command: `cargo xtask`.

mod demo;
mod process;
mod system;
mod test;

use anyhow::{Result, bail};

const USAGE: &str = "\
cargo xtask demo   [--no-install]   build `brownian` and render eight drum hits into demo/
cargo xtask test   [--no-install]   run every test of the workspace
cargo xtask bundle [--release]      build the plugin as CLAP and VST3 into target/bundled/

demo and test first install the Debian packages that are missing, by apt-get as root or through
sudo; with --no-install they print the line to type instead, and stop.";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    std::env::set_current_dir(process::workspace_root())?;
    match args.as_slice() {
        ["demo"] => demo::render_hits(true),
        ["demo", "--no-install"] => demo::render_hits(false),
        ["test"] => test::run_all(true),
        ["test", "--no-install"] => test::run_all(false),
        ["bundle", options @ ..] => bundle(options),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("`cargo xtask {}` is not a command; there are\n\n{USAGE}", args.join(" ")),
    }
}

/// Builds and bundles the plugin with its window; `options` go on to `cargo build`.
fn bundle(options: &[&str]) -> Result<()> {
    let args = ["bundle", "brownian-plugin", "--features=editor"].iter().chain(options);
    nice_plug_xtask::main_with_args("cargo xtask", args.map(ToString::to_string))
}
