//! [`knob`]: drag up and down, turn the wheel, double-click for the default, or use the keys.

use std::f32::consts::PI;

use egui::{Align2, Color32, EventFilter, Key, Pos2, Rect, Response, Sense, Shape, Stroke, Ui, pos2, vec2};
use nice_plug::prelude::Param;

use super::gesture::Gestures;
use super::theme;

/// Points of travel over the whole range.
const TRAVEL: f32 = 180.0;
/// What the shift key divides every step by.
const FINE: f32 = 10.0;
/// A notch of the wheel, or an arrow key, as a part of the range.
const STEP: f32 = 0.02;
/// Scrolled points that make one notch.
const NOTCH: f32 = 40.0;

/// Where the arc begins and ends: clockwise from straight down.
const GAP_ANGLE: f32 = 0.22 * PI;

/// How a knob looks.
#[derive(Debug, Clone, Copy)]
pub struct KnobLook<'a> {
    /// The name above it.
    pub name: &'a str,
    /// The colour of its arc.
    pub color: Color32,
    /// Where the arc begins, 0 to 1: the middle for values that go both ways.
    pub origin: f32,
    /// What it does, for the tooltip.
    pub hint: &'a str,
    /// Whether the value counts now.
    pub is_live: bool,
}

/// A knob for `param`, its name above and its value below. Takes 46 points of width and 76 of height at least.
pub fn knob<P: Param>(ui: &mut Ui, rect: Rect, gestures: &Gestures, param: &P, look: KnobLook<'_>) -> Response {
    let response = ui.interact(rect, ui.scope_id().with(("knob", param.name())), Sense::click_and_drag());
    let value = param.unmodulated_normalized_value();
    turn(ui, &response, gestures, param, value);
    let value = param.unmodulated_normalized_value();
    let text = param.normalized_value_to_string(value, true);
    response.widget_info(|| egui::WidgetInfo::slider(true, f64::from(value), param.name()));
    paint(ui, rect, &response, value, &short(&text), look);
    response.on_hover_text_at_pointer(format!("{}: {text}\n{}", param.name(), look.hint))
}

/// Lets drags, the wheel, clicks and keys change the value.
fn turn<P: Param>(ui: &Ui, response: &Response, gestures: &Gestures, param: &P, value: f32) {
    if response.is_pointer_button_down_on() {
        response.request_focus();
    }
    if response.drag_started() || response.dragged() || response.drag_stopped() {
        let id = response.id.with("unsnapped");
        let before = if response.drag_started() { value } else { ui.data(|data| data.get_temp(id)).unwrap_or(value) };
        let fine = ui.input(|input| input.modifiers.shift);
        let after = dragged(before, response.drag_delta().y, fine);
        ui.data_mut(|data| data.insert_temp(id, after));
        gestures.drag(response, param, after);
    } else if response.double_clicked() {
        gestures.set(param, param.default_normalized_value());
    } else if let Some(change) = wheel(ui, response).or_else(|| keys(ui, response)) {
        let steps = param.step_count().map_or(0.0, |steps| 1.0 / steps as f32);
        gestures.set(param, stepped(value, change, steps, param.default_normalized_value()));
    }
}

/// What a key or the wheel asks for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Change {
    /// A part of the range, up or down.
    By(f32),
    To(f32),
    Default,
}

fn wheel(ui: &Ui, response: &Response) -> Option<Change> {
    if !response.hovered() {
        return None;
    }
    let (scroll, fine) = ui.input(|input| (raw_scroll(input), input.modifiers.shift));
    (scroll != 0.0).then(|| Change::By(scaled(STEP * scroll, fine)))
}

/// Notches of the wheel in this frame, up positive: smoothing would turn one notch into many host events.
fn raw_scroll(input: &egui::InputState) -> f32 {
    let notches = input.events.iter().map(|event| match event {
        // With shift held some systems turn the wheel sideways.
        egui::Event::MouseWheel { unit: egui::MouseWheelUnit::Point, delta, .. } => (delta.x + delta.y) / NOTCH,
        egui::Event::MouseWheel { delta, .. } => delta.x + delta.y,
        _ => 0.0,
    });
    notches.sum()
}

fn keys(ui: &Ui, response: &Response) -> Option<Change> {
    if !response.has_focus() {
        return None;
    }
    let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    ui.input(|input| {
        let presses = |key| input.num_presses(key) as f32;
        let steps =
            presses(Key::ArrowUp) + presses(Key::ArrowRight) - presses(Key::ArrowDown) - presses(Key::ArrowLeft)
                + 5.0 * (presses(Key::PageUp) - presses(Key::PageDown));
        if input.key_pressed(Key::Home) {
            Some(Change::To(0.0))
        } else if input.key_pressed(Key::End) {
            Some(Change::To(1.0))
        } else if input.key_pressed(Key::Delete) || input.key_pressed(Key::Backspace) {
            Some(Change::Default)
        } else {
            (steps != 0.0).then(|| Change::By(scaled(STEP * steps, input.modifiers.shift)))
        }
    })
}

fn scaled(amount: f32, fine: bool) -> f32 {
    if fine { amount / FINE } else { amount }
}

/// The value after the pointer moved by `dy` points; up is more.
fn dragged(value: f32, dy: f32, fine: bool) -> f32 {
    (value - scaled(dy / TRAVEL, fine)).clamp(0.0, 1.0)
}

/// The value after `change`; one of whole steps moves by one of them at least.
fn stepped(value: f32, change: Change, step: f32, default: f32) -> f32 {
    match change {
        Change::By(amount) => (value + amount.signum() * amount.abs().max(step)).clamp(0.0, 1.0),
        Change::To(value) => value,
        Change::Default => default,
    }
}

/// Angle of a value 0 to 1, in radians clockwise from straight down.
fn angle(value: f32) -> f32 {
    GAP_ANGLE + value.clamp(0.0, 1.0) * (2.0 * PI - 2.0 * GAP_ANGLE)
}

/// The point at `angle` on a circle.
fn on_circle(center: Pos2, radius: f32, angle: f32) -> Pos2 {
    center + radius * vec2(-angle.sin(), angle.cos())
}

fn arc(center: Pos2, radius: f32, from: f32, to: f32, stroke: Stroke) -> Shape {
    let num_points = 2 + (16.0 * (to - from).abs()) as usize;
    let at = |i: usize| angle(from + (to - from) * i as f32 / (num_points - 1) as f32);
    Shape::line((0..num_points).map(|i| on_circle(center, radius, at(i))).collect(), stroke)
}

/// Numbers with less precision than automation needs.
fn short(text: &str) -> String {
    let Some((number, unit)) = text.split_once(' ') else { return text.to_owned() };
    let Ok(number) = number.parse::<f32>() else { return text.to_owned() };
    let decimals = if number.abs() >= 99.95 || number == number.round() { 0 } else { 1 };
    format!("{number:.decimals$} {unit}")
}

fn paint(ui: &Ui, rect: Rect, response: &Response, value: f32, text: &str, look: KnobLook<'_>) {
    let painter = ui.painter();
    let center = pos2(rect.center().x, rect.center().y);
    let radius = (0.5 * (rect.height() - 34.0)).min(0.5 * rect.width() - 4.0).clamp(10.0, 26.0);
    let is_hot = response.hovered() || response.dragged();
    let color = if look.is_live { look.color } else { theme::FAINT };
    painter.circle_filled(center, radius - 5.0, if is_hot { theme::RAISED_HOVER } else { theme::RAISED });
    painter.add(arc(center, radius, 0.0, 1.0, Stroke::new(3.0, theme::LINE)));
    painter.add(arc(center, radius, look.origin, value, Stroke::new(3.0, color)));
    let angle = angle(value);
    let needle = [on_circle(center, 0.3 * radius, angle), on_circle(center, radius - 7.0, angle)];
    painter.line_segment(needle, Stroke::new(2.0, if look.is_live { theme::TEXT } else { theme::LABEL }));
    if response.has_focus() {
        painter.circle_stroke(center, radius + 4.0, theme::focus_stroke());
    }
    let top = pos2(rect.center().x, center.y - radius - 5.0);
    painter.text(top, Align2::CENTER_BOTTOM, look.name, theme::small(), theme::LABEL);
    let bottom = pos2(rect.center().x, center.y + radius + 2.0);
    let color = if look.is_live { theme::TEXT } else { theme::LABEL };
    painter.text(bottom, Align2::CENTER_TOP, text, theme::small(), color);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_travel_is_the_whole_range() {
        assert_eq!(dragged(0.0, -TRAVEL, false), 1.0);
        assert_eq!(dragged(1.0, TRAVEL, false), 0.0);
        assert!((dragged(0.5, -TRAVEL, true) - 0.6).abs() < 1e-6);
        assert_eq!(dragged(0.9, -TRAVEL, false), 1.0);
    }

    #[test]
    fn a_notch_moves_a_stepped_value_by_a_step_at_least() {
        assert!((stepped(0.5, Change::By(0.02), 0.0, 0.0) - 0.52).abs() < 1e-6);
        assert_eq!(stepped(0.5, Change::By(-0.02), 0.25, 0.0), 0.25);
        assert_eq!(stepped(0.9, Change::By(0.2), 0.0, 0.0), 1.0);
        assert_eq!((stepped(0.9, Change::Default, 0.0, 0.3), stepped(0.9, Change::To(0.0), 0.0, 0.3)), (0.3, 0.0));
    }

    #[test]
    fn the_needle_points_down_left_up_and_down_right() {
        let at = |value| on_circle(pos2(0.0, 0.0), 1.0, angle(value));
        assert!(at(0.0).x < 0.0 && at(0.0).y > 0.0);
        assert!(at(0.5).x.abs() < 1e-6 && (at(0.5).y + 1.0).abs() < 1e-6);
        assert!(at(1.0).x > 0.0 && at(1.0).y > 0.0);
    }

    #[test]
    fn values_are_shown_no_longer_than_they_are_read() {
        assert_eq!(short("12.34 %"), "12.3 %");
        assert_eq!(short("400.0 ms"), "400 ms");
        assert_eq!(short("1234.5 ms"), "1234 ms");
        assert_eq!(short("20.480 kHz"), "20.5 kHz");
        assert_eq!(short("free"), "free");
    }
}
