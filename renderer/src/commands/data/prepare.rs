//! `brownian data prepare RAW --out DIR`: downloaded collections become a folder that a training run reads.
//!
//! Read `sources` for what goes in, `labels` for which class it gets, `hit` for what happens to a sound, `twins` for
//! duplicates and groups.

mod collect;
mod fluidsynth;
mod hit;
mod labels;
mod midi;
mod notes;
mod output;
mod report;
mod soundfont;
mod sources;
mod textures;
mod twins;

use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::outcome::Outcome;
use collect::Found;
use report::Report;
use sources::Source;

/// `brownian data prepare`
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// Folder of downloaded collections (scripts/fetch-audio-data.sh makes it)
    pub raw: PathBuf,
    /// Folder of the new set; must not exist yet, or be empty
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Which set to make
    #[arg(long, value_enum, default_value_t = Recipe::Drums)]
    pub recipe: Recipe,
}

/// Which sources, classes and rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Recipe {
    /// Drum hits in eleven classes, from collections that do not ask to share alike
    Drums,
    /// Notes of pitched instruments in thirteen families, by key, from the SoundFonts
    Notes,
    /// Recordings of weather, water and places in ten classes, for `brownian train --texture`; most of them ask to share alike
    Ambient,
}

/// Make the set and print what went in.
///
/// # Errors
/// A collection is missing or unreadable, `fluidsynth` is missing, or the folder cannot be written.
pub fn run(args: &Args) -> Result<Outcome> {
    let report = prepare(args)?;
    write!(std::io::stdout().lock(), "{report}")?;
    Ok(Outcome::Done)
}

fn prepare(args: &Args) -> Result<Report> {
    match args.recipe {
        Recipe::Drums => hits(args, labels::CLASSES.to_vec(), sources::DRUMS.iter().collect(), collect::collect),
        Recipe::Notes => hits(args, notes::classes(), notes::sources().collect(), notes::collect),
        Recipe::Ambient => textures::prepare(&args.raw, &args.out),
    }
}

/// What finds the sounds of a source below the folder of raw data.
type Collect = fn(&Path, &'static Source) -> Result<Found>;

/// Collect, label, trim, sort and write sounds that begin with an onset.
fn hits(args: &Args, classes: Vec<&'static str>, sources: Vec<&'static Source>, collect: Collect) -> Result<Report> {
    // Rendering takes minutes: better refuse before.
    output::make_folder(&args.out)?;
    let ids = sources.iter().map(|source| source.id).collect();
    let mut report = Report { classes, sources: ids, ..Report::default() };
    let mut hits = Vec::new();
    for source in sources {
        eprintln!("reading {}", source.id);
        let found = collect(&args.raw, source)?;
        report.note(source.id, &found);
        hits.extend(found.hits);
    }
    ensure!(!hits.is_empty(), "no labelled sound in {}", args.raw.display());
    eprintln!("comparing {} sounds", hits.len());
    let sorted = twins::sort(hits, |hit| sources::rank(hit.source));
    report.count(&sorted);
    output::write(&sorted, &args.out)?;
    Ok(report)
}
