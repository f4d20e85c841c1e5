//! What a model file holds.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use brownian_core::generate;
use brownian_core::model::{Card, file};
use serde::Serialize;

/// The keys of `--json`.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    kind: &'static str,
    path: &'a Path,
    bytes: usize,
    tensors: usize,
    parameters: usize,
    card: Card,
}

impl<'a> Report<'a> {
    /// Read and check the file.
    ///
    /// # Errors
    /// No model, or a broken one, by name.
    pub fn read(path: &'a Path) -> Result<Self> {
        let bytes = file::read(path)?;
        let (card, tensors) = file::from_bytes(&path.display().to_string(), &bytes, &generate::device("cpu")?)?;
        let parameters = tensors.values().map(|tensor| tensor.elem_count()).sum();
        Ok(Self { kind: "model", path, bytes: bytes.len(), tensors: tensors.len(), parameters, card })
    }

    /// For people.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn print(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "{}", self.path.display())?;
        let (tensors, parameters) = (self.tensors, self.parameters);
        writeln!(out, "  file        {:.2} MB, {parameters} numbers in {tensors} tensors", self.bytes as f64 / 1e6)?;
        print_card(out, &self.card)
    }
}

/// A model card, for people.
///
/// # Errors
/// `out` cannot be written.
pub fn print_card(out: &mut impl Write, card: &Card) -> Result<()> {
    let config = &card.config;
    let attributes: Vec<&str> = config.attributes.iter().map(|attribute| attribute.name()).collect();
    let or_none = |list: String| if list.is_empty() { "none".to_string() } else { list };
    writeln!(out, "  model       {}: {}", card.id, card.description)?;
    writeln!(out, "  hash        {}", card.hash)?;
    writeln!(out, "  rate        {} Hz", config.sample_rate)?;
    writeln!(out, "  classes     {}", or_none(config.classes.join(", ")))?;
    writeln!(out, "  attributes  {}", or_none(attributes.join(", ")))?;
    writeln!(out, "  pitch       {}", if config.pitch { "yes" } else { "no" })?;
    writeln!(out, "  stages      {}", if config.envelope.is_some() { "envelope, then fine structure" } else { "one" })?;
    writeln!(out, "  sampling    {}", serde_json::to_string(&config.sampling)?)?;
    for source in &card.sources {
        writeln!(
            out,
            "  source      {} ({}, {}): {} sounds",
            source.name, source.licence, source.attribution, source.sounds
        )?;
    }
    for (name, value) in &card.training {
        writeln!(out, "  training    {name} = {value}")?;
    }
    Ok(())
}
