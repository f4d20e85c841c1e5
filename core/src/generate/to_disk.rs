//! Long sounds as files: through the disk, not through memory.

use std::path::Path;

use super::cancel::Cancel;
use super::dither::Dither;
use super::file_recipe::FileRecipe;
use super::finish::{CEILING_DBTP, FileFormat, Finish, Level};
use super::long::total_samples;
use super::recipe::Recipe;
use super::request::{Request, samples_in};
use super::session::Session;
use crate::audio::{LoudnessMeter, ResampleStream, Spill, WavFormat, WavStream, edit, resampled_len};
use crate::error::{GenerateError, Result};

/// From here on a sound goes through the disk, in seconds: shorter ones take up to 25 MB of memory.
const LONG_S: f64 = 60.0;

/// What a long sound measures, as in its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What made it.
    pub recipe: Recipe,
    /// Frames.
    pub num_frames: usize,
    /// Highest sample, dBFS; `None` for silence.
    pub peak_dbfs: Option<f64>,
    /// Integrated loudness, LUFS, to 0.1; `None` where there is none.
    pub lufs: Option<f64>,
}

impl Session {
    /// Whether [`Session::write`] is the way to make this: above 60 s, a sound shall not lie in memory.
    pub fn is_long(recipe: &Recipe) -> bool {
        recipe.duration_s > LONG_S && recipe.looped.is_none() && recipe.edit.inpaint.is_none()
    }

    /// Make a sound of any length as a WAV file, which appears whole or not at all. Memory does not grow with the length;
    /// the disk needs room for the samples as floats besides. The bytes are those of no other way: the same recipe goes
    /// the same way.
    ///
    /// # Errors
    /// As [`Session::render`]; what needs the whole sound in memory (FLAC, cuts, turning round), by name; a file of 4 GiB
    /// and more.
    pub fn write(
        &self,
        request: &Request,
        finish: Finish,
        path: &Path,
        cancel: &Cancel,
        on_step: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Written> {
        let file = FileRecipe { recipe: self.resolve(request)?, finish };
        file.validate()?;
        check_long(&finish)?;
        let sample_rate = self.model().card.config.sample_rate;
        let num_samples = total_samples(self.model(), &file.recipe)?;
        let num_frames = resampled_len(num_samples, sample_rate, finish.sample_rate);
        // First of all: it says whether there is room for the header's sizes.
        let info = file.info(None);
        let channels = usize::from(finish.channels);
        let format = wav_format(finish.format);
        let mut wav = WavStream::create(path, [channels, num_frames], finish.sample_rate, format, &info)?;
        let mut first = First::new(&finish, num_frames, path)?;
        let mut resampler = ResampleStream::new(sample_rate, finish.sample_rate);
        self.stream(request, cancel, on_step, &mut |piece| resampler.push(piece, &mut |piece| first.take(piece)))?;
        resampler.finish(&mut |piece| first.take(piece))?;
        let (spill, measured) = (first.spill, Measured { peak: first.peak, loudness: first.meter.finish() });
        let gain_db = measured.gain_db(&finish);
        second(spill, &file, gain_db, cancel, &mut wav)?;
        wav.finish()?;
        let peak_dbfs = measured.peak_dbfs().map(|peak| peak + gain_db);
        let lufs = measured.loudness.integrated_lufs.map(|lufs| lufs + gain_db);
        Ok(Written { recipe: file.recipe, num_frames, peak_dbfs, lufs })
    }
}

/// What needs a whole sound is refused by name.
fn check_long(finish: &Finish) -> Result<(), GenerateError> {
    let shaping = &finish.shaping;
    let whole = [
        ("format flac", finish.format == FileFormat::Flac),
        ("crop", shaping.crop_s.is_some()),
        ("trim", shaping.trim_db.is_some()),
        ("reverse", shaping.reverse),
        ("rotate", shaping.rotate_s.is_some()),
        ("remove-dc", shaping.remove_dc),
    ];
    match whole.into_iter().find(|(_, is_asked)| *is_asked) {
        None => Ok(()),
        Some((name, _)) => {
            let need = format!("a sound of at most {LONG_S} s, or a WAV without it: longer ones never lie in memory");
            Err(GenerateError::OutOfRange { field: name.to_owned(), found: "asked for".to_owned(), need })
        }
    }
}

fn wav_format(format: FileFormat) -> WavFormat {
    match format {
        FileFormat::Wav16 => WavFormat::Wav16,
        FileFormat::Wav32f => WavFormat::Wav32f,
        // FLAC was refused.
        FileFormat::Wav24 | FileFormat::Flac => WavFormat::Wav24,
    }
}

/// The first time through: fades, measures, and keeps the sound on disk.
struct First {
    spill: Spill,
    meter: LoudnessMeter,
    peak: f32,
    at: usize,
    num_frames: usize,
    /// Frames that fade in and out.
    fades: [usize; 2],
}

impl First {
    fn new(finish: &Finish, num_frames: usize, path: &Path) -> Result<Self> {
        let frames = |ms: Option<f64>| samples_in(ms.unwrap_or(0.0) * 1e-3, finish.sample_rate).min(num_frames);
        let fades = [frames(finish.shaping.fade_in_ms), frames(finish.shaping.fade_out_ms)];
        let meter = LoudnessMeter::new(u32::from(finish.channels), finish.sample_rate);
        Ok(Self { spill: Spill::beside(path)?, meter, peak: 0.0, at: 0, num_frames, fades })
    }

    fn take(&mut self, samples: &[f32]) -> Result<()> {
        let mut samples = samples.to_vec();
        for sample in &mut samples {
            *sample *= self.fade_here();
            self.peak = self.peak.max(sample.abs());
            self.at += 1;
        }
        self.meter.add(&samples);
        self.spill.write(&samples)
    }

    /// The factor of the fades at the present frame.
    fn fade_here(&self) -> f32 {
        let [rise, fall] = self.fades;
        let from_end = self.num_frames.saturating_sub(self.at + 1);
        let fade_in = if self.at < rise { edit::raised_cosine(self.at, rise) } else { 1.0 };
        fade_in * if from_end < fall { edit::raised_cosine(from_end, fall) } else { 1.0 }
    }
}

/// What the sound measures before its gain.
struct Measured {
    peak: f32,
    loudness: crate::audio::Loudness,
}

impl Measured {
    fn peak_dbfs(&self) -> Option<f64> {
        (self.peak > 0.0).then(|| 20.0 * f64::from(self.peak).log10())
    }

    /// The gain that brings it to its level, as [`Finish::apply`] finds it.
    fn gain_db(&self, finish: &Finish) -> f64 {
        let wanted = match finish.level {
            Level::PeakDbfs(target) => self.peak_dbfs().map(|peak| target - peak),
            Level::Lufs(target) => self.loudness.integrated_lufs.map(|lufs| target - lufs),
            Level::Raw => None,
        };
        let ceiling = finish.true_peak_dbtp.or(matches!(finish.level, Level::Lufs(_)).then_some(CEILING_DBTP));
        let room = ceiling.zip(self.loudness.true_peak_dbtp).map_or(f64::INFINITY, |(ceiling, peak)| ceiling - peak);
        wanted.unwrap_or(0.0).min(room)
    }
}

/// The second time through: gain, channels, dither, sample format.
fn second(spill: Spill, file: &FileRecipe, gain_db: f64, cancel: &Cancel, wav: &mut WavStream) -> Result<()> {
    let channels = usize::from(file.finish.channels);
    let factor = libm::exp(gain_db * std::f64::consts::LN_10 / 20.0);
    let mut dithers: Vec<Option<Dither>> =
        (0..channels).map(|idx| file.finish.dither.then(|| Dither::new(16, file.recipe.seed, idx))).collect();
    let mut frames = Vec::new();
    spill.read(&mut |samples| {
        if cancel.is_cancelled() {
            return Err(GenerateError::Cancelled.into());
        }
        frames.clear();
        for sample in samples.iter().map(|&x| (f64::from(x) * factor) as f32) {
            frames.extend(dithers.iter_mut().map(|dither| sample + dither.as_mut().map_or(0.0, Dither::next)));
        }
        wav.write(&frames)
    })
}
