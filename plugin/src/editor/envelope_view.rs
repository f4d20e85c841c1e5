//! The two envelopes as a curve whose corners can be dragged.

use egui::{
    Align2, CursorIcon, EventFilter, Key, Mesh, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, Vec2, pos2, vec2,
};
use nice_plug::prelude::{FloatParam, Param};

use super::button::{Button, Weight, panel, well};
use super::curve::{Corner, EnvelopeShape};
use super::gesture::Gestures;
use super::layout::{columns, padded, take_left, take_top};
use super::theme;
use crate::params::BrownianParams;

/// How far from a corner the pointer still takes hold of it.
const REACH: f32 = 11.0;
/// How far an arrow key moves a corner.
const NUDGE: f32 = 0.02;

/// The four parameters of one envelope.
struct Envelope<'a> {
    name: &'static str,
    attack: &'a FloatParam,
    decay: &'a FloatParam,
    sustain: &'a FloatParam,
    release: &'a FloatParam,
}

impl Envelope<'_> {
    fn shape(&self) -> EnvelopeShape {
        EnvelopeShape {
            attack: self.attack.unmodulated_normalized_value(),
            decay: self.decay.unmodulated_normalized_value(),
            sustain: 0.01 * self.sustain.value(),
            release: self.release.unmodulated_normalized_value(),
        }
    }
}

/// The panel. `shows_filter` chooses the envelope that is drawn and belongs to the window, not to the sound.
pub fn envelope_panel(ui: &mut Ui, rect: Rect, params: &BrownianParams, gestures: &Gestures, shows_filter: &mut bool) {
    panel(ui, rect);
    let mut rest = padded(rect);
    let mut row = take_top(&mut rest, theme::ROW - 4.0);
    for (name, filter) in [("Envelope", false), ("Filter envelope", true)] {
        let cell = take_left(&mut row, if filter { 104.0 } else { 72.0 });
        let button = Button::new(name, "Which envelope is drawn below").weight(Weight::Tab(*shows_filter == filter));
        if button.show(ui, cell).clicked() {
            *shows_filter = filter;
        }
    }
    take_top(&mut rest, 6.0);
    let values = Rect::from_min_max(pos2(rest.left(), rest.bottom() - 16.0), rest.max);
    rest.max.y = values.top() - 4.0;
    let envelope = if *shows_filter { filter_envelope(params) } else { amplitude_envelope(params) };
    drawing(ui, rest, &envelope, gestures);
    texts(ui, values, &envelope);
}

fn amplitude_envelope(params: &BrownianParams) -> Envelope<'_> {
    Envelope {
        name: "Envelope",
        attack: &params.attack_ms,
        decay: &params.decay_ms,
        sustain: &params.sustain,
        release: &params.release_ms,
    }
}

fn filter_envelope(params: &BrownianParams) -> Envelope<'_> {
    Envelope {
        name: "Filter envelope",
        attack: &params.filter_attack_ms,
        decay: &params.filter_decay_ms,
        sustain: &params.filter_sustain,
        release: &params.filter_release_ms,
    }
}

fn drawing(ui: &mut Ui, rect: Rect, envelope: &Envelope<'_>, gestures: &Gestures) {
    well(ui, rect);
    let inner = rect.shrink2(vec2(10.0, 10.0));
    let points = envelope.shape().points(inner);
    fill_below(ui, &points, inner.bottom());
    ui.painter().add(Shape::line(points, Stroke::new(2.0, theme::PLAY)));
    for corner in [Corner::Attack, Corner::Decay, Corner::Release] {
        drag_corner(ui, inner, corner, envelope, gestures);
    }
}

/// A veil under a curve.
pub fn fill_below(ui: &Ui, points: &[Pos2], bottom: f32) {
    let mut mesh = Mesh::default();
    let (top, base) = (theme::faded(theme::PLAY, 0.28), theme::faded(theme::PLAY, 0.04));
    for (i, point) in points.iter().enumerate() {
        mesh.colored_vertex(*point, top);
        mesh.colored_vertex(pos2(point.x, bottom), base);
        if i > 0 {
            let now = 2 * i as u32;
            mesh.add_triangle(now - 2, now - 1, now);
            mesh.add_triangle(now - 1, now, now + 1);
        }
    }
    ui.painter().add(Shape::mesh(mesh));
}

fn drag_corner(ui: &mut Ui, rect: Rect, corner: Corner, envelope: &Envelope<'_>, gestures: &Gestures) {
    let shape = envelope.shape();
    let at = shape.corner(corner, rect);
    let area = Rect::from_center_size(at, Vec2::splat(2.0 * REACH));
    let id = ui.scope_id().with((envelope.name, corner as u8));
    let response = ui.interact(area, id, Sense::click_and_drag());
    response
        .widget_info(|| egui::WidgetInfo::labeled(egui::Role::Slider, true, format!("{} {corner:?}", envelope.name)));
    let moved = match response.interact_pointer_pos().filter(|_| response.dragged()) {
        Some(pointer) => shape.moved(corner, pointer, rect),
        None => shape,
    };
    let (first, value) = match corner {
        Corner::Attack => (envelope.attack, moved.attack),
        Corner::Decay => (envelope.decay, moved.decay),
        Corner::Release => (envelope.release, moved.release),
    };
    gestures.drag(&response, first, value);
    if corner == Corner::Decay {
        gestures.drag(&response, envelope.sustain, moved.sustain);
    }
    let (right, up) = arrows(ui, &response);
    if response.double_clicked() {
        gestures.set(first, first.default_normalized_value());
    } else if right != 0.0 {
        gestures.set(first, value + NUDGE * right);
    }
    if corner == Corner::Decay && up != 0.0 {
        gestures.set(envelope.sustain, moved.sustain + NUDGE * up);
    }
    dot(ui, &response, at);
}

/// A point that can be dragged.
pub fn dot(ui: &Ui, response: &Response, at: Pos2) {
    let is_hot = response.hovered() || response.dragged();
    ui.painter().circle_filled(at, if is_hot { 6.0 } else { 4.5 }, theme::TEXT);
    if response.has_focus() {
        ui.painter().circle_stroke(at, 9.0, theme::focus_stroke());
    }
    response.clone().on_hover_cursor(CursorIcon::Grab);
}

/// Presses of the arrow keys in this frame: to the right and up.
pub fn arrows(ui: &Ui, response: &Response) -> (f32, f32) {
    if !response.has_focus() {
        return (0.0, 0.0);
    }
    let filter = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input(|input| {
        let presses = |key| input.num_presses(key) as f32;
        (presses(Key::ArrowRight) - presses(Key::ArrowLeft), presses(Key::ArrowUp) - presses(Key::ArrowDown))
    })
}

fn texts(ui: &Ui, rect: Rect, envelope: &Envelope<'_>) {
    let params = [("A", envelope.attack), ("D", envelope.decay), ("S", envelope.sustain), ("R", envelope.release)];
    for (cell, (name, param)) in columns(rect, params.len(), 4.0).zip(params) {
        let value = param.unmodulated_plain_value();
        let text = format!("{name}  {value:.0}{}", param.unit());
        ui.painter().text(cell.center(), Align2::CENTER_CENTER, text, theme::small(), theme::LABEL);
    }
}
