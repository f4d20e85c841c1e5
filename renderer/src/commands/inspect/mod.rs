//! `brownian inspect FILE…`: what a sound, a model or a checkpoint holds.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use brownian_core::Error;
use brownian_core::audio::{self, write_atomically};
use brownian_core::error::ModelError;
use brownian_core::generate::FileRecipe;

use crate::cli::InspectArgs;
use crate::outcome::{Outcome, complain};
use crate::picture::Figure;

mod checkpoint;
mod model;
mod sound;

pub use model::print_card;

/// Inspect every file; one that cannot be read is named, and the run goes on.
///
/// # Errors
/// stdout cannot be written.
pub fn run(args: &InspectArgs) -> Result<Outcome> {
    ensure!(args.spectrogram.is_none() || args.files.len() == 1, "--spectrogram draws one sound; name one file");
    let mut out = std::io::stdout().lock();
    let mut num_failed = 0;
    for path in &args.files {
        match describe(path, args.json) {
            Ok(text) => {
                out.write_all(text.as_bytes())?;
                args.spectrogram.as_deref().map_or(Ok(()), |png| draw(path, png))?;
            }
            Err(error) => {
                complain(&error);
                num_failed += 1;
            }
        }
    }
    Ok(Outcome::from_failures(num_failed))
}

fn draw(path: &Path, png: &Path) -> Result<()> {
    let clip = audio::decode(path).context("--spectrogram")?;
    let recipe = FileRecipe::read(path).ok().map(|file| file.recipe);
    Ok(write_atomically(png, &Figure::of_file(path, recipe.as_ref(), &clip).png(&clip)?)?)
}

/// What stdout gets about a file: a block of text, or one line of JSON.
fn describe(path: &Path, json: bool) -> Result<String> {
    let mut out = Vec::new();
    match Report::read(path)? {
        Report::Sound(report) if json => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        Report::Model(report) if json => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        Report::Checkpoint(report) if json => writeln!(out, "{}", serde_json::to_string(&report)?)?,
        Report::Sound(report) => report.print(&mut out)?,
        Report::Model(report) => report.print(&mut out)?,
        Report::Checkpoint(report) => report.print(&mut out)?,
    }
    Ok(String::from_utf8(out)?)
}

/// What a file turned out to be.
enum Report<'a> {
    Sound(Box<sound::Report<'a>>),
    Model(Box<model::Report<'a>>),
    Checkpoint(Box<checkpoint::Report<'a>>),
}

impl<'a> Report<'a> {
    fn read(path: &'a Path) -> Result<Self> {
        if !is_safetensors(path)? {
            return Ok(Self::Sound(Box::new(sound::Report::read(path)?)));
        }
        match model::Report::read(path) {
            // Not a model: a checkpoint, or neither. Of neither, the model's error tells more.
            Err(error) if is_foreign(&error) => {
                checkpoint::Report::read(path).map(|report| Self::Checkpoint(Box::new(report))).map_err(|_| error)
            }
            report => Ok(Self::Model(Box::new(report?))),
        }
    }
}

fn is_foreign(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Model(ModelError::Foreign { .. })))
}

/// By name or by content: a safetensors file starts with the length of a JSON header and the header.
fn is_safetensors(path: &Path) -> Result<bool> {
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return Ok(true);
    }
    let mut start = Vec::new();
    let file = File::open(path).with_context(|| format!("{}: cannot open", path.display()))?;
    file.take(9).read_to_end(&mut start).with_context(|| format!("{}: cannot read", path.display()))?;
    Ok(start.get(5..) == Some(&[0, 0, 0, b'{']))
}
