//! Playing SoundFont drum kits through the external program `fluidsynth`, offline.

use super::midi::{GRID_MS, LEAD_MS, Strike, standard_midi_file};
use anyhow::{Context, Result, bail, ensure};
use brownian_core::audio::decode;
use std::path::Path;
use std::process::{Command, Stdio};

/// Hits of one call: 64 make a file of 68 MB, and starting the program no longer counts.
const HITS_PER_CALL: usize = 64;

/// Play every strike on the font, and hand `GRID_MS` of each, channel by channel at `sample_rate`, to `receive`.
///
/// # Errors
/// `fluidsynth` is missing or fails, or its output cannot be read.
pub fn play(
    font: &Path,
    strikes: &[Strike],
    sample_rate: u32,
    mut receive: impl FnMut(usize, Vec<Vec<f32>>) -> Result<()>,
) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    for (call, strikes) in strikes.chunks(HITS_PER_CALL).enumerate() {
        let (midi, wav) = (folder.path().join("hits.mid"), folder.path().join("hits.wav"));
        std::fs::write(&midi, standard_midi_file(strikes)).context("cannot write a MIDI file")?;
        render(font, &midi, &wav, sample_rate)?;
        let clip = decode(&wav)?;
        let channels = clip.channels();
        for idx in 0..strikes.len() {
            receive(call * HITS_PER_CALL + idx, cut(channels, idx, sample_rate))?;
        }
    }
    Ok(())
}

/// From half the lead before hit `idx` to half the lead before the next one.
fn cut(channels: &[Vec<f32>], idx: usize, sample_rate: u32) -> Vec<Vec<f32>> {
    let at = |ms: u32| (u64::from(ms) * u64::from(sample_rate) / 1000) as usize;
    let (start, length) = (at(idx as u32 * GRID_MS + LEAD_MS / 2), at(GRID_MS));
    let part = |channel: &Vec<f32>| channel.iter().skip(start).take(length).copied().collect();
    channels.iter().map(part).collect()
}

/// Without reverb and chorus, in 32-bit float: nothing clips, and no dither hides in the tails.
fn render(font: &Path, midi: &Path, wav: &Path, sample_rate: u32) -> Result<()> {
    let output = Command::new("fluidsynth")
        .args(["-ni", "-q", "-R", "0", "-C", "0", "-g", "0.6", "-T", "wav", "-O", "float"])
        .args(["-o", "synth.dynamic-sample-loading=1", "-r", &sample_rate.to_string()])
        .arg("-F")
        .args([wav, font, midi])
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bail!(
                "the program `fluidsynth` is needed to play SoundFonts and was not found; install the package fluidsynth"
            )
        }
        other => other.context("cannot start fluidsynth")?,
    };
    let message = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success() && wav.exists(), "fluidsynth failed on {}: {}", font.display(), message.trim());
    Ok(())
}
