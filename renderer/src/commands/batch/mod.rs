//! `brownian batch MANIFEST --out DIR`: many clips, unattended.
//!
//! `manifest` reads rows, `group` turns a row into clips, `arguments` turns a clip into the arguments of `render`,
//! `template` names its file. `execute` makes the files: a `claim` sees to it that a file appears whole and is made
//! by one process only, the `ledger` reports it.

use std::path::PathBuf;

use anyhow::Result;

use crate::cli::DeviceName;
use crate::config::Settings;
use crate::outcome::Outcome;

mod arguments;
mod claim;
mod execute;
mod group;
mod ledger;
mod manifest;
mod shard;
mod studio;
mod template;

pub use arguments::Arguments;
pub use group::Fields;
use shard::Shard;

const HELP: &str = "\
A row is a clip, or a group of clips. Its keys are the flags of `render` (class, seed, steps,
sample-rate, from, …), the model, the model's attributes (brightness = 0.8; set.loudness for the
attribute of a flag's name), and a name for its files. seed = \"1..500\" is 500 clips; so is a range
of pitches. A list is one clip for each of its values, several lists are a grid; a list in a list
is a flag given several times.

  TOML    model = \"drums\"             keys at the top count for every row
          [[clips]]
          class = [\"kick\", \"snare\"]
          seed = \"1..500\"
  JSONL   {\"model\": \"drums\", \"class\": [\"kick\", \"snare\"], \"seed\": \"1..500\"}
  CSV     model,class,seed
          drums,kick|snare,1..500

A name is a template: {class}_{seed:06}, {class}/{brightness:.1}_{seed}. It may hold folders and the
fields model, class, seed, pitch, steps, guidance, duration, index (of the clip in the manifest),
line, and every key of the row.

Stopped or killed, the same command goes on where it was: files that are there are not made again.
Several processes may work on one folder; --shard shares the clips out over machines that do not
know of each other. DIR/report.jsonl gets a line for each clip as it is finished.

Examples:
  brownian batch kit.toml --out kit
  brownian batch night.csv --out night --sheet night.png
  brownian batch night.csv --out night --shard 2/4

Exit code: 0 all done, 1 some rows failed (each named by its line), 2 nothing was done,
130 interrupted.";

/// `brownian batch`
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = HELP)]
pub struct Args {
    /// What to make: a .toml, .jsonl or .csv file
    pub manifest: PathBuf,
    /// Folder for the clips and the report
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Names of files whose row gives none [default: {class}_{seed:06} and what else varies in the row]
    #[arg(long, value_name = "TEMPLATE")]
    pub name: Option<String>,
    /// Make only every Nth clip, beginning with the Ith
    #[arg(long, value_name = "I/N", default_value = "1/1")]
    pub shard: Shard,
    /// Draw all clips on one sheet when they are made
    #[arg(long, value_name = "PNG")]
    pub sheet: Option<PathBuf>,
    /// Clips rendered together: changes speed and memory, never the sound [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub batch_size: Option<u16>,
    /// Where to compute [default: auto]
    #[arg(long)]
    pub device: Option<DeviceName>,
    /// Threads, 0 for all: changes speed, never the sound [default: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(0..=1024))]
    pub threads: Option<u16>,
    /// Print one JSON object a clip on stdout too
    #[arg(long)]
    pub json: bool,
    /// Check every row and print what would be made, but make nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// Make what the manifest asks for.
///
/// # Errors
/// Usage or set-up: no such manifest, a folder that cannot be written. A bad row is named, and the run goes on.
pub fn run(args: &Args) -> Result<Outcome> {
    execute::run(args, &Settings::load()?)
}
