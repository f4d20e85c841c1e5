//! What file names tell: which takes are siblings, which note a sound is.

use std::path::Path;

/// Words that mark a velocity layer or a take of one source.
const LAYER_WORDS: [&str; 13] =
    ["ppp", "pp", "p", "mp", "mf", "f", "ff", "fff", "soft", "medium", "hard", "loud", "copy"];
/// Letters that, before a number, do the same: `v1`, `vel127`, `rr2`.
const NUMBERED_MARKS: [&str; 8] = ["v", "vel", "velocity", "rr", "layer", "take", "alt", "var"];
const SEPARATORS: [char; 4] = ['_', '-', '.', ' '];

/// How much of a name's end is a mark of the take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Any number at the end counts takes: `kick-02` is `kick`.
    Strip,
    /// A bare number names another source; only `_v1`, `rr2`, `(3)`, `soft` are marks.
    Keep,
}

/// The folder and the name without its marks of velocity, round robin and take: equal for siblings.
pub(super) fn source_name(path: &Path, numbers: Numbers, strip_note: bool) -> String {
    let stem = path.file_stem().map(|s| s.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut name = stem.clone();
    while let Some(shorter) = strip_mark(&name, numbers, strip_note) {
        name = shorter;
    }
    let name = if name.is_empty() { stem } else { name };
    match path.parent().filter(|p| !p.as_os_str().is_empty()) {
        Some(folder) => format!("{}/{name}", folder.to_string_lossy()),
        None => name,
    }
}

/// The name without one mark at its end, if there is one.
fn strip_mark(name: &str, numbers: Numbers, strip_note: bool) -> Option<String> {
    let trimmed = name.trim_end_matches(SEPARATORS);
    if trimmed.len() < name.len() {
        return Some(trimmed.to_owned());
    }
    if let Some(open) = name.strip_suffix([')', ']']).and_then(|n| n.rfind(['(', '['])) {
        let inside = &name[open + 1..name.len() - 1];
        return inside.chars().all(|c| c.is_ascii_digit()).then(|| name[..open].to_owned());
    }
    let (rest, token) = name.rfind(SEPARATORS).map_or(("", name), |at| (&name[..at], &name[at + 1..]));
    let letters = token.trim_end_matches(|c: char| c.is_ascii_digit());
    let is_numbered = letters.len() < token.len() && NUMBERED_MARKS.contains(&letters);
    let is_note = strip_note && midi_note(token).is_some();
    if LAYER_WORDS.contains(&token) || is_numbered || is_note {
        return Some(rest.to_owned());
    }
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (numbers == Numbers::Strip && bare.len() < name.len()).then(|| bare.to_owned())
}

/// The MIDI note that a name tells as a part of its own (`piano_C#4`, `strings-F2-soft`); the last one counts.
pub(super) fn note_in_name(path: &Path) -> Option<f32> {
    let stem = path.file_stem()?.to_string_lossy().to_lowercase();
    stem.rsplit(SEPARATORS).find_map(midi_note).map(f32::from)
}

/// `c4` is 60; sharps as `#` or `s`, flats as `b`; octaves 0 to 8.
fn midi_note(token: &str) -> Option<u8> {
    let mut chars = token.chars();
    let pitch_class = match chars.next()? {
        'c' => 0,
        'd' => 2,
        'e' => 4,
        'f' => 5,
        'g' => 7,
        'a' => 9,
        'b' => 11,
        _ => return None,
    };
    let rest = chars.as_str();
    let (shift, octave) = match rest.strip_prefix(['#', 's']) {
        Some(octave) => (1, octave),
        None => rest.strip_prefix('b').map_or((0, rest), |octave| (-1, octave)),
    };
    let octave: u8 = octave.parse().ok().filter(|o| *o <= 8 && octave.len() == 1)?;
    (12 * (octave + 1) + pitch_class).checked_add_signed(shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn siblings_share_a_name_and_others_do_not() {
        let name = |path: &str| source_name(Path::new(path), Numbers::Strip, false);
        for sibling in [
            "kick/Deep.wav",
            "kick/deep_v1.wav",
            "kick/Deep-02.wav",
            "kick/deep (3).wav",
            "kick/deep_vel127_rr2.wav",
            "kick/deep_soft.wav",
            "kick/deep7.flac",
            "kick/Deep [12].wav",
        ] {
            assert_eq!(name(sibling), "kick/deep", "{sibling}");
        }
        assert_ne!(name("kick/other/deep.wav"), "kick/deep");
        assert_eq!(name("kick/808 (long).wav"), "kick/808 (long)");
        assert_eq!((name("kick/01.wav"), name("tuff.wav")), ("kick/01".into(), "tuff".into()));
    }

    #[test]
    fn bare_numbers_can_be_kept_apart_while_marks_still_join() {
        let name = |path: &str| source_name(Path::new(path), Numbers::Keep, false);
        assert_eq!(name("hit_012.wav"), "hit_012");
        assert_eq!((name("hit_012_v3.wav"), name("hit_012 (2).wav")), ("hit_012".into(), "hit_012".into()));
    }

    #[test]
    fn notes_are_read_from_parts_of_their_own() {
        let note = |path: &str| note_in_name(Path::new(path));
        assert_eq!((note("piano_C4.wav"), note("strings-F#2-soft.wav")), (Some(60.0), Some(42.0)));
        assert_eq!((note("Bb3.wav"), note("As3.wav"), note("cb4.wav")), (Some(58.0), Some(58.0), Some(59.0)));
        assert_eq!((note("kick.wav"), note("abc4.wav"), note("c44.wav"), note("h4.wav")), (None, None, None, None));
        assert_eq!(source_name(Path::new("piano_C4_v2.wav"), Numbers::Strip, true), "piano");
    }
}
