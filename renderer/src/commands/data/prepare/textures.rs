//! The `ambient` recipe: recordings of weather, water and places, whole, for a model of textures.

use super::collect::{file_name, listed, stem};
use super::hit::{SAMPLE_RATE, slug};
use super::labels::{Label, Rule, label};
use super::output::{make_folder, write_csv, write_file};
use super::report::Report;
use super::sources::{Kind, Source};
use anyhow::{Context, Result, ensure};
use brownian_core::audio::edit::with_channels;
use brownian_core::audio::{Clip, WavFormat, WavInfo, decode, resample, wav_bytes};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use Label::{Class, LeftOut};

/// Seconds: shorter recordings hold no loop of a second and a half with its fade and its variations.
const SHORTEST_S: f64 = 2.3;

/// The classes of the recipe.
const CLASSES: [&str; 12] =
    ["rain", "river", "waves", "wind", "fire", "forest", "night", "farm", "port", "market", "drone", "machine"];

/// Files of 0 A.D.: the names of its folders `ambient` and `attack/fire`.
const WILDFIRE: &[Rule] = &[
    ("^rain", Class("rain")),
    ("^river", Class("river")),
    ("^waterfall", Class("river")),
    ("^wave", Class("waves")),
    ("^wind", Class("wind")),
    ("^snowstorm", Class("wind")),
    ("^day_", Class("forest")),
    ("^amb_farm", Class("farm")),
    ("^amb_port", Class("port")),
    ("^amb_trade", Class("market")),
    ("^c_", Class("fire")),
    ("^sp_", Class("fire")),
    ("^sz", Class("fire")),
    ("^thunder", LeftOut),
];

/// Files of MegaGlest: its tileset, then the sound's name.
const MEGAGLEST: &[Rule] =
    &[("_day", Class("forest")), ("_night", Class("night")), ("_rain", Class("rain")), ("_wind", Class("wind"))];

/// Files of SuperTuxKart.
const SUPERTUXKART: &[Rule] = &[
    ("birds", Class("forest")),
    ("river", Class("river")),
    ("waterfall", Class("river")),
    ("restaurant", Class("market")),
];

/// Files of UFO: Alien Invasion: its folder `ambience`.
const UFOAI: &[Rule] = &[
    ("arcticwind", Class("wind")),
    ("fire", Class("fire")),
    ("water", Class("river")),
    ("alien", Class("machine")),
    ("engine", Class("machine")),
    ("pump", Class("machine")),
    ("turbine", Class("machine")),
];

/// Sonic Pi's pads and hums, without single events.
const SONIC_PI: &[Rule] = &[
    ("drone", Class("drone")),
    ("hum", Class("drone")),
    ("glass_rub", Class("drone")),
    ("lunar_land", Class("drone")),
    ("dark_woosh", Class("drone")),
    ("ambi_", LeftOut),
    ("vinyl", LeftOut),
];

const SOURCES: &[Source] = &[
    Source {
        id: "0ad",
        folder: "ambient/0ad",
        kind: Kind::Files,
        rules: WILDFIRE,
        licence: "CC-BY-SA-3.0",
        attribution: "Wildfire Games (0 A.D.), http://www.wildfiregames.com/",
    },
    Source {
        id: "megaglest",
        folder: "ambient/megaglest",
        kind: Kind::Files,
        rules: MEGAGLEST,
        licence: "CC-BY-SA-3.0",
        attribution: "The Glest Team, the MegaGlest Team, dobroide (MegaGlest), https://megaglest.org/",
    },
    Source {
        id: "ufoai",
        folder: "ambient/ufoai",
        kind: Kind::Files,
        rules: UFOAI,
        licence: "CC-BY-SA-3.0 (minepump03: CC-BY-3.0)",
        attribution: "\"Marine\" Baklund, Gren, Christian Hoffmann, Slippycurb, Manuel \"Vanethian\" Marino and others (UFO: \
                      Alien Invasion)",
    },
    Source {
        id: "supertuxkart",
        folder: "ambient/supertuxkart",
        kind: Kind::Files,
        rules: SUPERTUXKART,
        licence: "CC0-1.0",
        attribution: "Adam Newns, Leonard Graf, mpfeiffer, James Swift, Alcappuccino (SuperTuxKart)",
    },
    Source {
        id: "sonic-pi",
        folder: "ambient/sonic-pi",
        kind: Kind::Files,
        rules: SONIC_PI,
        licence: "CC0-1.0",
        attribution: "Freesound authors, collected by Sonic Pi",
    },
];

/// Files of a series are mixed from the same recordings, by the correlation of their waveforms (0.6 to 0.998 over windows of
/// 0.7 s, where others stay below 0.6): one group each, by how their names begin. The fields and the ports of
/// 0 A.D. share theirs too.
const SERIES: [(&str, &str); 9] = [
    ("0ad-amb", "0ad-amb"),
    ("0ad-day-temperate", "0ad-day-temperate"),
    ("0ad-day-tropical", "0ad-day-tropical"),
    ("0ad-rain", "0ad-rain"),
    ("0ad-sp", "0ad-sp"),
    ("0ad-sz", "0ad-sz"),
    ("0ad-windleaves", "0ad-windleaves"),
    ("0ad-river-raging", "0ad-waterfall"),
    ("0ad-waterfall", "0ad-waterfall"),
];

/// What is held out, the same whatever sources come to it: recordings that share nothing with any other.
const HELD_OUT: [&str; 8] = [
    "fire/0ad-c-11",
    "fire/ufoai-smallfire",
    "forest/megaglest-spring-day",
    "machine/ufoai-alien-generator",
    "night/megaglest-desert2-night",
    "rain/megaglest-autumn-rain",
    "river/0ad-river-fast-21",
    "wind/megaglest-winter-wind",
];

/// One recording on its way into the set.
struct Recording {
    class: &'static str,
    source: &'static Source,
    /// Relative to the set.
    path: String,
    origin: String,
    seconds: f64,
}

/// Write every labelled recording of the sources below `raw` into the folder `out`: 44.1 kHz, 16 bit, one or two channels.
///
/// # Errors
/// A collection is missing, a recording cannot be read, or the folder cannot be written.
pub fn prepare(raw: &Path, out: &Path) -> Result<Report> {
    make_folder(out)?;
    let ids = SOURCES.iter().map(|source| source.id).collect();
    let mut report = Report { classes: CLASSES.to_vec(), sources: ids, ..Report::default() };
    let mut recordings = Vec::new();
    for source in SOURCES {
        eprintln!("reading {}", source.id);
        recordings.extend(write_source(raw, source, out, &mut report)?);
    }
    ensure!(!recordings.is_empty(), "no labelled recording in {}", raw.display());
    recordings.sort_by(|a, b| a.path.cmp(&b.path));
    write_tables(&recordings, out)?;
    count(&recordings, &mut report);
    Ok(report)
}

fn write_source(raw: &Path, source: &'static Source, out: &Path, report: &mut Report) -> Result<Vec<Recording>> {
    let folder = raw.join(source.folder);
    ensure!(folder.is_dir(), "{} is missing; scripts/fetch-audio-data.sh DIR ambient downloads it", folder.display());
    let mut recordings = Vec::new();
    for file in listed(&folder, &["ogg", "flac"])? {
        let name = stem(&file);
        let class = match label(source.rules, &name) {
            Some(Class(class)) => class,
            Some(LeftOut) => {
                *report.left_out.entry(source.id).or_default() += 1;
                continue;
            }
            None => {
                report.unlabelled.push((source.id, name));
                continue;
            }
        };
        let clip = decode(&file)?;
        if clip.num_frames() as f64 / f64::from(clip.sample_rate()) < SHORTEST_S {
            *report.left_out.entry(source.id).or_default() += 1;
            continue;
        }
        let clip = at_most_stereo(&resample(&clip, SAMPLE_RATE)?)?;
        let path = format!("{class}/{}-{}.wav", source.id, slug(&name));
        let bytes = wav_bytes(&clip, WavFormat::Wav16, &WavInfo::default())?;
        write_file(&out.join(&path), &bytes).with_context(|| format!("cannot write {path}"))?;
        let seconds = clip.num_frames() as f64 / f64::from(SAMPLE_RATE);
        recordings.push(Recording { class, source, path, origin: file_name(&file), seconds });
    }
    Ok(recordings)
}

fn at_most_stereo(clip: &Clip) -> Result<Clip> {
    Ok(if clip.num_channels() <= 2 { clip.clone() } else { with_channels(clip, 1)? })
}

fn write_tables(recordings: &[Recording], out: &Path) -> Result<()> {
    let rows = recordings.iter().map(|r| [r.path.as_str(), r.class, "", group(&r.path), part(&r.path)]);
    write_csv(&out.join("manifest.csv"), ["path", "class", "pitch", "group", "part"], rows)?;
    let rows = recordings
        .iter()
        .map(|r| [r.path.as_str(), r.source.id, r.source.licence, r.source.attribution, r.origin.as_str()]);
    write_csv(&out.join("SOURCES.csv"), ["path", "source", "licence", "attribution", "origin"], rows)
}

/// The series of a recording, or the recording itself: a split parts them whole.
fn group(path: &str) -> &str {
    let name = path.split('/').next_back().unwrap_or(path);
    let series = SERIES.into_iter().find(|(start, _)| name.starts_with(start));
    series.map_or_else(|| path.trim_end_matches(".wav"), |(_, group)| group)
}

fn part(path: &str) -> &'static str {
    if HELD_OUT.contains(&path.trim_end_matches(".wav")) { "held-out" } else { "train" }
}

fn count(recordings: &[Recording], report: &mut Report) {
    let mut groups: BTreeMap<&'static str, BTreeSet<&str>> = BTreeMap::new();
    for recording in recordings {
        *report.counts.entry((recording.class, recording.source.id)).or_default() += 1;
        *report.seconds.entry(recording.class).or_default() += recording.seconds;
        groups.entry(recording.class).or_default().insert(group(&recording.path));
    }
    report.groups = groups.into_iter().map(|(class, groups)| (class, groups.len())).collect();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_names_a_class_of_the_recipe_and_all_classes_have_one() {
        let rules = || SOURCES.iter().flat_map(|source| source.rules);
        let named =
            |class: &str| rules().any(|(_, label)| *label == Class(CLASSES.iter().find(|c| **c == class).unwrap()));
        assert!(CLASSES.iter().all(|class| named(class)));
        assert!(rules().all(|(_, label)| matches!(label, LeftOut) || CLASSES.iter().any(|c| *label == Class(c))));
    }

    #[test]
    fn recordings_are_written_whole_and_what_is_short_or_nameless_stays_out() {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("raw");
        let write = |path: &str, seconds: f64| {
            let samples = (0..(seconds * 22_050.0) as usize).map(|i| 0.5 * (i as f32 * 0.1).sin()).collect::<Vec<_>>();
            let clip = Clip::new(vec![samples.clone(), samples], 22_050).unwrap();
            let bytes = brownian_core::audio::flac_bytes(&clip, &WavInfo::default()).unwrap();
            write_file(&raw.join(path), &bytes).unwrap();
        };
        write("ambient/0ad/rain_11.flac", 3.0);
        write("ambient/0ad/windgust_11.flac", 1.0);
        write("ambient/0ad/mystery.flac", 3.0);
        write("ambient/0ad/day_tropical_10.flac", 3.0);
        write("ambient/0ad/river_fast_21.flac", 3.0);
        write("ambient/sonic-pi/ambi_drone.flac", 2.5);
        for other in ["megaglest", "supertuxkart", "ufoai"] {
            write(&format!("ambient/{other}/short.flac"), 1.0);
        }
        let out = folder.path().join("set");
        let report = prepare(&raw, &out).unwrap();
        let counts = ["forest", "rain", "river"].map(|class| ((class, "0ad"), 1));
        assert_eq!(report.counts, counts.into_iter().chain([(("drone", "sonic-pi"), 1)]).collect());
        assert_eq!((&report.unlabelled[..1], report.left_out["0ad"]), ([("0ad", "mystery".into())].as_slice(), 1));
        let clip = decode(&out.join("rain/0ad-rain-11.wav")).unwrap();
        assert_eq!((clip.sample_rate(), clip.channels().len(), clip.num_frames()), (44_100, 2, 132_300));
        let manifest = std::fs::read_to_string(out.join("manifest.csv")).unwrap();
        assert_eq!(
            manifest,
            "path,class,pitch,group,part\ndrone/sonic-pi-ambi-drone.wav,drone,,drone/sonic-pi-ambi-drone,train\n\
             forest/0ad-day-tropical-10.wav,forest,,0ad-day-tropical,train\nrain/0ad-rain-11.wav,rain,,0ad-rain,train\n\
             river/0ad-river-fast-21.wav,river,,river/0ad-river-fast-21,held-out\n"
        );
    }
}
