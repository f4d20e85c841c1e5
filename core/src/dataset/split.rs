//! Training and held-out parts that share no source.

use super::layout::Part;
use crate::noise::{NoiseStream, Seed};
use std::collections::{BTreeMap, BTreeSet};

/// A class with this many groups always has one held out (unless none is wanted at all).
const ENOUGH_GROUPS: usize = 8;

/// One example: which group, of which class, and the part that a manifest puts it into.
pub(super) type Member<'a> = (&'a str, usize, Option<Part>);

/// `true` for every example that is held out.
///
/// Whole groups only: one that any member is to be trained on is trained on, else one that any is to be held out of is held
/// out, and chance decides about the others. A group's rank within its class depends on its name and `seed` alone, so that new files leave
/// the others' order as it was. Every class keeps at least one group to train on.
pub(super) fn split(members: &[Member], held_out: f64, seed: u64) -> Vec<bool> {
    let told = told_parts(members);
    let undecided: Vec<_> = members.iter().filter(|(group, ..)| !told.contains_key(group)).copied().collect();
    let drawn = draw(&undecided, held_out, seed);
    let is_held = |group: &str| told.get(group).map_or_else(|| drawn.contains(group), |part| *part == Part::HeldOut);
    members.iter().map(|(group, ..)| is_held(group)).collect()
}

/// The parts of the groups of which any member tells one.
fn told_parts<'a>(members: &[Member<'a>]) -> BTreeMap<&'a str, Part> {
    let mut told = BTreeMap::new();
    for &(group, _, part) in members {
        if let Some(part) = part
            && told.get(group) != Some(&Part::Train)
        {
            told.insert(group, part);
        }
    }
    told
}

/// The groups that chance holds out.
fn draw<'a>(members: &[Member<'a>], held_out: f64, seed: u64) -> BTreeSet<&'a str> {
    let mut classes_of: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for &(group, class, _) in members {
        classes_of.entry(group).or_default().insert(class);
    }
    let mut left: BTreeMap<usize, usize> = BTreeMap::new();
    classes_of.values().flatten().for_each(|class| *left.entry(*class).or_default() += 1);
    let mut chosen = BTreeSet::new();
    let mut carry = 0.0;
    for (class, groups) in home_groups(&classes_of, seed) {
        let quota = carry + held_out * groups.len() as f64;
        let wanted = wanted(quota, groups.len(), held_out);
        carry = quota - wanted as f64;
        let before = chosen.len();
        for group in groups {
            if chosen.len() - before < wanted && classes_of[group].iter().all(|class| left[class] > 1) {
                classes_of[group].iter().for_each(|class| *left.entry(*class).or_default() -= 1);
                chosen.insert(group);
            }
        }
        debug_assert!(left[&class] > 0);
    }
    chosen
}

/// How many groups of a class to hold out: its quota with what smaller classes left over.
fn wanted(quota: f64, num_groups: usize, held_out: f64) -> usize {
    let least = usize::from(num_groups >= ENOUGH_GROUPS && held_out > 0.0);
    // A hair above, for quotas that are whole but for rounding.
    ((quota + 1e-9).floor().max(0.0) as usize).max(least).min(num_groups.saturating_sub(1))
}

/// The groups whose first class is this one, in the seed's order.
fn home_groups<'a>(classes_of: &BTreeMap<&'a str, BTreeSet<usize>>, seed: u64) -> BTreeMap<usize, Vec<&'a str>> {
    let mut homes: BTreeMap<usize, Vec<(u32, &str)>> = BTreeMap::new();
    for (group, classes) in classes_of {
        let rank = NoiseStream::new(Seed(seed), "split", fnv1a(group)).bits();
        homes.entry(*classes.iter().next().unwrap_or(&0)).or_default().push((rank, group));
    }
    let in_order = |mut groups: Vec<(u32, &'a str)>| {
        groups.sort();
        groups.into_iter().map(|(_, group)| group).collect()
    };
    homes.into_iter().map(|(class, groups)| (class, in_order(groups))).collect()
}

/// FNV-1a, 64 bits: the same number for a name on every platform and in every version.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `sizes[c]` groups of class `c`, three examples each.
    fn members(names: &[String]) -> Vec<Member<'_>> {
        let class = |name: &str| name.split('-').next().unwrap().parse().unwrap();
        names.iter().flat_map(|n| [(n.as_str(), class(n), None); 3]).collect()
    }

    fn names(sizes: &[usize]) -> Vec<String> {
        sizes.iter().enumerate().flat_map(|(c, n)| (0..*n).map(move |g| format!("{c}-{g}"))).collect()
    }

    fn held_groups(sizes: &[usize], share: f64, seed: u64) -> Vec<String> {
        let names = names(sizes);
        let members = members(&names);
        let held = split(&members, share, seed);
        let mut groups: Vec<_> = members.iter().zip(&held).filter(|(_, h)| **h).map(|(m, _)| m.0.to_owned()).collect();
        for name in &names {
            let count = groups.iter().filter(|g| *g == name).count();
            assert!(count == 0 || count == 3, "group {name} was split");
        }
        groups.dedup();
        groups
    }

    #[test]
    fn each_class_gives_its_share_of_whole_groups() {
        let held = held_groups(&[30, 50], 0.1, 1);
        let of_class = |c: &str| held.iter().filter(|g| g.starts_with(c)).count();
        assert_eq!((of_class("0-"), of_class("1-")), (3, 5));
        assert_eq!(held, held_groups(&[30, 50], 0.1, 1));
        assert_ne!(held, held_groups(&[30, 50], 0.1, 2));
    }

    #[test]
    fn eight_groups_give_one_and_small_classes_one_between_them() {
        assert_eq!(held_groups(&[8], 0.01, 1).len(), 1);
        assert_eq!(held_groups(&[4, 4, 4], 0.1, 1).len(), 1);
        assert_eq!(held_groups(&[8], 0.0, 1).len(), 0);
    }

    #[test]
    fn no_class_is_held_out_whole() {
        assert!(held_groups(&[1], 0.9, 1).is_empty());
        assert_eq!(held_groups(&[2, 1, 1], 0.9, 1).len(), 1);
        // One group for both classes and one more for class 0: class 1 must keep the shared one.
        for seed in 0..20 {
            let held = split(&[("shared", 0, None), ("shared", 1, None), ("own", 0, None)], 0.5, seed);
            assert_eq!(held, [false, false, true]);
        }
    }

    #[test]
    fn what_a_manifest_tells_is_kept_and_chance_decides_the_rest() {
        let names = names(&[20]);
        let mut members = members(&names);
        let tell = |members: &mut Vec<Member>, name: &str, part| {
            members.iter_mut().filter(|m| m.0 == name).for_each(|m| m.2 = Some(part));
        };
        for name in &names[..10] {
            tell(&mut members, name, Part::Train);
        }
        tell(&mut members, "0-10", Part::HeldOut);
        // One member to train on decides for its whole group.
        tell(&mut members, "0-11", Part::HeldOut);
        members.iter_mut().find(|m| m.0 == "0-11").unwrap().2 = Some(Part::Train);
        let held = split(&members, 0.5, 1);
        let count = |range: std::ops::Range<usize>| names[range].iter().filter(|n| held_of(&members, &held, n)).count();
        assert_eq!((count(0..10), count(10..11), count(11..12), count(12..20)), (0, 1, 0, 4));
        assert_eq!(split(&members, 0.0, 1).iter().filter(|h| **h).count(), 3);
    }

    fn held_of(members: &[Member], held: &[bool], name: &str) -> bool {
        members.iter().zip(held).any(|(m, held)| m.0 == name && *held)
    }

    #[test]
    fn a_new_file_leaves_the_others_order_as_it_was() {
        let few: BTreeSet<_> = held_groups(&[40], 0.1, 3).into_iter().collect();
        let more: BTreeSet<_> = held_groups(&[41], 0.1, 3).into_iter().collect();
        assert!(few.intersection(&more).count() >= 3, "{few:?} and {more:?}");
    }
}
