//! Writing the set: WAV files in a folder a class, `manifest.csv` for training, `SOURCES.csv` for the model card.

use super::hit::{Hit, SAMPLE_RATE};
use super::twins::Sorted;
use anyhow::{Context, Result, ensure};
use brownian_core::audio::{Clip, WavFormat, WavInfo, wav_bytes};
use std::path::Path;

/// Make sure that `out` is an empty folder.
///
/// # Errors
/// It holds something, or cannot be made.
pub fn make_folder(out: &Path) -> Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
    let is_empty = std::fs::read_dir(out)?.next().is_none();
    ensure!(is_empty, "the folder {} is not empty; name a new one or empty it", out.display());
    Ok(())
}

/// Write `set` into the folder `out`. The rows are in the order of the paths.
///
/// # Errors
/// The folder cannot be written.
pub fn write(set: &Sorted, out: &Path) -> Result<()> {
    let mut rows: Vec<(String, &Hit, &str)> =
        set.hits.iter().zip(&set.groups).map(|(hit, group)| (path_of(hit), hit, group.as_str())).collect();
    rows.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, hit, _) in &rows {
        write_wav(&hit.samples, &out.join(path)).with_context(|| format!("cannot write {path}"))?;
    }
    let pitches: Vec<String> =
        rows.iter().map(|(_, hit, _)| hit.pitch.map_or_else(String::new, |key| key.to_string())).collect();
    let manifest =
        rows.iter().zip(&pitches).map(|((path, hit, group), pitch)| [path.as_str(), hit.class, pitch.as_str(), group]);
    write_csv(&out.join("manifest.csv"), ["path", "class", "pitch", "group"], manifest)?;
    let sources = rows
        .iter()
        .map(|(path, hit, _)| [path.as_str(), hit.source.id, hit.source.licence, hit.source.attribution, &hit.origin]);
    write_csv(&out.join("SOURCES.csv"), ["path", "source", "licence", "attribution", "origin"], sources)
}

/// Relative to the set, with forward slashes on every platform.
fn path_of(hit: &Hit) -> String {
    format!("{}/{}.wav", hit.class, hit.name)
}

fn write_wav(samples: &[f32], path: &Path) -> Result<()> {
    let clip = Clip::mono(samples.to_vec(), SAMPLE_RATE)?;
    write_file(path, &wav_bytes(&clip, WavFormat::Wav16, &WavInfo::default())?)
}

/// Write a file, and its folder where there is none.
///
/// # Errors
/// The folder cannot be written.
pub fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(std::fs::write(path, bytes)?)
}

/// Write a table.
///
/// # Errors
/// The file cannot be written.
pub fn write_csv<'a, const N: usize>(
    path: &Path,
    header: [&str; N],
    rows: impl Iterator<Item = [&'a str; N]>,
) -> Result<()> {
    let mut writer = csv::Writer::from_path(path).with_context(|| format!("cannot write {}", path.display()))?;
    writer.write_record(header)?;
    for row in rows {
        writer.write_record(row)?;
    }
    Ok(writer.flush()?)
}
