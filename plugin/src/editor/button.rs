//! Buttons and choosers. All of them can be reached with the tab key and pressed with Enter or Space.

use egui::{
    Align2, Color32, ComboBox, CornerRadius, FontId, Rect, Response, Sense, Stroke, StrokeKind, Ui, UiBuilder, vec2,
};
use nice_plug::prelude::{BoolParam, Param};

use super::gesture::Gestures;
use super::theme;

/// What a button is for, and so how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// The one that matters most.
    Main,
    /// An action.
    Plain,
    /// A state that is on or off.
    Toggle(bool),
    /// One of several views, and whether it is the one that is shown.
    Tab(bool),
}

/// A button with text.
#[derive(Debug, Clone, Copy)]
pub struct Button<'a> {
    /// Its text; unique in the panel.
    pub text: &'a str,
    /// Its look.
    pub weight: Weight,
    /// Whether it can be pressed now.
    pub is_enabled: bool,
    /// What it does, or why it cannot.
    pub hint: &'a str,
}

impl<'a> Button<'a> {
    /// An action that can be pressed.
    pub fn new(text: &'a str, hint: &'a str) -> Self {
        Self { text, weight: Weight::Plain, is_enabled: true, hint }
    }

    /// The same with another look.
    pub fn weight(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    /// The same, off unless `is_enabled`.
    pub fn enabled(self, is_enabled: bool) -> Self {
        Self { is_enabled, ..self }
    }

    /// Draws the button; the response tells whether it was clicked.
    pub fn show(self, ui: &mut Ui, rect: Rect) -> Response {
        let sense = if self.is_enabled { Sense::click() } else { Sense::hover() };
        let response = ui.interact(rect, ui.scope_id().with(("button", self.text)), sense);
        response.widget_info(|| egui::WidgetInfo::labeled(egui::Role::Button, self.is_enabled, self.text));
        let (fill, text) = self.colors(response.hovered() && self.is_enabled);
        let painter = ui.painter();
        let sunk = if response.is_pointer_button_down_on() { 1.0 } else { 0.0 };
        painter.rect_filled(rect.shrink(sunk), CornerRadius::from(theme::SMALL_RADIUS), fill);
        painter.text(rect.center(), Align2::CENTER_CENTER, self.text, self.font(rect), text);
        if self.weight == Weight::Tab(true) {
            let line = Rect::from_min_max(rect.left_bottom() - vec2(-8.0, 3.0), rect.right_bottom() - vec2(8.0, 1.0));
            painter.rect_filled(line, CornerRadius::from(1.0), theme::ACCENT);
        }
        focus_ring(ui, &response, rect);
        response.on_hover_text(self.hint)
    }

    fn font(&self, rect: Rect) -> FontId {
        match self.weight {
            Weight::Main if rect.height() > 48.0 => theme::large(),
            _ if rect.height() < 23.0 => theme::small(),
            _ => theme::body(),
        }
    }

    fn colors(&self, is_hot: bool) -> (Color32, Color32) {
        match self.weight {
            _ if !self.is_enabled => (theme::faded(theme::RAISED, 0.5), theme::FAINT),
            Weight::Main => (if is_hot { theme::ACCENT_HOVER } else { theme::ACCENT }, theme::ON_ACCENT),
            Weight::Toggle(true) => (theme::PLAY, theme::ON_ACCENT),
            Weight::Tab(true) => (theme::RAISED, theme::TEXT),
            Weight::Tab(false) => (if is_hot { theme::RAISED } else { theme::PANEL }, theme::LABEL),
            _ => (if is_hot { theme::RAISED_HOVER } else { theme::RAISED }, theme::TEXT),
        }
    }
}

/// A button for a parameter that is on or off.
pub fn switch(ui: &mut Ui, rect: Rect, gestures: &Gestures, param: &BoolParam, text: &str, hint: &str) {
    let is_on = param.value();
    if Button::new(text, hint).weight(Weight::Toggle(is_on)).show(ui, rect).clicked() {
        gestures.set(param, f32::from(!is_on));
    }
}

/// The choices of a parameter side by side.
pub fn segments<P: Param>(ui: &mut Ui, rect: Rect, gestures: &Gestures, param: &P, hint: &str) {
    let choices = choices(param);
    let now = chosen(param);
    for (i, (cell, text)) in super::layout::columns(rect, choices.len(), 2.0).zip(&choices).enumerate() {
        if Button::new(text, hint).weight(Weight::Tab(i == now)).show(ui, cell).clicked() {
            gestures.set(param, normalized(i, choices.len()));
        }
    }
}

/// The choices of a parameter as a menu.
pub fn chooser<P: Param>(ui: &mut Ui, rect: Rect, gestures: &Gestures, param: &P, prefix: &str) {
    chooser_of_first(ui, rect, gestures, param, prefix, usize::MAX);
}

/// The first choices of a parameter as a menu; one of the others that is chosen is named nevertheless.
pub fn chooser_of_first<P: Param>(
    ui: &mut Ui,
    rect: Rect,
    gestures: &Gestures,
    param: &P,
    prefix: &str,
    num_shown: usize,
) {
    let choices = choices(param);
    let now = chosen(param);
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        ui.spacing_mut().interact_size.y = rect.height();
        ComboBox::from_id_salt(param.name())
            .width(rect.width())
            .height(400.0)
            .truncate()
            .selected_text(format!("{prefix}{}", choices.get(now).map_or("", String::as_str)))
            .show_ui(ui, |ui| {
                for (i, text) in choices.iter().enumerate().take(num_shown) {
                    if ui.selectable_label(i == now, text).clicked() {
                        gestures.set(param, normalized(i, choices.len()));
                    }
                }
            });
    });
}

/// The names of all values of a stepped parameter.
fn choices<P: Param>(param: &P) -> Vec<String> {
    let num_choices = param.step_count().unwrap_or(0) + 1;
    (0..num_choices).map(|i| param.normalized_value_to_string(normalized(i, num_choices), false)).collect()
}

fn chosen<P: Param>(param: &P) -> usize {
    let steps = param.step_count().unwrap_or(0);
    (param.unmodulated_normalized_value() * steps as f32).round() as usize
}

fn normalized(index: usize, num_choices: usize) -> f32 {
    index as f32 / (num_choices.max(2) - 1) as f32
}

/// Shows where the keyboard's attention is.
pub fn focus_ring(ui: &Ui, response: &Response, rect: Rect) {
    if response.has_focus() {
        let radius = CornerRadius::from(theme::SMALL_RADIUS + 2.0);
        ui.painter().rect_stroke(rect.expand(2.0), radius, theme::focus_stroke(), StrokeKind::Middle);
    }
}

/// A panel's ground.
pub fn panel(ui: &Ui, rect: Rect) {
    ui.painter().rect_filled(rect, CornerRadius::from(theme::RADIUS), theme::PANEL);
}

/// A sunken field.
pub fn well(ui: &Ui, rect: Rect) {
    let radius = CornerRadius::from(theme::SMALL_RADIUS);
    ui.painter().rect(rect, radius, theme::WELL, Stroke::new(1.0, theme::LINE), StrokeKind::Inside);
}

/// A small heading at the left of `rect`.
pub fn heading(ui: &Ui, rect: Rect, text: &str) {
    ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, text, theme::small(), theme::LABEL);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::params::BrownianParams;

    #[test]
    fn every_choice_of_a_parameter_has_its_name() {
        let params = BrownianParams::default();
        assert_eq!(choices(&params.mode), ["Keys", "Kit"]);
        assert_eq!(choices(&params.filter_mode)[2], "Low-pass 24");
        assert_eq!(choices(&params.generation.class)[..2], ["any", "clap"]);
        assert_eq!(chosen(&params.mode), 0);
        assert_eq!((normalized(1, 2), normalized(5, 11), normalized(0, 1)), (1.0, 0.5, 0.0));
    }
}
