//! [`Figure`]: a sound's waveform above its spectrogram, with axes.

use std::path::Path;

use anyhow::Result;
use brownian_core::audio::{Clip, measure_loudness, read_info};
use brownian_core::generate::Recipe;

use super::canvas::{Anchor, Area, Canvas, Font};
use super::colour::{self, BODY, GRID, LABEL, LOOP, PAGE, PANEL, PEAK, TITLE};
use super::spectrum::LogSpectrogram;

const SIZE: (usize, usize) = (1280, 800);
const LEFT: usize = 76;
const PLOT_WIDTH: usize = 1090;
const WAVE: Area = Area { x: LEFT, y: 84, width: PLOT_WIDTH, height: 132 };
const SPECTROGRAM: Area = Area { x: LEFT, y: 228, width: PLOT_WIDTH, height: 520 };
const LEGEND: Area = Area { x: LEFT + PLOT_WIDTH + 22, y: 228, width: 18, height: 520 };
/// From the darkest colour to the lightest, dB.
const RANGE_DB: f32 = 80.0;
const PITCHES_HZ: [(f32, &str); 9] = [
    (50.0, "50"),
    (100.0, "100"),
    (200.0, "200"),
    (500.0, "500"),
    (1000.0, "1 k"),
    (2000.0, "2 k"),
    (5000.0, "5 k"),
    (10_000.0, "10 k"),
    (20_000.0, "20 k"),
];

/// What a picture tells about a sound, beside the sound.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// Above, in large letters.
    pub title: String,
    /// Below the title, in small ones.
    pub details: String,
    /// Frames that repeat, the second one exclusive.
    pub loop_frames: Option<(u32, u32)>,
}

impl Figure {
    /// A sound with its recipe, if it has one, under this name.
    pub fn new(name: &str, recipe: Option<&Recipe>, clip: &Clip) -> Self {
        let title = recipe.map_or_else(
            || name.to_owned(),
            |recipe| format!("{} {}", recipe.class.as_deref().unwrap_or(&recipe.model), recipe.seed),
        );
        let mut details: Vec<String> = recipe.map(made_how).unwrap_or_default();
        details.push(format!("{:.3} s", clip.duration_s()));
        details.push(format!("{} Hz", clip.sample_rate()));
        details.extend(clip.peak_dbfs().map(|db| format!("peak {db:.1} dBFS")));
        details.extend(measure_loudness(clip).integrated_lufs.map(|lufs| format!("{lufs:.1} LUFS")));
        Self { title, details: details.join("  "), loop_frames: None }
    }

    /// A sound as its file tells of it.
    pub fn of_file(path: &Path, recipe: Option<&Recipe>, clip: &Clip) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let info = read_info(path).unwrap_or_default();
        let mut figure = Self { loop_frames: info.loop_frames, ..Self::new(&name, recipe, clip) };
        if let Some(bpm) = info.tempo_bpm {
            figure.details.push_str(&format!("  {bpm} bpm"));
        }
        figure
    }

    /// Draw it: the bytes of a PNG file.
    ///
    /// # Errors
    /// None for a clip that fits into memory.
    pub fn png(&self, clip: &Clip) -> Result<Vec<u8>> {
        let mut canvas = Canvas::new(SIZE.0, SIZE.1, PAGE);
        canvas.text((LEFT, 18), Anchor::Left, Font::Large, &self.title, TITLE);
        let room = (SIZE.0 - LEFT - 20) / Font::Small.letter_width();
        let details: String = self.details.chars().take(room).collect();
        canvas.text((LEFT, 50), Anchor::Left, Font::Small, &details, LABEL);
        // A clip may hold no frame.
        let samples = &clip.to_mono().into_channels()[0];
        let samples = if samples.is_empty() { &[0.0][..] } else { samples };
        draw_wave(&mut canvas, WAVE, samples);
        let levels = LogSpectrogram::new(samples, clip.sample_rate(), SPECTROGRAM.width, SPECTROGRAM.height);
        let top_db = (levels.top_db() / 5.0).ceil() * 5.0;
        draw_levels(&mut canvas, SPECTROGRAM, &levels, top_db);
        draw_pitches(&mut canvas, &levels);
        draw_times(&mut canvas, clip.duration_s());
        draw_legend(&mut canvas, top_db);
        self.draw_loop(&mut canvas, clip.num_frames());
        canvas.png()
    }

    fn draw_loop(&self, canvas: &mut Canvas, num_frames: usize) {
        let Some((start, end)) = self.loop_frames else { return };
        for (frame, x_of_text, anchor, text) in [(start, 4, Anchor::Left, "loop"), (end, 0, Anchor::Right, "")] {
            let x =
                WAVE.x + (frame as usize * (WAVE.width - 1)).checked_div(num_frames).unwrap_or(0).min(WAVE.width - 1);
            canvas.fill(
                Area { x, y: WAVE.y, width: 2, height: SPECTROGRAM.y + SPECTROGRAM.height - WAVE.y },
                LOOP,
                0.7,
            );
            canvas.text((x + x_of_text, WAVE.y + 2), anchor, Font::Small, text, LOOP);
        }
    }
}

/// What a recipe says beside class and seed.
fn made_how(recipe: &Recipe) -> Vec<String> {
    let sampler = serde_json::to_value(recipe.sampler).unwrap_or_default();
    let mut out = vec![
        recipe.model.clone(),
        format!("{} steps {}", recipe.steps, sampler.as_str().unwrap_or_default()),
        format!("guidance {}", recipe.guidance),
    ];
    out.extend(recipe.pitch.map(|pitch| format!("pitch {}", crate::pitch::name(pitch))));
    out.extend(recipe.attributes.iter().map(|(attribute, value)| format!("{} {value}", attribute.name())));
    out
}

/// Peaks, and the energy within them, scaled so that the highest peak fills the area.
pub(crate) fn draw_wave(canvas: &mut Canvas, area: Area, samples: &[f32]) {
    canvas.fill(area, PANEL, 1.0);
    let highest = samples.iter().fold(1e-9f32, |peak, sample| peak.max(sample.abs()));
    let middle = area.y as f32 + (area.height - 1) as f32 / 2.0;
    let reach = (area.height - 1) as f32 / 2.0 / highest;
    for x in 0..area.width {
        let first = (x * samples.len() / area.width).min(samples.len() - 1);
        let last = ((x + 1) * samples.len() / area.width).max(first + 1);
        let seen = &samples[first..last];
        let (low, high) = seen.iter().fold((0f32, 0f32), |(low, high), &s| (low.min(s), high.max(s)));
        let rms = (seen.iter().map(|s| s * s).sum::<f32>() / seen.len() as f32).sqrt();
        bar(canvas, area.x + x, middle - high * reach, middle - low * reach, PEAK);
        bar(canvas, area.x + x, middle - rms.min(high) * reach, middle + rms.min(-low) * reach, BODY);
    }
    canvas.fill(Area { y: middle as usize, height: 1, ..area }, GRID, 0.12);
}

/// A column of pixels between two heights.
fn bar(canvas: &mut Canvas, x: usize, top: f32, bottom: f32, colour: colour::Rgb) {
    (top.round() as usize..=bottom.round() as usize).for_each(|y| canvas.blend(x, y, colour, 1.0));
}

/// The spectrogram itself; the area has its size.
pub(crate) fn draw_levels(canvas: &mut Canvas, area: Area, levels: &LogSpectrogram, top_db: f32) {
    for y in 0..levels.height {
        for (x, level) in levels.row(y).iter().enumerate() {
            let shade = 1.0 + (level - top_db) / RANGE_DB;
            canvas.blend(area.x + x, area.y + y, colour::level(shade), 1.0);
        }
    }
}

fn draw_pitches(canvas: &mut Canvas, levels: &LogSpectrogram) {
    for (hz, text) in PITCHES_HZ {
        let position = levels.position(hz);
        if !(0.0..=1.0).contains(&position) {
            continue;
        }
        let y = SPECTROGRAM.y + (position * (SPECTROGRAM.height - 1) as f32).round() as usize;
        canvas.fill(Area { y, height: 1, ..SPECTROGRAM }, GRID, 0.1);
        canvas.text((LEFT - 10, y - 8), Anchor::Right, Font::Small, text, LABEL);
    }
    canvas.text((LEFT - 10, SPECTROGRAM.y + SPECTROGRAM.height - 12), Anchor::Right, Font::Small, "Hz", LABEL);
}

fn draw_times(canvas: &mut Canvas, duration_s: f64) {
    let duration_s = duration_s.max(1e-6);
    let step = tick(duration_s / 8.0);
    // Milliseconds below a second: 0.05 s reads badly.
    let (scale, unit) = if duration_s < 1.0 { (1e3, "ms") } else { (1.0, "s") };
    let decimals = (-(step * scale).log10().floor()).max(0.0) as usize;
    let bottom = SPECTROGRAM.y + SPECTROGRAM.height;
    for n in 0..=(duration_s / step) as usize {
        let time = n as f64 * step;
        let x = LEFT + (time / duration_s * (PLOT_WIDTH - 1) as f64).round() as usize;
        for area in [WAVE, SPECTROGRAM] {
            canvas.fill(Area { x, width: 1, ..area }, GRID, 0.1);
        }
        canvas.text((x, bottom + 10), Anchor::Centre, Font::Small, &format!("{:.decimals$}", time * scale), LABEL);
    }
    canvas.text((LEFT + PLOT_WIDTH + 40, bottom + 10), Anchor::Centre, Font::Small, unit, LABEL);
}

/// The next of 1, 2, 5, 10, 20, 50 … at or above `least`.
fn tick(least: f64) -> f64 {
    let power = 10f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|n| n * power).into_iter().find(|&step| step >= least * 0.999).unwrap_or(10.0 * power)
}

fn draw_legend(canvas: &mut Canvas, top_db: f32) {
    for y in 0..LEGEND.height {
        let shade = 1.0 - y as f32 / (LEGEND.height - 1) as f32;
        canvas.fill(Area { y: LEGEND.y + y, height: 1, ..LEGEND }, colour::level(shade), 1.0);
    }
    for step in 0..=(RANGE_DB / 20.0) as usize {
        let below = 20.0 * step as f32;
        let y = LEGEND.y + (below / RANGE_DB * (LEGEND.height - 1) as f32) as usize;
        canvas.text((LEGEND.x + 26, y - 8), Anchor::Left, Font::Small, &format!("{:.0}", top_db - below), LABEL);
    }
    canvas.text((LEGEND.x, LEGEND.y - 26), Anchor::Left, Font::Small, "dBFS", LABEL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers() {
        for (least, want) in [(0.093, 0.1), (0.11, 0.2), (0.0021, 0.005), (7.0, 10.0), (450.0, 500.0), (1.0, 1.0)] {
            assert!((tick(least) / want - 1.0).abs() < 1e-9, "{least}: {}", tick(least));
        }
    }

    #[test]
    fn a_sound_has_a_picture_whatever_its_length() {
        for frames in [0, 1, 100, 44_100] {
            let clip = Clip::mono(vec![0.25; frames], 44_100).unwrap();
            let figure = Figure { loop_frames: Some((0, frames as u32)), ..Figure::new("a.wav", None, &clip) };
            assert_eq!(figure.title, "a.wav");
            assert!(figure.png(&clip).unwrap().starts_with(b"\x89PNG"), "{frames} frames");
        }
    }

    #[test]
    fn a_wave_fills_its_area_and_no_more() {
        let mut canvas = Canvas::new(20, 20, PAGE);
        let area = Area { x: 5, y: 5, width: 10, height: 11 };
        draw_wave(&mut canvas, area, &[0.25, -0.25, 0.25, -0.25].repeat(10));
        let is_drawn = |x, y| canvas.pixel(x, y) != PAGE;
        assert!(is_drawn(5, 5) && is_drawn(14, 15) && !is_drawn(4, 10) && !is_drawn(15, 10) && !is_drawn(10, 16));
        assert_ne!(canvas.pixel(10, 5), PANEL);
    }
}
