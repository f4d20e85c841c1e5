//! A [`Hit`]: one drum sound on its way into the set, trimmed and at full level.

use super::sources::Source;

/// Hz; the rate of every sound of the set.
pub const SAMPLE_RATE: u32 = 44_100;
/// Longer sounds are faded out: 1.5 s.
pub const LONGEST: usize = 66_150;

/// -80 dBFS: a preset that stays below it made no sound.
const SILENCE: f32 = 1e-4;
/// -40 dB below the peak: where the sound begins.
const ONSET: f32 = 1e-2;
/// -60 dB below the peak: where the sound has ended.
const TAIL: f32 = 1e-3;
/// 2 ms kept before the onset, faded in.
const LEAD: usize = 88;
/// 10 ms fade at the end of a sound.
const FADE: usize = 441;
/// 150 ms fade of a sound that is cut at `LONGEST`.
const LONG_FADE: usize = 6_615;
/// Above this cosine a stereo pair holds one sound, below it two variations.
const ONE_SOUND: f32 = 0.97;
/// Peak of every sound, just below full scale: 16-bit rounding must not clip.
const PEAK: f32 = 0.99;

/// One sound with its label and its descent.
#[derive(Clone, Debug)]
pub struct Hit {
    /// Mono at [`SAMPLE_RATE`], onset 2 ms after the start, peak 0.99.
    pub samples: Vec<f32>,
    /// One of the recipe's.
    pub class: &'static str,
    /// Collection.
    pub source: &'static Source,
    /// File name without class folder and extension.
    pub name: String,
    /// Where in the collection, for people.
    pub origin: String,
    /// MIDI note, where it has one.
    pub pitch: Option<u8>,
    /// Names of the recordings underneath: sounds that share one are siblings.
    pub material: Vec<String>,
    /// Peak before it was brought to full level; of duplicates the loudest is the clearest.
    pub level: f32,
}

/// A label and a descent, to which a sound is still missing.
#[derive(Clone, Debug)]
pub struct Ticket {
    /// See [`Hit::class`].
    pub class: &'static str,
    /// See [`Hit::source`].
    pub source: &'static Source,
    /// See [`Hit::name`].
    pub name: String,
    /// See [`Hit::origin`].
    pub origin: String,
    /// See [`Hit::pitch`].
    pub pitch: Option<u8>,
    /// See [`Hit::material`].
    pub material: Vec<String>,
}

impl Ticket {
    /// The hits in `channels`: none in silence, one where all channels agree, else one a channel. A stereo pair of
    /// microphones hears two variations of a stroke; their sum would comb.
    pub fn redeem(&self, channels: &[Vec<f32>]) -> Vec<Hit> {
        let (Some(first), Some(last)) = (channels.first(), channels.last()) else { return Vec::new() };
        if channels.len() == 1 || cosine(first, last).abs() > ONE_SOUND {
            return self.hit(&mean(channels), "").into_iter().collect();
        }
        [self.hit(first, "-left"), self.hit(last, "-right")].into_iter().flatten().collect()
    }

    fn hit(&self, samples: &[f32], suffix: &str) -> Option<Hit> {
        let level = peak(samples);
        Some(Hit {
            samples: trim(samples)?,
            class: self.class,
            source: self.source,
            name: format!("{}-{}{suffix}", self.source.id, slug(&self.name)),
            origin: self.origin.clone(),
            pitch: self.pitch,
            material: self.material.clone(),
            level,
        })
    }
}

/// From the onset to the end of the tail, at full level, without steps at either end. `None` if it is silent.
pub fn trim(samples: &[f32]) -> Option<Vec<f32>> {
    let peak = peak(samples);
    if !(peak > SILENCE && peak.is_finite()) {
        return None;
    }
    let onset = samples.iter().position(|x| x.abs() >= ONSET * peak)?;
    let end = samples.iter().rposition(|x| x.abs() >= TAIL * peak)? + FADE;
    let start = onset.saturating_sub(LEAD);
    let end = end.min(samples.len()).min(start + LONGEST);
    let mut kept = samples[start..end].to_vec();
    // The peak of what is kept: the loudest moment may lie behind the cut.
    let gain = PEAK / self::peak(&kept);
    kept.iter_mut().for_each(|x| *x *= gain);
    fade(&mut kept, onset - start, if end == start + LONGEST { LONG_FADE } else { FADE });
    Some(kept)
}

fn fade(samples: &mut [f32], rise: usize, fall: usize) {
    for (idx, x) in samples.iter_mut().take(rise).enumerate() {
        *x *= idx as f32 / rise as f32;
    }
    let fall = fall.min(samples.len() / 2);
    for (idx, x) in samples.iter_mut().rev().take(fall).enumerate() {
        *x *= idx as f32 / fall as f32;
    }
}

/// Cosine of the angle between two signals, over the shorter one's length; 0 for silence.
pub fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (&x, &y) in a.iter().zip(b) {
        ab += x * y;
        aa += x * x;
        bb += y * y;
    }
    if aa > 0.0 && bb > 0.0 { ab / (aa * bb).sqrt() } else { 0.0 }
}

/// The channels' mean, as long as the shortest.
pub fn mean(channels: &[Vec<f32>]) -> Vec<f32> {
    let frames = channels.iter().map(Vec::len).min().unwrap_or(0);
    (0..frames).map(|n| channels.iter().map(|channel| channel[n]).sum::<f32>() / channels.len() as f32).collect()
}

fn peak(samples: &[f32]) -> f32 {
    samples.iter().fold(0.0, |peak, x| peak.max(x.abs()))
}

/// Lower case letters and digits, joined by single hyphens.
pub fn slug(name: &str) -> String {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `silence` samples, then a decay of time constant `decay` samples.
    fn burst(silence: usize, decay: f32, length: usize) -> Vec<f32> {
        let tone = (0..length).map(|n| (-(n as f32) / decay).exp() * (n as f32 * 0.3).cos() * 0.2);
        std::iter::repeat_n(0.0, silence).chain(tone).collect()
    }

    #[test]
    fn trimming_puts_the_onset_two_milliseconds_in_and_the_peak_just_below_full_scale() {
        let kept = trim(&burst(5000, 2000.0, 40_000)).unwrap();
        assert!(kept[..LEAD].iter().all(|&x| x == 0.0));
        // Dividing by the peak and multiplying it again rounds twice.
        assert!((kept[LEAD] - PEAK).abs() <= 2.0 * f32::EPSILON);
        // -60 dB is reached after 6.9 time constants; the fade follows.
        assert!((13_600..14_500).contains(&kept.len()), "{}", kept.len());
        assert_eq!(kept.last(), Some(&0.0));
    }

    #[test]
    fn a_long_sound_is_cut_and_silence_is_no_sound() {
        assert_eq!(trim(&burst(0, 1e6, 100_000)).unwrap().len(), LONGEST);
        assert!(trim(&[5e-5; 1000]).is_none());
        assert!(trim(&[]).is_none());
    }

    #[test]
    fn slugs_hold_letters_digits_and_single_hyphens() {
        assert_eq!(slug("Power Kick 2 (L)"), "power-kick-2-l");
    }
}
