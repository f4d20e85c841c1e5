//! Small edits of a [`Clip`]: onset and silence, length, order, fades, levels, channels.

use std::ops::Range;

use super::clip::Clip;
use super::loudness::measure_loudness;
use crate::error::{AudioError, Result};

/// The first frame of which any channel is louder than the clip's peak plus `threshold_db` (negative; -40 is usual).
///
/// `None` for silence. Relative to the peak, so that gain does not move it.
pub fn onset_frame(clip: &Clip, threshold_db: f64) -> Option<usize> {
    sounding_frames(clip, threshold_db).map(|frames| frames.start)
}

/// The frames from the first to the last that are louder than the peak plus `threshold_db`; `None` for silence.
pub fn sounding_frames(clip: &Clip, threshold_db: f64) -> Option<Range<usize>> {
    let peak = clip.peak();
    let threshold = threshold(peak, threshold_db);
    let is_loud = |sample: &f32| f64::from(sample.abs()) >= threshold;
    let channels = || clip.channels().iter();
    let start = channels().filter_map(|channel| channel.iter().position(is_loud)).min()?;
    let end = channels().filter_map(|channel| channel.iter().rposition(is_loud)).max()? + 1;
    (peak > 0.0).then_some(start..end)
}

/// The level from which on samples of a sound of this peak count in [`sounding_frames`].
pub fn threshold(peak: f32, threshold_db: f64) -> f64 {
    // A threshold above 0 dB would leave nothing of any sound.
    f64::from(peak) * gain(threshold_db.min(0.0))
}

/// The clip without the silence around it: everything before and after [`sounding_frames`]. Silence becomes empty.
#[must_use]
pub fn trim_silence(clip: &Clip, threshold_db: f64) -> Clip {
    slice(clip, sounding_frames(clip, threshold_db).unwrap_or(0..0))
}

/// These frames of the clip; those that it does not have are left out.
#[must_use]
pub fn slice(clip: &Clip, frames: Range<usize>) -> Clip {
    let end = frames.end.min(clip.num_frames());
    let start = frames.start.min(end);
    clip.map_channels(|channel| channel[start..end].to_vec())
}

/// The clip cut, or continued in silence, to `num_frames`. A cut is as hard as a knife: fade before or after.
#[must_use]
pub fn fit_length(clip: &Clip, num_frames: usize) -> Clip {
    clip.map_channels(|channel| {
        let mut samples = channel[..num_frames.min(channel.len())].to_vec();
        samples.resize(num_frames, 0.0);
        samples
    })
}

/// The clip from its end to its start.
pub fn reverse(clip: &mut Clip) {
    clip.channels_mut().for_each(<[f32]>::reverse);
}

/// Shift the clip in a circle by `num_frames`, later where that is positive: what leaves one end enters at the other.
///
/// No sample changes its value. A loop stays a loop; of any other clip, what was its end now meets its start.
pub fn rotate(clip: &mut Clip, num_frames: i64) {
    // A clip's length fits: memory ends long before 63 bits do.
    let length = clip.num_frames().max(1) as i64;
    let later = num_frames.rem_euclid(length) as usize;
    clip.channels_mut().filter(|channel| !channel.is_empty()).for_each(|channel| channel.rotate_right(later));
}

/// Subtract every channel's mean. Of a sound that dies away this lifts the silent end by the mean: fade it out after.
pub fn remove_dc(clip: &mut Clip) {
    for channel in clip.channels_mut() {
        let mean = channel.iter().map(|&x| f64::from(x)).sum::<f64>() / channel.len().max(1) as f64;
        channel.iter_mut().for_each(|x| *x = (f64::from(*x) - mean) as f32);
    }
}

/// Fade in over the first `duration_ms` (or the whole clip, if it is shorter): from exactly 0, along a raised cosine.
pub fn fade_in(clip: &mut Clip, duration_ms: f64) {
    let frames = fade_frames(clip, duration_ms);
    for channel in clip.channels_mut() {
        let rise = channel[..frames].iter_mut().enumerate();
        rise.for_each(|(i, sample)| *sample *= raised_cosine(i, frames));
    }
}

/// Fade out over the last `duration_ms` (or the whole clip, if it is shorter): to exactly 0 in the last frame.
pub fn fade_out(clip: &mut Clip, duration_ms: f64) {
    let frames = fade_frames(clip, duration_ms);
    for channel in clip.channels_mut() {
        let fall = channel.iter_mut().rev().take(frames).enumerate();
        fall.for_each(|(i, sample)| *sample *= raised_cosine(i, frames));
    }
}

fn fade_frames(clip: &Clip, duration_ms: f64) -> usize {
    // A negative duration becomes 0 frames: the cast saturates.
    ((duration_ms * 1e-3 * f64::from(clip.sample_rate())).round() as usize).min(clip.num_frames())
}

/// 0 at `i = 0`, 1 at `i = n`, and flat at both ends: the shape of the fades.
pub fn raised_cosine(i: usize, n: usize) -> f32 {
    // libm: the same on every platform.
    (0.5 - 0.5 * libm::cos(std::f64::consts::PI * i as f64 / n as f64)) as f32
}

/// Make everything `gain_db` louder.
pub fn apply_gain_db(clip: &mut Clip, gain_db: f64) {
    let factor = gain(gain_db);
    clip.channels_mut().flatten().for_each(|sample| *sample = (f64::from(*sample) * factor) as f32);
}

/// Bring the peak to `target_dbfs` (0 is full scale). The gain applied, in dB; silence stays and gives `None`.
pub fn normalize_peak(clip: &mut Clip, target_dbfs: f64) -> Option<f64> {
    let gain_db = target_dbfs - clip.peak_dbfs()?;
    apply_gain_db(clip, gain_db);
    Some(gain_db)
}

/// Bring the integrated loudness to `target_lufs`, as far as the true peak stays at or below `ceiling_dbtp`.
///
/// The gain applied, in dB. Never compresses: a clip of high peaks stays quieter than asked. What has no loudness
/// ([`measure_loudness`]) stays as it is and gives `None`.
pub fn normalize_loudness(clip: &mut Clip, target_lufs: f64, ceiling_dbtp: f64) -> Option<f64> {
    let measured = measure_loudness(clip);
    let gain_db = (target_lufs - measured.integrated_lufs?).min(ceiling_dbtp - measured.true_peak_dbtp?);
    apply_gain_db(clip, gain_db);
    Some(gain_db)
}

/// Make the clip quieter until its true peak is at or below `ceiling_dbtp`; a quieter one stays as it is.
///
/// The gain applied, in dB (0 or less).
pub fn limit_true_peak(clip: &mut Clip, ceiling_dbtp: f64) -> f64 {
    let true_peak = measure_loudness(clip).true_peak_dbtp;
    let gain_db = true_peak.map_or(0.0, |peak| (ceiling_dbtp - peak).min(0.0));
    if gain_db < 0.0 {
        apply_gain_db(clip, gain_db);
    }
    gain_db
}

/// The clip in one channel (the mean) or two (mono on both, at the same level).
///
/// # Errors
/// From more than two channels to two, or to any other number: there is no one way to do it.
pub fn with_channels(clip: &Clip, num_channels: usize) -> Result<Clip> {
    match (clip.num_channels(), num_channels) {
        (found, wanted) if found == wanted => Ok(clip.clone()),
        (_, 1) => Ok(clip.to_mono()),
        (1, 2) => Clip::new(vec![clip.channels()[0].clone(); 2], clip.sample_rate()),
        (found, 2) => {
            let object = "a clip to be made stereo";
            Err(AudioError::NumChannels { object, found, needed: "1 or 2" }.into())
        }
        (_, found) => {
            let object = "the clip asked for";
            Err(AudioError::NumChannels { object, found, needed: "1 or 2" }.into())
        }
    }
}

/// dB -> factor.
fn gain(db: f64) -> f64 {
    libm::exp(db * std::f64::consts::LN_10 / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mono(samples: &[f32]) -> Clip {
        Clip::mono(samples.to_vec(), 1000).unwrap()
    }

    /// 1 kHz at this amplitude, 1 s, 48 kHz.
    fn tone(amplitude: f64) -> Clip {
        let step = std::f64::consts::TAU / 48.0;
        Clip::mono((0..48_000).map(|i| (amplitude * (f64::from(i) * step).sin()) as f32).collect(), 48_000).unwrap()
    }

    #[test]
    fn the_onset_is_the_first_frame_above_the_threshold_of_any_channel() {
        let clip = Clip::new(vec![vec![0.0, 0.004, 0.0, 0.5], vec![0.0, 0.0, 0.006, 0.0]], 1000).unwrap();
        assert_eq!(onset_frame(&clip, -40.0), Some(2));
        assert_eq!(onset_frame(&clip, -60.0), Some(1));
        assert_eq!(onset_frame(&clip, 0.0), Some(3));
        assert_eq!(onset_frame(&mono(&[0.0; 4]), -40.0), None);
        assert_eq!(onset_frame(&mono(&[]), -40.0), None);
    }

    #[test]
    fn gain_does_not_move_the_onset() {
        let mut clip = mono(&[0.0, 0.011, 0.2, 1.0, 0.1]);
        let before = onset_frame(&clip, -40.0);
        apply_gain_db(&mut clip, -50.0);
        assert_eq!(onset_frame(&clip, -40.0), before);
    }

    #[test]
    fn trimming_leaves_the_sound_and_the_silence_within_it() {
        let trimmed = trim_silence(&mono(&[0.0, 0.001, 0.5, 0.0, -1.0, 0.002, 0.0]), -40.0);
        assert_eq!(trimmed, mono(&[0.5, 0.0, -1.0]));
        assert_eq!(trim_silence(&trimmed, -40.0), trimmed);
        assert_eq!(trim_silence(&mono(&[0.0; 9]), -40.0).num_frames(), 0);
    }

    #[test]
    fn slices_and_lengths_stay_inside_the_clip() {
        let clip = mono(&[1.0, 2.0, 3.0]);
        assert_eq!(slice(&clip, 1..2), mono(&[2.0]));
        assert_eq!(slice(&clip, 2..9), mono(&[3.0]));
        assert_eq!(slice(&clip, 7..9), mono(&[]));
        assert_eq!(fit_length(&clip, 2), mono(&[1.0, 2.0]));
        assert_eq!(fit_length(&clip, 5), mono(&[1.0, 2.0, 3.0, 0.0, 0.0]));
    }

    #[test]
    fn fades_reach_zero_rise_evenly_and_leave_the_rest_alone() {
        let mut clip = mono(&[1.0; 20]);
        fade_in(&mut clip, 4.0);
        fade_out(&mut clip, 4.0);
        let samples = &clip.channels()[0];
        assert_eq!((samples[0], samples[19]), (0.0, 0.0));
        assert_eq!((samples[2], samples[17]), (0.5, 0.5));
        assert!(samples[4..16].iter().all(|&x| x == 1.0));
        let mirrored: Vec<f32> = samples.iter().rev().copied().collect();
        assert_eq!(samples, &mirrored);
    }

    #[test]
    fn a_fade_longer_than_the_clip_or_of_no_length_is_fine() {
        let mut clip = mono(&[1.0; 4]);
        fade_out(&mut clip, 1e9);
        assert_eq!(clip.channels()[0][3], 0.0);
        for duration_ms in [0.0, -5.0, f64::NAN] {
            let mut clip = mono(&[1.0; 4]);
            fade_in(&mut clip, duration_ms);
            assert_eq!(clip, mono(&[1.0; 4]));
        }
        fade_in(&mut mono(&[]), 10.0);
    }

    #[test]
    fn reversing_twice_and_rotating_forth_and_back_change_nothing() {
        let original = Clip::new(vec![vec![1.0, 2.0, 3.0, 4.0], vec![5.0, 6.0, 7.0, 8.0]], 1000).unwrap();
        let mut clip = original.clone();
        reverse(&mut clip);
        assert_eq!(clip.channels(), [[4.0, 3.0, 2.0, 1.0], [8.0, 7.0, 6.0, 5.0]]);
        reverse(&mut clip);
        rotate(&mut clip, 1);
        assert_eq!(clip.channels(), [[4.0, 1.0, 2.0, 3.0], [8.0, 5.0, 6.0, 7.0]]);
        rotate(&mut clip, -9);
        assert_eq!(clip, original);
        rotate(&mut mono(&[]), 7);
    }

    #[test]
    fn no_constant_is_left_and_what_moves_stays() {
        let mut clip = Clip::new(vec![vec![1.5, 0.5, 1.5, 0.5], vec![0.0, 0.25, 0.0, -0.25]], 1000).unwrap();
        remove_dc(&mut clip);
        assert_eq!(clip.channels(), [[0.5, -0.5, 0.5, -0.5], [0.0, 0.25, 0.0, -0.25]]);
        remove_dc(&mut mono(&[]));
    }

    #[test]
    fn the_true_peak_is_lowered_to_its_ceiling_and_never_raised() {
        // A quarter of the rate, 45 degrees off: the samples lie 3 dB below the wave's height.
        let step = std::f64::consts::TAU / 4.0;
        let wave = |i: i32| (0.99 * ((f64::from(i) + 0.5) * step).sin()) as f32;
        let mut clip = Clip::mono((0..4800).map(wave).collect(), 48_000).unwrap();
        assert!(limit_true_peak(&mut clip, -3.0) < -2.0);
        assert!((measure_loudness(&clip).true_peak_dbtp.unwrap() + 3.0).abs() < 1e-3);
        let before = clip.clone();
        assert_eq!((limit_true_peak(&mut clip, -1.0), clip), (0.0, before));
    }

    #[test]
    fn the_peak_lands_on_its_target_and_silence_stays() {
        let mut clip = mono(&[0.1, -0.2]);
        let gain_db = normalize_peak(&mut clip, -1.0).unwrap();
        assert!((clip.peak_dbfs().unwrap() + 1.0).abs() < 1e-5);
        assert!((gain_db - 12.9794).abs() < 1e-3);
        assert_eq!(normalize_peak(&mut mono(&[0.0]), -1.0), None);
    }

    #[test]
    fn the_loudness_lands_on_its_target_unless_the_peak_is_in_the_way() {
        let mut clip = tone(0.01);
        normalize_loudness(&mut clip, -20.0, -1.0).unwrap();
        assert!((measure_loudness(&clip).integrated_lufs.unwrap() + 20.0).abs() < 1e-3);
        normalize_loudness(&mut clip, 0.0, -1.0).unwrap();
        assert!((measure_loudness(&clip).true_peak_dbtp.unwrap() + 1.0).abs() < 1e-3);
        assert_eq!(normalize_loudness(&mut mono(&[0.0; 500]), -20.0, -1.0), None);
    }

    #[test]
    fn channels_convert_where_there_is_one_way() {
        let stereo = Clip::new(vec![vec![1.0, 0.0], vec![0.0, 0.5]], 1000).unwrap();
        assert_eq!(with_channels(&stereo, 1).unwrap(), mono(&[0.5, 0.25]));
        assert_eq!(with_channels(&mono(&[0.5]), 2).unwrap().channels(), [[0.5], [0.5]]);
        assert_eq!(with_channels(&stereo, 2).unwrap(), stereo);
        let message = |clip: &Clip, n| with_channels(clip, n).unwrap_err().to_string();
        let wide = Clip::new(vec![vec![0.0]; 6], 1000).unwrap();
        assert_eq!(message(&wide, 2), "a clip to be made stereo has 6 channels; need 1 or 2");
        assert_eq!(message(&stereo, 0), "the clip asked for has 0 channels; need 1 or 2");
        assert_eq!(message(&stereo, 4), "the clip asked for has 4 channels; need 1 or 2");
    }
}
