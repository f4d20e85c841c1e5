//! [`Blend`]: what lies between conditions.

use super::Condition;

/// A weighted mix of conditions: one of them, or what lies between several. Weights are above 0 and sum to 1.
///
/// The network's embedding is linear in what it is told of a condition, so a mix of conditions is a mix of embeddings.
#[derive(Clone, Debug, PartialEq)]
pub struct Blend(Vec<(f32, Condition)>);

impl Blend {
    /// Parts with weights in any scale; those of weight 0 are left out and equal conditions become one, so that a mix
    /// of a condition with itself is that condition to the bit. The null condition where nothing is left.
    pub fn new(parts: impl IntoIterator<Item = (f32, Condition)>) -> Self {
        let mut merged: Vec<(f32, Condition)> = Vec::new();
        for (weight, condition) in parts.into_iter().filter(|(weight, _)| *weight > 0.0) {
            match merged.iter_mut().find(|(_, known)| *known == condition) {
                Some((sum, _)) => *sum += weight,
                None => merged.push((weight, condition)),
            }
        }
        let total: f32 = merged.iter().map(|(weight, _)| weight).sum();
        match merged.as_mut_slice() {
            [] => merged.push((1.0, Condition::default())),
            [(weight, _)] => *weight = 1.0,
            several => several.iter_mut().for_each(|(weight, _)| *weight /= total),
        }
        Self(merged)
    }

    /// Each condition with its weight; at least one.
    pub fn parts(&self) -> &[(f32, Condition)] {
        &self.0
    }

    /// What lies `amount` of the way (0..=1) from this blend to `other`.
    ///
    /// An attribute or pitch that every condition of both has is interpolated; one that some lack fades with its weight.
    #[must_use]
    pub fn towards(&self, other: &Self, amount: f32) -> Self {
        let weighted = |blend: &Self, share: f32| {
            let parts = blend.0.clone().into_iter();
            parts.map(move |(weight, condition)| (share * weight, condition)).collect::<Vec<_>>()
        };
        let mut parts = [weighted(self, 1.0 - amount), weighted(other, amount)].concat();
        parts.retain(|(weight, _)| *weight > 0.0);
        for index in 0..Condition::default().attributes.len() {
            interpolate(&mut parts, |condition| &mut condition.attributes[index]);
        }
        interpolate(&mut parts, |condition| &mut condition.pitch);
        Self::new(parts)
    }
}

impl From<Condition> for Blend {
    fn from(condition: Condition) -> Self {
        Self(vec![(1.0, condition)])
    }
}

/// Give every part the weighted mean of a value that all of them have; leave it where one lacks it or all agree.
fn interpolate(parts: &mut [(f32, Condition)], value: impl Fn(&mut Condition) -> &mut Option<f32>) {
    let found: Vec<(f32, Option<f32>)> = parts.iter_mut().map(|(weight, part)| (*weight, *value(part))).collect();
    let Some(given) =
        found.iter().map(|(weight, value)| value.map(|value| (*weight, value))).collect::<Option<Vec<_>>>()
    else {
        return;
    };
    // A mean of equal numbers may differ from them in its last bit.
    if given.iter().all(|(_, value)| *value == given[0].1) {
        return;
    }
    let total: f32 = given.iter().map(|(weight, _)| weight).sum();
    let mean = given.iter().map(|(weight, value)| weight * value).sum::<f32>() / total;
    parts.iter_mut().for_each(|(_, part)| *value(part) = Some(mean));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(class: usize) -> Condition {
        Condition { class: Some(class), ..Condition::default() }
    }

    fn bright(brightness: f32) -> Condition {
        Condition { attributes: [Some(brightness), None, None, None, None], ..class(0) }
    }

    #[test]
    fn weights_of_any_scale_sum_to_one_and_equal_conditions_become_one() {
        let blend = Blend::new([(3.0, class(0)), (0.0, class(2)), (1.0, class(1))]);
        assert_eq!(blend.parts(), [(0.75, class(0)), (0.25, class(1))]);
        assert_eq!(Blend::new([(0.1, class(0)), (0.2, class(0))]), class(0).into());
        assert_eq!(Blend::new([]), Condition::default().into());
    }

    #[test]
    fn the_ends_of_a_way_are_the_blends_themselves() {
        let (a, b) = (Blend::from(bright(0.1)), Blend::new([(0.3, class(1)), (0.7, class(2))]));
        assert_eq!((a.towards(&b, 0.0), a.towards(&b, 1.0)), (a.clone(), b));
        assert_eq!(a.towards(&a, 0.3), a);
    }

    #[test]
    fn halfway_between_two_values_is_their_mean_and_a_value_that_one_end_lacks_stays_with_the_other() {
        let half = Blend::from(bright(0.2)).towards(&bright(0.6).into(), 0.5);
        assert_eq!(half, bright(0.4).into());
        let half = Blend::from(bright(0.2)).towards(&class(1).into(), 0.5);
        assert_eq!(half.parts(), [(0.5, bright(0.2)), (0.5, class(1))]);
    }
}
