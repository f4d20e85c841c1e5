//! What can be typed: names, help, defaults and ranges. What it means is for [`crate::commands`].

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;

/// A diffusion synthesizer. One binary, offline.
#[derive(Debug, Parser)]
#[command(name = "brownian", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    // `Train(crate::commands::train::Args)` goes here, its arguments defined beside the command.
    /// Look at folders of sounds and prepare them for training
    Data {
        /// What to do.
        #[command(subcommand)]
        command: DataCommand,
    },
    /// Write a shell's completion script to stdout
    Completions {
        /// Which shell.
        shell: Shell,
    },
}

/// What to do with a folder of sounds.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    // `Prepare(crate::commands::data::prepare::Args)` goes here, its arguments defined beside the command.
    /// Report what a training run would see: classes, counts, unusable files with reasons, attributes
    Scan(ScanArgs),
}

/// `brownian data scan`
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// Folder whose sub-folders are classes, or with a manifest.csv at its root
    pub dir: PathBuf,
    /// Rate that every sound is converted to
    #[arg(long, value_name = "HZ", default_value_t = 44_100, value_parser = clap::value_parser!(u32).range(8_000..=192_000))]
    pub sample_rate: u32,
    /// Length of a training example; longer sounds are cut
    #[arg(long, value_name = "SECONDS", default_value_t = 0.743, value_parser = example_duration)]
    pub duration: f64,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

fn example_duration(text: &str) -> Result<f64, String> {
    let duration = text.parse::<f64>().map_err(|e| e.to_string())?;
    if (0.01..=60.0).contains(&duration) { Ok(duration) } else { Err(format!("{text} s; need 0.01..=60 s")) }
}
