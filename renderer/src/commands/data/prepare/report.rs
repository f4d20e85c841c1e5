//! What `brownian data prepare` tells: counts per class and source, groups, and what stayed out.

use super::collect::Found;
use super::twins::Sorted;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What went into a set, and what did not.
#[derive(Debug, Default)]
pub struct Report {
    /// The recipe's classes, in order.
    pub classes: Vec<&'static str>,
    /// The recipe's sources, in order.
    pub sources: Vec<&'static str>,
    /// Sounds of each (class, source).
    pub counts: BTreeMap<(&'static str, &'static str), usize>,
    /// Groups of each class.
    pub groups: BTreeMap<&'static str, usize>,
    /// Seconds of sound in each class.
    pub seconds: BTreeMap<&'static str, f64>,
    /// Labelled sounds that equal another.
    pub num_duplicates: usize,
    /// Names on which the rules are silent or disagree, by source.
    pub unlabelled: Vec<(&'static str, String)>,
    /// Sounds left out on purpose, by source.
    pub left_out: BTreeMap<&'static str, usize>,
    /// Labelled sounds that are silent, by source.
    pub silent: Vec<(&'static str, String)>,
}

impl Report {
    /// What stayed out of `source`.
    pub(super) fn note(&mut self, source: &'static str, found: &Found) {
        self.left_out.insert(source, found.num_left_out);
        self.unlabelled.extend(found.unlabelled.iter().map(|name| (source, name.clone())));
        self.silent.extend(found.silent.iter().map(|origin| (source, origin.clone())));
    }

    /// What went in.
    pub(super) fn count(&mut self, sorted: &Sorted) {
        self.num_duplicates = sorted.num_duplicates;
        for hit in &sorted.hits {
            *self.counts.entry((hit.class, hit.source.id)).or_default() += 1;
            *self.seconds.entry(hit.class).or_default() +=
                hit.samples.len() as f64 / f64::from(super::hit::SAMPLE_RATE);
        }
        for class in self.classes.clone() {
            let of_class = sorted.hits.iter().zip(&sorted.groups).filter(|(hit, _)| hit.class == class);
            self.groups.insert(class, of_class.map(|(_, group)| group).collect::<BTreeSet<_>>().len());
        }
    }

    fn row(&self, f: &mut fmt::Formatter<'_>, class: &'static str) -> fmt::Result {
        let of = |source: &'static str| self.counts.get(&(class, source)).copied().unwrap_or(0);
        write!(f, "{class:<12}")?;
        for source in &self.sources {
            write!(f, "{:>13}", of(source))?;
        }
        let total: usize = self.sources.iter().map(|source| of(source)).sum();
        let seconds = self.seconds.get(class).copied().unwrap_or(0.0);
        writeln!(f, "{total:>8}{:>8}{seconds:>9.1}", self.groups.get(class).copied().unwrap_or(0))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<12}", "class")?;
        self.sources.iter().try_for_each(|source| write!(f, "{source:>13}"))?;
        writeln!(f, "{:>8}{:>8}{:>9}", "sounds", "groups", "seconds")?;
        self.classes.iter().try_for_each(|class| self.row(f, class))?;
        let sounds: usize = self.counts.values().sum();
        let seconds: f64 = self.seconds.values().sum();
        writeln!(f, "{sounds} sounds, {:.1} min; {} duplicates dropped", seconds / 60.0, self.num_duplicates)?;
        for (source, count) in &self.left_out {
            writeln!(f, "{source}: {count} left out by rule")?;
        }
        self.silent.iter().try_for_each(|(source, origin)| writeln!(f, "{source}: silent: {origin}"))?;
        self.unlabelled.iter().try_for_each(|(source, name)| writeln!(f, "{source}: no rule: {name}"))
    }
}
