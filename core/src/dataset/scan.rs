//! A folder -> a [`Dataset`].

use super::balance::Balance;
use super::duplicates::{Fingerprint, fingerprint, no_fingerprint};
use super::group::{Groups, group};
use super::layout::{Source, lay_out};
use super::prepare::{Fit, prepare};
use super::spectrum::Spectrum;
use super::split::{Member, split};
use super::{AttributeScale, ClassReport, Dataset, DatasetConfig, Example, NUM_ATTRIBUTES, ScanReport, Tools};
use crate::error::{DatasetError, Result};
use rayon::prelude::*;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One usable file.
struct Sound {
    source: Source,
    samples: Vec<f32>,
    fit: Fit,
    natural: [f32; NUM_ATTRIBUTES],
    fingerprint: Fingerprint,
}

impl Dataset {
    /// Scan `root`: sub-folders are classes, or a `manifest.csv` (path,class,pitch,group,part) at the root says otherwise.
    ///
    /// A folder with sounds and no sub-folders is one class named after itself. Files are read in parallel, yet the
    /// result depends on their names and content alone. A file that cannot be used is reported and the scan goes on.
    ///
    /// # Errors
    /// A setting out of range, no such folder, a manifest that cannot be read, or no usable sound.
    pub fn scan(root: &Path, config: &DatasetConfig) -> Result<Self> {
        Self::scan_with(root, config, &|_, _| {})
    }

    /// [`Dataset::scan`], calling `on_file(done, all)` after every file, from many threads.
    ///
    /// # Errors
    /// As [`Dataset::scan`].
    pub fn scan_with(root: &Path, config: &DatasetConfig, on_file: &(dyn Fn(usize, usize) + Sync)) -> Result<Self> {
        config.validate()?;
        let layout = lay_out(root)?;
        let mut report = ScanReport {
            found: layout.sources.len() + layout.skipped.len(),
            skipped: layout.skipped,
            ..Default::default()
        };
        if report.found == 0 {
            return Err(DatasetError::NoSounds(root.to_owned()).into());
        }
        let tools = Tools::new(config);
        let sounds = read_all(root, config, &tools, layout.sources, on_file, &mut report);
        if sounds.is_empty() {
            return Err(none_usable(root, report).into());
        }
        assemble(config, tools, sounds, report)
    }
}

fn none_usable(root: &Path, report: ScanReport) -> DatasetError {
    let (first, reason) = report.skipped.into_iter().next().unwrap_or_default();
    DatasetError::NoneUsable { root: root.to_owned(), found: report.found, first, reason }
}

/// Every usable sound, in the sources' order; the others go to the report.
fn read_all(
    root: &Path,
    config: &DatasetConfig,
    tools: &Tools,
    sources: Vec<Source>,
    on_file: &(dyn Fn(usize, usize) + Sync),
    report: &mut ScanReport,
) -> Vec<Sound> {
    let (done, all) = (AtomicUsize::new(0), sources.len());
    let spectrum = Spectrum::new(config.sample_rate);
    let read = |source: Source| {
        let sounds = read(root, config, tools, &spectrum, source);
        on_file(done.fetch_add(1, Ordering::Relaxed) + 1, all);
        sounds
    };
    let results: Vec<_> = sources.into_par_iter().map(read).collect();
    let (mut sounds, mut skipped) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(of_file) => {
                report.used += 1;
                sounds.extend(of_file);
            }
            Err(reason) => skipped.push(reason),
        }
    }
    report.skipped.extend(skipped);
    report.skipped.sort();
    sounds
}

/// The sounds of one file, or its path and why it is unusable.
fn read(
    root: &Path,
    config: &DatasetConfig,
    tools: &Tools,
    spectrum: &Spectrum,
    source: Source,
) -> Result<Vec<Sound>, (PathBuf, String)> {
    let path = root.join(&source.path);
    let sound = |(samples, fit): (Vec<f32>, Fit)| {
        let heard = config.as_heard(&samples);
        let natural = tools.meter.measure(&heard);
        // Two recordings of rain are as alike as two windows of one: only hits are compared.
        let fingerprint = if fit == Fit::Window { no_fingerprint() } else { fingerprint(spectrum, &samples) };
        Sound { source: source.clone(), samples, fit, natural, fingerprint }
    };
    match prepare(&path, config) {
        Ok(sounds) => Ok(sounds.into_iter().map(sound).collect()),
        Err(unusable) => {
            let reason = unusable.to_string();
            // The report names the path itself.
            let reason = reason.strip_prefix(&format!("{}: ", path.display())).unwrap_or(&reason);
            Err((source.path.clone(), reason.to_owned()))
        }
    }
}

/// Group, split and scale what was read.
fn assemble(config: &DatasetConfig, tools: Tools, sounds: Vec<Sound>, mut report: ScanReport) -> Result<Dataset> {
    let (fits, fingerprints): (Vec<_>, Vec<_>) = sounds.iter().map(|s| (s.fit, s.fingerprint.clone())).unzip();
    let (sources, rest): (Vec<_>, Vec<_>) = sounds.into_iter().map(|s| (s.source, (s.samples, s.natural))).unzip();
    let groups = group(&sources, &fingerprints);
    let classes: Vec<String> = BTreeSet::from_iter(sources.iter().map(|s| s.class.clone())).into_iter().collect();
    // Cannot fail: every class is in the sorted list.
    let class_of = |source: &Source| classes.binary_search(&source.class).unwrap_or(0);
    let pairs = groups.names.iter().zip(&sources);
    let members: Vec<Member> = pairs.map(|(name, source)| (name.as_str(), class_of(source), source.part)).collect();
    let is_held = split(&members, config.held_out, config.split_seed);
    check_parts(&classes, &members, &is_held)?;
    let training: Vec<_> = rest.iter().zip(&is_held).filter(|(_, held)| !**held).map(|((_, n), _)| *n).collect();
    let scale = AttributeScale::of(&training)?;
    let (mut train, mut held_out) = (Vec::new(), Vec::new());
    for (i, ((source, (samples, natural)), held)) in sources.iter().zip(rest).zip(is_held).enumerate() {
        let class = class_of(source);
        let example = Example {
            samples: if held { config.as_heard(&samples).into_owned() } else { samples },
            class,
            pitch: groups.pitches[i],
            // Percentiles when the variations are known.
            attributes: natural,
            path: source.path.clone(),
            group: groups.names[i].clone(),
        };
        if held { &mut held_out } else { &mut train }.push(example);
    }
    report.classes = count_classes(&classes, &train, &held_out);
    report.padded = fits.iter().filter(|fit| **fit == Fit::Padded).count();
    report.cut = fits.iter().filter(|fit| **fit == Fit::Cut).count();
    take_notes(&mut report, groups, config, held_out.is_empty());
    let balance = Balance::new(&train);
    let (config, tools) = (config.clone(), Arc::new(tools));
    let class_scales = Vec::new();
    let mut dataset = Dataset { classes, train, held_out, report, scale, class_scales, config, balance, tools };
    dataset.class_scales = dataset.measure_classes()?;
    let Dataset { train, held_out, class_scales, .. } = &mut dataset;
    for Example { attributes, class, pitch, .. } in train.iter_mut().chain(held_out) {
        *attributes = class_scales[*class].percentiles(*attributes, *pitch);
    }
    Ok(dataset)
}

/// Chance leaves every class something to train on; a manifest may not.
fn check_parts(classes: &[String], members: &[Member], is_held: &[bool]) -> Result<()> {
    let trains = |class: usize| members.iter().zip(is_held).any(|(member, held)| member.1 == class && !held);
    match (0..classes.len()).find(|class| !trains(*class)) {
        Some(class) => Err(DatasetError::NothingToTrainOn { class: classes[class].clone() }.into()),
        None => Ok(()),
    }
}

fn count_classes(classes: &[String], train: &[Example], held_out: &[Example]) -> Vec<ClassReport> {
    let count = |examples: &[Example], class| examples.iter().filter(|e| e.class == class).count();
    let report = |(class, name): (usize, &String)| {
        let of_class = train.iter().chain(held_out).filter(|e| e.class == class);
        ClassReport {
            name: name.clone(),
            train: count(train, class),
            held_out: count(held_out, class),
            groups: of_class.map(|e| &e.group).collect::<BTreeSet<_>>().len(),
        }
    };
    classes.iter().enumerate().map(report).collect()
}

fn take_notes(report: &mut ScanReport, groups: Groups, config: &DatasetConfig, holds_none_out: bool) {
    report.joined_groups = groups.joined;
    report.notes = groups.notes;
    if holds_none_out && config.held_out > 0.0 {
        report.notes.push("too few sources to hold any out: every sound is trained on".into());
    }
    for class in report.classes.iter().filter(|c| c.groups < 8) {
        report.notes.push(format!("class {}: {} distinct sources; 8 or more make it vary", class.name, class.groups));
    }
}
