//! [`Health`]: what no clip may have.

use serde::Serialize;

use super::reference::Reference;
use super::set::Set;
use super::studio::Studio;
use crate::audio::Clip;
use crate::error::{Error, GenerateError, Result};
use crate::generate::{Finish, Rendered, Request};
use crate::metrics::tail_level_db;

/// A render whose peak stays below this share of full scale is silent (-60 dBFS).
const SILENT_PEAK: f32 = 1e-3;
/// A mean beyond this share of the peak is an offset. The beat of a kick has one too: a decaying sine of 40 Hz, 0.005
/// over 0.74 s.
const DC_SHARE: f64 = 0.01;
/// No tail below this is too loud, dBFS.
const QUIET_TAIL_DBFS: f64 = -55.0;
/// A tail may be so much louder than the loudest recording's: a change of level rounds the samples.
const TAIL_MARGIN_DB: f64 = 0.1;
/// The end is cut where its last millisecond still reaches this share of the peak (-40 dB).
const CUT_SHARE: f32 = 0.01;
/// Clips that are named for each fault.
const NAMED: usize = 5;

/// How many clips have which fault, as files of the usual level (-1 dBFS).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Health {
    /// How many clips were looked at.
    pub clips: usize,
    /// The model gave infinities or NaNs, and no clip.
    pub not_finite: Fault,
    /// The model's own peak is below -60 dBFS.
    pub silent: Fault,
    /// Samples at full scale, or a top of three or more samples cut flat.
    pub clipped: Fault,
    /// The mean is beyond a hundredth of the peak.
    pub dc: Fault,
    /// The last 46 ms lie above -55 dBFS and above the loudest ending of any recording of the class.
    pub loud_tail: Fault,
    /// The last millisecond reaches a hundredth of the peak.
    pub cut_end: Fault,
    /// No fault of a file: the model's own peak is beyond full scale, so that `--raw` would clip it.
    pub hot: Fault,
}

/// How many clips have it.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Fault {
    /// How many.
    pub clips: usize,
    /// The first five of them: class and seed, or path.
    pub first: Vec<String>,
}

impl Fault {
    fn count(&mut self, has_it: bool, name: &str) {
        self.clips += usize::from(has_it);
        if has_it && self.first.len() < NAMED {
            self.first.push(name.to_owned());
        }
    }
}

/// What was found of one clip.
struct Findings {
    name: String,
    /// In the order of [`Health`]'s fields.
    faults: [bool; 7],
}

impl Health {
    /// Of `count` renders, a seed each, of the class that its seed draws.
    pub(super) fn of_renders(studio: &Studio, reference: &Reference, count: usize) -> Result<Self> {
        let requests: Vec<Request> = studio.seeds(count).map(|seed| studio.request(None, seed)).collect();
        let endings = Endings::of(reference);
        let findings = studio.render(&requests, |n, rendered| examine(&requests[n], rendered, &endings))?;
        Ok(Self::sum(findings))
    }

    /// Of all recordings, for comparison.
    pub(super) fn of_recordings(reference: &Reference) -> Result<Self> {
        let endings = Endings::of(reference);
        let sounds = reference.held_out.sounds.iter().chain(&reference.trained.sounds);
        let findings = sounds.map(|sound| {
            let clip = Clip::mono(sound.samples.clone(), reference.held_out.sample_rate)?;
            Ok(Findings { name: sound.name.clone(), faults: faults(&clip, endings.loudest(Some(sound.class)))? })
        });
        Ok(Self::sum(findings.collect::<Result<Vec<_>>>()?))
    }

    fn sum(findings: Vec<Findings>) -> Self {
        let mut health = Self { clips: findings.len(), ..Self::default() };
        for Findings { name, faults } in &findings {
            let Self { clips: _, not_finite, silent, clipped, dc, loud_tail, cut_end, hot } = &mut health;
            let counters = [not_finite, silent, clipped, dc, loud_tail, cut_end, hot];
            counters.into_iter().zip(faults).for_each(|(fault, has_it)| fault.count(*has_it, name));
        }
        health
    }
}

/// The loudest ending of each class's recordings.
struct Endings {
    names: Vec<String>,
    loudest_dbfs: Vec<f64>,
}

impl Endings {
    fn of(reference: &Reference) -> Self {
        let mut loudest_dbfs = vec![f64::NEG_INFINITY; reference.classes.len()];
        let mut listen = |set: &Set| {
            for sound in &set.sounds {
                let loudest = &mut loudest_dbfs[sound.class];
                *loudest = loudest.max(tail_level_db(&sound.samples, set.sample_rate));
            }
        };
        listen(&reference.held_out);
        listen(&reference.trained);
        Self { names: reference.classes.clone(), loudest_dbfs }
    }

    fn loudest(&self, class: Option<usize>) -> f64 {
        class.map_or(f64::INFINITY, |class| self.loudest_dbfs[class])
    }

    fn class(&self, name: Option<&str>) -> Option<usize> {
        self.names.iter().position(|known| Some(known.as_str()) == name)
    }
}

fn examine(request: &Request, rendered: Result<Rendered>, endings: &Endings) -> Result<Findings> {
    match rendered {
        Ok(Rendered { clip, recipe, .. }) => {
            let class = recipe.class.as_deref();
            let name = format!("{} seed {}", class.unwrap_or("clip"), recipe.seed);
            Ok(Findings { name, faults: faults(&clip, endings.loudest(endings.class(class)))? })
        }
        Err(Error::Generate(GenerateError::NotFinite { .. })) => {
            let faults = [true, false, false, false, false, false, false];
            Ok(Findings { name: format!("seed {}", request.seed), faults })
        }
        Err(error) => Err(error),
    }
}

/// Which faults a clip has, in the order of [`Health`]'s fields. `loudest_tail`: what its class may end at, dBFS.
fn faults(clip: &Clip, loudest_tail: f64) -> Result<[bool; 7]> {
    let hot = clip.peak() > 1.0;
    if clip.peak() < SILENT_PEAK {
        return Ok([false, true, false, false, false, false, hot]);
    }
    let finished = Finish::plain(clip.sample_rate()).apply(clip)?;
    let (samples, peak) = (&finished.channels()[0], finished.peak());
    let mean = samples.iter().map(|&x| f64::from(x)).sum::<f64>() / samples.len() as f64;
    let last = &samples[samples.len().saturating_sub(clip.sample_rate() as usize / 1000)..];
    Ok([
        false,
        false,
        peak >= 1.0 || has_flat_top(samples, peak),
        mean.abs() > DC_SHARE * f64::from(peak),
        tail_level_db(samples, clip.sample_rate()) > QUIET_TAIL_DBFS.max(loudest_tail + TAIL_MARGIN_DB),
        last.iter().any(|x| x.abs() > CUT_SHARE * peak),
        hot,
    ])
}

/// Three neighbours at the very peak: only a limit makes them, for the top of any curve is round.
fn has_flat_top(samples: &[f32], peak: f32) -> bool {
    samples.windows(3).any(|three| three.iter().all(|x| *x >= peak) || three.iter().all(|x| *x <= -peak))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A decaying sine of half a second at 44.1 kHz, changed sample by sample.
    fn clip(change: impl Fn(f32) -> f32) -> Clip {
        let at = |i: usize| {
            let t = i as f32 / 44_100.0;
            change((std::f32::consts::TAU * 100.0 * t).sin() * (-30.0 * t).exp())
        };
        Clip::mono((0..22_050).map(at).collect(), 44_100).unwrap()
    }

    fn health(clips: &[Clip]) -> Health {
        let findings =
            |(n, clip): (usize, &Clip)| Findings { name: n.to_string(), faults: faults(clip, -60.0).unwrap() };
        Health::sum(clips.iter().enumerate().map(findings).collect())
    }

    #[test]
    fn a_clean_hit_has_no_fault() {
        let found = health(&[clip(|x| x)]);
        assert_eq!(found, Health { clips: 1, ..Health::default() });
    }

    #[test]
    fn silence_clipping_offset_and_what_rings_on_are_counted_apart_and_named() {
        let clips = [clip(|x| 1e-5 * x), clip(|x| (3.0 * x).clamp(-1.0, 1.0)), clip(|x| x + 0.02), clip(|x| 4.0 * x)];
        let found = health(&clips);
        assert_eq!((found.silent.clips, &found.silent.first[..]), (1, &["0".to_owned()][..]));
        assert_eq!((found.clipped.clips, &found.clipped.first[..]), (1, &["1".to_owned()][..]));
        assert!(found.dc.first.contains(&"2".to_owned()), "{found:?}");
        // An offset never ends.
        assert_eq!((found.loud_tail.clips, found.cut_end.clips), (1, 1));
        assert_eq!((found.hot.clips, &found.hot.first[..]), (1, &["3".to_owned()][..]));
    }

    #[test]
    fn an_ending_as_loud_as_the_recordings_is_no_fault() {
        let ringing = clip(|x| x + 0.005);
        assert!(faults(&ringing, -60.0).unwrap()[4]);
        assert!(!faults(&ringing, -20.0).unwrap()[4]);
    }

    #[test]
    fn a_sound_that_is_not_finite_is_counted_and_other_errors_stop() {
        let endings = Endings { names: vec![], loudest_dbfs: vec![] };
        let request = Request { seed: 9, ..Request::default() };
        let broken = Err(GenerateError::NotFinite { model: "m".into(), seed: 9 }.into());
        let found = Health::sum(vec![examine(&request, broken, &endings).unwrap()]);
        assert_eq!((found.not_finite.clips, &found.not_finite.first[..]), (1, &["seed 9".to_owned()][..]));
        assert!(examine(&request, Err(GenerateError::NoRecipe.into()), &endings).is_err());
    }
}
