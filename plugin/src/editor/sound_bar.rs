//! The line above the picture: which sound it is, and what can be done with it.

use std::path::PathBuf;
use std::sync::Arc;

use egui::{Align2, Popup, PopupCloseBehavior, Rect, TextEdit, Ui, vec2};

use super::button::{Button, Weight, chooser, switch};
use super::files::{path_of, save, save_instrument, suggested_path};
use super::gesture::Gestures;
use super::history::{is_favourite, title};
use super::instrument::take_over;
use super::layout::take_right;
use super::model::Model;
use super::theme;
use crate::engine::Place;
use crate::generation::Command;
use crate::params::BrownianParams;
use crate::presets::{is_instrument, read_instrument};
use crate::state::Take;

/// Height of the line.
pub const HEIGHT: f32 = 24.0;

/// What the line needs.
pub struct SoundBar<'a> {
    /// The parameters.
    pub params: &'a BrownianParams,
    /// The way to the host.
    pub gestures: &'a Gestures,
    /// What can be asked.
    pub model: &'a Model,
    /// Whose sound is shown.
    pub place: Place,
    /// Text of the path field.
    pub path_text: &'a mut String,
    /// What the window has to tell.
    pub note: &'a mut Option<String>,
}

impl SoundBar<'_> {
    /// Draws the line; what was asked for, if anything.
    pub fn show(mut self, ui: &mut Ui, rect: Rect) -> Option<Command> {
        let take = self.model.view.patch.get(self.place).cloned();
        let mut rest = rect;
        chooser(ui, take_right(&mut rest, 128.0), self.gestures, &self.params.loop_mode, "Loop: ");
        let evolve = &self.params.generation.is_evolving;
        let hint = "Every note plays a new variation of the sound, made ahead; Vary says how far it goes";
        switch(ui, take_right(&mut rest, 62.0), self.gestures, evolve, "Evolve", hint);
        let star = take.as_ref().and_then(|take| self.star(ui, take_right(&mut rest, 52.0), take));
        let file = self.file(ui, take_right(&mut rest, 60.0), take.as_ref());
        let name = take.map_or_else(|| "no sound".to_owned(), |take| describe(&take));
        let painter = ui.painter().with_clip_rect(rest);
        painter.text(rest.left_center() + vec2(2.0, 0.0), Align2::LEFT_CENTER, name, theme::body(), theme::TEXT);
        star.or(file)
    }

    fn star(&self, ui: &mut Ui, rect: Rect, take: &Arc<Take>) -> Option<Command> {
        let kept = self.model.view.patch.favourites().iter().position(|kept| Arc::ptr_eq(kept, take));
        let command = kept.map_or_else(|| Command::Favour(take.clone()), Command::Unfavour);
        let button = Button::new("Keep", "Keeps this sound among the favourites");
        let button =
            button.weight(Weight::Toggle(is_favourite(&self.model.view, take))).enabled(self.model.can(&command));
        button.show(ui, rect).clicked().then_some(command)
    }

    /// A menu with one path: to save to, or to open.
    fn file(&mut self, ui: &mut Ui, rect: Rect, take: Option<&Arc<Take>>) -> Option<Command> {
        let response = Button::new("File", "Save the sound, or open one").show(ui, rect);
        if response.clicked() {
            *self.path_text = suggested_path(&take.map(|take| title(take)).unwrap_or_default()).display().to_string();
        }
        let menu =
            Popup::from_toggle_button_response(&response).close_behavior(PopupCloseBehavior::CloseOnClickOutside);
        menu.width(430.0).show(|ui| self.menu(ui, take))?.inner
    }

    fn menu(&mut self, ui: &mut Ui, take: Option<&Arc<Take>>) -> Option<Command> {
        ui.label("A path, typed or pasted:");
        ui.add(TextEdit::singleline(self.path_text).desired_width(f32::INFINITY));
        ui.add_space(4.0);
        let path = path_of(self.path_text);
        let opened = ui.horizontal(|ui| self.buttons(ui, take, path?)).inner;
        ui.small(
            "A saved WAV holds its recipe: opened here or by `brownian render --from`, the sound goes on from it. An \
             instrument is all sounds and settings, as a .brownian file.",
        );
        opened
    }

    fn buttons(&mut self, ui: &mut Ui, take: Option<&Arc<Take>>, path: PathBuf) -> Option<Command> {
        let save_button = ui.add_enabled(take.is_some(), egui::Button::new("Save as WAV"));
        if let Some(take) = take.filter(|_| save_button.clicked()) {
            self.tell_saved(ui, save(take, &path).map(|()| path.clone()));
        }
        if ui.button("Save instrument").clicked() {
            self.tell_saved(ui, save_instrument(&self.gestures.0.get_state(), &path));
        }
        if ui.button("Copy path").clicked() {
            ui.ctx().copy_text(self.path_text.clone());
        }
        if !ui.button("Open it here").clicked() {
            return None;
        }
        ui.close();
        self.open(path)
    }

    fn tell_saved(&mut self, ui: &Ui, saved: Result<PathBuf, String>) {
        *self.note = Some(match saved {
            Ok(path) => format!("Saved {}", path.display()),
            Err(error) => format!("Not saved: {error}"),
        });
        ui.close();
    }

    /// A sound is the worker's to read; an instrument moves the knobs, which is the window's.
    fn open(&mut self, path: PathBuf) -> Option<Command> {
        if !is_instrument(&path) {
            return Some(Command::Open { place: self.place, path });
        }
        *self.note = Some(match read_instrument(&path) {
            Ok((state, _)) => {
                take_over(&state, self.params, self.gestures);
                format!("Opened {}", path.display())
            }
            Err(error) => format!("Not opened: {error}"),
        });
        None
    }
}

/// Class, seed and length.
fn describe(take: &Take) -> String {
    let sound = take.sound();
    let duration_s = sound.num_frames() as f32 / sound.sample_rate();
    format!("{}  ·  {duration_s:.2} s", title(take))
}
