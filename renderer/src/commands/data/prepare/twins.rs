//! Sounds that are too alike: duplicates are dropped, siblings get one group so that no split parts them.

use super::hit::{Hit, SAMPLE_RATE, cosine, slug};
use realfft::RealFftPlanner;
use std::collections::HashMap;

/// Above this cosine of the aligned waveforms two sounds are the same.
pub const DUPLICATE: f32 = 0.995;
/// Above this cosine of the log-mel pictures two sounds stem from the same recording.
pub const SIBLING: f32 = 0.99;
/// Below this cosine of the pictures the waveforms need no comparison.
const WORTH_COMPARING: f32 = 0.95;
/// Lags of the alignment either way, in samples: onsets are found to within a few samples.
const LAGS: usize = 12;
/// Samples of the comparison: 0.37 s.
const COMPARED: usize = 16_384;

const N_FFT: usize = 1024;
const HOP_LENGTH: usize = 512;
const COLUMNS: usize = 48;
const BANDS: usize = 40;
/// Depth of a picture, dB.
const DEPTH_DB: f32 = 60.0;

/// Hits without duplicates, and the group of each.
#[derive(Debug)]
pub struct Sorted {
    /// What stays, in order of source and level.
    pub hits: Vec<Hit>,
    /// Group of each hit: the name of the first recording in it.
    pub groups: Vec<String>,
    /// How many duplicates were dropped.
    pub num_duplicates: usize,
}

/// Drop all but the clearest of equal sounds, and give siblings one group.
///
/// Siblings share a recording by name, look alike ([`SIBLING`]), or were equal to one another's duplicates.
pub fn sort(mut hits: Vec<Hit>, source_rank: impl Fn(&Hit) -> usize) -> Sorted {
    hits.sort_by(|a, b| {
        (source_rank(a), a.class)
            .cmp(&(source_rank(b), b.class))
            .then(b.level.total_cmp(&a.level))
            .then(a.name.cmp(&b.name))
    });
    let mut pictures = Pictures::new();
    let pictures: Vec<Vec<f32>> = hits.iter().map(|hit| pictures.of(&hit.samples)).collect();
    let mut families = Families::new(hits.len());
    let mut kept: Vec<usize> = Vec::new();
    for idx in 0..hits.len() {
        let mut is_duplicate = false;
        for &other in kept.iter().filter(|&&other| hits[other].class == hits[idx].class) {
            let alike = cosine(&pictures[idx], &pictures[other]);
            if alike > SIBLING {
                families.join(idx, other);
            }
            if alike > WORTH_COMPARING && aligned_cosine(&hits[idx].samples, &hits[other].samples) > DUPLICATE {
                families.join(idx, other);
                is_duplicate = true;
                break;
            }
        }
        if !is_duplicate {
            kept.push(idx);
        }
    }
    join_by_material(&hits, &mut families);
    let names = group_names(&hits, &mut families);
    let num_duplicates = hits.len() - kept.len();
    let groups = kept.iter().map(|&idx| names[&families.head(idx)].clone()).collect();
    let mut all: Vec<Option<Hit>> = hits.into_iter().map(Some).collect();
    let hits = kept.iter().filter_map(|&idx| all[idx].take()).collect();
    Sorted { hits, groups, num_duplicates }
}

fn join_by_material(hits: &[Hit], families: &mut Families) {
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    for (idx, hit) in hits.iter().enumerate() {
        for material in &hit.material {
            families.join(idx, *first_with.entry(material).or_insert(idx));
        }
    }
}

/// For the head of each family the first name in the alphabet.
fn group_names(hits: &[Hit], families: &mut Families) -> HashMap<usize, String> {
    let mut names: HashMap<usize, String> = HashMap::new();
    for (idx, hit) in hits.iter().enumerate() {
        let name = hit.material.iter().map(|material| slug(material)).min().unwrap_or_else(|| hit.name.clone());
        let held = names.entry(families.head(idx)).or_insert_with(|| name.clone());
        if name < *held {
            *held = name;
        }
    }
    names
}

/// The largest |cosine| over small shifts: turned polarity is the same sound.
fn aligned_cosine(a: &[f32], b: &[f32]) -> f32 {
    let shifted = |a: &[f32], b: &[f32], lag: usize| {
        let a = a.get(lag..).unwrap_or(&[]);
        cosine(&a[..a.len().min(COMPARED)], b).abs()
    };
    let best = |a, b| (0..=LAGS).map(|lag| shifted(a, b, lag)).fold(0.0, f32::max);
    // A short sound is no duplicate of a long one that begins alike.
    let lengths = a.len().min(b.len()) as f32 / a.len().max(b.len()).max(1) as f32;
    if lengths < 0.8 { 0.0 } else { best(a, b).max(best(b, a)) }
}

/// Disjoint sets with path halving.
struct Families(Vec<usize>);

impl Families {
    fn new(members: usize) -> Self {
        Self((0..members).collect())
    }

    fn head(&mut self, mut member: usize) -> usize {
        while self.0[member] != member {
            self.0[member] = self.0[self.0[member]];
            member = self.0[member];
        }
        member
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.head(a), self.head(b));
        self.0[a.max(b)] = a.min(b);
    }
}

/// Draws log-mel pictures: `COLUMNS` x `BANDS`, 0 at -60 dB below the loudest place and 1 there.
struct Pictures {
    planner: RealFftPlanner<f32>,
    window: Vec<f32>,
    /// Band of each bin.
    bands: Vec<usize>,
}

impl Pictures {
    fn new() -> Self {
        let mel = |hz: f32| 2595.0 * (1.0 + hz / 700.0).log10();
        let nyquist = mel(SAMPLE_RATE as f32 / 2.0);
        let band = |bin: usize| mel(bin as f32 * SAMPLE_RATE as f32 / N_FFT as f32) / nyquist * BANDS as f32;
        let hann = |n: usize| 0.5 - 0.5 * (std::f32::consts::TAU * n as f32 / N_FFT as f32).cos();
        Self {
            planner: RealFftPlanner::new(),
            window: (0..N_FFT).map(hann).collect(),
            bands: (0..=N_FFT / 2).map(|bin| (band(bin) as usize).min(BANDS - 1)).collect(),
        }
    }

    fn of(&mut self, samples: &[f32]) -> Vec<f32> {
        let fft = self.planner.plan_fft_forward(N_FFT);
        let (mut input, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
        let mut energies = vec![0.0f32; COLUMNS * BANDS];
        for (column, energies) in energies.chunks_exact_mut(BANDS).enumerate() {
            let part = samples.get(column * HOP_LENGTH..).unwrap_or(&[]).iter().chain(std::iter::repeat(&0.0));
            for ((x, sample), weight) in input.iter_mut().zip(part).zip(&self.window) {
                *x = sample * weight;
            }
            fft.process(&mut input, &mut spectrum).expect("the buffers come from the plan itself");
            for (bin, &band) in spectrum.iter().zip(&self.bands) {
                energies[band] += bin.norm_sqr();
            }
        }
        let loudest = energies.iter().fold(f32::MIN_POSITIVE, |max, &energy| max.max(energy));
        energies.iter().map(|energy| (1.0 + 10.0 * (energy / loudest).max(1e-20).log10() / DEPTH_DB).max(0.0)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::sources::DRUMS;
    use super::*;

    /// A decaying tone of `hz`.
    fn hit(name: &str, hz: f32, gain: f32, material: &str) -> Hit {
        let tone = |n: usize| gain * (-(n as f32) / 3000.0).exp() * (n as f32 * hz * 0.0001425).sin();
        Hit {
            samples: (0..20_000).map(tone).collect(),
            class: "tom",
            source: &DRUMS[0],
            name: name.to_owned(),
            origin: name.to_owned(),
            pitch: None,
            material: vec![material.to_owned()],
            level: gain.abs(),
        }
    }

    #[test]
    fn of_equal_sounds_the_loudest_stays_whatever_its_polarity() {
        let sorted = sort(vec![hit("soft", 200.0, 0.3, "a"), hit("loud", 200.0, -0.9, "b")], |_| 0);
        assert_eq!(sorted.hits.len(), 1);
        assert_eq!((sorted.hits[0].name.as_str(), sorted.num_duplicates), ("loud", 1));
    }

    #[test]
    fn a_dropped_duplicate_still_joins_the_groups_of_its_recordings() {
        let hits = vec![
            hit("x", 200.0, 0.9, "a"),
            hit("y", 200.0, 0.5, "b"),
            hit("z", 900.0, 0.8, "b"),
            hit("w", 3000.0, 0.7, "c"),
        ];
        let sorted = sort(hits, |_| 0);
        let groups: Vec<_> =
            sorted.hits.iter().zip(&sorted.groups).map(|(hit, group)| (hit.name.as_str(), group.as_str())).collect();
        assert_eq!(groups, [("x", "a"), ("z", "a"), ("w", "c")]);
    }
}
