//! [`Maps`]: the mean and spread of every cell, by class.

use super::Frames;
use crate::error::RepresentationError;
use crate::error::Result;

/// Mean and standard deviation of every cell, for each class and over all: brings frames to zero mean, unit variance.
#[derive(Clone, Debug, PartialEq)]
pub struct Maps {
    /// One mean for each class, then the global one.
    pub mean: Vec<Frames>,
    /// One standard deviation for each class, then the global one; every value > 0.
    pub std: Vec<Frames>,
}

/// How [`Maps::fit`] smooths.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MapsConfig {
    /// Smallest standard deviation, in the representation's unit (dB): above 0.
    pub std_floor: f32,
    /// Odd width of the smoothing over channels; 1 is none.
    pub smooth_channels: usize,
    /// Odd width of the smoothing over frames; 1 is none.
    pub smooth_frames: usize,
    /// How many examples the global map counts for in a class's map; at least 0.
    pub shrink: f32,
}

impl Default for MapsConfig {
    fn default() -> Self {
        Self { std_floor: 3.0, smooth_channels: 9, smooth_frames: 7, shrink: 4.0 }
    }
}

impl MapsConfig {
    /// Check every parameter.
    ///
    /// # Errors
    /// A parameter out of range, by name.
    pub fn validate(&self) -> Result<()> {
        let require = |holds: bool, name: &'static str, found: String, need: &str| {
            let need = need.to_owned();
            let error = RepresentationError::Parameter { object: "maps", name, found, need };
            if holds { Ok(()) } else { Err(error) }
        };
        let is_width = |width: usize| width % 2 == 1 && width < 1 << 16;
        let (channels, frames) = (self.smooth_channels, self.smooth_frames);
        let std_floor_holds = self.std_floor > 0.0 && self.std_floor.is_finite();
        require(std_floor_holds, "std_floor", self.std_floor.to_string(), "a number above 0")?;
        require(is_width(channels), "smooth_channels", channels.to_string(), "an odd number below 65536")?;
        require(is_width(frames), "smooth_frames", frames.to_string(), "an odd number below 65536")?;
        let shrink_holds = self.shrink >= 0.0 && self.shrink.is_finite();
        require(shrink_holds, "shrink", self.shrink.to_string(), "a number, at least 0")?;
        Ok(())
    }
}

impl Maps {
    /// Fit on examples of `(class, frames)`; all of one shape; `class < num_classes`. With `num_classes` 0 the class is
    /// ignored and there is only the global map.
    ///
    /// A class's mean and mean square are those of its examples and of `shrink` more that look like the average of all.
    /// The mean is smoothed; what smoothing takes from it counts as spread.
    ///
    /// # Errors
    /// No example, unequal shapes, a class out of range, or a parameter of `config` out of range.
    pub fn fit<'a>(
        examples: impl Iterator<Item = (usize, &'a Frames)>,
        num_classes: usize,
        config: &MapsConfig,
    ) -> Result<Self> {
        config.validate()?;
        let mut examples = examples.peekable();
        let Some(&(_, first)) = examples.peek() else {
            return Err(RepresentationError::NoExamples.into());
        };
        let (num_frames, num_channels) = (first.num_frames, first.num_channels);
        let mut classes = vec![Moments::zeros(num_frames * num_channels); num_classes];
        let mut global = Moments::zeros(num_frames * num_channels);
        for (class, frames) in examples {
            frames.check_shape(num_frames, num_channels)?;
            global.add(frames);
            match classes.get_mut(class) {
                Some(moments) => moments.add(frames),
                None if num_classes == 0 => {}
                None => return Err(RepresentationError::ClassOutOfRange { class, num_classes }.into()),
            }
        }
        classes.iter_mut().for_each(|moments| moments.shrink_to(&global, f64::from(config.shrink)));
        let all = classes.iter().chain([&global]);
        let (mean, std) = all.map(|moments| moments.maps(num_frames, num_channels, config)).unzip();
        Ok(Self { mean, std })
    }

    /// `(x - mean) / std` in place; `None` takes the global map, and so does a class that has no map.
    ///
    /// # Panics
    /// If `frames` has another shape than the maps.
    pub fn normalise(&self, class: Option<usize>, frames: &mut Frames) {
        let (mean, std) = self.of(class);
        assert_eq!(frames.data.len(), mean.data.len(), "values in frames and maps");
        for ((x, mean), std) in frames.data.iter_mut().zip(&mean.data).zip(&std.data) {
            *x = (*x - mean) / std;
        }
    }

    /// `x * std + mean` in place; the inverse of [`Maps::normalise`].
    ///
    /// # Panics
    /// If `frames` has another shape than the maps.
    pub fn denormalise(&self, class: Option<usize>, frames: &mut Frames) {
        let (mean, std) = self.of(class);
        assert_eq!(frames.data.len(), mean.data.len(), "values in frames and maps");
        for ((x, mean), std) in frames.data.iter_mut().zip(&mean.data).zip(&std.data) {
            *x = *x * std + mean;
        }
    }

    /// The map between those of these classes, as the only one: the weighted mean of their means and deviations.
    ///
    /// # Panics
    /// If there is no part.
    #[must_use]
    pub fn mixed(&self, parts: &[(f32, Option<usize>)]) -> Self {
        let mix = |of: &dyn Fn(Option<usize>) -> Frames| {
            let scaled = parts.iter().map(|(weight, class)| {
                let mut frames = of(*class);
                frames.data.iter_mut().for_each(|x| *x *= weight);
                frames
            });
            let sum = scaled.reduce(|mut sum, frames| {
                sum.data.iter_mut().zip(&frames.data).for_each(|(sum, x)| *sum += x);
                sum
            });
            vec![sum.expect("a mix has at least one part")]
        };
        Self { mean: mix(&|class| self.of(class).0.clone()), std: mix(&|class| self.of(class).1.clone()) }
    }

    /// Mean and standard deviation of `class`, or the global ones.
    ///
    /// # Panics
    /// If there is no map at all: [`Maps::fit`] always gives one.
    fn of(&self, class: Option<usize>) -> (&Frames, &Frames) {
        let global = self.mean.len() - 1;
        let index = class.map_or(global, |class| class.min(global));
        (&self.mean[index], &self.std[index])
    }
}

impl Maps {
    /// The maps of a sound that is the same at all times: every one of `num_frames` frames has the mean over all of these,
    /// and the root of the mean square deviation.
    #[must_use]
    pub fn level(&self, num_frames: usize) -> Self {
        // The mean of `bend(x)`, and what undoes it.
        let over_time = |map: &Frames, bend: fn(f64) -> f64, undo: fn(f64) -> f64| {
            let mut row = vec![0.0f64; map.num_channels];
            for frame in map.data.chunks_exact(map.num_channels) {
                row.iter_mut().zip(frame).for_each(|(sum, &x)| *sum += bend(f64::from(x)));
            }
            let data = row.into_iter().map(|sum| undo(sum / map.num_frames as f64) as f32).collect();
            Frames { data, num_frames: 1, ..*map }.at_places(&vec![0; num_frames])
        };
        let mean = self.mean.iter().map(|map| over_time(map, |x| x, |x| x)).collect();
        let std = self.std.iter().map(|map| over_time(map, |x| x * x, f64::sqrt)).collect();
        Self { mean, std }
    }

    /// The maps whose frame `n` is frame `places[n]` of these.
    ///
    /// # Panics
    /// If a place is beyond the frames.
    #[must_use]
    pub fn at_places(&self, places: &[usize]) -> Self {
        let pick = |maps: &Vec<Frames>| maps.iter().map(|map| map.at_places(places)).collect();
        Self { mean: pick(&self.mean), std: pick(&self.std) }
    }
}

/// Sums over examples, per cell.
#[derive(Clone)]
struct Moments {
    count: f64,
    sum: Vec<f64>,
    sum_of_squares: Vec<f64>,
}

impl Moments {
    fn zeros(len: usize) -> Self {
        Self { count: 0.0, sum: vec![0.0; len], sum_of_squares: vec![0.0; len] }
    }

    fn add(&mut self, frames: &Frames) {
        self.count += 1.0;
        let sums = self.sum.iter_mut().zip(&mut self.sum_of_squares);
        for ((sum, square), &x) in sums.zip(&frames.data) {
            *sum += f64::from(x);
            *square += f64::from(x).powi(2);
        }
    }

    /// Add `weight` examples with the moments of `global`, or one if that would leave none at all.
    fn shrink_to(&mut self, global: &Self, weight: f64) {
        let weight = if self.count == 0.0 { weight.max(1.0) } else { weight };
        let scale = weight / global.count;
        self.count += weight;
        self.sum.iter_mut().zip(&global.sum).for_each(|(a, b)| *a += scale * b);
        self.sum_of_squares.iter_mut().zip(&global.sum_of_squares).for_each(|(a, b)| *a += scale * b);
    }

    /// The smoothed mean and standard deviation.
    fn maps(&self, num_frames: usize, num_channels: usize, config: &MapsConfig) -> (Frames, Frames) {
        let raw: Vec<f64> = self.sum.iter().map(|sum| sum / self.count).collect();
        let mut mean = raw.clone();
        smooth(&mut mean, num_frames, num_channels, config);
        let squares = self.sum_of_squares.iter().map(|sum| sum / self.count);
        let spread = |((square, raw), mean): ((f64, &f64), &f64)| square - raw * raw + (raw - mean).powi(2);
        let mut variance: Vec<f64> = squares.zip(&raw).zip(&mean).map(spread).collect();
        smooth(&mut variance, num_frames, num_channels, config);
        let frames = |data| Frames { data, num_frames, num_channels };
        let std = variance.iter().map(|&v| (v.max(0.0).sqrt() as f32).max(config.std_floor)).collect();
        (frames(mean.iter().map(|&m| m as f32).collect()), frames(std))
    }
}

/// Box average over channels, then over frames; beyond the edges the outermost values repeat.
fn smooth(data: &mut [f64], num_frames: usize, num_channels: usize, config: &MapsConfig) {
    let mut line = Vec::new();
    for row in data.chunks_exact_mut(num_channels) {
        line.clear();
        line.extend_from_slice(row);
        row.iter_mut().enumerate().for_each(|(i, x)| *x = average(&line, i, config.smooth_channels));
    }
    for channel in 0..num_channels {
        line.clear();
        line.extend((0..num_frames).map(|n| data[n * num_channels + channel]));
        for n in 0..num_frames {
            data[n * num_channels + channel] = average(&line, n, config.smooth_frames);
        }
    }
}

/// Mean of the `width` values around `centre`.
fn average(line: &[f64], centre: usize, width: usize) -> f64 {
    let at = |i: usize| line[(centre + i).saturating_sub(width / 2).min(line.len() - 1)];
    (0..width).map(at).sum::<f64>() / width as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    const PLAIN: MapsConfig = MapsConfig { std_floor: 1e-3, smooth_channels: 1, smooth_frames: 1, shrink: 0.0 };

    fn random_examples(count: usize) -> Vec<(usize, Frames)> {
        let mut noise = NoiseStream::new(Seed(5), "maps", 0);
        let example = |i: usize| {
            let mut frames = Frames::zeros(4, 6);
            frames.data.fill_with(|| 10.0 * noise.normal() - 40.0 * (i % 2) as f32);
            (i % 2, frames)
        };
        (0..count).map(example).collect()
    }

    fn fit(examples: &[(usize, Frames)], num_classes: usize, config: &MapsConfig) -> Result<Maps> {
        Maps::fit(examples.iter().map(|(class, frames)| (*class, frames)), num_classes, config)
    }

    #[test]
    fn maps_follow_places_or_are_level_in_time() {
        let frames = |data: &[f32]| Frames { data: data.to_vec(), num_frames: 2, num_channels: 2 };
        let maps = Maps { mean: vec![frames(&[-1.0, 2.0, -3.0, 4.0])], std: vec![frames(&[1.0, 3.0, 7.0, 4.0])] };
        assert_eq!(maps.at_places(&[1, 0, 1]).mean[0].data, [-3.0, 4.0, -1.0, 2.0, -3.0, 4.0]);
        let level = maps.level(3);
        assert_eq!(level.mean[0].data, [-2.0, 3.0, -2.0, 3.0, -2.0, 3.0]);
        assert_eq!((level.std[0].num_frames, level.std[0].data[0]), (3, 5.0));
    }

    #[test]
    fn normalised_training_data_has_zero_mean_and_unit_variance_in_every_cell() {
        let mut examples = random_examples(40);
        let maps = fit(&examples, 2, &PLAIN).unwrap();
        examples.iter_mut().for_each(|(class, frames)| maps.normalise(Some(*class), frames));
        for cell in 0..24 {
            let values = || examples.iter().filter(|e| e.0 == 1).map(|e| f64::from(e.1.data[cell]));
            // 20 values of size about 1 in f32.
            assert!(values().sum::<f64>().abs() < 1e-4);
            assert!((values().map(|x| x * x).sum::<f64>() / 20.0 - 1.0).abs() < 1e-4);
        }
    }

    #[test]
    fn denormalise_undoes_normalise() {
        let examples = random_examples(6);
        let maps = fit(&examples, 2, &MapsConfig::default()).unwrap();
        let mut frames = examples[0].1.clone();
        maps.normalise(Some(1), &mut frames);
        maps.denormalise(Some(1), &mut frames);
        // Values of 40 dB in f32.
        assert!(frames.data.iter().zip(&examples[0].1.data).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    #[test]
    fn a_mix_of_maps_lies_between_them_and_of_one_is_that_one() {
        let maps = fit(&random_examples(40), 2, &PLAIN).unwrap();
        let mixed = maps.mixed(&[(0.25, Some(0)), (0.75, Some(1))]);
        let expected = 0.25 * maps.mean[0].data[7] + 0.75 * maps.mean[1].data[7];
        assert!((mixed.mean[0].data[7] - expected).abs() < 1e-5);
        assert_eq!(
            maps.mixed(&[(1.0, Some(1))]),
            Maps { mean: maps.mean[1..2].to_vec(), std: maps.std[1..2].to_vec() }
        );
        assert_eq!(maps.mixed(&[(1.0, None)]).std[0], maps.std[2]);
    }

    #[test]
    fn without_classes_there_is_one_map_for_all() {
        let examples = random_examples(6);
        let maps = fit(&examples, 0, &PLAIN).unwrap();
        assert_eq!((maps.mean.len(), maps.std.len()), (1, 1));
        let (mut by_class, mut global) = (examples[0].1.clone(), examples[0].1.clone());
        maps.normalise(Some(1), &mut by_class);
        maps.normalise(None, &mut global);
        assert_eq!(by_class, global);
    }

    #[test]
    fn an_unknown_class_takes_the_global_map_and_a_rare_one_leans_on_it() {
        let constant = |value| Frames { data: vec![value], num_frames: 1, num_channels: 1 };
        // Class 0: four zeros. Class 1: one 50. Class 2: nothing. The mean of all is 10.
        let mut examples = vec![(0, constant(0.0)); 4];
        examples.push((1, constant(50.0)));
        let maps = fit(&examples, 3, &MapsConfig { shrink: 4.0, ..PLAIN }).unwrap();
        let means: Vec<f32> = maps.mean.iter().map(|m| m.data[0]).collect();
        assert_eq!(means, [5.0, 18.0, 10.0, 10.0]);
        // Class 1: one 50 and four examples with a mean square of 500: 900 - 18^2 = 576.
        assert_eq!((maps.std[1].data[0], maps.std[3].data[0]), (24.0, 20.0));
    }

    #[test]
    fn spread_never_falls_below_the_floor() {
        let examples = vec![(0, Frames::zeros(3, 3)); 2];
        let maps = fit(&examples, 1, &MapsConfig::default()).unwrap();
        assert!(maps.std.iter().flat_map(|f| &f.data).all(|&s| s == 3.0));
    }

    #[test]
    fn smoothing_averages_over_the_box_and_repeats_the_edge() {
        let frames = Frames { data: vec![9.0, 0.0, 0.0, 0.0], num_frames: 1, num_channels: 4 };
        let config = MapsConfig { smooth_channels: 3, ..PLAIN };
        let maps = fit(&[(0, frames)], 0, &config).unwrap();
        assert_eq!(maps.mean[0].data, [6.0, 3.0, 0.0, 0.0]);
        // (raw - mean)^2 = 9, 9, 0, 0, smoothed to 9, 6, 3, 0.
        assert_eq!(maps.std[0].data, [3.0, 6f32.sqrt(), 3f32.sqrt(), 1e-3]);
    }

    #[test]
    fn bad_examples_and_parameters_are_refused() {
        let message = |examples: &[(usize, Frames)], config: &MapsConfig| {
            fit(examples, 2, config).err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(message(&[], &PLAIN).contains("no example"));
        assert!(message(&[(2, Frames::zeros(1, 1))], &PLAIN).contains("class 2"));
        assert!(message(&[(0, Frames::zeros(1, 1)), (0, Frames::zeros(1, 2))], &PLAIN).contains("need 1 x 1"));
        let good = [(0, Frames::zeros(1, 1))];
        assert!(message(&good, &MapsConfig { smooth_frames: 4, ..PLAIN }).contains("smooth_frames is 4"));
        assert!(message(&good, &MapsConfig { std_floor: 0.0, ..PLAIN }).contains("std_floor is 0"));
        assert!(message(&good, &MapsConfig { shrink: f32::NAN, ..PLAIN }).contains("shrink is NaN"));
    }
}
