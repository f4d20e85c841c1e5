//! The sound: waveform above, spectrogram below, with handles for what is played of it.

use egui::{
    Align2, Color32, CornerRadius, CursorIcon, EventFilter, Key, Mesh, Pos2, Rect, Response, Sense, Shape, Stroke,
    TextureId, Ui, pos2, vec2,
};
use nice_plug::prelude::FloatParam;

use super::button::{focus_ring, well};
use super::curve::tick_step;
use super::gesture::Gestures;
use super::picture::{Picture, merged};
use super::theme;
use crate::params::{BrownianParams, LoopChoice};

/// What part of the height the waveform takes.
const WAVE_SHARE: f32 = 0.56;
/// Width and height of a handle's flag.
const FLAG: f32 = 11.0;
/// The least that lies between two handles, as a part of the sound.
const LEAST: f32 = 0.002;
/// How far an arrow key moves a handle, as a part of the sound.
const NUDGE: f32 = 0.005;

/// What is shown besides the picture.
#[derive(Debug, Clone, Copy, Default)]
pub struct Overlay {
    /// Where a note plays, 0 to 1 of the sound.
    pub playhead: Option<f32>,
    /// How far a render has come, 0 to 1.
    pub progress: Option<f32>,
    /// Whether the picture is a rough preview.
    pub is_preview: bool,
}

/// Draws the sound and lets its handles be dragged. The response is that of the picture itself: a press plays it.
pub fn wave_view(
    ui: &mut Ui,
    rect: Rect,
    shown: Option<(&Picture, TextureId)>,
    overlay: Overlay,
    params: &BrownianParams,
    gestures: &Gestures,
) -> Response {
    let response = ui.interact(rect, ui.scope_id().with("wave"), Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, true, "Play the sound"));
    well(ui, rect);
    let inner = rect.shrink(1.0);
    let wave = Rect::from_min_size(inner.min, vec2(inner.width(), WAVE_SHARE * inner.height()));
    let heat = Rect::from_min_max(pos2(inner.left(), wave.bottom()), inner.max);
    let Some((picture, texture)) = shown else {
        empty(ui, inner);
        return response;
    };
    // Columns narrower than a pixel would be drawn or lost by chance.
    let peaks = merged(&picture.peaks, (wave.width() * ui.pixels_per_point()) as usize);
    let played = params.start.value() * 0.01..params.end.value() * 0.01;
    ticks(ui, inner, picture.duration_s);
    let alpha = if overlay.is_preview { 0.55 } else { 1.0 };
    ui.painter().image(
        texture,
        heat,
        Rect::from_min_max(Pos2::ZERO, pos2(1.0, 1.0)),
        Color32::WHITE.gamma_multiply(alpha),
    );
    ui.painter().add(waveform(&peaks, wave.shrink2(vec2(0.0, 6.0)), &played, alpha));
    shade(ui, inner, &played);
    handles(ui, inner, params, gestures);
    marks(ui, inner, overlay);
    focus_ring(ui, &response, rect.shrink(3.0));
    response.on_hover_cursor(CursorIcon::PointingHand)
}

fn empty(ui: &Ui, rect: Rect) {
    let text = "No sound here yet: Roll makes one";
    ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, theme::body(), theme::LABEL);
}

/// Seconds along the lower edge of the waveform.
fn ticks(ui: &Ui, rect: Rect, duration_s: f32) {
    let step = tick_step(duration_s, (rect.width() / 80.0).max(2.0) as usize);
    let y = rect.top() + WAVE_SHARE * rect.height();
    for i in 1..(duration_s / step).ceil() as usize {
        let x = x_of(rect, i as f32 * step / duration_s);
        ui.painter().vline(x, rect.top()..=y, Stroke::new(1.0, theme::GRID));
        let (number, unit) = if step < 0.1 { (1e3 * i as f32 * step, "ms") } else { (i as f32 * step, "s") };
        let text = format!("{} {unit}", (100.0 * number).round() / 100.0);
        ui.painter().text(pos2(x + 3.0, y - 2.0), Align2::LEFT_BOTTOM, text, theme::small(), theme::FAINT);
    }
}

/// A filled waveform; what is not played is dim.
fn waveform(peaks: &[(f32, f32)], rect: Rect, played: &std::ops::Range<f32>, alpha: f32) -> Shape {
    let mut mesh = Mesh::default();
    let (middle, half) = (rect.center().y, 0.5 * rect.height());
    let width = rect.width() / peaks.len() as f32;
    for (i, &(low, high)) in peaks.iter().enumerate() {
        let part = (i as f32 + 0.5) / peaks.len() as f32;
        let color = theme::faded(theme::ACCENT, if played.contains(&part) { alpha } else { 0.3 * alpha });
        let x = rect.left() + i as f32 * width;
        // Silence is a thin line.
        let (top, bottom) = (middle - high.min(1.0) * half - 0.5, middle - low.max(-1.0) * half + 0.5);
        mesh.add_colored_rect(Rect::from_min_max(pos2(x, top), pos2(x + width, bottom)), color);
    }
    Shape::mesh(mesh)
}

/// Darkens what is not played.
fn shade(ui: &Ui, rect: Rect, played: &std::ops::Range<f32>) {
    let dark = theme::faded(theme::WELL, 0.6);
    let start = Rect::from_min_max(rect.min, pos2(x_of(rect, played.start), rect.bottom()));
    let end = Rect::from_min_max(pos2(x_of(rect, played.end), rect.top()), rect.max);
    for part in [start, end].into_iter().filter(|part| part.width() > 0.5) {
        ui.painter().rect_filled(part, CornerRadius::ZERO, dark);
    }
}

/// Playhead and progress.
fn marks(ui: &Ui, rect: Rect, overlay: Overlay) {
    if let Some(place) = overlay.playhead {
        ui.painter().vline(x_of(rect, place), rect.y_range(), Stroke::new(1.5, theme::TEXT));
    }
    if let Some(progress) = overlay.progress {
        let y = rect.top() + WAVE_SHARE * rect.height();
        ui.painter().hline(rect.x_range(), y, Stroke::new(3.0, theme::LINE));
        ui.painter().hline(rect.left()..=x_of(rect, progress), y, Stroke::new(3.0, theme::ACCENT));
    }
}

fn handles(ui: &mut Ui, rect: Rect, params: &BrownianParams, gestures: &Gestures) {
    let [start, end] = [&params.start, &params.end].map(|param| 0.01 * param.value());
    handle(ui, rect, Flag { param: &params.start, range: (0.0, end - LEAST), at_top: true, leans: 1.0 }, gestures);
    handle(ui, rect, Flag { param: &params.end, range: (start + LEAST, 1.0), at_top: true, leans: -1.0 }, gestures);
    if matches!(params.loop_mode.value(), LoopChoice::Forward | LoopChoice::CrossFaded) {
        let [start, end] = [&params.loop_start, &params.loop_end].map(|param| 0.01 * param.value());
        let range = (0.0, end - LEAST);
        handle(ui, rect, Flag { param: &params.loop_start, range, at_top: false, leans: 1.0 }, gestures);
        let range = (start + LEAST, 1.0);
        handle(ui, rect, Flag { param: &params.loop_end, range, at_top: false, leans: -1.0 }, gestures);
    }
}

/// A line with a flag that can be dragged sideways.
struct Flag<'a> {
    /// 0 to 100 % of the sound.
    param: &'a FloatParam,
    /// How far it can go, 0 to 1.
    range: (f32, f32),
    at_top: bool,
    /// +1: the flag lies to the right of its line; -1: to the left.
    leans: f32,
}

fn handle(ui: &mut Ui, rect: Rect, flag: Flag<'_>, gestures: &Gestures) {
    let value = 0.01 * flag.param.value();
    let x = x_of(rect, value);
    let y = if flag.at_top { rect.top() } else { rect.bottom() - FLAG };
    let far = x + flag.leans * FLAG;
    let shape = Rect::from_min_max(pos2(x.min(far), y), pos2(x.max(far), y + FLAG));
    let name = nice_plug::prelude::Param::name(flag.param);
    let response = ui.interact(shape.expand(4.0), ui.scope_id().with(("handle", name)), Sense::click_and_drag());
    response.widget_info(|| egui::WidgetInfo::slider(true, f64::from(value), name));
    let clamp = |place: f32| place.clamp(flag.range.0.max(0.0), flag.range.1.max(flag.range.0).min(1.0));
    if response.drag_started() || response.dragged() || response.drag_stopped() {
        let to = response.interact_pointer_pos().map_or(value, |pointer| (pointer.x - rect.left()) / rect.width());
        gestures.drag(&response, flag.param, clamp(to));
    } else if response.double_clicked() {
        gestures.set_plain(flag.param, nice_plug::prelude::Param::default_plain_value(flag.param));
    } else if let Some(steps) = arrows(ui, &response) {
        gestures.set(flag.param, clamp(value + NUDGE * steps));
    }
    let is_hot = response.hovered() || response.dragged() || response.has_focus();
    let color = if flag.at_top { theme::TEXT } else { theme::PLAY };
    let color = if is_hot { color } else { theme::faded(color, 0.75) };
    ui.painter().vline(x, rect.y_range(), Stroke::new(if is_hot { 2.0 } else { 1.0 }, color));
    let tip = if flag.at_top { y + FLAG } else { y };
    let base = if flag.at_top { y } else { y + FLAG };
    let triangle = vec![pos2(x, base), pos2(far, base), pos2(x, tip)];
    ui.painter().add(Shape::convex_polygon(triangle, color, Stroke::NONE));
    response
        .on_hover_cursor(CursorIcon::ResizeHorizontal)
        .on_hover_text_at_pointer(format!("{name}: {:.1} %", 100.0 * value));
}

/// Presses of the arrow keys to the right less those to the left.
fn arrows(ui: &Ui, response: &Response) -> Option<f32> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let steps = ui.input(|input| {
        let presses = |key| input.num_presses(key) as f32;
        let steps = presses(Key::ArrowRight) - presses(Key::ArrowLeft);
        if input.modifiers.shift { 0.1 * steps } else { steps }
    });
    (steps != 0.0).then_some(steps)
}

/// The place in the window of a place in the sound.
fn x_of(rect: Rect, place: f32) -> f32 {
    rect.left() + place.clamp(0.0, 1.0) * rect.width()
}

/// A waveform of a few columns, for tiles.
pub fn mini_wave(ui: &Ui, rect: Rect, peaks: &[(f32, f32)], color: Color32) {
    let mut mesh = Mesh::default();
    let width = rect.width() / peaks.len().max(1) as f32;
    for (i, &(low, high)) in peaks.iter().enumerate() {
        let x = rect.left() + i as f32 * width;
        let y = |level: f32| rect.center().y - 0.5 * rect.height() * level.clamp(-1.0, 1.0);
        mesh.add_colored_rect(Rect::from_min_max(pos2(x, y(high) - 0.5), pos2(x + 0.8 * width, y(low) + 0.5)), color);
    }
    ui.painter().add(Shape::mesh(mesh));
}
