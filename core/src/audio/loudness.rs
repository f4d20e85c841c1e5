//! [`measure_loudness`]: how loud a clip sounds, and how high its wave really rises.

use ebur128::{EbuR128, Mode};

use super::clip::Clip;

/// What a loudness meter says about a clip.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loudness {
    /// Integrated loudness in LUFS (ITU-R BS.1770-4, EBU R 128). `None` below the standard's gate of -70 LUFS.
    pub integrated_lufs: Option<f64>,
    /// The peak of the wave between the samples too, in dB relative to full scale. `None` for silence.
    pub true_peak_dbtp: Option<f64>,
}

/// Frames of silence after which the true-peak filter has seen the last sample (it spans 24).
const TRUE_PEAK_TAIL: usize = 64;

/// Loudness and true peak of a clip.
///
/// The standard measures in blocks of 400 ms and does not define anything shorter. A shorter clip is measured as if
/// silence followed it up to 400 ms: a 40 ms click is 10 dB below the same level held, which is about what the ear
/// does, and nothing jumps at the limit. A mono clip counts as one loudspeaker: 3 LU below the same sound on two.
/// More than six channels: those beyond the sixth do not count. Both values are `None` where the standard has no
/// meaning: above 64 channels, below 16 Hz, or with samples that are not finite.
///
/// True peak is found by fourfold oversampling (twofold from 96 kHz, none from 192 kHz).
pub fn measure_loudness(clip: &Clip) -> Loudness {
    measure(clip).unwrap_or_default()
}

fn measure(clip: &Clip) -> Result<Loudness, ebur128::Error> {
    let num_channels = u32::try_from(clip.num_channels()).unwrap_or(u32::MAX);
    let mut meter = EbuR128::new(num_channels, clip.sample_rate(), Mode::I | Mode::TRUE_PEAK)?;
    let planes: Vec<&[f32]> = clip.channels().iter().map(Vec::as_slice).collect();
    meter.add_frames_planar_f32(&planes)?;
    // The meter's own idea of a block: four times 100 ms, each rounded to whole frames.
    let block = (clip.sample_rate() as usize + 5) / 10 * 4;
    add_silence(&mut meter, &planes, block.saturating_sub(clip.num_frames()))?;
    let integrated = meter.loudness_global()?;
    add_silence(&mut meter, &planes, TRUE_PEAK_TAIL)?;
    let mut peak = 0.0f64;
    for channel in 0..num_channels {
        peak = peak.max(meter.true_peak(channel)?);
    }
    let is_sound = integrated.is_finite() && planes.iter().all(|plane| plane.iter().all(|x| x.is_finite()));
    Ok(Loudness {
        integrated_lufs: Some(integrated).filter(|_| is_sound),
        true_peak_dbtp: Some(20.0 * peak.log10()).filter(|peak| peak.is_finite()),
    })
}

/// Loudness and true peak of a sound that comes in pieces; its memory does not grow with the length.
pub struct LoudnessMeter {
    /// `None` where the standard has no meaning.
    meter: Option<EbuR128>,
    num_channels: u32,
}

impl LoudnessMeter {
    /// For this many channels at `sample_rate` Hz.
    pub fn new(num_channels: u32, sample_rate: u32) -> Self {
        // The histogram has steps of 0.1 LU; the list of blocks that it replaces grows by ten values a second.
        let mode = Mode::I | Mode::TRUE_PEAK | Mode::HISTOGRAM;
        Self { meter: EbuR128::new(num_channels, sample_rate, mode).ok(), num_channels }
    }

    /// The next frames, each sample on every channel.
    pub fn add(&mut self, samples: &[f32]) {
        let planes = vec![samples; self.num_channels as usize];
        if self.meter.as_mut().is_some_and(|meter| meter.add_frames_planar_f32(&planes).is_err()) {
            self.meter = None;
        }
    }

    /// As [`measure_loudness`], for sounds of at least 400 ms; the loudness is exact to 0.1 LU.
    pub fn finish(mut self) -> Loudness {
        self.add(&[0.0; TRUE_PEAK_TAIL]);
        let Some(meter) = self.meter else { return Loudness::default() };
        let peaks = (0..self.num_channels).filter_map(|channel| meter.true_peak(channel).ok());
        let peak = peaks.fold(0.0f64, f64::max);
        Loudness {
            integrated_lufs: meter.loudness_global().ok().filter(|lufs| lufs.is_finite()),
            true_peak_dbtp: Some(20.0 * peak.log10()).filter(|peak| peak.is_finite()),
        }
    }
}

fn add_silence(meter: &mut EbuR128, planes: &[&[f32]], num_frames: usize) -> Result<(), ebur128::Error> {
    let silence = vec![0.0; num_frames];
    meter.add_frames_planar_f32(&vec![silence.as_slice(); planes.len()])
}

#[cfg(test)]
mod tests {
    use std::f64::consts::TAU;

    use super::*;

    fn sine(hz: f64, amplitude: f64, sample_rate: u32, frames: usize) -> Vec<f32> {
        let step = TAU * hz / f64::from(sample_rate);
        (0..frames).map(|i| (amplitude * (i as f64 * step).sin()) as f32).collect()
    }

    fn lufs(channels: Vec<Vec<f32>>, sample_rate: u32) -> f64 {
        measure_loudness(&Clip::new(channels, sample_rate).unwrap()).integrated_lufs.unwrap()
    }

    #[test]
    fn the_standards_reference_tone_reads_its_level() {
        // EBU Tech 3341, case 1: 1 kHz at -23 dBFS on both channels for 20 s reads -23 LUFS, +-0.1.
        for rate in [44_100, 48_000, 96_000] {
            let tone = sine(1000.0, 10f64.powf(-23.0 / 20.0), rate, 20 * rate as usize);
            assert!((lufs(vec![tone.clone(), tone], rate) + 23.0).abs() < 0.1, "{rate}");
        }
    }

    #[test]
    fn a_second_channel_adds_three_units_and_gain_adds_itself() {
        let tone = sine(1000.0, 0.1, 48_000, 48_000);
        let half: Vec<f32> = tone.iter().map(|x| x * 0.5).collect();
        let mono = lufs(vec![tone.clone()], 48_000);
        assert!((lufs(vec![tone.clone(), tone], 48_000) - mono - 3.0103).abs() < 1e-3);
        assert!((mono - lufs(vec![half], 48_000) - 6.0206).abs() < 1e-3);
    }

    #[test]
    fn a_tenth_of_a_block_is_ten_units_below_the_whole_and_nothing_jumps_at_its_end() {
        let at = |ms: usize| lufs(vec![sine(1000.0, 0.5, 48_000, 48 * ms)], 48_000);
        // Switching the tone off inside the block rings for a moment: 0.2 LU.
        assert!((at(400) - at(40) - 10.0).abs() < 0.2, "{} {}", at(400), at(40));
        assert!((at(400) - at(399)).abs() < 0.05);
    }

    #[test]
    fn silence_and_nothing_have_no_loudness() {
        for frames in [0, 1, 100, 100_000] {
            let silent = Clip::mono(vec![0.0; frames], 44_100).unwrap();
            assert_eq!(measure_loudness(&silent), Loudness::default());
        }
    }

    #[test]
    fn what_cannot_be_measured_gives_nothing() {
        let broken = Clip::mono(vec![f32::NAN; 50_000], 44_100).unwrap();
        assert_eq!(measure_loudness(&broken).integrated_lufs, None);
        let wide = Clip::new(vec![vec![0.5; 10]; 65], 44_100).unwrap();
        assert_eq!(measure_loudness(&wide), Loudness::default());
    }

    #[test]
    fn the_true_peak_sees_what_lies_between_the_samples() {
        // A quarter of the rate, 45 degrees off: every sample is at 0.707 of the wave's height.
        let samples: Vec<f32> = (0..4800).map(|i| (TAU * (f64::from(i) / 4.0 + 0.125)).sin() as f32).collect();
        let clip = Clip::mono(samples, 48_000).unwrap();
        assert!((clip.peak_dbfs().unwrap() + 3.01).abs() < 0.01);
        // EBU Tech 3341 allows +0.2 and -0.4 dB; the sudden start itself overshoots.
        let peak = measure_loudness(&clip).true_peak_dbtp.unwrap();
        assert!((-0.4..1.0).contains(&peak), "{peak}");
    }

    #[test]
    fn a_meter_of_pieces_agrees_with_the_whole() {
        let samples: Vec<f32> = (0..96_000).map(|i| (0.2 * (TAU * f64::from(i) * 0.02).sin()) as f32).collect();
        let whole = measure_loudness(&Clip::new(vec![samples.clone(); 2], 48_000).unwrap());
        let mut meter = LoudnessMeter::new(2, 48_000);
        samples.chunks(1234).for_each(|piece| meter.add(piece));
        let found = meter.finish();
        assert!((found.integrated_lufs.unwrap() - whole.integrated_lufs.unwrap()).abs() < 0.1);
        assert!((found.true_peak_dbtp.unwrap() - whole.true_peak_dbtp.unwrap()).abs() < 1e-9);
    }

    #[test]
    fn a_peak_in_the_very_last_frame_counts() {
        let mut samples = vec![0.0; 1000];
        samples[999] = 0.5;
        let peak = measure_loudness(&Clip::mono(samples, 44_100).unwrap()).true_peak_dbtp.unwrap();
        assert!(peak >= -6.03, "{peak}");
    }
}
