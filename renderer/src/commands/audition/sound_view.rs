//! A sound in letters: waveform above, spectrogram below.

use brownian_core::audio::Clip;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::widgets::Widget;

use crate::picture::canvas::{Area, Canvas};
use crate::picture::colour::{self, Rgb};
use crate::picture::spectrum::LogSpectrogram;
use crate::picture::{draw_levels, draw_wave};

/// Pixels that a picture needs at least, from top to bottom.
const MIN_HEIGHT: usize = 8;

/// The picture of a sound, two pixels a letter, one above the other, in 24-bit colours.
pub struct SoundView<'a>(pub &'a Clip);

/// As the terminal knows it.
pub fn rgb([red, green, blue]: Rgb) -> Color {
    Color::Rgb(red, green, blue)
}

impl Widget for SoundView<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let area = area.intersection(buffer.area);
        let (width, height) = (usize::from(area.width), 2 * usize::from(area.height));
        if self.0.num_frames() == 0 || width == 0 || height < MIN_HEIGHT {
            return;
        }
        let canvas = picture(self.0, width, height);
        for (row, y) in (area.top()..area.bottom()).enumerate() {
            for (column, x) in (area.left()..area.right()).enumerate() {
                let [above, below] = [0, 1].map(|half| rgb(canvas.pixel(column, 2 * row + half)));
                buffer[(x, y)].set_char('▀').set_fg(above).set_bg(below);
            }
        }
    }
}

fn picture(clip: &Clip, width: usize, height: usize) -> Canvas {
    let samples = &clip.to_mono().into_channels()[0];
    let mut canvas = Canvas::new(width, height, colour::PAGE);
    let wave = Area { x: 0, y: 0, width, height: (height / 4).max(3) };
    draw_wave(&mut canvas, wave, samples);
    let below = Area { y: wave.height + 1, height: height - wave.height - 1, ..wave };
    let levels = LogSpectrogram::new(samples, clip.sample_rate(), below.width, below.height);
    draw_levels(&mut canvas, below, &levels, levels.top_db());
    canvas
}
