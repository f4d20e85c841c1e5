//! [`Group`]: a row's clips, made one by one from its ranges and lists.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::manifest::Row;

/// Keys whose text `A..B` means every whole number from A to B. Other flags have ranges of their own meaning.
const RANGES: [&str; 2] = ["seed", "pitch"];

/// The clips of a row: one for each combination of the values of its keys.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The row's line, from 1.
    pub line: u64,
    /// In the order of counting: the last runs through first.
    axes: Vec<(String, Axis)>,
    len: u64,
}

#[derive(Clone, Debug, PartialEq)]
enum Axis {
    List(Vec<Value>),
    /// Both ends included.
    Range(u64, u64),
}

/// What one clip of a group says: keys and values.
pub type Fields = Vec<(String, Value)>;

impl Group {
    /// Read a row's ranges and lists.
    ///
    /// # Errors
    /// An empty list, a range that runs backwards, or more clips than can be counted.
    pub fn new(row: Row) -> Result<Self> {
        let mut axes = Vec::with_capacity(row.fields.len());
        for (key, value) in row.fields {
            let axis = Axis::new(&key, value)?;
            axes.push((key, axis));
        }
        // The seed runs through first: variations of one sound stand together.
        axes.sort_by_key(|(key, _)| key == "seed");
        let len = axes.iter().try_fold(1u64, |len, (_, axis)| len.checked_mul(axis.len()));
        Ok(Self { line: row.line, axes, len: len.context("more clips than can be counted")? })
    }

    /// How many clips.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The clip of this number, 0..len.
    pub fn clip(&self, mut number: u64) -> Fields {
        let mut fields = Vec::with_capacity(self.axes.len());
        for (key, axis) in self.axes.iter().rev() {
            fields.push((key.clone(), axis.value(number % axis.len())));
            number /= axis.len();
        }
        fields.reverse();
        fields
    }

    /// The keys that differ between the group's clips.
    pub fn varied(&self) -> impl Iterator<Item = &str> {
        self.axes.iter().filter(|(_, axis)| axis.len() > 1).map(|(key, _)| key.as_str())
    }
}

impl Axis {
    fn new(key: &str, value: Value) -> Result<Self> {
        let axis = match value {
            Value::Array(values) => Self::List(values),
            Value::String(text) if RANGES.contains(&key) && text.contains("..") => range(key, &text)?,
            value => Self::List(vec![value]),
        };
        ensure!(axis.len() > 0, "{key}: an empty list; give at least one value");
        Ok(axis)
    }

    fn len(&self) -> u64 {
        match self {
            Self::List(values) => values.len() as u64,
            // At most one too few for the range of all numbers, which nobody counts through.
            Self::Range(first, last) => (last - first).saturating_add(1),
        }
    }

    /// `number` lies below [`Axis::len`].
    fn value(&self, number: u64) -> Value {
        match self {
            Self::List(values) => values[number as usize].clone(),
            Self::Range(first, _) => (first + number).into(),
        }
    }
}

fn range(key: &str, text: &str) -> Result<Axis> {
    let ends = text.split_once("..").and_then(|(first, last)| {
        Some((first.trim().parse().ok()?, last.trim().trim_start_matches('=').parse().ok()?))
    });
    let (first, last) = ends.with_context(|| format!("{key} = {text:?}; need whole numbers, such as \"1..500\""))?;
    ensure!(first <= last, "{key} = {text:?} runs backwards; need \"{last}..{first}\"");
    Ok(Axis::Range(first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(json: &str) -> Result<Group> {
        Group::new(Row { line: 7, fields: serde_json::from_str(json).unwrap() })
    }

    fn texts(group: &Group) -> Vec<String> {
        let clip = |i| group.clip(i).iter().map(|(_, value)| value.to_string()).collect::<Vec<_>>().join(" ");
        (0..group.len()).map(clip).collect()
    }

    #[test]
    fn a_plain_row_is_one_clip() {
        assert_eq!(texts(&group(r#"{"class":"kick","seed":3}"#).unwrap()), ["\"kick\" 3"]);
    }

    #[test]
    fn lists_and_ranges_are_a_grid_in_which_the_seed_runs_first() {
        let group = group(r#"{"seed":"8..9","brightness":[0.1,0.9],"class":["a","b"]}"#).unwrap();
        assert_eq!(group.len(), 8);
        let texts = texts(&group);
        assert_eq!(texts[..3], ["0.1 \"a\" 8", "0.1 \"a\" 9", "0.1 \"b\" 8"]);
        assert_eq!(texts[7], "0.9 \"b\" 9");
        assert_eq!(group.varied().collect::<Vec<_>>(), ["brightness", "class", "seed"]);
    }

    #[test]
    fn a_range_holds_both_ends_and_a_huge_one_costs_nothing() {
        assert_eq!(group(r#"{"seed":"1..500"}"#).unwrap().len(), 500);
        assert_eq!(group(r#"{"seed":"4..4"}"#).unwrap().len(), 1);
        let huge = group(r#"{"seed":"0..999999999999"}"#).unwrap();
        assert_eq!(huge.clip(999_999_999_999), [("seed".to_owned(), 999_999_999_999u64.into())]);
        assert!(group(r#"{"seed":"0..999999999999","pitch":"0..999999999999"}"#).is_err());
    }

    #[test]
    fn only_seeds_and_pitches_have_ranges_of_numbers() {
        assert_eq!(group(r#"{"mask":"1..2"}"#).unwrap().clip(0), [("mask".to_owned(), "1..2".into())]);
    }

    #[test]
    fn what_names_no_clip_is_refused_by_its_key() {
        for (json, word) in
            [(r#"{"class":[]}"#, "class"), (r#"{"seed":"9..1"}"#, "backwards"), (r#"{"seed":"a..1"}"#, "1..500")]
        {
            assert!(group(json).unwrap_err().to_string().contains(word), "{json}");
        }
    }
}
