//! The filter as its response: drag the point sideways for the cutoff, up and down for the resonance.

use egui::{Align2, Rect, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2};
use nice_plug::prelude::Param;

use super::button::{chooser, panel, well};
use super::curve::{OCTAVES, response, y_of_db};
use super::envelope_view::{arrows, dot, fill_below};
use super::gesture::Gestures;
use super::knob::{KnobLook, knob};
use super::layout::{padded, take_right, take_top};
use super::theme;
use crate::engine::FilterMode;
use crate::params::BrownianParams;

/// Points of travel up over the whole range of the resonance.
const TRAVEL: f32 = 120.0;
/// How far an arrow key moves the point.
const NUDGE: f32 = 0.02;

/// The panel.
pub fn filter_panel(ui: &mut Ui, rect: Rect, params: &BrownianParams, gestures: &Gestures) {
    panel(ui, rect);
    let mut rest = padded(rect);
    let mut knobs = take_right(&mut rest, 58.0);
    let row = take_top(&mut rest, theme::ROW - 4.0);
    chooser(ui, row, gestures, &params.filter_mode, "Filter: ");
    take_top(&mut rest, 6.0);
    let values = Rect::from_min_max(pos2(rest.left(), rest.bottom() - 16.0), rest.max);
    rest.max.y = values.top() - 4.0;
    drawing(ui, rest, params, gestures);
    texts(ui, values, params);
    let is_live = params.filter_mode.value() != crate::params::FilterChoice::Off;
    let look = KnobLook {
        name: "Envelope",
        color: theme::PLAY,
        origin: 0.5,
        hint: "How far its envelope moves the cutoff",
        is_live,
    };
    let top = take_top(&mut knobs, 0.5 * padded(rect).height());
    knob(ui, top, gestures, &params.filter_envelope, look);
    let look = KnobLook { name: "Key", origin: 0.0, hint: "How far the cutoff follows the key", ..look };
    knob(ui, knobs, gestures, &params.filter_key, look);
}

fn drawing(ui: &mut Ui, rect: Rect, params: &BrownianParams, gestures: &Gestures) {
    well(ui, rect);
    let inner = rect.shrink(3.0);
    grid(ui, inner);
    let mode = FilterMode::from(params.filter_mode.value());
    let cutoff = params.cutoff.unmodulated_normalized_value();
    let resonance = 0.01 * params.resonance.value();
    let points = response(mode, cutoff, resonance, inner);
    let is_on = mode != FilterMode::Off;
    if is_on {
        fill_below(ui, &points, inner.bottom());
    }
    ui.painter().add(Shape::line(points, Stroke::new(2.0, if is_on { theme::PLAY } else { theme::FAINT })));
    drag_point(ui, inner, params, gestures);
}

/// Lines at 100 Hz, 1 kHz, 10 kHz and at 0 dB.
fn grid(ui: &Ui, rect: Rect) {
    let stroke = Stroke::new(1.0, theme::GRID);
    for (hz, text) in [(100.0f32, "100"), (1e3, "1k"), (1e4, "10k")] {
        let x = rect.left() + (hz / 20.0).log2() / OCTAVES * rect.width();
        ui.painter().vline(x, rect.y_range(), stroke);
        let at = pos2(x + 3.0, rect.bottom());
        ui.painter().text(at, Align2::LEFT_BOTTOM, text, theme::small(), theme::FAINT);
    }
    ui.painter().hline(rect.x_range(), y_of_db(0.0, rect), stroke);
}

fn drag_point(ui: &mut Ui, rect: Rect, params: &BrownianParams, gestures: &Gestures) {
    let cutoff = params.cutoff.unmodulated_normalized_value();
    let resonance = params.resonance.unmodulated_normalized_value();
    let at = pos2(rect.left() + cutoff * rect.width(), y_of_db(0.0, rect) - resonance * 0.4 * rect.height());
    let at = at.clamp(rect.min + vec2(6.0, 6.0), rect.max - vec2(6.0, 6.0));
    let area = Rect::from_center_size(at, Vec2::splat(24.0));
    let pointer = ui.interact(area, ui.scope_id().with("filter point"), Sense::click_and_drag());
    pointer.widget_info(|| egui::WidgetInfo::slider(true, f64::from(cutoff), "Cutoff and resonance"));
    let motion = pointer.drag_delta();
    gestures.drag(&pointer, &params.cutoff, cutoff + motion.x / rect.width());
    gestures.drag(&pointer, &params.resonance, resonance - motion.y / TRAVEL);
    let (right, up) = arrows(ui, &pointer);
    if right != 0.0 {
        gestures.set(&params.cutoff, cutoff + NUDGE * right);
    }
    if up != 0.0 {
        gestures.set(&params.resonance, resonance + NUDGE * up);
    }
    if pointer.double_clicked() {
        gestures.set(&params.cutoff, params.cutoff.default_normalized_value());
        gestures.set(&params.resonance, params.resonance.default_normalized_value());
    }
    dot(ui, &pointer, at);
}

fn texts(ui: &Ui, rect: Rect, params: &BrownianParams) {
    let text = |param: &dyn Fn() -> String| param();
    let cutoff = text(&|| params.cutoff.normalized_value_to_string(params.cutoff.unmodulated_normalized_value(), true));
    let resonance = format!("Resonance {:.0} %", params.resonance.value());
    ui.painter().text(
        rect.left_center(),
        Align2::LEFT_CENTER,
        format!("Cutoff {cutoff}"),
        theme::small(),
        theme::LABEL,
    );
    ui.painter().text(rect.right_center(), Align2::RIGHT_CENTER, resonance, theme::small(), theme::LABEL);
}
