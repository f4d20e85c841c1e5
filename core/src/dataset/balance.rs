//! Which example comes next: rare classes often enough, many takes of one source not too often.

use super::Example;
use crate::noise::NoiseStream;
use std::collections::BTreeMap;

/// A class's share of the draws grows with its number of groups to this power: 1 would drown rare classes, 0 would
/// repeat their few sounds.
const POWER: f64 = 0.5;

/// Draws indices: a class by the square root of its groups, then a group, then one of its examples, evenly.
#[derive(Clone, Debug, Default)]
pub(super) struct Balance {
    /// Per class that has examples: groups of indices.
    classes: Vec<ClassGroups>,
    /// Running sum of the classes' weights.
    cumulative: Vec<f64>,
}

#[derive(Clone, Debug)]
struct ClassGroups {
    class: usize,
    groups: Vec<Vec<usize>>,
}

impl Balance {
    /// Sort the examples into classes and groups.
    pub(super) fn new(examples: &[Example]) -> Self {
        let mut sorted: BTreeMap<usize, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
        for (i, example) in examples.iter().enumerate() {
            sorted.entry(example.class).or_default().entry(&example.group).or_default().push(i);
        }
        let classes: Vec<_> = sorted
            .into_iter()
            .map(|(class, groups)| ClassGroups { class, groups: groups.into_values().collect() })
            .collect();
        let mut total = 0.0;
        let weight = |c: &ClassGroups| (c.groups.len() as f64).powf(POWER);
        let add = |c| {
            total += weight(c);
            total
        };
        let cumulative = classes.iter().map(add).collect();
        Self { classes, cumulative }
    }

    /// The index of an example. Always three draws' worth of `noise`.
    pub(super) fn pick(&self, noise: &mut NoiseStream) -> usize {
        let total = self.cumulative.last().copied().unwrap_or(0.0);
        let place = f64::from(noise.uniform()) * total;
        let class = self.cumulative.partition_point(|c| *c <= place).min(self.classes.len() - 1);
        pick_in(&self.classes[class].groups, noise)
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

fn pick_in(groups: &[Vec<usize>], noise: &mut NoiseStream) -> usize {
    let group = &groups[noise.below(groups.len())];
    group[noise.below(group.len())]
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
    fn classes_weigh_by_the_root_of_their_groups_and_groups_evenly() {
        let balance = Balance::new(&examples());
        let mut noise = NoiseStream::new(Seed(1), "pick", 0);
        let mut counts = [0; 94];
        (0..12_000).for_each(|_| counts[balance.pick(&mut noise)] += 1);
        // Weights 2 and 1: a third for class 1, a sixth for each group of class 0; five standard errors are 260 and 205.
        assert!((counts[93] - 4000i32).abs() < 260, "{}", counts[93]);
        let big: i32 = counts[..90].iter().sum();
        assert!((big - 2000).abs() < 205 && (counts[90] - 2000).abs() < 205, "{big}, {}", counts[90]);
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
