//! Inpainting: parts of a sound made anew, to fit the rest.

use std::ops::Range;
use std::sync::Arc;

use super::edit::Inpaint;
use super::fade::fade_out;
use super::field::of_side;
use super::recipe::Recipe;
use super::request::{Basis, micro, samples_in};
use super::sound_file::{onset, window};
use super::sounds::Workshop;
use super::stages::{Guide, Run};
use super::watch::Watch;
use crate::audio::{Clip, resample_periodic};
use crate::error::{GenerateError, Result};
use crate::noise::{NoiseStream, Seed};

/// Within a mask's edge the file fades into the new sound, over this many seconds (or half the mask).
const EDGE_S: f64 = 0.005;

/// Check the masks against the file and the model's length; ascending, and those that touch are one.
///
/// Of a loop the model sees all at once, so that a mask may be as long as it is.
pub(super) fn resolve_inpaint(inpaint: &Inpaint, is_loop: bool, basis: Basis<'_>) -> Result<Inpaint> {
    let file = inpaint.file.pinned()?;
    let sample_rate = basis.card.config.sample_rate;
    let length = basis.sounds.samples(&file)?.len();
    let num_samples = if is_loop { length } else { basis.num_samples };
    let mut masks: Vec<[f64; 2]> = inpaint.masks.iter().map(|mask| mask.map(micro)).collect();
    masks.sort_by(|a, b| a[0].total_cmp(&b[0]));
    let mut merged: Vec<[f64; 2]> = Vec::new();
    for [start, end] in masks {
        match merged.last_mut() {
            Some(last) if last[0] <= start && start <= last[1] => last[1] = last[1].max(end),
            _ => merged.push([start, end]),
        }
    }
    for &[start, end] in &merged {
        let refuse = |reason| Err(GenerateError::Mask { start, end, path: file.path.clone(), reason }.into());
        let (longest_s, length_s) = (seconds(num_samples, sample_rate), seconds(length, sample_rate));
        // NaN fails the comparisons.
        if !(start >= 0.0 && end > start) || samples_in(end, sample_rate) > length {
            return refuse(format!("need 0 <= start < end <= {length_s} s, the end of the sound"));
        }
        let range = samples_in(start, sample_rate)..samples_in(end, sample_rate);
        if range.is_empty() || range.len() > num_samples {
            return refuse(format!(
                "need at least a sample and at most {longest_s} s, the length of the model's clips"
            ));
        }
    }
    if merged.is_empty() {
        let (field, need) = ("the number of masks".into(), "at least 1: what shall be made anew".into());
        return Err(GenerateError::OutOfRange { field, found: "0".into(), need }.into());
    }
    Ok(Inpaint { file, masks: merged })
}

fn seconds(num_samples: usize, sample_rate: u32) -> f64 {
    micro(num_samples as f64 / f64::from(sample_rate))
}

/// A sound with holes, and the windows through which the model sees them.
#[derive(Clone)]
pub(super) struct Painting {
    samples: Arc<Vec<f32>>,
    sample_rate: u32,
    /// Samples of a window.
    num_samples: usize,
    windows: Vec<Window>,
    /// Its end leads to its start. There is one window, on the model's circle.
    is_loop: bool,
}

/// As much of a sound as the model's clips hold; of a loop, all of it.
#[derive(Clone, Debug, PartialEq)]
struct Window {
    /// The sample of the sound at which it begins; before the sound's first is silence.
    start: isize,
    /// What is made anew in it, in samples of the sound.
    masks: Vec<Range<usize>>,
}

impl Painting {
    /// Read the file and lay windows as long as the model's clips over its masks.
    ///
    /// # Errors
    /// The file cannot be read, or holds another sound than the recipe was made from.
    pub(super) fn new(inpaint: &Inpaint, is_loop: bool, shop: Workshop<'_>) -> Result<Self> {
        let sample_rate = shop.model.card.config.sample_rate;
        let samples = shop.sounds.samples(&inpaint.file)?;
        let in_samples = |[start, end]: &[f64; 2]| {
            samples_in(*start, sample_rate).min(samples.len())..samples_in(*end, sample_rate).min(samples.len())
        };
        let masks: Vec<Range<usize>> = inpaint.masks.iter().map(in_samples).collect();
        if is_loop {
            let (num_samples, windows) = (samples.len(), vec![Window { start: 0, masks }]);
            return Ok(Self { samples, sample_rate, num_samples, windows, is_loop });
        }
        let num_samples = shop.model.representation.num_samples();
        let windows = windows(&masks, onset(&samples, sample_rate)?, num_samples);
        Ok(Self { samples, sample_rate, num_samples, windows, is_loop })
    }

    /// Clips that the model makes.
    pub(super) fn num_windows(&self) -> usize {
        self.windows.len()
    }

    /// The sound with its masks made anew; each window sees what those before it made.
    ///
    /// # Errors
    /// Cancelled.
    pub(super) fn paint(&self, shop: Workshop<'_>, recipe: &Recipe, watch: &Watch) -> Result<Vec<f32>> {
        let mut samples = self.samples.to_vec();
        for (idx, window) in self.windows.iter().enumerate() {
            let recipe = Recipe { seed: recipe.seed.wrapping_add(idx as u64), ..recipe.clone() };
            let fresh = self.fresh(&samples, window, shop, &recipe, watch)?;
            for mask in &window.masks {
                let begin = (mask.start as isize - window.start) as usize;
                self.patch(&mut samples, mask, &fresh[begin..begin + mask.len()]);
            }
        }
        Ok(samples)
    }

    /// What the model makes of a window, at the sound's own level. Each has a seed of its own, that of `recipe`.
    fn fresh(
        &self,
        samples: &[f32],
        place: &Window,
        shop: Workshop<'_>,
        recipe: &Recipe,
        watch: &Watch,
    ) -> Result<Vec<f32>> {
        let run = Run::new(shop, recipe, watch, &[]);
        let representation = shop.model.representation_at(run.octaves);
        let mut around = window(samples, place.start, self.num_samples);
        let known = place.known(self.num_samples);
        let gain = gain(&around, &known);
        around.iter_mut().for_each(|x| *x *= gain);
        // The circle of the frames is longer or shorter by some samples than a loop.
        let len = representation.num_samples();
        let around = self.stretched(around, len)?;
        let known: Vec<bool> = (0..len).map(|i| known[i * self.num_samples / len]).collect();
        let frames = representation.encode(&around)?;
        let known_frames = representation.known_frames(&known);
        let frames = run.frames(Guide::Around(&frames, &known_frames))?;
        watch.check()?;
        let mut phases = NoiseStream::new(Seed(recipe.seed), &of_side("phase", shop.turn), 0);
        let mut fresh = representation.decode_around(&frames, &mut phases, &around, &known)?;
        fresh = self.stretched(fresh, self.num_samples)?;
        fresh.iter_mut().for_each(|x| *x /= gain);
        Ok(fresh)
    }

    /// A window in so many samples: of a loop one period, and of anything else what it is.
    fn stretched(&self, samples: Vec<f32>, len: usize) -> Result<Vec<f32>> {
        if samples.len() == len {
            return Ok(samples);
        }
        let period = Clip::mono(samples, self.sample_rate)?;
        Ok(resample_periodic(&period, len, self.sample_rate)?.into_channels().remove(0))
    }

    /// Put `fresh` into a mask, with a cross-fade at each edge that has the file beyond it; an end of the file that is
    /// made anew fades out, unless it leads back to the start.
    fn patch(&self, samples: &mut [f32], mask: &Range<usize>, fresh: &[f32]) {
        let mut fresh = fresh.to_vec();
        let (mut is_start, mut is_end) = (mask.start == 0, mask.end == samples.len());
        if self.is_loop {
            // Beyond the seam lies the file, unless that part of it is made anew too.
            is_start &= self.is_masked(samples.len() - 1);
            is_end &= self.is_masked(0);
        } else if is_end {
            fade_out(&mut fresh, self.sample_rate);
        }
        let edge = samples_in(EDGE_S, self.sample_rate).min(mask.len() / 2).max(1);
        for (i, (old, new)) in samples[mask.clone()].iter_mut().zip(&fresh).enumerate() {
            let rise = if is_start { 1.0 } else { raised_cosine(i + 1, edge) };
            let fall = if is_end { 1.0 } else { raised_cosine(mask.len() - i, edge) };
            *old += rise * fall * (new - *old);
        }
    }

    /// Whether this sample is made anew.
    fn is_masked(&self, at: usize) -> bool {
        self.windows.iter().flat_map(|window| &window.masks).any(|mask| mask.contains(&at))
    }
}

impl Window {
    /// For each of its `len` samples whether it stays.
    fn known(&self, len: usize) -> Vec<bool> {
        let is_masked = |at: isize| self.masks.iter().any(|mask| mask.contains(&(at as usize)));
        (0..len as isize).map(|i| self.start + i < 0 || !is_masked(self.start + i)).collect()
    }
}

/// Windows of `len` samples that hold every one of `masks` (ascending, none longer): the first begins at `first`, where
/// training examples begin, as far as it reaches; any other has its first mask in the middle.
fn windows(masks: &[Range<usize>], first: isize, len: usize) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for mask in masks {
        let (start, end) = (mask.start as isize, mask.end as isize);
        if let Some(last) = windows.last_mut().filter(|last| end <= last.start + len as isize) {
            last.masks.push(mask.clone());
            continue;
        }
        let is_first = first <= start && end <= first + len as isize;
        let middle = start - (len as isize - mask.len() as isize) / 2;
        windows.push(Window { start: if is_first { first } else { middle }, masks: vec![mask.clone()] });
    }
    windows
}

/// What brings the known samples to peak 1, as examples in training are; 1 for silence.
fn gain(samples: &[f32], known: &[bool]) -> f32 {
    let stays = samples.iter().zip(known).filter(|(_, known)| **known);
    let peak = stays.fold(0.0_f32, |peak, (x, _)| x.abs().max(peak));
    if peak > 1e-6 { 1.0 / peak } else { 1.0 }
}

/// From above 0 at `i = 1` to 1 at `i = n` and beyond.
fn raised_cosine(i: usize, n: usize) -> f32 {
    let position = (i as f64 / n as f64).min(1.0);
    (0.5 - 0.5 * libm::cos(std::f64::consts::PI * position)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(start: isize, masks: &[Range<usize>]) -> Window {
        Window { start, masks: masks.to_vec() }
    }

    #[test]
    fn windows_hold_every_mask_and_the_first_begins_where_examples_begin() {
        assert_eq!(windows(&[10..20, 50..90], -4, 100), [window(-4, &[10..20, 50..90])]);
        // The second lies beyond the first window, and has its mask in the middle.
        assert_eq!(
            windows(&[10..20, 95..105], -4, 100),
            [window(-4, std::slice::from_ref(&(10..20))), window(50, std::slice::from_ref(&(95..105)))]
        );
        // A mask before the onset has a window of its own.
        assert_eq!(
            windows(&[10..20, 90..110], 60, 100),
            [window(-35, std::slice::from_ref(&(10..20))), window(60, std::slice::from_ref(&(90..110)))]
        );
    }

    #[test]
    fn what_lies_before_the_sound_is_known_and_what_is_masked_is_not() {
        let known = window(-2, &[0..3, 5..6]).known(10);
        assert_eq!(known, [true, true, false, false, false, true, true, false, true, true]);
    }

    #[test]
    fn a_patch_keeps_what_is_outside_and_joins_it_without_a_step() {
        let painting =
            Painting { samples: Arc::default(), sample_rate: 1000, num_samples: 100, windows: vec![], is_loop: false };
        let mut samples = vec![1.0; 100];
        painting.patch(&mut samples, &(40..60), &[-1.0; 20]);
        assert!(samples[..40].iter().chain(&samples[60..]).all(|&x| x == 1.0));
        // 5 ms are 5 samples.
        assert!(samples[45..55].iter().all(|&x| x == -1.0));
        // The steepest part of a raised cosine over 5 samples, from 1 to -1.
        assert!(samples.windows(2).all(|pair| (pair[1] - pair[0]).abs() < 0.65), "{samples:?}");
    }

    #[test]
    fn at_the_ends_of_the_file_there_is_nothing_to_fade_from_and_the_last_sample_is_silent() {
        let painting =
            Painting { samples: Arc::default(), sample_rate: 1000, num_samples: 100, windows: vec![], is_loop: false };
        let mut samples = vec![1.0; 100];
        painting.patch(&mut samples, &(0..100), &[-1.0; 100]);
        assert_eq!((samples[0], samples[50], samples[99]), (-1.0, -1.0, 0.0));
    }
}
