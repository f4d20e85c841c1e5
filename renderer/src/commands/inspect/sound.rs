//! What a sound file holds.

use std::io::Write;
use std::path::Path;

use anyhow::Result;
use brownian_core::audio::{self, Instrument, WavInfo};
use brownian_core::generate::{FileRecipe, Finish, Recipe};
use serde::Serialize;

use crate::pitch;

/// The keys of `--json`; null where the file does not tell.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    kind: &'static str,
    path: &'a Path,
    duration_s: f64,
    frames: usize,
    sample_rate: u32,
    channels: usize,
    peak_dbfs: Option<f64>,
    lufs: Option<f64>,
    software: Option<String>,
    title: Option<String>,
    root_key: Option<u8>,
    instrument: Option<Instrument>,
    loop_frames: Option<(u32, u32)>,
    tempo_bpm: Option<f32>,
    one_shot: bool,
    recipe: Option<Recipe>,
    output: Option<Finish>,
}

impl<'a> Report<'a> {
    /// Decode and measure the file.
    ///
    /// # Errors
    /// No sound that can be read.
    pub fn read(path: &'a Path) -> Result<Self> {
        let clip = audio::decode(path)?;
        // Only WAV files tell more than their samples.
        let info = audio::read_info(path).unwrap_or_default();
        let file_recipe = info.comment.as_deref().and_then(|comment| FileRecipe::from_json(comment).ok());
        let (recipe, output) = file_recipe.map(|file| (file.recipe, file.finish)).unzip();
        let WavInfo { software, title, root_key, instrument, loop_frames, tempo_bpm, one_shot, .. } = info;
        Ok(Self {
            kind: "sound",
            path,
            duration_s: clip.duration_s(),
            frames: clip.num_frames(),
            sample_rate: clip.sample_rate(),
            channels: clip.num_channels(),
            peak_dbfs: clip.peak_dbfs(),
            lufs: audio::measure_loudness(&clip).integrated_lufs,
            software,
            title,
            root_key,
            instrument,
            loop_frames,
            tempo_bpm,
            one_shot,
            recipe,
            output,
        })
    }

    /// For people.
    ///
    /// # Errors
    /// `out` cannot be written.
    pub fn print(&self, out: &mut impl Write) -> Result<()> {
        writeln!(out, "{}", self.path.display())?;
        let Self { duration_s, frames, sample_rate, channels, .. } = self;
        writeln!(out, "  sound     {duration_s:.3} s ({frames} frames), {sample_rate} Hz, {channels} channel(s)")?;
        let decibels = |db: Option<f64>, unit| db.map_or_else(|| "silent".to_string(), |db| format!("{db:.2} {unit}"));
        writeln!(out, "  level     peak {}, {}", decibels(self.peak_dbfs, "dBFS"), decibels(self.lufs, "LUFS"))?;
        let mut line =
            |name: &str, value: Option<String>| value.map_or(Ok(()), |value| writeln!(out, "  {name:<9} {value}"));
        line("software", self.software.clone())?;
        line("title", self.title.clone())?;
        line("root key", self.root_key.map(|key| format!("{key} ({})", pitch::name(f32::from(key)))))?;
        line("keys", self.instrument.map(spread))?;
        line("loop", self.loop_frames.map(|(start, end)| format!("frames {start}..{end}")))?;
        line("tempo", self.tempo_bpm.map(|bpm| format!("{bpm} bpm")))?;
        line("one-shot", self.one_shot.then(|| "yes".to_string()))?;
        line("recipe", self.recipe.as_ref().map(Recipe::to_json))?;
        line("output", self.output.map(|output| serde_json::to_string(&output)).transpose()?)?;
        Ok(())
    }
}

/// Where a sampler is to put it.
fn spread(instrument: Instrument) -> String {
    let Instrument { root_key, fine_tune_cents, gain_db, keys, velocities } = instrument;
    let [low, high] = keys.map(|key| pitch::name(f32::from(key)));
    let [soft, loud] = velocities;
    let root = pitch::name(f32::from(root_key));
    format!("{low}..{high} around {root}, velocities {soft}..{loud}, {gain_db:+} dB, {fine_tune_cents:+} cents")
}
