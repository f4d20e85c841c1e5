//! The nearest valid word, for messages about unknown ones.

/// The candidate that `word` most likely meant: the smallest edit distance (Damerau-Levenshtein, ignoring case), if
/// that is at most a third of the longer word's letters, but at least 2.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let near = |candidate: &str| distance(candidate) <= (word.len().max(candidate.len()) / 3).max(2);
    candidates.into_iter().filter(|candidate| near(candidate)).min_by_key(|candidate| distance(candidate))
}

/// ` (did you mean "kick"?)`, or nothing where no candidate is near: the tail of a message.
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map(|near| format!(" (did you mean \"{near}\"?)")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLASSES: [&str; 4] = ["kick", "snare", "closed-hat", "open-hat"];

    #[test]
    fn a_slip_of_the_finger_finds_its_word() {
        assert_eq!(nearest("snrae", CLASSES), Some("snare"));
        assert_eq!(nearest("Kick", CLASSES), Some("kick"));
        assert_eq!(nearest("closedhat", CLASSES), Some("closed-hat"));
    }

    #[test]
    fn an_unrelated_word_finds_none() {
        assert_eq!(nearest("trombone", CLASSES), None);
        assert_eq!(did_you_mean("trombone", CLASSES), "");
    }
}
