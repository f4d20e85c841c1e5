//! The top line: the name, the mode, the model, undo and redo, the size.

use egui::{Align2, ComboBox, FontId, Rect, Ui, UiBuilder, vec2};

use super::button::{Button, segments};
use super::gesture::Gestures;
use super::layout::{take_left, take_right};
use super::model::Model;
use super::theme;
use crate::engine::Place;
use crate::generation::{Command, Target};
use crate::params::BrownianParams;

/// Sizes that the window offers.
const ZOOMS: [f32; 5] = [1.0, 1.25, 1.5, 1.75, 2.0];

/// Draws the line; what was asked for, if anything.
pub fn header(
    ui: &mut Ui,
    rect: Rect,
    params: &BrownianParams,
    gestures: &Gestures,
    model: &Model,
    place: Place,
) -> Option<Command> {
    let mut rest = rect.shrink2(vec2(2.0, 6.0));
    let name = take_left(&mut rest, 118.0);
    ui.painter().text(name.left_center(), Align2::LEFT_CENTER, "Brownian", FontId::proportional(23.0), theme::TEXT);
    segments(ui, take_left(&mut rest, 130.0), gestures, &params.mode, "One sound over the keyboard, or sixteen pads");
    zoom(ui, take_right(&mut rest, 84.0));
    let redo = step(ui, take_right(&mut rest, 56.0), "Redo", "Ctrl+Shift+Z", Command::Redo(Target::One(place)), model);
    let undo = step(ui, take_right(&mut rest, 56.0), "Undo", "Ctrl+Z", Command::Undo(Target::One(place)), model);
    take_left(&mut rest, 4.0);
    models(ui, take_left(&mut rest, 170.0), model).or(undo).or(redo)
}

/// A button that goes back or forward.
fn step(ui: &mut Ui, rect: Rect, text: &str, keys: &str, command: Command, model: &Model) -> Option<Command> {
    let hint = format!("{text} the last change of this sound ({keys})");
    let button = Button::new(text, &hint).enabled(model.can(&command));
    button.show(ui, rect).clicked().then_some(command)
}

/// The models of which new sounds can come.
fn models(ui: &mut Ui, rect: Rect, model: &Model) -> Option<Command> {
    let now = model.view.patch.model();
    let mut chosen = None;
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        let text = format!("Model: {now}");
        ComboBox::from_id_salt("model").width(rect.width()).truncate().selected_text(text).show_ui(ui, |ui| {
            for id in &model.ids {
                if ui.selectable_label(id == now, id.as_str()).clicked() {
                    chosen = Some(Command::Model(id.clone()));
                }
            }
        });
    });
    chosen
}

fn zoom(ui: &mut Ui, rect: Rect) {
    let now = ui.ctx().zoom_factor();
    ui.scope_builder(UiBuilder::new().max_rect(rect), |ui| {
        let text = |zoom: f32| format!("{:.0} %", 100.0 * zoom);
        ComboBox::from_id_salt("zoom").width(rect.width()).selected_text(text(now)).show_ui(ui, |ui| {
            for zoom in ZOOMS {
                if ui.selectable_label(zoom == now, text(zoom)).clicked() {
                    ui.ctx().set_zoom_factor(zoom);
                }
            }
        });
    });
}
