//! `brownian data scan DIR`: what a training run would see of a folder.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use anyhow::Result;
use brownian_core::conditioning::Attribute;
use brownian_core::dataset::{Dataset, DatasetConfig, Example};
use serde::Serialize;

use crate::cli::ScanArgs;
use crate::outcome::Outcome;
use crate::report::Table;

/// What the report says, and the keys of `--json`.
#[derive(Debug, Serialize)]
struct Summary<'a> {
    path: &'a Path,
    found: usize,
    used: usize,
    skipped: Vec<Skipped<'a>>,
    classes: Vec<ClassSummary<'a>>,
}

/// A file that cannot be used, and why.
#[derive(Debug, Serialize)]
struct Skipped<'a> {
    path: &'a Path,
    reason: &'a str,
}

/// One class of the folder.
#[derive(Debug, Serialize)]
struct ClassSummary<'a> {
    class: &'a str,
    train: usize,
    held_out: usize,
    groups: usize,
    /// 10th, 50th and 90th percentile within the class; 0..1 is the spread over the whole folder.
    attributes: BTreeMap<&'static str, [f32; 3]>,
}

/// Scan the folder and report.
///
/// # Errors
/// No such folder, or nothing usable in it.
pub fn run(args: &ScanArgs) -> Result<Outcome> {
    let config = DatasetConfig {
        sample_rate: args.sample_rate,
        num_samples: (args.duration * f64::from(args.sample_rate)).ceil() as usize,
        ..DatasetConfig::default()
    };
    let dataset = Dataset::scan(&args.dir, &config)?;
    let summary = summarise(&args.dir, &dataset);
    let mut out = std::io::stdout().lock();
    if args.json {
        writeln!(out, "{}", serde_json::to_string(&summary)?)?;
    } else {
        print(&mut out, &summary)?;
    }
    Ok(Outcome::Done)
}

fn summarise<'a>(root: &'a Path, dataset: &'a Dataset) -> Summary<'a> {
    let report = &dataset.report;
    let skipped = report.skipped.iter().map(|(path, reason)| Skipped { path, reason }).collect();
    let classes =
        dataset.classes.iter().enumerate().map(|(index, class)| summarise_class(dataset, index, class)).collect();
    Summary { path: root, found: report.found, used: report.used, skipped, classes }
}

fn summarise_class<'a>(dataset: &'a Dataset, index: usize, class: &'a str) -> ClassSummary<'a> {
    let of_class = |examples: &'a [Example]| examples.iter().filter(move |e| e.class == index);
    let (train, held_out) = (of_class(&dataset.train).count(), of_class(&dataset.held_out).count());
    let all: Vec<&Example> = of_class(&dataset.train).chain(of_class(&dataset.held_out)).collect();
    let mut groups: Vec<&str> = all.iter().map(|e| e.group.as_str()).collect();
    groups.sort_unstable();
    groups.dedup();
    let attributes = Attribute::ONE_SHOT.iter().enumerate();
    let attributes =
        attributes.map(|(i, a)| (a.name(), spread(all.iter().map(|e| dataset.among_all(e)[i]).collect()))).collect();
    ClassSummary { class, train, held_out, groups: groups.len(), attributes }
}

/// 10th, 50th and 90th percentile (nearest rank); zeros of nothing.
fn spread(mut values: Vec<f32>) -> [f32; 3] {
    values.sort_unstable_by(f32::total_cmp);
    [0.1, 0.5, 0.9]
        .map(|q| values.get((q * values.len().saturating_sub(1) as f64).round() as usize).copied().unwrap_or(0.0))
}

fn print(out: &mut impl Write, summary: &Summary<'_>) -> Result<()> {
    let mut table = Table::new(&[
        "class",
        "train",
        "held out",
        "sources",
        "brightness",
        "decay",
        "attack",
        "noisiness",
        "loudness",
    ]);
    for class in &summary.classes {
        let counts = [class.train, class.held_out, class.groups].map(|n| n.to_string());
        let spreads = Attribute::ONE_SHOT.iter().map(|a| spread_text(class.attributes.get(a.name())));
        table.row(std::iter::once(class.class.to_string()).chain(counts).chain(spreads).collect());
    }
    table.print(out)?;
    writeln!(
        out,
        "\n{} of {} files are usable; an attribute's cell is the middle (10 %..90 %) of the class",
        summary.used, summary.found
    )?;
    for skipped in &summary.skipped {
        writeln!(out, "skipped {}: {}", skipped.path.display(), skipped.reason)?;
    }
    Ok(())
}

fn spread_text(spread: Option<&[f32; 3]>) -> String {
    spread.map_or_else(String::new, |[low, middle, high]| format!("{middle:.2} ({low:.2}..{high:.2})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_of_a_ramp_is_its_own_percentiles() {
        let ramp = (0..=100).rev().map(|i| i as f32 / 100.0).collect();
        assert_eq!(spread(ramp), [0.1, 0.5, 0.9]);
        assert_eq!(spread(vec![0.25]), [0.25; 3]);
        assert_eq!(spread(Vec::new()), [0.0; 3]);
    }
}
