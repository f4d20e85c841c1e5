//! What can be typed: names, help, defaults and ranges. What it means is for [`crate::commands`].

use std::path::PathBuf;

use brownian_core::diffusion::Sampler;
use brownian_core::error::DiffusionError;
use brownian_core::generate::FileFormat;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use serde::{Deserialize, Serialize};

use crate::pitch;

mod shaping;

pub use shaping::ShapingArgs;

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
    /// Make sounds and write them as WAV or FLAC files
    Render(Box<RenderArgs>),
    /// Make many sounds, unattended, from a list
    Batch(Box<crate::commands::batch::Args>),
    /// Roll, vary and keep sounds by keys, live
    Audition(Box<crate::commands::audition::Args>),
    /// Tell what sounds, models and checkpoints hold
    Inspect(InspectArgs),
    /// Render a file's recipe again and compare the bytes
    Verify(VerifyArgs),
    /// Train a model on a folder of sounds
    Train(Box<crate::commands::train::Args>),
    /// Make a model that needs one to four steps from one that needs many
    Distill(Box<crate::commands::distill::Args>),
    /// Measure a model against recordings that it never heard
    Evaluate(Box<crate::commands::evaluate::Args>),
    /// Look at folders of sounds and prepare them for training
    Data {
        /// What to do.
        #[command(subcommand)]
        command: DataCommand,
    },
    /// List, show, set, add and remove models
    Models {
        /// What to do; listing where nothing is said.
        #[command(subcommand)]
        command: Option<ModelsCommand>,
    },
    /// Write presets for samplers: a drum kit, or notes over the keys
    Export {
        /// What to make of the sounds.
        #[command(subcommand)]
        command: crate::commands::export::Command,
    },
    /// Write the manual pages into a folder
    Man {
        /// The folder
        dir: PathBuf,
    },
    /// Write a shell's completion script to stdout
    Completions {
        /// Which shell
        shell: Shell,
    },
}

const RENDER_HELP: &str = "\
Examples:
  brownian render drums --class kick                       one kick, with a random seed
  brownian render drums --seed 1 --count 8 --out hits      eight sounds, classes by the seed
  brownian render drums --class snare --set decay=0.3 --loudness -14 --format wav16
  brownian render drums --class kick --seed 42 --vary 0.2 --count 8 --out kicks
  brownian render --from kick_000042.wav --set brightness=0.9 --out brighter.wav

Every setting can also stand in the environment (BROWNIAN_STEPS=24, BROWNIAN_SAMPLE_RATE=48000,
BROWNIAN_LEVEL='{ lufs = -14.0 }', …) or in config.toml (steps = 24) in the platform's configuration
folder, or the file that BROWNIAN_CONFIG names. A flag wins over --from, that over the environment,
that over the file.

Exit code: 0 all done, 1 some clips failed (each named), 2 nothing was done, 130 interrupted.";

const INSPECT_HELP: &str = "\
Examples:
  brownian inspect kick_000042.wav
  brownian inspect kick_000042.wav --spectrogram kick.png
  brownian inspect drums.safetensors --json";

const VERIFY_HELP: &str = "\
Examples:
  brownian verify hits/*.wav
  brownian verify old.wav --model models/older.safetensors

Exit code: 0 every file is as its recipe makes it, 1 some differ or cannot be verified.";

/// `brownian render`
#[derive(Clone, Debug, Args)]
#[command(after_long_help = RENDER_HELP)]
pub struct RenderArgs {
    /// A model's name (see `brownian models`) or file
    #[arg(required_unless_present = "from")]
    pub model: Option<String>,
    /// Kind of sound, one of the model's classes, or several with weights [default: drawn from the seed]
    #[arg(long, value_name = "CLASS[:WEIGHT,…]")]
    pub class: Option<String>,
    /// Pitch, for models trained with it
    #[arg(long, value_name = "60|C4", value_parser = pitch::parse)]
    pub pitch: Option<f32>,
    /// Set an attribute (brightness, decay, attack, noisiness, loudness; of textures density, movement) from 0 to 1; may be repeated
    #[arg(long, value_name = "NAME=0..1", value_parser = assignment)]
    pub set: Vec<(String, f32)>,
    /// Seconds, up to 3600 [default: the model's]; a model of one-shots, such as drums, makes hit after hit
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    pub duration: Option<f64>,
    /// Sampling steps: more is finer and slower [default: the model's]
    #[arg(long)]
    pub steps: Option<usize>,
    /// Sampler: dpmpp-2m, heun or euler; consistency for students [default: the model's]
    #[arg(long, value_parser = sampler)]
    pub sampler: Option<Sampler>,
    /// How closely class and attributes are followed; 1 is as trained [default: the model's]
    #[arg(long, alias = "cfg-scale", value_name = "SCALE", allow_negative_numbers = true)]
    pub guidance: Option<f64>,
    /// Which sound; clip i of --count has this seed + i [default: random, and shown]
    #[arg(long, allow_negative_numbers = true)]
    pub seed: Option<u64>,
    /// How many clips
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub count: u64,
    /// Clips rendered together: changes speed and memory, never the sound [default: 8]
    #[arg(long, value_name = "N")]
    pub batch_size: Option<usize>,
    /// Folder for the clips (named by class and seed), or the file of a single one [default: .]
    #[arg(short, long, value_name = "DIR|FILE")]
    pub out: Option<PathBuf>,
    /// Replace files that are there already
    #[arg(short, long)]
    pub force: bool,
    /// Sample format [default: wav24, or flac where --out names one]
    #[arg(long)]
    pub format: Option<Format>,
    /// Rate of the file [default: the model's]
    #[arg(long, value_name = "HZ")]
    pub sample_rate: Option<u32>,
    /// 1 or 2 [default: 1]
    #[arg(long, value_name = "1|2")]
    pub channels: Option<u16>,
    /// How loud the file is.
    #[command(flatten)]
    pub level: LevelArgs,
    /// How the sound departs from its seed's.
    #[command(flatten)]
    pub edit: EditArgs,
    /// What else is done to the clip.
    #[command(flatten)]
    pub shaping: ShapingArgs,
    /// That it repeats.
    #[command(flatten)]
    pub looping: LoopArgs,
    /// Take the recipe of a file that Brownian wrote; flags change single parts of it
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Draw each clip too, beside its file as a .png or into the one named
    #[arg(long, value_name = "PNG", num_args = 0..=1, require_equals = true)]
    pub spectrogram: Option<Option<PathBuf>>,
    /// Where to compute [default: auto]
    #[arg(long)]
    pub device: Option<DeviceName>,
    /// Threads, 0 for all: changes speed, never the sound [default: 0]
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Print one JSON object a clip instead of a table
    #[arg(long)]
    pub json: bool,
    /// Play each clip when it is finished
    #[arg(long)]
    pub play: bool,
    /// Check everything and print what would be made, but make nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// How the sound departs from its seed's.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Editing")]
pub struct EditArgs {
    /// Make a sound of two channels, so far apart: 0.5 is wide, at 1 they have nothing in common above the bass; in mono they
    /// are the sound itself. 60 s at most
    #[arg(long, value_name = "0..1", allow_negative_numbers = true)]
    pub width: Option<f64>,
    /// Make a variation: 0 is the sound itself, 1 another one. Clip i of --count has the same seed and is the variation
    /// of --vary-seed + i
    #[arg(long, value_name = "0..1", allow_negative_numbers = true)]
    pub vary: Option<f64>,
    /// Which variation [default: the seed + 1]
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub vary_seed: Option<u64>,
    /// Go towards another sound: a seed, or a file (its recipe, where it holds one of this model, else its sound); given
    /// twice, from one file's sound to another's
    #[arg(long, value_name = "SEED|FILE")]
    pub morph: Vec<String>,
    /// How far to go with --morph [default: 0.5]
    #[arg(long, value_name = "0..1", allow_negative_numbers = true)]
    pub amount: Option<f64>,
    /// What it shall not be; needs a --guidance above 1
    #[arg(long, value_name = "CLASS")]
    pub not_class: Option<String>,
    /// Make variations of the sound in a file
    #[arg(long, value_name = "FILE")]
    pub init_audio: Option<PathBuf>,
    /// How far from --init-audio: 0.1 stays near, 1 ignores it [default: 0.5]
    #[arg(long, value_name = "0..1", allow_negative_numbers = true)]
    pub init_noise_level: Option<f64>,
    /// Go on from the end of the sound in a file, for --duration; the file becomes mono at the model's rate
    #[arg(long = "continue", value_name = "FILE")]
    pub continues: Option<PathBuf>,
    /// Make parts of the sound in a file anew; the file is as long, mono and as loud, and the same outside of --mask
    #[arg(long, value_name = "FILE")]
    pub inpaint: Option<PathBuf>,
    /// What --inpaint makes anew, in seconds; may be repeated
    #[arg(long, value_name = "START..END", value_parser = mask)]
    pub mask: Vec<[f64; 2]>,
}

/// Loops.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Loops")]
pub struct LoopArgs {
    /// A loop: it repeats without a seam, and its file says so; --duration says how long, up to 60 s
    #[arg(long = "loop")]
    pub is_loop: bool,
    /// A loop at this tempo, with --bars; a model of one-shots makes one on every beat
    #[arg(long, value_name = "BPM", requires = "bars", conflicts_with = "duration", allow_negative_numbers = true)]
    pub bpm: Option<f64>,
    /// A loop of so many bars of 4/4, with --bpm
    #[arg(long, value_name = "N", requires = "bpm")]
    pub bars: Option<u32>,
}

/// How loud the file is: at most one of them.
#[derive(Clone, Debug, Default, Args)]
#[group(multiple = false)]
pub struct LevelArgs {
    /// Integrated loudness to reach, as far as the true peak stays at or below --true-peak (-1 dB)
    #[arg(long, alias = "lufs", value_name = "LUFS", allow_negative_numbers = true)]
    pub loudness: Option<f64>,
    /// Highest sample [default: -1]
    #[arg(long, value_name = "DBFS", allow_negative_numbers = true)]
    pub peak: Option<f64>,
    /// As the model made it
    #[arg(long)]
    pub raw: bool,
}

/// Sample format of a file, as typed; [`FileFormat`] is what it means.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// WAV, 16-bit integers.
    Wav16,
    /// WAV, 24-bit integers.
    Wav24,
    /// WAV, 32-bit floats.
    Wav32f,
    /// FLAC, 24-bit: the samples of wav24 in less space.
    Flac,
}

impl From<Format> for FileFormat {
    fn from(format: Format) -> Self {
        match format {
            Format::Wav16 => Self::Wav16,
            Format::Wav24 => Self::Wav24,
            Format::Wav32f => Self::Wav32f,
            Format::Flac => Self::Flac,
        }
    }
}

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceName {
    /// The fastest there is.
    #[default]
    Auto,
    /// The processor.
    Cpu,
    /// An NVIDIA card.
    Cuda,
    /// An Apple GPU.
    Metal,
}

impl DeviceName {
    /// As typed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Cuda => "cuda",
            Self::Metal => "metal",
        }
    }
}

/// `brownian inspect`
#[derive(Debug, Args)]
#[command(after_long_help = INSPECT_HELP)]
pub struct InspectArgs {
    /// Sounds, models, checkpoints
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Draw the sound too: waveform and spectrogram
    #[arg(long, value_name = "PNG")]
    pub spectrogram: Option<PathBuf>,
    /// Print one JSON object a file
    #[arg(long)]
    pub json: bool,
}

/// `brownian verify`
#[derive(Debug, Args)]
#[command(after_long_help = VERIFY_HELP)]
pub struct VerifyArgs {
    /// Files that Brownian wrote
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
    /// Use this model (a name or a file) instead of the one that the recipe names
    #[arg(long)]
    pub model: Option<String>,
    /// Where to compute; only the same kind of device makes the same bytes
    #[arg(long, default_value = "auto")]
    pub device: DeviceName,
    /// Threads, 0 for all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// Print one JSON object a file
    #[arg(long)]
    pub json: bool,
}

/// What to do with a folder of sounds.
#[derive(Debug, Subcommand)]
pub enum DataCommand {
    /// Make a training set from downloaded collections
    Prepare(crate::commands::data::prepare::Args),
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

/// What to do with the models.
#[derive(Debug, Subcommand)]
pub enum ModelsCommand {
    /// List every model
    List {
        /// Print one JSON object a model
        #[arg(long)]
        json: bool,
    },
    /// Show a model's card
    Show {
        /// A model's name or file
        model: String,
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Write a model with another name, description or settings
    Set(Box<crate::commands::models::set::Args>),
    /// Check a model file and copy it into the models folder
    Add {
        /// The file
        file: PathBuf,
        /// Replace a model of the same name
        #[arg(short, long)]
        force: bool,
    },
    /// Delete a model from the models folder
    Remove {
        /// Its name
        model: String,
    },
}

fn assignment(text: &str) -> Result<(String, f32), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| format!("{text:?} lacks a value; need NAME=0..1"))?;
    let value = value.trim().parse().map_err(|_| format!("{value:?} is no number; need NAME=0..1"))?;
    Ok((name.trim().to_string(), value))
}

fn mask(text: &str) -> Result<[f64; 2], String> {
    let (start, end) = text.split_once("..").ok_or_else(|| format!("{text:?} lacks an end; need START..END"))?;
    let seconds = |text: &str| text.trim().parse().map_err(|_| format!("{text:?} is no number; need START..END"));
    Ok([seconds(start)?, seconds(end)?])
}

pub(crate) fn sampler(text: &str) -> Result<Sampler, String> {
    text.parse().map_err(|error: DiffusionError| error.to_string())
}

fn example_duration(text: &str) -> Result<f64, String> {
    let duration = text.parse::<f64>().map_err(|e| e.to_string())?;
    if (0.01..=60.0).contains(&duration) { Ok(duration) } else { Err(format!("{text} s; need 0.01..=60 s")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        <Cli as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn what_people_begin_with_shows_examples_and_they_are_understood() {
        for name in ["render", "batch", "audition", "inspect", "verify", "evaluate"] {
            let mut root = <Cli as clap::CommandFactory>::command();
            let help = root.find_subcommand_mut(name).unwrap().render_long_help().to_string();
            // Two spaces set an explanation apart; what is quoted is for a shell to read.
            let examples =
                help.lines().filter_map(|line| line.strip_prefix("  brownian ")).filter(|line| !line.contains('"'));
            let examples: Vec<&str> = examples.map(|line| line.split("  ").next().unwrap_or(line)).collect();
            assert!(!examples.is_empty(), "{name} shows no example");
            for example in examples {
                let words = std::iter::once("brownian").chain(example.split_whitespace());
                assert!(Cli::try_parse_from(words).is_ok(), "brownian {example}");
            }
        }
    }
}
