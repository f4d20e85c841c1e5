//! [`App`]: one frame of the window.

use std::sync::Arc;

use egui::{CentralPanel, Context, CornerRadius, Key, Modifiers, Rect, ScrollArea, Ui, vec2};
use nice_plug::context::gui::GuiContext;
use nice_plug_egui::baseview::{HandlerError, WindowSize};
use nice_plug_egui::{Frame, NiceEguiApp};

use super::envelope_view::envelope_panel;
use super::filter_view::filter_panel;
use super::gallery::Gallery;
use super::generate::{Desk, generate_panel, locked};
use super::gesture::Gestures;
use super::header::header;
use super::history::history_strip;
use super::layout::{Layout, SMALLEST, padded, take_top};
use super::model::{Model, progress};
use super::output::output_panel;
use super::pads::{PadEvent, key_of, pad_grid};
use super::sound_bar::{HEIGHT, SoundBar};
use super::status::status;
use super::theme;
use super::wave_view::{Overlay, wave_view};
use crate::engine::{Meters, NUM_PADS, Place};
use crate::generation::{Command, Kind, Target};
use crate::params::{BrownianParams, ModeChoice};
use crate::state::WindowSettings;

/// The key that the picture plays: a sound as it is.
const ROOT_KEY: u8 = 60;

/// The window's own state. What belongs to the sound lies in the parameters.
pub struct App {
    params: Arc<BrownianParams>,
    model: Model,
    gestures: Option<Gestures>,
    gallery: Gallery,
    /// The pad that is shown in `Kit` mode.
    pad: usize,
    shows_filter_envelope: bool,
    seed_text: Option<String>,
    path_text: String,
    note: Option<String>,
    /// The key that the pointer holds down.
    held: Option<u8>,
}

impl App {
    /// A window on the instrument with these parameters.
    pub fn new(params: Arc<BrownianParams>, meters: Arc<Meters>) -> Self {
        Self {
            model: Model::new(params.clone(), meters),
            params,
            gestures: None,
            gallery: Gallery::default(),
            pad: 0,
            shows_filter_envelope: false,
            seed_text: None,
            path_text: String::new(),
            note: None,
            held: None,
        }
    }

    fn place(&self) -> Place {
        match self.params.mode.value() {
            ModeChoice::Keys => Place::Keys,
            ModeChoice::Kit => Place::Pad(self.pad.min(NUM_PADS - 1)),
        }
    }

    /// All of it, or in a window that is too small a part of it that can be scrolled.
    fn fit(&mut self, ui: &mut Ui, gestures: &Gestures) {
        let (window, needed) = (ui.max_rect(), vec2(SMALLEST.0, SMALLEST.1));
        if window.width() >= needed.x && window.height() >= needed.y {
            return self.draw(ui, window, gestures);
        }
        ScrollArea::both().auto_shrink(false).show(ui, |ui| {
            let (_, rect) = ui.allocate_space(window.size().max(needed));
            self.draw(ui, rect, gestures);
        });
    }

    fn draw(&mut self, ui: &mut Ui, rect: Rect, gestures: &Gestures) {
        let place = self.place();
        let layout = Layout::of(rect, place != Place::Keys);
        ui.painter().rect_filled(rect, CornerRadius::ZERO, theme::GROUND);
        let params = self.params.clone();
        let model = header(ui, layout.header, &params, gestures, &self.model, place);
        if let Some(pads) = layout.pads {
            let event = pad_grid(ui, pads, &params, &self.model.view, &mut self.gallery, self.pad);
            self.pad_event(event);
        }
        let sound = self.sound(ui, layout.picture, place, gestures);
        let panel = Desk {
            params: &params,
            gestures,
            model: &self.model,
            place,
            seed_text: &mut self.seed_text,
            gallery: &mut self.gallery,
        };
        let generate = generate_panel(ui, layout.generate, panel);
        let history = history_strip(ui, layout.history, &self.model.view, &mut self.gallery, place);
        envelope_panel(ui, layout.envelope, &params, gestures, &mut self.shows_filter_envelope);
        filter_panel(ui, layout.filter, &params, gestures);
        output_panel(ui, layout.output, &params, gestures, place);
        status(ui, layout.status, &self.model.view, self.note.as_deref());
        let shortcut = self.shortcut(ui, place);
        for command in [model, sound, generate, history, shortcut].into_iter().flatten() {
            self.note = None;
            self.model.send(command);
        }
    }

    /// The line and the picture.
    fn sound(&mut self, ui: &mut Ui, rect: Rect, place: Place, gestures: &Gestures) -> Option<Command> {
        super::button::panel(ui, rect);
        let mut rest = padded(rect);
        let bar = take_top(&mut rest, HEIGHT);
        take_top(&mut rest, 8.0);
        let view = &self.model.view;
        let making = view.making.as_ref().filter(|making| making.place == place);
        let preview = making.and_then(|making| making.preview.as_ref());
        let overlay = Overlay {
            playhead: self.model.playhead(place),
            progress: making.map(progress),
            is_preview: preview.is_some(),
        };
        let take = preview.or_else(|| view.patch.get(place));
        let shown = take.map(|take| self.gallery.picture(ui.ctx(), take));
        let shown = shown.map(|(picture, texture)| (picture, texture.id()));
        let response = wave_view(ui, rest, shown, overlay, &self.params, gestures);
        let key = if let Place::Pad(pad) = place { key_of(pad) } else { ROOT_KEY };
        let (went_down, is_up) = ui.input(|input| (input.pointer.primary_pressed(), !input.pointer.primary_down()));
        if (response.is_pointer_button_down_on() && went_down)
            || (response.clicked() && self.held.is_none() && !went_up(ui))
        {
            self.press(key);
        } else if is_up {
            self.release();
        }
        let (params, model) = (self.params.clone(), &self.model);
        let (path_text, note) = (&mut self.path_text, &mut self.note);
        SoundBar { params: &params, gestures, model, place, path_text, note }.show(ui, bar)
    }

    fn pad_event(&mut self, event: Option<PadEvent>) {
        match event {
            Some(PadEvent::Pressed(pad)) => {
                self.pad = pad;
                self.seed_text = None;
                self.press(key_of(pad));
            }
            Some(PadEvent::Released(_)) => self.release(),
            None => {}
        }
    }

    fn press(&mut self, key: u8) {
        self.release();
        self.params.audition.press(key);
        self.held = Some(key);
    }

    fn release(&mut self) {
        if let Some(key) = self.held.take() {
            self.params.audition.release(key);
        }
    }

    /// What the keyboard asks for. No plain letters: hosts have their own.
    fn shortcut(&self, ui: &Ui, place: Place) -> Option<Command> {
        let pressed = |modifiers, key| ui.input_mut(|input| input.consume_key(modifiers, key));
        let shifted = Modifiers::COMMAND | Modifiers::SHIFT;
        let command = if pressed(shifted, Key::R) {
            self.model.order(Kind::Roll, Target::Kit { locked: locked(&self.params) })
        } else if pressed(Modifiers::COMMAND, Key::R) {
            self.model.order(Kind::Roll, Target::One(place))
        } else if pressed(shifted, Key::Z) || pressed(Modifiers::COMMAND, Key::Y) {
            Command::Redo(Target::One(place))
        } else if pressed(Modifiers::COMMAND, Key::Z) {
            Command::Undo(Target::One(place))
        } else {
            return None;
        };
        self.model.can(&command).then_some(command)
    }
}

/// Whether the pointer's button came up in this frame: then a click was the pointer's, not the keyboard's.
fn went_up(ui: &Ui) -> bool {
    ui.input(|input| input.pointer.primary_released())
}

impl NiceEguiApp for App {
    fn build(&mut self, context: Context, gui: GuiContext, frame: &mut Frame) -> Result<(), HandlerError> {
        theme::apply(&context);
        frame.set_clear_color(theme::GROUND.into());
        self.gestures = Some(Gestures(gui));
        self.params.audition.set_window(true);
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, _frame: &mut Frame) {
        let Some(gestures) = self.gestures.clone() else { return };
        self.model.refresh();
        CentralPanel::default().frame(egui::Frame::NONE).show(ui, |ui| self.fit(ui, &gestures));
    }

    fn resized(&mut self, size: WindowSize) {
        let (width, height) = (size.logical.width as f32, size.logical.height as f32);
        self.params.window.update(|window| *window = WindowSettings { width, height, ..*window });
    }

    fn zoom_factor_changed(&mut self, zoom: f32) {
        self.params.window.update(|window| window.zoom = zoom);
    }
}

impl Drop for App {
    fn drop(&mut self) {
        self.release();
        self.params.audition.set_window(false);
    }
}
