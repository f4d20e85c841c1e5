//! Natural units <-> percentiles of a training set.

use super::attributes::NUM_ATTRIBUTES;
use crate::error::{DatasetError, Error, Result};

/// Points of a table: one per percent, both ends included.
const NUM_POINTS: usize = 101;

/// The quantiles of every attribute over a training set, so that 0.8 means "more than 80 % of these sounds".
///
/// Stored as five ascending lists of 101 natural values, in the attributes' order.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "[Vec<f32>; NUM_ATTRIBUTES]", into = "[Vec<f32>; NUM_ATTRIBUTES]")]
pub struct AttributeScale {
    tables: [Vec<f32>; NUM_ATTRIBUTES],
}

impl AttributeScale {
    /// The quantiles of these measurements.
    ///
    /// # Errors
    /// No measurement, or one that is not finite.
    pub fn of(measured: &[[f32; NUM_ATTRIBUTES]]) -> Result<Self> {
        if measured.is_empty() {
            return Err(DatasetError::Scale("no measurements".into()).into());
        }
        Self::try_from(std::array::from_fn(|a| quantiles(measured.iter().map(|m| m[a]).collect())))
    }

    /// Natural units to percentiles in 0..=1; values beyond the training set's clamp, ties get the middle of theirs.
    pub fn percentiles(&self, natural: [f32; NUM_ATTRIBUTES]) -> [f32; NUM_ATTRIBUTES] {
        std::array::from_fn(|a| percentile(&self.tables[a], natural[a]))
    }

    /// Percentiles (clamped to 0..=1) to natural units.
    pub fn natural(&self, percentiles: [f32; NUM_ATTRIBUTES]) -> [f32; NUM_ATTRIBUTES] {
        std::array::from_fn(|a| at(&self.tables[a], percentiles[a].clamp(0.0, 1.0)))
    }
}

impl TryFrom<[Vec<f32>; NUM_ATTRIBUTES]> for AttributeScale {
    type Error = Error;

    fn try_from(tables: [Vec<f32>; NUM_ATTRIBUTES]) -> Result<Self> {
        for (a, table) in tables.iter().enumerate() {
            let ascending = table.windows(2).all(|w| w[0] <= w[1]);
            if table.len() < 2 || !ascending || !table.iter().all(|v| v.is_finite()) {
                return Err(DatasetError::Scale(format!("table {a} with {} values is unusable", table.len())).into());
            }
        }
        Ok(Self { tables })
    }
}

impl From<AttributeScale> for [Vec<f32>; NUM_ATTRIBUTES] {
    fn from(scale: AttributeScale) -> Self {
        scale.tables
    }
}

fn quantiles(mut values: Vec<f32>) -> Vec<f32> {
    values.sort_by(f32::total_cmp);
    (0..NUM_POINTS).map(|i| at(&values, i as f32 / (NUM_POINTS - 1) as f32)).collect()
}

/// The value at `share` of the way through a sorted list, between neighbours on a line.
fn at(sorted: &[f32], share: f32) -> f32 {
    let place = share * (sorted.len() - 1) as f32;
    let below = (place as usize).min(sorted.len() - 1);
    let above = (below + 1).min(sorted.len() - 1);
    // Weights, not a slope: the difference of two extreme values may overflow.
    let part = place - below as f32;
    (sorted[below] * (1.0 - part) + sorted[above] * part).clamp(sorted[below], sorted[above])
}

fn percentile(table: &[f32], value: f32) -> f32 {
    let first = table.partition_point(|t| *t < value);
    let end = table.partition_point(|t| *t <= value);
    let place = if first < end {
        (first + end - 1) as f32 / 2.0
    } else if first == 0 {
        0.0
    } else if first == table.len() {
        (table.len() - 1) as f32
    } else {
        let (low, high) = (table[first - 1], table[first]);
        (first - 1) as f32 + ((value - low) / (high - low)).clamp(0.0, 1.0)
    };
    place / (table.len() - 1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(values: &[f32]) -> AttributeScale {
        AttributeScale::of(&values.iter().map(|v| [*v; NUM_ATTRIBUTES]).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn percentiles_rise_with_the_value_and_come_back() {
        let scale = scale(&(0..=250).rev().map(|i| (i * i) as f32).collect::<Vec<_>>());
        let mut last = -1.0;
        for i in 0..=250 {
            let got = scale.percentiles([(i * i) as f32; 5])[2];
            // Between two of the 101 points the table is a line, not a square: up to 0.2 % off near 0.
            assert!(got > last && (got - i as f32 / 250.0).abs() < 0.003, "{got} at {i}");
            last = got;
        }
        let natural = scale.natural([0.3; 5]);
        assert!((scale.percentiles(natural)[0] - 0.3).abs() < 1e-5);
    }

    #[test]
    fn values_beyond_the_set_clamp_and_ties_sit_in_their_middle() {
        let ends = scale(&[1.0, 2.0, 3.0]);
        assert_eq!((ends.percentiles([0.0; 5]), ends.percentiles([9.0; 5])), ([0.0; 5], [1.0; 5]));
        assert_eq!(scale(&[4.0]).percentiles([4.0; 5]), [0.5; 5]);
        assert!(scale(&[4.0]).percentiles([f32::NAN; 5]).iter().all(|p| (0.0..=1.0).contains(p)));
    }

    #[test]
    fn a_stored_scale_comes_back_and_a_broken_one_is_refused() {
        let scale = scale(&[1.0, 5.0, 2.0]);
        let json = serde_json::to_string(&scale).unwrap();
        assert_eq!(serde_json::from_str::<AttributeScale>(&json).unwrap(), scale);
        let broken = json.replacen("1.0", "9.0", 1);
        assert!(serde_json::from_str::<AttributeScale>(&broken).unwrap_err().to_string().contains("ascending"));
    }
}
