//! [`Prepared`]: an example becomes what the networks see.

use rayon::prelude::*;

use crate::conditioning::Condition;
use crate::dataset::{Dataset, Example};
use crate::error::Result;
use crate::model::{Context, Raise, told};
use crate::noise::{NoiseStream, Seed};
use crate::representation::{EnvelopeGrid, Frames, Maps, Representation};

use super::config::{Learns, TrainConfig};
use super::start_noise::StartNoise;

/// Examples drawn to fit the maps of the full frames (a quarter of a megabyte each) and of the envelopes.
const FINE_DRAWS: usize = 600;
const ENVELOPE_DRAWS: usize = 3000;

/// The representation, and the maps that bring it to unit variance.
pub(super) struct Prepared {
    pub(super) representation: Box<dyn Representation>,
    /// The same of notes that are seen an octave higher, two, and so on.
    pub(super) raised: Vec<Box<dyn Representation>>,
    pub(super) raise: Raise,
    pub(super) envelope: Option<(EnvelopeGrid, Maps)>,
    pub(super) maps: Maps,
    pub(super) context: Context,
    pub(super) learns: Learns,
    /// What examples are hidden in.
    pub(super) noise: StartNoise,
}

/// One example as the networks see it, all of unit variance.
#[derive(Clone)]
pub(super) struct Item {
    /// What the envelope stage learns to make.
    pub(super) envelope: Option<Frames>,
    /// What the fine stage sees of the envelope.
    pub(super) context: Option<Frames>,
    /// What the fine stage learns to make; empty where it does not learn.
    pub(super) fine: Frames,
    /// What is said about it.
    pub(super) condition: Condition,
}

impl Prepared {
    /// Fit the maps on drawn variations of the training examples. The levels of the classes' notes wander by `wanders`, if known.
    pub(super) fn fit(config: &TrainConfig, dataset: &Dataset, wanders: &[f32]) -> Result<Self> {
        let representation = config.seen()?;
        let num_classes = dataset.classes.len();
        let context = config.context();
        let (raised, raise, learns) = (config.raised()?, Raise::new(&config.raise_below), config.learns);
        let noise = StartNoise::of(config, wanders);
        let draw = |index: usize| -> Result<(usize, Frames)> {
            let mut noise = NoiseStream::new(Seed(config.seed), "train maps", index as u64);
            let example = dataset.augment(dataset.pick(&mut noise), &config.augment, &mut noise);
            let octaves = example.pitch.map_or(0, |pitch| raise.octaves_of(pitch));
            Ok((example.class, at(&*representation, &raised, octaves).encode(&example.samples)?))
        };
        let Some(stage) = &config.envelope else {
            let drawn = (0..FINE_DRAWS.max(60 * num_classes)).into_par_iter().map(draw).collect::<Result<Vec<_>>>()?;
            let maps = Maps::fit(drawn.iter().map(|(class, frames)| (*class, frames)), num_classes, &config.maps)?;
            // What differs between the frames of a loop is chance.
            let maps = if config.dataset.windows { maps.level(representation.num_frames()) } else { maps };
            return Ok(Self { representation, raised, raise, envelope: None, maps, context, learns, noise });
        };
        let grid = EnvelopeGrid::new(representation.num_frames(), representation.num_channels(), &stage.grid)?;
        let part = |index: usize| -> Result<_> {
            let (class, mut frames) = draw(index)?;
            let envelope = grid.extract(&frames);
            let residual = (index < FINE_DRAWS).then(|| {
                subtract(&mut frames, &grid.expand(&envelope));
                frames
            });
            Ok(((class, envelope), residual))
        };
        let parts = (0..ENVELOPE_DRAWS).into_par_iter().map(part).collect::<Result<Vec<_>>>()?;
        let (envelopes, residuals): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
        let residuals: Vec<Frames> = residuals.into_iter().flatten().collect();
        let envelopes = envelopes.iter().map(|(class, frames)| (*class, frames));
        let unsmoothed =
            crate::representation::MapsConfig { smooth_channels: 1, smooth_frames: 1, ..config.maps.clone() };
        let envelope_maps = Maps::fit(envelopes, num_classes, &unsmoothed)?;
        let maps = Maps::fit(residuals.iter().map(|frames| (0, frames)), 0, &config.maps)?;
        let envelope = Some((grid, envelope_maps));
        Ok(Self { representation, raised, raise, envelope, maps, context, learns, noise })
    }

    /// An example without hidden conditions or errors: for measuring.
    pub(super) fn plain(&self, example: &Example) -> Result<Item> {
        self.item(example, |_, _| {})
    }

    /// An example for training: parts of the condition hidden, a small error on the envelope that the fine stage sees.
    pub(super) fn hidden(&self, example: &Example, config: &TrainConfig, noise: &mut NoiseStream) -> Result<Item> {
        self.item(example, |envelope, condition| {
            let std = noise.uniform_in(0.0, config.envelope_error_db);
            envelope.iter_mut().for_each(|db| *db += std * noise.normal());
            hide(condition, config, noise);
        })
    }

    /// `obscure` changes what the networks are told: the envelope as the fine stage sees it, and the condition.
    fn item(&self, example: &Example, obscure: impl FnOnce(&mut [f32], &mut Condition)) -> Result<Item> {
        let octaves = example.pitch.map_or(0, |pitch| self.raise.octaves_of(pitch));
        let mut fine = at(&*self.representation, &self.raised, octaves).encode(&example.samples)?;
        let mut condition =
            Condition { class: Some(example.class), attributes: example.attributes.map(Some), pitch: example.pitch };
        let Some((grid, envelope_maps)) = &self.envelope else {
            self.maps.normalise(condition.class, &mut fine);
            obscure(&mut [], &mut condition);
            return Ok(Item { envelope: None, context: None, fine, condition });
        };
        let mut envelope = grid.extract(&fine);
        let mut seen = envelope.clone();
        envelope_maps.normalise(condition.class, &mut envelope);
        obscure(&mut seen.data, &mut condition);
        if self.learns == Learns::Envelope {
            let condition = told(&condition, octaves);
            return Ok(Item { envelope: Some(envelope), context: None, fine: Frames::zeros(0, 0), condition });
        }
        let expanded = grid.expand(&seen);
        subtract(&mut fine, &expanded);
        self.maps.normalise(None, &mut fine);
        // The errors of the envelope are the fine stage's to mend: they are subtracted too.
        let context = Some(self.context.of(&expanded, &condition.clone().into(), octaves));
        let condition = told(&condition, octaves);
        Ok(Item { envelope: Some(envelope), context, fine, condition })
    }
}

/// The representation of sounds that are seen so many octaves higher.
fn at<'a>(
    plain: &'a dyn Representation,
    raised: &'a [Box<dyn Representation>],
    octaves: u32,
) -> &'a dyn Representation {
    (octaves as usize).checked_sub(1).and_then(|idx| raised.get(idx)).map_or(plain, |raised| &**raised)
}

/// Hide everything sometimes, all attributes often; else each of them with a chance drawn anew, so that one alone is as
/// common as all together.
fn hide(condition: &mut Condition, config: &TrainConfig, noise: &mut NoiseStream) {
    if noise.chance(config.drop_condition) {
        *condition = Condition::default();
        return;
    }
    let chance = if noise.chance(config.drop_attribute) { 1.0 } else { noise.uniform() };
    for attribute in &mut condition.attributes {
        if noise.chance(chance) {
            *attribute = None;
        }
    }
    if noise.chance(if config.partials { 0.0 } else { config.drop_attribute }) {
        condition.pitch = None;
    }
}

fn subtract(frames: &mut Frames, other: &Frames) {
    frames.data.iter_mut().zip(&other.data).for_each(|(value, other)| *value -= other);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shares of the draws in which so many attributes are left.
    fn visible(config: &TrainConfig) -> [f64; 6] {
        let mut shares = [0.0; 6];
        for draw in 0..6000 {
            let mut condition = Condition { class: Some(1), attributes: [Some(0.5); 5], pitch: Some(60.0) };
            hide(&mut condition, config, &mut NoiseStream::new(Seed(1), "hide", draw));
            shares[condition.attributes.iter().flatten().count()] += 1.0 / 6000.0;
        }
        shares
    }

    #[test]
    fn one_attribute_alone_is_as_common_as_any_number_of_them() {
        let config = TrainConfig { drop_condition: 0.0, drop_attribute: 0.4, ..TrainConfig::default() };
        let shares = visible(&config);
        // Chances that are uniform leave every number of attributes equally often: 0.6 / 6.
        assert!(shares[1..].iter().all(|share| (share - 0.1).abs() < 0.02), "{shares:?}");
        assert!((shares[0] - 0.5).abs() < 0.03, "{shares:?}");
        let nothing = visible(&TrainConfig { drop_condition: 1.0, ..config });
        assert!((nothing[0] - 1.0).abs() < 1e-9, "{nothing:?}");
    }
}
