//! Which example comes next: rare classes often enough, many takes of one source not too often.

use super::Example;
use crate::noise::NoiseStream;
use std::collections::BTreeMap;

/// A class's share of the draws grows with its number of groups to this power, a group's share with its number of examples:
/// 1 would drown the rare, 0 would repeat their few sounds.
const POWER: f64 = 0.5;

/// Draws indices: a class by the square root of its groups, a group by the square root of its examples, and one of those
/// evenly.
#[derive(Clone, Debug, Default)]
pub(super) struct Balance {
    /// Per class that has examples: groups of indices.
    classes: Vec<ClassGroups>,
    shares: Shares,
}

/// The running sum of some weights.
#[derive(Clone, Debug, Default)]
struct Shares(Vec<f64>);

impl Shares {
    /// For things of these sizes.
    fn of(sizes: impl Iterator<Item = usize>) -> Self {
        let mut total = 0.0;
        let add = |size: usize| {
            total += (size as f64).powf(POWER);
            total
        };
        Self(sizes.map(add).collect())
    }

    /// One draw's worth of `noise`.
    fn pick(&self, noise: &mut NoiseStream) -> usize {
        let place = f64::from(noise.uniform()) * self.0.last().copied().unwrap_or(0.0);
        self.0.partition_point(|sum| *sum <= place).min(self.0.len().saturating_sub(1))
    }
}

#[derive(Clone, Debug)]
struct ClassGroups {
    class: usize,
    groups: Vec<Vec<usize>>,
    shares: Shares,
}

impl ClassGroups {
    fn new(class: usize, groups: BTreeMap<&str, Vec<usize>>) -> Self {
        let groups: Vec<_> = groups.into_values().collect();
        let shares = Shares::of(groups.iter().map(Vec::len));
        Self { class, groups, shares }
    }

    fn pick(&self, noise: &mut NoiseStream) -> usize {
        let group = &self.groups[self.shares.pick(noise)];
        group[noise.below(group.len())]
    }
}

impl Balance {
    /// Sort the examples into classes and groups.
    pub(super) fn new(examples: &[Example]) -> Self {
        let mut sorted: BTreeMap<usize, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for (i, example) in examples.iter().enumerate() {
            sorted.entry(example.class).or_default().entry(&example.group).or_default().push(i);
        }
        let classes: Vec<_> = sorted.into_iter().map(|(class, groups)| ClassGroups::new(class, groups)).collect();
        let shares = Shares::of(classes.iter().map(|class| class.groups.len()));
        Self { classes, shares }
    }

    /// The index of an example. Always three draws' worth of `noise`.
    pub(super) fn pick(&self, noise: &mut NoiseStream) -> usize {
        self.classes[self.shares.pick(noise)].pick(noise)
    }

    /// The index of an example of `class`, if it has any.
    pub(super) fn pick_of(&self, class: usize, noise: &mut NoiseStream) -> Option<usize> {
        self.classes.iter().find(|c| c.class == class).map(|c| c.pick(noise))
    }

    /// Another example of `class`, of another group than `index` has if there is one.
    pub(super) fn pick_partner(&self, class: usize, index: usize, noise: &mut NoiseStream) -> Option<usize> {
        let groups = &self.classes.iter().find(|c| c.class == class)?.groups;
        let own = groups.iter().position(|g| g.contains(&index));
        let drawn = noise.below(groups.len());
        let other = if Some(drawn) == own { (drawn + 1) % groups.len() } else { drawn };
        Some(groups[other][noise.below(groups[other].len())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::Seed;

    /// Class 0: one group of 90 and three of one; class 1: one group of one.
    fn examples() -> Vec<Example> {
        let group = |i| if i < 90 { "big".to_owned() } else { format!("g{i}") };
        let example = |i: usize| Example {
            samples: Vec::new(),
            class: usize::from(i == 93),
            pitch: None,
            attributes: [0.0; 5],
            path: "x".into(),
            group: group(i),
        };
        (0..94).map(example).collect()
    }

    #[test]
    fn classes_weigh_by_the_root_of_their_groups_and_groups_by_that_of_their_examples() {
        let balance = Balance::new(&examples());
        let mut noise = NoiseStream::new(Seed(1), "pick", 0);
        let mut counts = [0; 94];
        (0..12_000).for_each(|_| counts[balance.pick(&mut noise)] += 1);
        // Weights 2 and 1: a third for class 1. In class 0 weights 9.49, 1, 1 and 1. Five standard errors are below 280.
        assert!((counts[93] - 4000i32).abs() < 280, "{}", counts[93]);
        let big: i32 = counts[..90].iter().sum();
        assert!((big - 6078).abs() < 280 && (counts[90] - 641).abs() < 140, "{big}, {}", counts[90]);
    }

    #[test]
    fn a_partner_comes_from_another_group_where_there_is_one() {
        let balance = Balance::new(&examples());
        let mut noise = NoiseStream::new(Seed(1), "pick", 0);
        assert!((0..200).all(|_| balance.pick_partner(0, 5, &mut noise).unwrap() >= 90));
        assert_eq!(balance.pick_partner(1, 93, &mut noise), Some(93));
        assert_eq!(balance.pick_partner(7, 0, &mut noise), None);
    }
}
