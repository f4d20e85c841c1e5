//! `brownian export kit|notes SOUND… --out NAME`: presets that put sounds on the keys of a sampler.
//!
//! `zone` says which keys play which sound, `kit` and `notes` are two ways to decide it; `sfz` and `decent`
//! write it down for samplers.

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use brownian_core::audio::write_atomically;
use clap::ValueEnum;

use crate::outcome::Outcome;

mod decent;
mod kit;
mod notes;
mod sfz;
mod sound;
mod zone;

use sound::Sound;

const KIT_HELP: &str = "\
Each sound goes to the key that General MIDI has for its class (kick 36, snare 38, closed-hat 42,
open-hat 46, …), as its recipe tells or else its file's name. Several sounds of a class take turns,
toms share the toms' keys, and the hats end each other. Classes that General MIDI does not know
follow from key 82 on.

Examples:
  brownian export kit kit/*.wav --out kit/my-kit
  brownian export kit kit --out kit/my-kit --format sfz";

const NOTES_HELP: &str = "\
Each sound plays at its pitch as its file tells it (the recipe's pitch, or the root key), and over
the keys around, half way to the next. Several sounds of a pitch take turns. A file's loop is kept.

Examples:
  brownian export notes strings/*.wav --out strings/strings";

/// What to make of the sounds.
#[derive(Clone, Debug, clap::Subcommand)]
pub enum Command {
    /// A drum kit on General MIDI's keys
    #[command(after_long_help = KIT_HELP)]
    Kit(Args),
    /// An instrument, sounds by their pitch
    #[command(after_long_help = NOTES_HELP)]
    Notes(Args),
}

/// `brownian export kit`, `brownian export notes`
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// WAV or FLAC files, or folders of them
    #[arg(required = true, value_name = "SOUND")]
    pub sounds: Vec<PathBuf>,
    /// The presets' name, without an extension; they refer to the sounds where they are
    #[arg(short, long, value_name = "NAME")]
    pub out: PathBuf,
    /// For which sampler [default: both]
    #[arg(long, value_delimiter = ',')]
    pub format: Vec<Format>,
}

/// A kind of preset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// SFZ, which many samplers read.
    Sfz,
    /// DecentSampler's own.
    Decentsampler,
}

/// Write the presets.
///
/// # Errors
/// No sounds, one that cannot be read, one without a pitch where it needs one, a preset that cannot be written.
pub fn run(command: &Command) -> Result<Outcome> {
    let (Command::Kit(args) | Command::Notes(args)) = command;
    let folder = args.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let sounds = sound::read_all(&args.sounds, folder)?;
    ensure!(!sounds.is_empty(), "no WAV or FLAC file among the sounds");
    let zones = match command {
        Command::Kit(_) => kit::zones(&sounds)?,
        Command::Notes(_) => notes::zones(&sounds)?,
    };
    let all = [Format::Sfz, Format::Decentsampler];
    for format in all.into_iter().filter(|format| args.format.is_empty() || args.format.contains(format)) {
        let (extension, text) = match format {
            Format::Sfz => ("sfz", sfz::text(&zones)),
            Format::Decentsampler => ("dspreset", decent::text(&zones)),
        };
        let mut path = args.out.clone().into_os_string();
        path.push(format!(".{extension}"));
        write_atomically(Path::new(&path), text.as_bytes())?;
        writeln!(std::io::stdout().lock(), "{}: {} sounds", Path::new(&path).display(), zones.len())?;
    }
    Ok(Outcome::Done)
}
