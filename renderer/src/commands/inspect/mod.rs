//! `brownian inspect FILE…`: what a sound or a model holds.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use anyhow::{Context, Result};

use crate::cli::InspectArgs;
use crate::outcome::{Outcome, complain};

mod model;
mod sound;

pub use model::print_card;

/// Inspect every file; one that cannot be read is named, and the run goes on.
///
/// # Errors
/// stdout cannot be written.
pub fn run(args: &InspectArgs) -> Result<Outcome> {
    let mut out = std::io::stdout().lock();
    let mut num_failed = 0;
    for path in &args.files {
        match describe(path, args.json) {
            Ok(text) => out.write_all(text.as_bytes())?,
            Err(error) => {
                complain(&error);
                num_failed += 1;
            }
        }
    }
    Ok(Outcome::from_failures(num_failed))
}

/// What stdout gets about a file: a block of text, or one line of JSON.
fn describe(path: &Path, json: bool) -> Result<String> {
    let mut out = Vec::new();
    if is_model(path)? {
        let report = model::Report::read(path)?;
        if json { writeln!(out, "{}", serde_json::to_string(&report)?)? } else { report.print(&mut out)? }
    } else {
        let report = sound::Report::read(path)?;
        if json { writeln!(out, "{}", serde_json::to_string(&report)?)? } else { report.print(&mut out)? }
    }
    Ok(String::from_utf8(out)?)
}

/// A model by name or by content: a safetensors file starts with the length of a JSON header and the header.
fn is_model(path: &Path) -> Result<bool> {
    if path.extension().is_some_and(|extension| extension == "safetensors") {
        return Ok(true);
    }
    let mut start = Vec::new();
    let file = File::open(path).with_context(|| format!("{}: cannot open", path.display()))?;
    file.take(9).read_to_end(&mut start).with_context(|| format!("{}: cannot read", path.display()))?;
    Ok(start.get(5..) == Some(&[0, 0, 0, b'{']))
}
