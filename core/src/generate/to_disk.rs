//! Long sounds as files: through the disk, not through memory.
//!
//! The model's samples go through the rate, fades and meters to a file without a name, and from there, at their level,
//! to the file itself. What needs the whole sound at once (trim, reverse, rotate, DC) puts another such file before that.

use std::path::Path;

use super::cancel::Cancel;
use super::dither::Dither;
use super::file_recipe::FileRecipe;
use super::finish::{CEILING_DBTP, FileFormat, Finish, Level};
use super::long::Long;
use super::order::{Cut, Order, Sink};
use super::recipe::Recipe;
use super::request::{Request, samples_in};
use super::session::Session;
use crate::audio::{FlacStream, LoudnessMeter, ResampleStream, Spill, WavFormat, WavStream, edit, resampled_len};
use crate::error::{GenerateError, Result};

/// From here on a sound goes through the disk, in seconds: shorter ones take up to 25 MB of memory.
pub(super) const LONG_S: f64 = 60.0;

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

    /// Make a sound of any length as a file, which appears whole or not at all. Memory does not grow with the length; the
    /// disk needs room for the samples as floats besides, twice for what needs the whole sound (trim, reverse, rotate, DC).
    /// What a crop cuts off behind is not made. The bytes are those of no other way: the same recipe goes the same way.
    ///
    /// # Errors
    /// As [`Session::render`]; a crop behind the end; a WAV file of 4 GiB and more.
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
        if finish.shaping.sustain.is_some() {
            let (found, need) =
                ("asked for with a sound that goes through the disk".to_owned(), "a minute at most".to_owned());
            return Err(GenerateError::OutOfRange { field: "sustain".to_owned(), found, need }.into());
        }
        let rate = self.model().card.config.sample_rate;
        let heard = finish.shaping.cropped(self.total_samples(&file.recipe)?, rate)?;
        // First of all, where the length is known: it says whether there is room for the header's sizes.
        let num_frames = resampled_len(heard.len(), rate, finish.sample_rate);
        let is_known = finish.shaping.trim_db.is_none();
        let early = is_known.then(|| Output::create(&file, path, num_frames)).transpose()?;
        let mut cut = Cut::new(heard.clone());
        let mut stream = |sink: &mut Sink<'_>| {
            let mut take = |piece: &[f32]| sink(cut.take(piece));
            self.stream_until(heard.end, request, cancel, on_step, &mut take).map(drop)
        };
        let first = if finish.shaping.keeps_order() {
            First::pass(&finish, path, [rate, finish.sample_rate], heard.len(), &mut stream)?
        } else {
            let mut whole = Spill::beside(path)?;
            stream(&mut |piece| whole.write(piece))?;
            let order = Order::of(&mut whole, &finish.shaping, rate)?;
            let mut ordered = |sink: &mut Sink<'_>| order.read(&mut whole, sink);
            First::pass(&finish, path, [rate, finish.sample_rate], order.len(), &mut ordered)?
        };
        let mut output = early.map_or_else(|| Output::create(&file, path, first.num_frames), Ok)?;
        let (num_frames, measured) = (first.num_frames, Measured { peak: first.peak, loudness: first.meter.finish() });
        let gain_db = measured.gain_db(&finish);
        second(first.spill, &file, gain_db, cancel, &mut output)?;
        output.finish()?;
        let peak_dbfs = measured.peak_dbfs().map(|peak| peak + gain_db);
        let lufs = measured.loudness.integrated_lufs.map(|lufs| lufs + gain_db);
        Ok(Written { recipe: file.recipe, num_frames, peak_dbfs, lufs })
    }

    /// Samples of the whole sound, at the model's rate.
    fn total_samples(&self, recipe: &Recipe) -> Result<usize> {
        let long = Long::of(self.workshop(self.model()), recipe)?;
        let short = || samples_in(recipe.duration_s, self.model().card.config.sample_rate).max(1);
        Ok(long.map_or_else(short, |long| long.num_samples()))
    }
}

/// A file in the making.
enum Output {
    Wav(Box<WavStream>),
    Flac(Box<FlacStream>),
}

impl Output {
    fn create(file: &FileRecipe, path: &Path, num_frames: usize) -> Result<Self> {
        let (shape, rate) = ([usize::from(file.finish.channels), num_frames], file.finish.sample_rate);
        let info = file.info(None);
        let wav = |format| Ok(Self::Wav(Box::new(WavStream::create(path, shape, rate, format, &info)?)));
        match file.finish.format {
            FileFormat::Wav16 => wav(WavFormat::Wav16),
            FileFormat::Wav24 => wav(WavFormat::Wav24),
            FileFormat::Wav32f => wav(WavFormat::Wav32f),
            FileFormat::Flac => Ok(Self::Flac(Box::new(FlacStream::create(path, shape, rate, &info)?))),
        }
    }

    fn write(&mut self, samples: &[f32]) -> Result<()> {
        match self {
            Self::Wav(file) => file.write(samples),
            Self::Flac(file) => file.write(samples),
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Self::Wav(file) => file.finish(),
            Self::Flac(file) => file.finish(),
        }
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
    /// Take the `num_samples` that `stream` gives, from one rate to the other.
    fn pass(
        finish: &Finish,
        path: &Path,
        [from_hz, to_hz]: [u32; 2],
        num_samples: usize,
        stream: &mut dyn FnMut(&mut Sink<'_>) -> Result<()>,
    ) -> Result<Self> {
        let mut first = Self::new(finish, resampled_len(num_samples, from_hz, to_hz), path)?;
        let mut resampler = ResampleStream::new(from_hz, to_hz);
        stream(&mut |piece| resampler.push(piece, &mut |piece| first.take(piece)))?;
        resampler.finish(&mut |piece| first.take(piece))?;
        Ok(first)
    }

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
fn second(mut spill: Spill, file: &FileRecipe, gain_db: f64, cancel: &Cancel, output: &mut Output) -> Result<()> {
    let channels = usize::from(file.finish.channels);
    let factor = libm::exp(gain_db * std::f64::consts::LN_10 / 20.0);
    let mut dithers: Vec<Option<Dither>> =
        (0..channels).map(|idx| file.finish.dither.then(|| Dither::new(16, file.recipe.seed, idx))).collect();
    let mut frames = Vec::new();
    spill.read(0..spill.len(), false, &mut |samples| {
        if cancel.is_cancelled() {
            return Err(GenerateError::Cancelled.into());
        }
        frames.clear();
        for sample in samples.iter().map(|&x| (f64::from(x) * factor) as f32) {
            frames.extend(dithers.iter_mut().map(|dither| sample + dither.as_mut().map_or(0.0, Dither::next)));
        }
        output.write(&frames)
    })
}
