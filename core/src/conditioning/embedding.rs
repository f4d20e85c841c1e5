//! [`ConditionEmbedding`]: noise level and condition as one vector that modulates every block.

use candle_core::{Device, Tensor};

use super::{Blend, Condition, NUM_PLACES};
use crate::error::Result;
use crate::nn::{Init, Linear, Value, Weights};

const FREQUENCIES: usize = 32;
/// Values that an attribute or the pitch becomes: given or not, and three of its size.
const VALUES: usize = 4;

/// Noise level and condition to `[batch, width]`.
pub struct ConditionEmbedding {
    level_in: Linear,
    level_out: Linear,
    condition: Linear,
    num_classes: usize,
}

impl ConditionEmbedding {
    /// For `num_classes` classes, all attributes and pitch; what a model was not trained with stays absent.
    ///
    /// # Errors
    /// The stored weights do not fit.
    pub fn new(num_classes: usize, width: usize, weights: &Weights) -> Result<Self> {
        let features = num_classes + 1 + VALUES * (NUM_PLACES + 1);
        Ok(Self {
            level_in: Linear::new(2 * FREQUENCIES, width, Init::FanIn(2 * FREQUENCIES), &weights.sub("level_in"))?,
            level_out: Linear::new(width, width, Init::FanIn(width), &weights.sub("level_out"))?,
            condition: Linear::new(features, width, Init::Normal(0.3), &weights.sub("condition"))?,
            num_classes,
        })
    }

    /// One row for each clip: `sigmas` and `conditions` are equally long.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward(&self, sigmas: &[f64], conditions: &[Condition], device: &Device) -> Result<Tensor> {
        self.forward_rows(self.rows(sigmas, conditions), device)
    }

    /// As [`ConditionEmbedding::forward`], of the rows themselves.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn forward_rows(&self, (levels, features): (Vec<f32>, Vec<f32>), device: &Device) -> Result<Tensor> {
        let [level_width, feature_width] = self.widths();
        let levels = Tensor::from_vec(levels, ((), level_width), device)?;
        let features = Tensor::from_vec(features, ((), feature_width), device)?;
        Ok(self.embed(&levels.into(), &features.into())?.tensor()?.clone())
    }

    /// The widths of a noise level's and of a condition's row.
    pub fn widths(&self) -> [usize; 2] {
        [2 * FREQUENCIES, self.num_classes + 1 + VALUES * (NUM_PLACES + 1)]
    }

    /// What [`ConditionEmbedding::embed`] sees of noise levels and conditions, row after row.
    pub fn rows(&self, sigmas: &[f64], conditions: &[Condition]) -> (Vec<f32>, Vec<f32>) {
        let levels = sigmas.iter().flat_map(|&sigma| level_features(sigma)).collect();
        (levels, conditions.iter().flat_map(|condition| self.features(condition)).collect())
    }

    /// As [`ConditionEmbedding::rows`], of blends: the row of a blend is the mix of the rows of its conditions.
    pub fn blended_rows(&self, sigmas: &[f64], blends: &[&Blend]) -> (Vec<f32>, Vec<f32>) {
        let levels = sigmas.iter().flat_map(|&sigma| level_features(sigma)).collect();
        (levels, blends.iter().flat_map(|blend| self.blended(blend)).collect())
    }

    /// A row of a noise level and one of a condition, of [`ConditionEmbedding::widths`], to the embedding.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn embed(&self, levels: &Value, features: &Value) -> Result<Value> {
        let level = self.level_out.forward(&self.level_in.forward(levels)?.silu()?)?;
        Ok(self.condition.forward_onto(features, &level)?.silu()?)
    }

    fn blended(&self, blend: &Blend) -> Vec<f32> {
        let scaled = |(weight, condition): &(f32, Condition)| {
            self.features(condition).into_iter().map(|x| weight * x).collect::<Vec<f32>>()
        };
        let rows = blend.parts().iter().map(scaled);
        // A blend has at least one part.
        rows.reduce(|sum, row| sum.iter().zip(row).map(|(a, b)| a + b).collect()).unwrap_or_default()
    }

    fn features(&self, condition: &Condition) -> Vec<f32> {
        let mut features = vec![0.0; self.num_classes + 1];
        features[condition.class.unwrap_or(self.num_classes).min(self.num_classes)] = 1.0;
        for attribute in condition.attributes {
            features.extend(value_features(attribute.map(|value| (2.0 * value - 1.0, value))));
        }
        features.extend(value_features(condition.pitch.map(|note| ((note - 60.0) / 24.0, note / 12.0))));
        features
    }
}

/// Cosines and sines of `ln(sigma) / 4`, from slow to fast (the c_noise of Karras et al. 2022, table 1).
fn level_features(sigma: f64) -> impl Iterator<Item = f32> {
    let angle = std::f64::consts::TAU * sigma.ln() / 4.0;
    (0..FREQUENCIES).flat_map(move |k| {
        let (sin, cos) = libm::sincos(angle * libm::exp2(k as f64 / 8.0 - 2.0));
        [cos as f32, sin as f32]
    })
}

/// `(size, turns)` as: given, its size, and where it stands on a circle.
fn value_features(value: Option<(f32, f32)>) -> [f32; VALUES] {
    value.map_or([0.0; VALUES], |(size, turns)| {
        let (sin, cos) = libm::sincosf(std::f32::consts::TAU * turns);
        [1.0, size, cos, sin]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Seed;

    #[test]
    fn each_part_of_a_condition_and_the_noise_level_change_the_embedding() -> Result<()> {
        let weights = Weights::fresh(Seed(1), &Device::Cpu);
        let embedding = ConditionEmbedding::new(3, 16, &weights)?;
        let row = |sigma: f64, condition: Condition| -> Result<Vec<f32>> {
            Ok(embedding.forward(&[sigma], &[condition], &Device::Cpu)?.flatten_all()?.to_vec1()?)
        };
        let null = row(1.0, Condition::default())?;
        let mut bright = Condition::default();
        bright.attributes[0] = Some(0.0);
        assert_ne!(null, row(1.1, Condition::default())?);
        assert_ne!(null, row(1.0, Condition { class: Some(0), ..Condition::default() })?);
        assert_ne!(null, row(1.0, bright)?);
        assert_ne!(null, row(1.0, Condition { pitch: Some(60.0), ..Condition::default() })?);
        Ok(())
    }

    #[test]
    fn a_blend_of_conditions_is_the_blend_of_their_rows() -> Result<()> {
        let embedding = ConditionEmbedding::new(3, 16, &Weights::fresh(Seed(1), &Device::Cpu))?;
        let class = |class| Condition { class: Some(class), pitch: Some(48.0), ..Condition::default() };
        let (_, both) = embedding.blended_rows(&[1.0], &[&Blend::new([(3.0, class(0)), (1.0, class(2))])]);
        let (_, rows) = embedding.rows(&[1.0, 1.0], &[class(0), class(2)]);
        let (first, second) = rows.split_at(both.len());
        assert_eq!(both[..4], [0.75, 0.0, 0.25, 0.0]);
        assert!(both.iter().zip(first).zip(second).all(|((both, a), b)| (0.75 * a + 0.25 * b - both).abs() < 1e-6));
        let (_, alone) = embedding.blended_rows(&[1.0], &[&class(0).into()]);
        assert_eq!(alone, first);
        Ok(())
    }
}
