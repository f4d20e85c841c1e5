//! Which sounds stem from one source.

use super::duplicates::{self, Fingerprint, UnionFind};
use super::layout::Source;
use super::names::{Numbers, note_in_name, source_name};
use std::collections::BTreeMap;

/// A group may hold at most half of a class with this many files; else its numbers were no takes.
const MANY_FILES: usize = 8;

/// What grouping found.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// One name per source, equal for siblings.
    pub names: Vec<String>,
    /// MIDI notes per source: the manifest's, or the names' where every file of a class tells one.
    pub pitches: Vec<Option<f32>>,
    /// Groups that near-duplicates joined to another.
    pub joined: usize,
    /// What a reader should know.
    pub notes: Vec<String>,
}

/// Group by the manifest or by names, then join the groups of near-duplicates.
pub(super) fn group(sources: &[Source], fingerprints: &[Fingerprint]) -> Groups {
    let mut groups = Groups {
        names: vec![String::new(); sources.len()],
        pitches: sources.iter().map(|s| s.pitch).collect(),
        ..Groups::default()
    };
    let mut classes: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, source) in sources.iter().enumerate() {
        classes.entry(&source.class).or_default().push(i);
    }
    for (class, members) in classes {
        group_class(class, sources, &members, &mut groups);
    }
    groups.joined = join_duplicates(&mut groups.names, fingerprints);
    groups
}

fn group_class(class: &str, sources: &[Source], members: &[usize], groups: &mut Groups) {
    let notes: Vec<_> = members.iter().map(|&i| note_in_name(&sources[i].path)).collect();
    let is_pitched = members.iter().all(|&i| sources[i].pitch.is_none()) && notes.iter().all(Option::is_some);
    if is_pitched {
        members.iter().zip(notes).for_each(|(&i, note)| groups.pitches[i] = note);
    }
    let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
    for &i in members {
        let derived = || source_name(&sources[i].path, Numbers::Strip, is_pitched);
        groups.names[i] = sources[i].group.clone().unwrap_or_else(derived);
        if sources[i].group.is_none() {
            *sizes.entry(groups.names[i].clone()).or_default() += 1;
        }
    }
    let is_enumeration = |size: &usize| members.len() >= MANY_FILES && 2 * size > members.len();
    let Some((name, size)) = sizes.into_iter().find(|(_, size)| is_enumeration(size)) else { return };
    for &i in members {
        if sources[i].group.is_none() && groups.names[i] == name {
            groups.names[i] = source_name(&sources[i].path, Numbers::Keep, false);
        }
    }
    groups.notes.push(format!(
        "class {class}: {size} of {} names differ by a number or note alone, so each counts as its own source; \
         a manifest.csv with a group column can say otherwise",
        members.len()
    ));
}

/// Give near-duplicates' groups one name; how many groups vanished by it.
fn join_duplicates(names: &mut [String], fingerprints: &[Fingerprint]) -> usize {
    let mut sets = UnionFind::new(names.len());
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (i, name) in names.iter().enumerate() {
        sets.join(i, *first.entry(name).or_insert(i));
    }
    let joined = duplicates::pairs(fingerprints).into_iter().filter(|&(i, j)| sets.join(i, j)).count();
    let new_names: Vec<String> = (0..names.len()).map(|i| names[sets.root(i)].clone()).collect();
    names.clone_from_slice(&new_names);
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(files: &[(&str, Option<&str>)]) -> Vec<Source> {
        let source = |(path, group): &(&str, Option<&str>)| Source {
            path: path.into(),
            class: path.split('/').next().unwrap().into(),
            pitch: None,
            group: group.map(str::to_owned),
            part: None,
        };
        files.iter().map(source).collect()
    }

    /// Prints that are equal where the letters are.
    fn prints(letters: &str) -> Vec<Fingerprint> {
        let print = |c: char| (0..32).map(|i| if i == c as usize - 'a' as usize { 1.0 } else { 0.0 }).collect();
        letters.chars().map(print).collect()
    }

    #[test]
    fn near_duplicates_join_their_groups_even_across_classes() {
        let sources =
            sources(&[("kick/a.wav", None), ("kick/a_v2.wav", None), ("snare/x.wav", None), ("snare/y.wav", None)]);
        let groups = group(&sources, &prints("abbc"));
        assert_eq!(groups.names, ["kick/a", "kick/a", "kick/a", "snare/y"]);
        assert_eq!(groups.joined, 1);
    }

    #[test]
    fn the_manifests_group_overrules_the_name() {
        let groups = group(&sources(&[("kick/a_v1.wav", Some("one")), ("kick/a_v2.wav", Some("two"))]), &prints("ab"));
        assert_eq!(groups.names, ["one", "two"]);
    }

    #[test]
    fn plain_enumeration_does_not_make_one_source_of_a_class() {
        let files: Vec<String> =
            (0..8).map(|i| format!("kick/{}{i:03}.wav", if i < 6 { "hit" } else { "boom" })).collect();
        let files: Vec<_> = files.iter().map(|f| (f.as_str(), None)).collect();
        let groups = group(&sources(&files), &prints("abcdefgh"));
        assert_eq!(groups.names[..2], ["kick/hit000", "kick/hit001"]);
        assert_eq!(groups.names[6..], ["kick/boom", "kick/boom"]);
        assert!(groups.notes[0].contains("class kick: 6 of 8"), "{:?}", groups.notes);
    }

    #[test]
    fn notes_in_names_count_only_where_every_file_of_a_class_has_one() {
        let files =
            [("piano/a_c4.wav", None), ("piano/a_d4.wav", None), ("kick/a1.wav", None), ("kick/deep.wav", None)];
        let groups = group(&sources(&files), &prints("abcd"));
        assert_eq!(groups.pitches, [Some(60.0), Some(62.0), None, None]);
        assert_eq!(groups.names[0], groups.names[1]);
    }
}
