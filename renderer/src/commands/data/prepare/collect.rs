//! Finding the sounds of a source and naming them.

use super::fluidsynth;
use super::hit::{Hit, SAMPLE_RATE, Ticket, mean};
use super::labels::{Label, label};
use super::midi::{DRUMS, Strike};
use super::soundfont::{Preset, Zone, read_presets};
use super::sources::{Kind, Source};
use anyhow::{Context, Result, ensure};
use brownian_core::audio::{decode, resample};
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Bank of the drum kits of a General MIDI font.
const DRUM_BANK: u16 = 128;
/// Velocities at which every key of a kit is struck: kits cross-fade brighter layers in above 80.
const VELOCITIES: [u8; 3] = [64, 100, 127];

/// What a source gave.
#[derive(Debug, Default)]
pub struct Found {
    /// Labelled sounds.
    pub hits: Vec<Hit>,
    /// Sounds whose rows say that no class fits.
    pub num_left_out: usize,
    /// Names that no row fits, or that rows disagree on.
    pub unlabelled: BTreeSet<String>,
    /// Labelled sounds that turned out silent.
    pub silent: Vec<String>,
}

/// Every labelled sound of `source` below the folder `raw`.
///
/// # Errors
/// The source is missing, or cannot be read or played.
pub fn collect(raw: &Path, source: &'static Source) -> Result<Found> {
    let folder = raw.join(source.folder);
    ensure!(folder.is_dir(), "{} is missing; scripts/fetch-audio-data.sh downloads it", folder.display());
    match source.kind {
        Kind::Files => files(&folder, source),
        Kind::Hydrogen => kit(&folder, source),
        Kind::SoundFont => fonts(&folder, source),
    }
}

impl Found {
    /// `None` where the sound stays out; then it is noted why.
    fn class(&mut self, source: &Source, name: &str) -> Option<&'static str> {
        match label(source.rules, name) {
            Some(Label::Class(class)) => return Some(class),
            Some(Label::LeftOut) => self.num_left_out += 1,
            None => drop(self.unlabelled.insert(name.to_owned())),
        }
        None
    }

    /// As one sound, whatever the channels hold: of an instrument, they are the places of its microphones.
    pub fn redeem_mixed(&mut self, ticket: &Ticket, channels: &[Vec<f32>]) {
        self.redeem(ticket, &[mean(channels)]);
    }

    fn redeem(&mut self, ticket: &Ticket, channels: &[Vec<f32>]) {
        let hits = ticket.redeem(channels);
        if hits.is_empty() {
            self.silent.push(ticket.origin.clone());
        }
        self.hits.extend(hits);
    }
}

fn files(folder: &Path, source: &'static Source) -> Result<Found> {
    let mut found = Found::default();
    for path in listed(folder, &["flac", "wav"])? {
        let name = stem(&path);
        if let Some(class) = found.class(source, &name) {
            let ticket = Ticket {
                class,
                source,
                pitch: None,
                material: vec![family(source, &name)],
                origin: file_name(&path),
                name,
            };
            found.redeem(&ticket, &read(&path)?);
        }
    }
    Ok(found)
}

/// The family of a file: loudness and running numbers at the end of its name tell siblings apart.
fn family(source: &Source, name: &str) -> String {
    let name = name.trim_end_matches("_hard").trim_end_matches("_soft").trim_end_matches(|c: char| c.is_ascii_digit());
    format!("{}/{name}", source.id)
}

fn kit(folder: &Path, source: &'static Source) -> Result<Found> {
    let path = folder.join("drumkit.xml");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let document = roxmltree::Document::parse(&text).with_context(|| format!("{} is damaged", path.display()))?;
    let mut found = Found::default();
    for instrument in document.descendants().filter(|node| node.has_tag_name_any("instrument")) {
        let name = instrument.children().find(|node| node.has_tag_name_any("name")).and_then(|node| node.text());
        let name = name.unwrap_or_default().trim();
        for layer in instrument.descendants().filter(|node| node.has_tag_name_any("filename")) {
            let Some(class) = found.class(source, name) else { continue };
            let path = folder.join(layer.text().unwrap_or_default().trim());
            let ticket = Ticket {
                class,
                source,
                name: stem(&path),
                origin: format!("{}, {name}", file_name(&path)),
                pitch: None,
                material: vec![format!("{}/{}", source.id, stem(&path))],
            };
            found.redeem(&ticket, &read(&path)?);
        }
    }
    Ok(found)
}

/// Hydrogen's kits come with and without an XML namespace.
trait HasTagName {
    fn has_tag_name_any(&self, name: &str) -> bool;
}

impl HasTagName for roxmltree::Node<'_, '_> {
    fn has_tag_name_any(&self, name: &str) -> bool {
        self.tag_name().name() == name
    }
}

fn fonts(folder: &Path, source: &'static Source) -> Result<Found> {
    let mut found = Found::default();
    for path in listed(folder, &["sf2", "sf3"])? {
        let presets = read_presets(&path)?;
        let drums = presets.iter().filter(|preset| preset.bank == DRUM_BANK);
        let mut seen = HashSet::new();
        let (strikes, tickets): (Vec<_>, Vec<_>) =
            drums.flat_map(|preset| tickets_of(preset, source, &mut seen, &mut found)).unzip();
        fluidsynth::play(&path, &strikes, SAMPLE_RATE, |idx, channels| {
            found.redeem(&tickets[idx], &channels);
            Ok(())
        })?;
    }
    Ok(found)
}

/// Zones with all their settings, under a key and a velocity.
type Struck = (u8, u8, Vec<(String, Vec<(u16, u16)>)>);

/// What to strike in a kit, and what each stroke will be. Kits share most of their zones, and equal zones sound equal on
/// the same key: what was `seen` is left out.
fn tickets_of(
    preset: &Preset,
    source: &'static Source,
    seen: &mut HashSet<Struck>,
    found: &mut Found,
) -> Vec<(Strike, Ticket)> {
    let mut tickets = Vec::new();
    for (strike, zones) in strikes_of(preset) {
        let settings = zones.iter().map(|zone| (zone.sample.clone(), zone.settings.clone())).collect();
        if seen.insert((strike.key, strike.velocity, settings))
            && let Some(class) = class_of(found, source, &zones)
        {
            tickets.push((strike, ticket(source, class, preset, strike, &zones)));
        }
    }
    tickets
}

fn strikes_of(preset: &Preset) -> impl Iterator<Item = (Strike, Vec<&Zone>)> {
    let all = (0..128u8).flat_map(|key| VELOCITIES.map(|velocity| (key, velocity)));
    all.filter_map(|(key, velocity)| {
        let zones: Vec<&Zone> = preset.struck(key, velocity).collect();
        let strike = Strike { channel: DRUMS, program: preset.program as u8 & 0x7f, key, velocity };
        (!zones.is_empty()).then_some((strike, zones))
    })
}

/// The class that all zones agree on. The key has no say: TR-808 kits, for one, put a second open hat on the key of the
/// pedal hat, which still rings for twice as long as any closed one.
fn class_of(found: &mut Found, source: &Source, zones: &[&Zone]) -> Option<&'static str> {
    let classes: Option<BTreeSet<&str>> = zones.iter().map(|zone| found.class(source, &zone.sample)).collect();
    let classes = classes?;
    if classes.len() > 1 {
        let names: Vec<&str> = zones.iter().map(|zone| zone.sample.as_str()).collect();
        found.unlabelled.insert(names.join(" + "));
        return None;
    }
    classes.into_iter().next()
}

fn ticket(source: &'static Source, class: &'static str, preset: &Preset, strike: Strike, zones: &[&Zone]) -> Ticket {
    let recordings = recordings(zones);
    let Strike { program, key, velocity, .. } = strike;
    let first = recordings.first().cloned().unwrap_or_default();
    Ticket {
        class,
        source,
        name: format!("{first} p{program} k{key} v{velocity}"),
        origin: format!("preset {}:{program} {}, key {key}, velocity {velocity}", preset.bank, preset.name),
        pitch: None,
        // The fonts of one family share recordings under the same names.
        material: recordings.iter().map(|recording| format!("fluid/{recording}")).collect(),
    }
}

/// The names of the recordings under zones, without what tells their channels apart.
pub fn recordings(zones: &[&Zone]) -> BTreeSet<String> {
    let recording = |zone: &&Zone| zone.sample.split('(').next().unwrap_or_default().trim().to_lowercase();
    zones.iter().map(recording).collect()
}

/// The channels of the file at `path` at [`SAMPLE_RATE`].
fn read(path: &Path) -> Result<Vec<Vec<f32>>> {
    Ok(resample(&decode(path)?, SAMPLE_RATE)?.into_channels())
}

/// The files of these extensions in a folder, sorted.
///
/// # Errors
/// The folder cannot be read, or holds none.
pub fn listed(folder: &Path, extensions: &[&str]) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| extensions.iter().any(|extension| path.extension().is_some_and(|found| found == *extension)));
    paths.sort();
    ensure!(!paths.is_empty(), "{} holds no {} file", folder.display(), extensions.join(" or "));
    Ok(paths)
}

/// The name of a file without its extension.
pub fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The name of a file.
pub fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::sources::DRUMS;
    use super::*;

    fn classes(kit: &Preset, seen: &mut HashSet<Struck>) -> Vec<(u8, &'static str)> {
        let fluid = DRUMS.iter().find(|source| source.id == "fluidr3").unwrap();
        let tickets = tickets_of(kit, fluid, seen, &mut Found::default());
        let mut classes: Vec<_> = tickets.iter().map(|(strike, ticket)| (strike.key, ticket.class)).collect();
        classes.dedup();
        classes
    }

    #[test]
    fn a_hat_is_what_its_sample_is_called_whatever_its_key() {
        let kit = Preset::kit(&[(42, "808 Closed Hat"), (44, "808 Open Hat"), (46, "808 Open Hat")]);
        let expected = [(42, "closed-hat"), (44, "open-hat"), (46, "open-hat")];
        assert_eq!(classes(&kit, &mut HashSet::new()), expected);
    }

    #[test]
    fn what_another_kit_has_on_the_same_key_is_struck_once() {
        let mut seen = HashSet::new();
        classes(&Preset::kit(&[(42, "Hi-Hat Closed"), (49, "Crash 1")]), &mut seen);
        let other = Preset::kit(&[(42, "Hi-Hat Closed"), (51, "Ride 1")]);
        assert_eq!(classes(&other, &mut seen), [(51, "ride")]);
    }
}
