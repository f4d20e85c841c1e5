//! Pitches as people type them: a MIDI note number or a name.

/// Parse a MIDI note: `60`, `60.5`, `C4`, `f#2`, `Bb-1`. `C4` is 60 and `A4` 69.
///
/// # Errors
/// Neither a number nor a name, or outside 0..=127.
pub fn parse(text: &str) -> Result<f32, String> {
    let note = match text.parse::<f32>() {
        Ok(number) => number,
        Err(_) => {
            named(text).ok_or_else(|| format!("{text:?} is no pitch; give a MIDI note (60) or a name (C4, F#2)"))?
        }
    };
    if (0.0..=127.0).contains(&note) {
        Ok(note)
    } else {
        Err(format!("pitch {text} is MIDI note {note}; need 0..=127"))
    }
}

/// The name of the nearest key: `C4` for 60.
pub fn name(note: f32) -> String {
    const NAMES: [&str; 12] = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];
    let key = note.round() as i32;
    // `rem_euclid(12)` lies in 0..12.
    format!("{}{}", NAMES[key.rem_euclid(12) as usize], key.div_euclid(12) - 1)
}

/// Letter, sharps or flats, octave.
fn named(text: &str) -> Option<f32> {
    let mut rest = text.chars();
    let letter = match rest.next()?.to_ascii_uppercase() {
        'C' => 0,
        'D' => 2,
        'E' => 4,
        'F' => 5,
        'G' => 7,
        'A' => 9,
        'B' => 11,
        _ => return None,
    };
    let rest = rest.as_str();
    let octave = rest.trim_start_matches(['#', '♯', 'b', '♭']);
    let accidentals: i32 =
        rest[..rest.len() - octave.len()].chars().map(|c| if matches!(c, '#' | '♯') { 1 } else { -1 }).sum();
    let octave: i32 = octave.parse().ok().filter(|octave| (-1..=9).contains(octave))?;
    Some((12 * (octave + 1) + letter + accidentals) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn middle_c_is_60_by_number_and_by_name() {
        assert_eq!(parse("60"), Ok(60.0));
        assert_eq!(parse("C4"), Ok(60.0));
        assert_eq!(parse("b#3"), Ok(60.0));
        assert_eq!(parse("A4"), Ok(69.0));
        assert_eq!(parse("C-1"), Ok(0.0));
        assert_eq!(parse("G9"), Ok(127.0));
        assert_eq!(parse("Ebb4"), Ok(62.0));
    }

    #[test]
    fn what_is_no_pitch_is_refused() {
        for text in ["", "H4", "C", "C44", "128", "-1", "nan", "Cb-1", "C4x", "ß"] {
            assert!(parse(text).is_err(), "{text:?} was taken for a pitch");
        }
    }

    #[test]
    fn every_key_reads_back_by_its_name() {
        for key in 0..=127 {
            assert_eq!(parse(&name(key as f32)), Ok(key as f32));
        }
    }
}
