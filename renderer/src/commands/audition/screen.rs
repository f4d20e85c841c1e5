//! The terminal: waveform, spectrogram, recipe, attributes, in letters and 24-bit colours.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Context, Result};
use brownian_core::audio::Clip;
use brownian_core::generate::Recipe;
use console::Term;

use crate::picture::canvas::{Area, Canvas};
use crate::picture::colour::{self, Rgb};
use crate::picture::spectrum::LogSpectrogram;
use crate::picture::{draw_levels, draw_wave};

const KEYS: &str = "space again  r roll  v vary  a compare  u undo  m morph  c class  1-7 + - 0 dials  k keep  q quit";
/// Lines that are not the picture.
const LINES_OF_TEXT: usize = 7;

/// A terminal with a page of ours on it; dropped, it is as before.
pub struct Screen {
    term: Term,
}

/// What there is to see.
pub struct View<'a> {
    /// Of the sound that is heard.
    pub recipe: Option<&'a Recipe>,
    /// The sound.
    pub clip: Option<&'a Clip>,
    /// Seconds that it took.
    pub render_s: Option<f64>,
    /// Key, name, value where it is set, and whether + and - change it.
    pub dials: Vec<(char, &'a str, Option<f64>, bool)>,
    /// Files that were kept.
    pub num_kept: usize,
    /// The last thing that happened.
    pub message: &'a str,
    /// The next sound is being made.
    pub is_due: bool,
}

impl Screen {
    /// Take the terminal over.
    ///
    /// # Errors
    /// It is gone.
    pub fn new(mut term: Term) -> Result<Self> {
        // The other page of the terminal, without a cursor.
        term.write_all(b"\x1b[?1049h\x1b[?25l").context("the terminal is gone")?;
        Ok(Self { term })
    }

    /// Draw everything.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, view: &View<'_>) -> Result<()> {
        let (rows, columns) = self.term.size();
        let page = page(view, columns.into(), rows.into());
        self.term.write_all(page.as_bytes()).and_then(|()| self.term.flush()).context("the terminal is gone")
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, so is what was to be restored.
        let _ = self.term.write_all(b"\x1b[0m\x1b[?25h\x1b[?1049l");
        let _ = self.term.flush();
    }
}

/// The page, with what moves the cursor and changes colours.
fn page(view: &View<'_>, columns: usize, rows: usize) -> String {
    let mut out = String::from("\x1b[H\x1b[0m");
    let title = view.recipe.map_or_else(
        || "…".to_owned(),
        |recipe| format!("{}  seed {}", recipe.class.as_deref().unwrap_or(&recipe.model), recipe.seed),
    );
    let state = if view.is_due { "making …".to_owned() } else { took(view.render_s) };
    line(&mut out, columns, &format!("\x1b[1m{title}\x1b[0m"), title.chars().count());
    plain(&mut out, columns, &format!("{} kept   {state}", view.num_kept));
    picture(&mut out, view.clip, columns, rows.saturating_sub(LINES_OF_TEXT));
    dials(&mut out, columns, &view.dials);
    plain(&mut out, columns, &view.recipe.map(Recipe::to_json).unwrap_or_default());
    plain(&mut out, columns, view.message);
    plain(&mut out, columns, KEYS);
    out.push_str("\x1b[J");
    out
}

fn took(render_s: Option<f64>) -> String {
    render_s.map_or_else(String::new, |seconds| format!("made in {:.0} ms", seconds * 1e3))
}

/// A line of text without colours, cut to the terminal's width.
fn plain(out: &mut String, columns: usize, text: &str) {
    let text: String = text.chars().filter(|c| !c.is_control()).take(columns).collect();
    line(out, columns, &text, text.chars().count());
}

/// A line of `width` visible letters; the rest of it is cleared.
fn line(out: &mut String, columns: usize, text: &str, width: usize) {
    out.push_str(text);
    out.push_str(if width < columns { "\x1b[K\r\n" } else { "\r\n" });
}

fn dials(out: &mut String, columns: usize, dials: &[(char, &str, Option<f64>, bool)]) {
    let (mut text, mut width) = (String::new(), 0);
    for (key, name, value, is_chosen) in dials {
        let value = value.map_or_else(|| "free".to_owned(), |value| format!("{:3.0} %", value * 100.0));
        let cell = format!(" {key} {name} {value} ");
        width += cell.chars().count() + 1;
        if width > columns {
            break;
        }
        // Writing into a String cannot fail.
        let _ = if *is_chosen { write!(text, "\x1b[7m{cell}\x1b[0m ") } else { write!(text, "{cell} ") };
    }
    line(out, columns, &text, width);
}

/// Two pixels a letter, one above the other: waveform above, spectrogram below.
fn picture(out: &mut String, clip: Option<&Clip>, columns: usize, rows: usize) {
    let (width, height) = (columns.min(400), 2 * rows.min(200));
    let Some(clip) = clip.filter(|clip| clip.num_frames() > 0 && width > 0 && height >= 8) else {
        (0..rows).for_each(|_| plain(out, columns, ""));
        return;
    };
    let samples = &clip.to_mono().into_channels()[0];
    let mut canvas = Canvas::new(width, height, colour::PAGE);
    let wave = Area { x: 0, y: 0, width, height: (height / 4).max(3) };
    draw_wave(&mut canvas, wave, samples);
    let below = Area { y: wave.height + 1, height: height - wave.height - 1, ..wave };
    let levels = LogSpectrogram::new(samples, clip.sample_rate(), below.width, below.height);
    draw_levels(&mut canvas, below, &levels, levels.top_db());
    for y in (0..height).step_by(2) {
        let mut last: Option<(Rgb, Rgb)> = None;
        for x in 0..width {
            let colours = (canvas.pixel(x, y), canvas.pixel(x, y + 1));
            if last != Some(colours) {
                let ([r, g, b], [s, h, c]) = colours;
                let _ = write!(out, "\x1b[38;2;{r};{g};{b};48;2;{s};{h};{c}m");
                last = Some(colours);
            }
            out.push('▀');
        }
        out.push_str("\x1b[0m\r\n");
    }
    (height / 2..rows).for_each(|_| plain(out, columns, ""));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_as_many_lines_as_the_terminal_and_shows_the_recipe() {
        let json = r#"{"version":1,"model":"drums","model_hash":"","seed":42,"class":"kick","steps":16,"sampler":"dpmpp-2m","guidance":1.5,"duration_s":0.743}"#;
        let recipe = Recipe::from_json(json).unwrap();
        let clip = Clip::mono((0..1000).map(|i| (i as f32 * 0.1).sin()).collect(), 44_100).unwrap();
        let dials =
            vec![('1', "brightness", Some(0.8), true), ('2', "decay", None, false), ('6', "vary", Some(0.3), false)];
        for (columns, rows) in [(80, 24), (200, 60), (20, 5), (1, 1)] {
            let dials = dials.clone();
            let view = View {
                recipe: Some(&recipe),
                clip: Some(&clip),
                render_s: Some(0.05),
                dials,
                num_kept: 2,
                message: "kept kick_000042.wav",
                is_due: false,
            };
            let page = page(&view, columns, rows);
            assert_eq!(page.matches("\r\n").count(), rows.max(LINES_OF_TEXT) - 1, "{columns} x {rows}");
            if columns >= 80 {
                for word in [
                    "kick",
                    "seed 42",
                    "2 kept",
                    "made in 50 ms",
                    "brightness  80 %",
                    "decay free",
                    "6 vary  30 %",
                    "roll",
                ] {
                    assert!(page.contains(word), "{word}");
                }
            }
        }
    }
}
