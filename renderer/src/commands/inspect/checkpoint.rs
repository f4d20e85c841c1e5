//! What a training's checkpoint holds.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use brownian_core::train::{CheckpointInfo, SIGMAS, read_info};
use serde::Serialize;

/// The keys of `--json`.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    kind: &'static str,
    path: &'a Path,
    checkpoint: CheckpointInfo,
}

impl<'a> Report<'a> {
    /// Read what the file tells about its training.
    ///
    /// # Errors
    /// No checkpoint of this version.
    pub fn read(path: &'a Path) -> Result<Self> {
        Ok(Self { kind: "checkpoint", path, checkpoint: read_info(path)? })
    }

    /// For people.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn print(&self, out: &mut impl Write) -> Result<()> {
        let CheckpointInfo { id, description, step, seconds, classes, num_sounds, num_held_out, held_out, .. } =
            &self.checkpoint;
        writeln!(out, "{}", self.path.display())?;
        writeln!(out, "  training    {id}: {description}")?;
        writeln!(out, "  progress    {step} steps in {:.2} h", seconds / 3600.0)?;
        writeln!(out, "  sounds      {num_sounds} to train on, {num_held_out} held out")?;
        writeln!(out, "  classes     {}", classes.join(", "))?;
        if let Some(held_out) = held_out {
            held_out.fine.map_or(Ok(()), |errors| print_errors(out, "held out", &errors))?;
            held_out.envelope.map_or(Ok(()), |errors| print_errors(out, "envelope", &errors))?;
        }
        for source in &self.checkpoint.sources {
            let (name, licence, sounds) = (&source.name, &source.licence, source.sounds);
            writeln!(out, "  source      {name} ({licence}, {}): {sounds} sounds", source.attribution)?;
        }
        Ok(())
    }
}

/// The held-out error at every noise level.
fn print_errors(out: &mut impl Write, name: &str, errors: &[f64]) -> Result<()> {
    let errors = SIGMAS.iter().zip(errors).map(|(sigma, error)| format!("{error:.4} at sigma {sigma}"));
    Ok(writeln!(out, "  {name:<11} {}", errors.collect::<Vec<_>>().join(", "))?)
}
