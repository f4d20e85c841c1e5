//! The sixteen pads of a kit. The lowest row lies at the bottom, as on hardware.

use egui::{Align2, CornerRadius, Rect, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

use super::button::focus_ring;
use super::gallery::Gallery;
use super::model::progress;
use super::theme;
use super::wave_view::mini_wave;
use crate::engine::{FIRST_PAD_KEY, NUM_PADS, Place};
use crate::generation::{Making, View};
use crate::params::BrownianParams;

/// Pads in a row.
const NUM_ACROSS: usize = 4;
/// Between pads.
const GAP: f32 = 5.0;

/// What happened to a pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PadEvent {
    /// It was pressed: it sounds and is selected.
    Pressed(usize),
    /// It was let go.
    Released(usize),
}

/// The cell of a pad.
pub fn cell(grid: Rect, pad: usize) -> Rect {
    let size = vec2(
        (grid.width() - GAP * (NUM_ACROSS - 1) as f32) / NUM_ACROSS as f32,
        (grid.height() - GAP * (NUM_PADS / NUM_ACROSS - 1) as f32) / (NUM_PADS / NUM_ACROSS) as f32,
    );
    let (column, row) = (pad % NUM_ACROSS, NUM_PADS / NUM_ACROSS - 1 - pad / NUM_ACROSS);
    let corner = vec2(column as f32 * (size.x + GAP), row as f32 * (size.y + GAP));
    Rect::from_min_size(grid.min + corner, size)
}

/// Draws the pads; the last event of this frame, if any.
pub fn pad_grid(
    ui: &mut Ui,
    grid: Rect,
    params: &BrownianParams,
    view: &View,
    gallery: &mut Gallery,
    selected: usize,
) -> Option<PadEvent> {
    let mut event = None;
    for pad in 0..NUM_PADS {
        let rect = cell(grid, pad);
        let response = ui.interact(rect, ui.scope_id().with(("pad", pad)), Sense::click_and_drag());
        let name = format!("Pad {}", pad + 1);
        response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, pad == selected, &name));
        paint(ui, rect, pad, pad == selected, response.is_pointer_button_down_on(), params, view, gallery);
        focus_ring(ui, &response, rect);
        let (went_down, went_up) =
            ui.input(|input| (input.pointer.primary_pressed(), input.pointer.primary_released()));
        if response.is_pointer_button_down_on() && went_down {
            event = Some(PadEvent::Pressed(pad));
        } else if went_up && (response.clicked() || response.drag_stopped()) {
            event = Some(PadEvent::Released(pad));
        } else if response.clicked() {
            // By the keyboard: no moment at which it comes up.
            event = Some(PadEvent::Pressed(pad));
        }
    }
    event
}

#[allow(clippy::too_many_arguments, reason = "everything that one pad shows")]
fn paint(
    ui: &Ui,
    rect: Rect,
    pad: usize,
    is_selected: bool,
    is_down: bool,
    params: &BrownianParams,
    view: &View,
    gallery: &mut Gallery,
) {
    let fill = if is_down { theme::RAISED_HOVER } else { theme::PANEL };
    let stroke = if is_selected { Stroke::new(1.5, theme::ACCENT) } else { Stroke::new(1.0, theme::GRID) };
    let radius = CornerRadius::from(theme::SMALL_RADIUS);
    ui.painter().rect(rect, radius, fill, stroke, StrokeKind::Inside);
    let making = view.making.as_ref().filter(|making| making.place == Place::Pad(pad));
    let take = making.and_then(|making| making.preview.as_ref()).or_else(|| view.patch.get(Place::Pad(pad)));
    if let Some(take) = take {
        let wave = Rect::from_min_max(rect.min + vec2(8.0, 18.0), rect.max - vec2(8.0, 6.0));
        let alpha = if making.is_some() { 0.5 } else { 0.9 };
        mini_wave(ui, wave, &gallery.mini(take), theme::faded(theme::ACCENT, alpha));
    }
    let is_locked = params.pads.get(pad).is_some_and(|params| params.is_locked.value());
    let lock = if is_locked { "  locked" } else { "" };
    let name = format!("{}  {}{lock}", pad + 1, drum(pad));
    let color = if is_selected { theme::TEXT } else { theme::LABEL };
    ui.painter().text(rect.min + vec2(7.0, 3.0), Align2::LEFT_TOP, name, theme::small(), color);
    bar(ui, rect, making);
}

/// How far a render has come.
fn bar(ui: &Ui, rect: Rect, making: Option<&Making>) {
    if let Some(making) = making {
        let right = rect.left() + 4.0 + progress(making).clamp(0.0, 1.0) * (rect.width() - 8.0);
        let y = rect.bottom() - 3.0;
        ui.painter().line_segment([pos2(rect.left() + 4.0, y), pos2(right, y)], Stroke::new(2.0, theme::ACCENT));
    }
}

/// What General MIDI has on the key of a pad.
pub fn drum(pad: usize) -> &'static str {
    const NAMES: [&str; NUM_PADS] = [
        "kick",
        "rim",
        "snare",
        "clap",
        "snare 2",
        "low tom",
        "closed hat",
        "low tom 2",
        "pedal hat",
        "mid tom",
        "open hat",
        "mid tom 2",
        "high tom",
        "crash",
        "high tom 2",
        "ride",
    ];
    NAMES.get(pad).copied().unwrap_or_default()
}

/// The MIDI key of a pad.
pub fn key_of(pad: usize) -> u8 {
    FIRST_PAD_KEY + pad.min(NUM_PADS - 1) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_rise_from_the_lower_left_and_do_not_overlap() {
        let grid = Rect::from_min_size(pos2(10.0, 20.0), vec2(400.0, 300.0));
        let cells: Vec<Rect> = (0..NUM_PADS).map(|pad| cell(grid, pad)).collect();
        assert!((cells[0].left_bottom() - grid.left_bottom()).length() < 1e-3);
        assert!((cells[15].right_top() - grid.right_top()).length() < 1e-3);
        for (i, one) in cells.iter().enumerate() {
            assert!(grid.expand(1e-3).contains_rect(*one));
            assert!(cells[i + 1..].iter().all(|other| !one.shrink(1e-3).intersects(*other)));
        }
    }

    #[test]
    fn pads_lie_on_the_keys_of_general_midi() {
        // Bass drum 36, acoustic snare 38, closed hat 42, crash 49.
        assert_eq!([0, 2, 6, 13].map(key_of), [36, 38, 42, 49]);
        assert_eq!([0, 2, 6, 13].map(drum), ["kick", "snare", "closed hat", "crash"]);
    }
}
