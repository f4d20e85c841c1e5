//! [`Shaping`]: what cuts and turns a clip on its way to a file.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::audio::{Clip, close_loop, edit, find_sustain};
use crate::error::{GenerateError, Result};

/// Longest cut or shift, in seconds: as long as the longest clip.
const MAX_S: f64 = 3600.0;

/// Cuts, order and fades of a clip; each absent unless asked for. [`Finish`](super::Finish) tells their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shaping {
    /// Keep only these seconds of the clip: start below end, both 0..=3600. A cut is hard: fade after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crop_s: Option<[f64; 2]>,
    /// Cut away what lies before the first and after the last sample louder than this, dB relative to the peak: -120..=-20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trim_db: Option<f64>,
    /// From the end to the start.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub reverse: bool,
    /// Shift in a circle by this many seconds, later where positive: -3600..=3600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotate_s: Option<f64>,
    /// Subtract the mean.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remove_dc: bool,
    /// A raised cosine from silence over this long: 0..=3600000 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fade_in_ms: Option<f64>,
    /// A raised cosine to silence over this long: 0..=3600000 ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fade_out_ms: Option<f64>,
    /// A loop that holds the sound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sustain: Option<Sustain>,
}

/// A loop that holds a note as long as its key is held: see [`find_sustain`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sustain {
    /// To be found; after that, there was none.
    Find,
    /// These frames of the finished sound, the second one exclusive.
    Loop([u32; 2]),
}

impl Sustain {
    /// The loop, where one was found.
    pub fn frames(self) -> Option<Range<usize>> {
        match self {
            Self::Find => None,
            Self::Loop([start, end]) => Some(start as usize..end as usize),
        }
    }
}

impl Shaping {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// These, and where they say nothing `lower`.
    #[must_use]
    pub fn or(self, lower: Self) -> Self {
        Self {
            crop_s: self.crop_s.or(lower.crop_s),
            trim_db: self.trim_db.or(lower.trim_db),
            reverse: self.reverse || lower.reverse,
            rotate_s: self.rotate_s.or(lower.rotate_s),
            remove_dc: self.remove_dc || lower.remove_dc,
            fade_in_ms: self.fade_in_ms.or(lower.fade_in_ms),
            fade_out_ms: self.fade_out_ms.or(lower.fade_out_ms),
            // Another sound has its loop elsewhere.
            sustain: self.sustain.or(lower.sustain.map(|_| Sustain::Find)),
        }
    }

    /// Check every field.
    ///
    /// # Errors
    /// Names the field, its value and its range.
    pub fn validate(&self) -> Result<(), GenerateError> {
        if let Some([start, end]) = self.crop_s {
            let need = "START..END with 0 <= START < END <= 3600 s";
            require(0.0 <= start && start < end && end <= MAX_S, "crop", format!("{start}..{end} s"), need)?;
        }
        if let Some(db) = self.trim_db {
            let range = "-120..=-20 dB below the peak";
            require((-120.0..=-20.0).contains(&db), "silence to trim", format!("{db} dB"), range)?;
        }
        if let Some(shift) = self.rotate_s {
            require(shift.abs() <= MAX_S, "rotation", format!("{shift} s"), "-3600..=3600 s")?;
        }
        for (field, fade) in [("fade-in", self.fade_in_ms), ("fade-out", self.fade_out_ms)] {
            let ms = fade.unwrap_or(0.0);
            require((0.0..=MAX_S * 1e3).contains(&ms), field, format!("{ms} ms"), "0..=3600000 ms")?;
        }
        if let Some(Sustain::Loop([start, end])) = self.sustain {
            require(start < end, "sustain loop", format!("{start}..{end}"), "frames START..END with START < END")?;
        }
        Ok(())
    }

    /// The first of what cuts a loop open, by its flag's name.
    pub(super) fn breaks_loops(&self) -> Option<&'static str> {
        let cuts = [
            ("crop", self.crop_s.is_some()),
            ("trim", self.trim_db.is_some()),
            ("fade-in", self.fade_in_ms.is_some()),
            ("fade-out", self.fade_out_ms.is_some()),
            ("sustain", self.sustain.is_some()),
        ];
        cuts.into_iter().find(|(_, is_asked)| *is_asked).map(|(name, _)| name)
    }

    /// All but the fades, on the clip as the model made it.
    ///
    /// # Errors
    /// A crop that begins behind the clip's end.
    pub(super) fn arrange(&self, clip: &Clip) -> Result<Clip> {
        let mut clip = self.crop(clip)?;
        if let Some(db) = self.trim_db {
            clip = edit::trim_silence(&clip, db);
        }
        if self.reverse {
            edit::reverse(&mut clip);
        }
        let later = self.rotation(clip.num_frames(), clip.sample_rate());
        edit::rotate(&mut clip, later as i64);
        if self.remove_dc {
            edit::remove_dc(&mut clip);
        }
        Ok(clip)
    }

    fn crop(&self, clip: &Clip) -> Result<Clip> {
        if self.crop_s.is_none() {
            return Ok(clip.clone());
        }
        Ok(edit::slice(clip, self.cropped(clip.num_frames(), clip.sample_rate())?))
    }

    /// What the crop leaves of so many frames.
    ///
    /// # Errors
    /// It begins behind the last.
    pub(super) fn cropped(&self, num_frames: usize, sample_rate: u32) -> Result<Range<usize>> {
        let Some([start, end]) = self.crop_s else { return Ok(0..num_frames) };
        let frame = |seconds: f64| (seconds * f64::from(sample_rate)).round() as usize;
        let range = frame(start)..frame(end).min(num_frames);
        let duration_s = num_frames as f64 / f64::from(sample_rate);
        let need = format!("a start before the clip's end ({duration_s:.3} s)");
        require(!range.is_empty(), "crop", format!("{start}..{end} s"), &need)?;
        Ok(range)
    }

    /// Frames by which a clip of `num_frames` is rotated to later: below that number.
    pub(super) fn rotation(&self, num_frames: usize, sample_rate: u32) -> usize {
        let later = (self.rotate_s.unwrap_or(0.0) * f64::from(sample_rate)).round() as i64;
        later.rem_euclid(num_frames.max(1) as i64) as usize
    }

    /// Whether nothing but a crop is done to the clip as the model made it.
    pub(super) fn keeps_order(&self) -> bool {
        self.trim_db.is_none() && !self.reverse && self.rotate_s.is_none() && !self.remove_dc
    }

    /// The fades, on the clip as the file will hold it.
    pub(super) fn fade(&self, clip: &mut Clip) {
        if let Some(ms) = self.fade_in_ms {
            edit::fade_in(clip, ms);
        }
        if let Some(ms) = self.fade_out_ms {
            edit::fade_out(clip, ms);
        }
    }

    /// Find the loop that holds the sound, where one is asked for, and close it, on the clip as the file will hold it.
    ///
    /// # Errors
    /// A loop that is not in the clip.
    pub(super) fn hold(&mut self, clip: &mut Clip) -> Result<()> {
        if self.sustain == Some(Sustain::Find)
            && let Some(Range { start, end }) = find_sustain(clip)
        {
            // A minute at most.
            self.sustain = Some(Sustain::Loop([start as u32, end as u32]));
        }
        if let Some(frames) = self.sustain.and_then(Sustain::frames) {
            let (found, need) = (format!("{frames:?}"), format!("frames of the {} that there are", clip.num_frames()));
            require(frames.end <= clip.num_frames(), "sustain loop", found, &need)?;
            close_loop(clip, &frames);
        }
        Ok(())
    }
}

fn require(holds: bool, field: &str, found: String, need: &str) -> Result<(), GenerateError> {
    match holds {
        true => Ok(()),
        false => Err(GenerateError::OutOfRange { field: field.to_owned(), found, need: need.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Frames 1, 2, 3 and so on at 10 Hz.
    fn ramp(frames: usize) -> Clip {
        Clip::mono((1..=frames).map(|i| i as f32).collect(), 10).unwrap()
    }

    fn shaped(shaping: Shaping, clip: &Clip) -> Vec<f32> {
        shaping.arrange(clip).unwrap().into_channels().remove(0)
    }

    #[test]
    fn shaping_follow_their_documented_order() {
        let all = Shaping { crop_s: Some([0.2, 0.6]), reverse: true, rotate_s: Some(0.1), ..Shaping::default() };
        // 3 4 5 6, turned round, the last to the front.
        assert_eq!(shaped(all, &ramp(9)), [3.0, 6.0, 5.0, 4.0]);
        let backwards = Shaping { rotate_s: Some(-0.1), ..Shaping::default() };
        assert_eq!(shaped(backwards, &ramp(3)), [2.0, 3.0, 1.0]);
        assert_eq!(shaped(Shaping::default(), &ramp(3)), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn what_is_below_the_threshold_is_trimmed_and_the_mean_removed() {
        let clip = Clip::mono(vec![0.0005, 0.0, 1.0, 0.0, 0.5, 0.0009], 10).unwrap();
        assert_eq!(shaped(Shaping { trim_db: Some(-60.0), ..Shaping::default() }, &clip), [1.0, 0.0, 0.5]);
        assert_eq!(shaped(Shaping { remove_dc: true, ..Shaping::default() }, &ramp(3)), [-1.0, 0.0, 1.0]);
    }

    #[test]
    fn a_crop_beyond_the_clip_keeps_what_there_is_or_says_that_nothing_is() {
        let crop = |start, end| Shaping { crop_s: Some([start, end]), ..Shaping::default() };
        assert_eq!(shaped(crop(0.2, 9.0), &ramp(3)), [3.0]);
        let message = crop(0.3, 9.0).arrange(&ramp(3)).unwrap_err().to_string();
        assert_eq!(message, "crop is 0.3..9 s; need a start before the clip's end (0.300 s)");
    }

    #[test]
    fn every_field_is_checked_by_name() {
        let none = Shaping::default();
        for (shaping, words) in [
            (Shaping { crop_s: Some([2.0, 1.0]), ..none }, "crop is 2..1 s"),
            (Shaping { crop_s: Some([f64::NAN, 1.0]), ..none }, "crop is NaN..1 s"),
            (Shaping { trim_db: Some(0.0), ..none }, "silence to trim is 0 dB"),
            (Shaping { rotate_s: Some(f64::INFINITY), ..none }, "rotation is inf s"),
            (Shaping { fade_in_ms: Some(-1.0), ..none }, "fade-in is -1 ms"),
            (Shaping { fade_out_ms: Some(f64::NAN), ..none }, "fade-out is NaN ms"),
        ] {
            let message = shaping.validate().unwrap_err().to_string();
            assert!(message.starts_with(words), "{message}");
        }
        assert!(none.validate().is_ok());
    }

    #[test]
    fn each_edit_wins_over_the_one_below_it() {
        let below = Shaping { fade_in_ms: Some(1.0), fade_out_ms: Some(2.0), reverse: true, ..Shaping::default() };
        let merged = Shaping { fade_in_ms: Some(9.0), ..Shaping::default() }.or(below);
        assert_eq!(merged, Shaping { fade_in_ms: Some(9.0), ..below });
    }
}
