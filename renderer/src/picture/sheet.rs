//! [`Sheet`]: many sounds at a glance, each a waveform above a spectrogram above its name.

use anyhow::Result;
use brownian_core::audio::Clip;

use super::canvas::{Anchor, Area, Canvas, Font};
use super::colour::{LABEL, PAGE};
use super::figure::{draw_levels, draw_wave};
use super::spectrum::LogSpectrogram;

/// Of a sound: waveform, spectrogram, name, and the gap to the next.
const CELL: (usize, usize) = (200, 150);
const WAVE_HEIGHT: usize = 34;
const LEVELS_HEIGHT: usize = 84;
const GAP: usize = 12;
/// Sounds in a row at most: 1 900 pixels.
const MAX_COLUMNS: usize = 9;

/// A picture of many sounds.
pub struct Sheet {
    canvas: Canvas,
    columns: usize,
    num_drawn: usize,
}

impl Sheet {
    /// Most sounds that a sheet holds; more make a picture that few programs open.
    pub const MAX_SOUNDS: usize = 900;

    /// Room for this many sounds, up to [`Sheet::MAX_SOUNDS`].
    pub fn new(num_sounds: usize) -> Self {
        let num_sounds = num_sounds.clamp(1, Self::MAX_SOUNDS);
        // Wider than high, as screens are.
        let columns = ((num_sounds as f64 * 1.2).sqrt().ceil() as usize).min(MAX_COLUMNS).min(num_sounds);
        let (width, height) = (columns * CELL.0 + GAP, num_sounds.div_ceil(columns) * CELL.1 + GAP);
        Self { canvas: Canvas::new(width, height, PAGE), columns, num_drawn: 0 }
    }

    /// Draw the next sound, under its name; beyond [`Sheet::MAX_SOUNDS`], nothing.
    pub fn add(&mut self, name: &str, clip: &Clip) {
        if self.num_drawn == Self::MAX_SOUNDS {
            return;
        }
        let (column, row) = (self.num_drawn % self.columns, self.num_drawn / self.columns);
        let (x, y, width) = (GAP + column * CELL.0, GAP + row * CELL.1, CELL.0 - GAP);
        let samples = &clip.to_mono().into_channels()[0];
        let samples = if samples.is_empty() { &[0.0][..] } else { samples };
        draw_wave(&mut self.canvas, Area { x, y, width, height: WAVE_HEIGHT }, samples);
        let levels = LogSpectrogram::new(samples, clip.sample_rate(), width, LEVELS_HEIGHT);
        let area = Area { x, y: y + WAVE_HEIGHT + 1, width, height: LEVELS_HEIGHT };
        draw_levels(&mut self.canvas, area, &levels, levels.top_db());
        let name = shortened(name, width / Font::Small.letter_width());
        self.canvas.text((x, y + WAVE_HEIGHT + LEVELS_HEIGHT + 3), Anchor::Left, Font::Small, &name, LABEL);
        self.num_drawn += 1;
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// As [`Canvas::png`].
    pub fn png(&self) -> Result<Vec<u8>> {
        self.canvas.png()
    }
}

/// The end of a name tells more than its middle.
fn shortened(name: &str, room: usize) -> String {
    let letters: Vec<char> = name.chars().collect();
    if letters.len() <= room {
        return name.to_owned();
    }
    let (head, tail) = (room.saturating_sub(2) / 2, room.saturating_sub(2).div_ceil(2));
    letters[..head].iter().chain(&['.', '.']).chain(&letters[letters.len() - tail..]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_ends() {
        assert_eq!(shortened("kick_000001", 20), "kick_000001");
        assert_eq!(shortened("kick_brightness-0.8_000001", 12), "kick_..00001");
    }

    #[test]
    fn every_number_of_sounds_fits() {
        let clip = Clip::mono(vec![0.1; 100], 8000).unwrap();
        for num in [0, 1, 2, 7, 30] {
            let mut sheet = Sheet::new(num);
            (0..num + 1).for_each(|n| sheet.add(&n.to_string(), &clip));
            assert!(sheet.png().unwrap().len() > 100, "{num}");
        }
    }
}
