//! The terminal: the sound's picture, its recipe, and the dials.

use std::io;

use anyhow::{Context, Result};
use brownian_core::audio::Clip;
use brownian_core::generate::Recipe;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Gauge, Paragraph, Wrap};
use ratatui::{DefaultTerminal, Frame};

use super::sound_view::{SoundView, rgb};
use crate::picture::colour;

const KEYS: &str = "space again  r roll  v vary  a compare  u undo  m morph  c class  1-7 choose  + - change  0 free  \
                    [ ] pitch  k keep  l list  q quit";
/// Dials side by side.
const DIALS_A_ROW: usize = 4;

/// A terminal with a page of ours on it; dropped, it is as before.
pub struct Screen(DefaultTerminal);

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
    /// Take the terminal over: another page of it, without a cursor, and every key at once.
    ///
    /// # Errors
    /// It is none, or gone.
    pub fn new() -> io::Result<Self> {
        ratatui::try_init().map(Self)
    }

    /// Draw everything; what has not changed is not written again.
    ///
    /// # Errors
    /// The terminal is gone.
    pub fn draw(&mut self, view: &View<'_>) -> Result<()> {
        self.0.draw(|frame| page(frame, view)).context("the terminal is gone").map(drop)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, so is what was to be restored.
        let _ = ratatui::try_restore();
    }
}

fn page(frame: &mut Frame, view: &View<'_>) {
    let num_rows = view.dials.len().div_ceil(DIALS_A_ROW) as u16;
    let heights = [
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(num_rows),
        Constraint::Length(2),
        Constraint::Length(1),
        Constraint::Length(2),
    ];
    let [top, picture, dials, recipe, message, keys] = Layout::vertical(heights).areas(frame.area());
    title(frame, top, view);
    if let Some(clip) = view.clip {
        frame.render_widget(SoundView(clip), picture);
    }
    gauges(frame, dials, view);
    let quiet = Style::new().fg(rgb(colour::LABEL));
    let json = view.recipe.map(Recipe::to_json).unwrap_or_default();
    frame.render_widget(Paragraph::new(json).style(quiet).wrap(Wrap { trim: false }), recipe);
    frame.render_widget(Paragraph::new(view.message).style(Style::new().fg(rgb(colour::LOOP))), message);
    frame.render_widget(Paragraph::new(KEYS).style(quiet).wrap(Wrap { trim: true }), keys);
}

/// What is heard, and how it stands.
fn title(frame: &mut Frame, area: Rect, view: &View<'_>) {
    let name = view.recipe.map_or_else(
        || "…".to_owned(),
        |recipe| format!("{}  seed {}", recipe.class.as_deref().unwrap_or(&recipe.model), recipe.seed),
    );
    let took = |seconds: f64| format!("made in {:.0} ms", seconds * 1e3);
    let state = if view.is_due { "making …".to_owned() } else { view.render_s.map(took).unwrap_or_default() };
    let bold = Style::new().fg(rgb(colour::TITLE)).add_modifier(Modifier::BOLD);
    frame.render_widget(Line::from(Span::styled(name, bold)), area);
    frame.render_widget(Line::from(format!("{}   {} kept", state, view.num_kept)).right_aligned(), area);
}

/// The dials, filled as far as they are turned.
fn gauges(frame: &mut Frame, area: Rect, view: &View<'_>) {
    let rows = view.dials.chunks(DIALS_A_ROW).zip(area.rows());
    for (row, line) in rows {
        let cells = Layout::horizontal([Constraint::Fill(1); DIALS_A_ROW]).spacing(1).split(line);
        for ((key, name, value, is_chosen), cell) in row.iter().zip(cells.iter()) {
            let told = value.map_or_else(|| "free".to_owned(), |value| format!("{:.0} %", value * 100.0));
            let (fill, text) = match is_chosen {
                true => (colour::PEAK, colour::TITLE),
                false => (colour::mix(colour::PAGE, colour::PEAK, 0.5), colour::LABEL),
            };
            let gauge = Gauge::default()
                .ratio(value.unwrap_or(0.0).clamp(0.0, 1.0))
                .label(Span::styled(format!("{key} {name} {told}"), Style::new().fg(rgb(text))))
                .gauge_style(Style::new().fg(rgb(fill)).bg(rgb(colour::PAGE)));
            frame.render_widget(gauge, *cell);
        }
    }
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;

    fn text(view: &View<'_>, columns: u16, rows: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal.draw(|frame| page(frame, view)).unwrap();
        terminal.backend().buffer().content().iter().map(|cell| cell.symbol()).collect()
    }

    #[test]
    fn a_page_shows_the_sound_its_recipe_and_the_dials_on_a_terminal_of_any_size() {
        let json = r#"{"version":1,"model":"drums","model_hash":"","seed":42,"class":"kick","steps":16,"sampler":"dpmpp-2m","guidance":1.5,"duration_s":0.743}"#;
        let recipe = Recipe::from_json(json).unwrap();
        let clip = Clip::mono((0..1000).map(|i| (i as f32 * 0.1).sin()).collect(), 44_100).unwrap();
        let view = View {
            recipe: Some(&recipe),
            clip: Some(&clip),
            render_s: Some(0.05),
            dials: vec![
                ('1', "brightness", Some(0.8), true),
                ('2', "decay", None, false),
                ('6', "vary", Some(0.3), false),
                ('7', "morph", Some(0.5), false),
                ('5', "pitch", Some(1.0), false),
            ],
            num_kept: 2,
            message: "kept kick_000042.wav",
            is_due: false,
        };
        for (columns, rows) in [(80, 24), (200, 60), (20, 5), (1, 1), (3, 200)] {
            let page = text(&view, columns, rows);
            let words =
                ["kick", "seed 42", "2 kept", "made in 50 ms", "brightness 80 %", "free", "vary 30 %", "roll", "▀"];
            let missing = words.into_iter().find(|word| !page.contains(word));
            assert!(columns < 80 || missing.is_none(), "{columns} x {rows}: {missing:?} is missing");
        }
    }

    #[test]
    fn before_the_first_sound_there_is_a_page_too() {
        let view = View {
            recipe: None,
            clip: None,
            render_s: None,
            dials: Vec::new(),
            num_kept: 0,
            message: "",
            is_due: true,
        };
        assert!(text(&view, 80, 24).contains("making …"));
    }
}
