//! Roll, and everything that decides what comes out.

use std::sync::atomic::Ordering;

use egui::{Align2, FontId, Key, Rect, TextEdit, Ui, pos2, vec2};

use super::button::{Button, Weight, chooser_of_first, heading, panel, switch, well};
use super::gallery::Gallery;
use super::gesture::Gestures;
use super::knob::{KnobLook, knob};
use super::layout::{columns, padded, take_left, take_top};
use super::model::Model;
use super::theme;
use super::wave_view::mini_wave;
use crate::engine::Place;
use crate::generation::{Command, Kind, Target};
use crate::params::{BrownianParams, FREE_KEY, GenerationParams};

/// What the panel needs.
pub struct Desk<'a> {
    /// The parameters.
    pub params: &'a BrownianParams,
    /// The way to the host.
    pub gestures: &'a Gestures,
    /// What can be asked.
    pub model: &'a Model,
    /// Where the next sound goes.
    pub place: Place,
    /// The text in the seed's field while it is edited.
    pub seed_text: &'a mut Option<String>,
    /// Pictures.
    pub gallery: &'a mut Gallery,
}

/// Draws the panel; what was asked for, if anything.
pub fn generate_panel(ui: &mut Ui, rect: Rect, mut desk: Desk<'_>) -> Option<Command> {
    panel(ui, rect);
    let mut rest = padded(rect);
    let roll = desk.roll(ui, take_left(&mut rest, 124.0));
    let vary = desk.vary(ui, take_left(&mut rest, 64.0));
    let morph = desk.morph(ui, take_left(&mut rest, 110.0));
    let seed = desk.seed(ui, take_left(&mut rest, 190.0));
    desk.knobs(ui, rest);
    roll.or(vary).or(morph).or(seed)
}

impl Desk<'_> {
    /// A press of a button for `command`.
    fn button(&self, ui: &mut Ui, rect: Rect, button: Button<'_>, command: Command) -> Option<Command> {
        let button = button.enabled(self.model.can(&command));
        button.show(ui, rect).clicked().then_some(command)
    }

    fn order(&self, kind: Kind) -> Command {
        self.model.order(kind, Target::One(self.place))
    }

    fn roll(&self, ui: &mut Ui, rect: Rect) -> Option<Command> {
        let one = self.order(Kind::Roll);
        if self.place == Place::Keys {
            let roll = Button::new("Roll", "A new sound out of noise (Ctrl+R)").weight(Weight::Main);
            return self.button(ui, rect, roll, one);
        }
        let mut rest = rect;
        let upper = take_top(&mut rest, 0.6 * rect.height());
        take_top(&mut rest, 6.0);
        let roll = Button::new("Roll", "A new sound for the selected pad (Ctrl+R)").weight(Weight::Main);
        let one = self.button(ui, upper, roll, one);
        let kit = Button::new("Roll kit", "New sounds for every pad that is not locked").weight(Weight::Main);
        let all = self.model.order(Kind::Roll, Target::Kit { locked: locked(self.params) });
        one.or(self.button(ui, rest, kit, all))
    }

    fn vary(&self, ui: &mut Ui, rect: Rect) -> Option<Command> {
        let mut rest = rect;
        let row = take_top(&mut rest, theme::ROW);
        let button = Button::new("Vary", "A sound near this one");
        let vary = self.button(ui, row, button, self.order(Kind::Vary));
        take_top(&mut rest, 4.0);
        knob(ui, rest, self.gestures, &self.params.generation.vary, amount("How far", "How far from this sound"));
        vary
    }

    fn morph(&mut self, ui: &mut Ui, rect: Rect) -> Option<Command> {
        let mut rest = rect;
        let row = take_top(&mut rest, theme::ROW);
        let button = Button::new("Morph", "A sound between A and B");
        let morph = self.button(ui, row, button, self.order(Kind::Morph));
        take_top(&mut rest, 4.0);
        let slots = Rect::from_min_max(pos2(rest.right() - 46.0, rest.top()), rest.max);
        rest.max.x = slots.left() - 4.0;
        knob(ui, rest, self.gestures, &self.params.generation.morph, amount("A to B", "0 % is A, 100 % is B"));
        let height = 0.5 * (slots.height() - 4.0);
        let mut taken = None;
        for (i, name) in ["A", "B"].into_iter().enumerate() {
            let top = slots.top() + i as f32 * (height + 4.0);
            let cell = Rect::from_min_size(pos2(slots.left(), top), vec2(slots.width(), height));
            taken = taken.or(self.slot(ui, cell, i, name));
        }
        morph.or(taken)
    }

    fn slot(&mut self, ui: &mut Ui, rect: Rect, slot: usize, name: &str) -> Option<Command> {
        let button = Button::new(name, "Takes the sound that plays now as this end of the morph");
        let pressed = self.button(ui, rect, button, Command::Slot { slot, place: self.place });
        if let Some(take) = &self.model.view.patch.slots()[slot] {
            well(ui, rect);
            let mini = self.gallery.mini(take);
            mini_wave(ui, rect.shrink2(vec2(4.0, 5.0)), &mini, theme::faded(theme::ACCENT, 0.8));
            ui.painter().text(rect.min + vec2(4.0, 1.0), Align2::LEFT_TOP, name, theme::small(), theme::TEXT);
        }
        pressed
    }

    fn seed(&mut self, ui: &mut Ui, rect: Rect) -> Option<Command> {
        let generation = &self.params.generation;
        let mut rest = rect;
        let (row, num_classes) = (take_top(&mut rest, theme::ROW), 1 + generation.class_names.count());
        chooser_of_first(ui, row, self.gestures, &generation.class, "Class: ", num_classes);
        take_top(&mut rest, 8.0);
        let mut row = take_top(&mut rest, theme::ROW);
        heading(ui, take_left(&mut row, 26.0), "Seed");
        let edited = self.field(ui, row);
        take_top(&mut rest, 8.0);
        let row = take_top(&mut rest, theme::ROW);
        let mut cells = columns(row, 3, 4.0);
        let mut cell = || cells.next().unwrap_or(row);
        let hint = "Rolls keep this seed, so that only the settings change the sound";
        switch(ui, cell(), self.gestures, &generation.is_seed_locked, "Lock", hint);
        let now = self.seed_now();
        let copy = Button::new("Copy", "Copies the seed").enabled(now.is_some()).show(ui, cell());
        if let Some(seed) = now.filter(|_| copy.clicked()) {
            ui.ctx().copy_text(seed.to_string());
        }
        let paste = Button::new("Paste", "Makes the sound of the copied seed");
        let pasted = paste.show(ui, cell());
        let seed = edited.or_else(|| pasted.clicked().then(pasted_seed)?)?;
        Some(self.model.order_seed(seed, self.place))
    }

    /// The seed as a field: Enter makes its sound.
    fn field(&mut self, ui: &mut Ui, rect: Rect) -> Option<u64> {
        let mut text =
            self.seed_text.clone().unwrap_or_else(|| self.seed_now().map(|seed| seed.to_string()).unwrap_or_default());
        well(ui, rect);
        // All twenty digits of the largest seed fit.
        let font = FontId::monospace(if text.len() > 14 { 10.5 } else { 13.0 });
        let edit = TextEdit::singleline(&mut text)
            .id(ui.scope_id().with("seed"))
            .font(font)
            .frame(egui::Frame::NONE)
            .hint_text("none")
            .align(Align2::LEFT_CENTER)
            .desired_width(rect.width() - 12.0);
        let response = ui.put(rect.shrink2(vec2(6.0, 2.0)), edit);
        let is_done = response.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
        *self.seed_text = response.has_focus().then(|| text.clone());
        is_done.then(|| parse_seed(&text))?
    }

    fn seed_now(&self) -> Option<u64> {
        self.model.view.patch.get(self.place).and_then(|take| take.seed())
    }

    fn knobs(&self, ui: &mut Ui, rect: Rect) {
        let generation = &self.params.generation;
        let mut cells = columns(rect, 9, 0.0);
        let mut cell = || cells.next().unwrap_or(rect);
        let attributes = attributes(generation);
        for (param, name, hint) in attributes {
            let is_live = param.value() >= 0.0;
            let look = KnobLook { name, hint, color: theme::ACCENT, origin: 0.0, is_live };
            knob(ui, cell(), self.gestures, param, look);
        }
        let look = KnobLook {
            name: "Pitch",
            hint: "The key of the sound, of models of notes; that key plays it as it is",
            color: theme::ACCENT,
            origin: 0.0,
            is_live: generation.pitch.value() > FREE_KEY,
        };
        knob(ui, cell(), self.gestures, &generation.pitch, look);
        let hint = "How far apart left and right lie: 0 % is one channel";
        let look = KnobLook { name: "Width", hint, is_live: generation.width.value() > 0.0, ..look };
        knob(ui, cell(), self.gestures, &generation.width, look);
        let hint = "Denoising steps: more take longer; all the way down as many as the model is meant for";
        let is_live = generation.steps.value() > 0;
        let look = KnobLook { name: "Steps", hint, color: theme::LABEL, is_live, ..look };
        knob(ui, cell(), self.gestures, &generation.steps, look);
        let hint = "How closely class and attributes are followed; all the way down as the model is meant to";
        let is_live = generation.guidance.value() >= 0.0;
        knob(ui, cell(), self.gestures, &generation.guidance, KnobLook { name: "Guidance", hint, is_live, ..look });
    }
}

/// The look of a knob that says how far.
fn amount<'a>(name: &'a str, hint: &'a str) -> KnobLook<'a> {
    KnobLook { name, hint, color: theme::ACCENT, origin: 0.0, is_live: true }
}

/// The attributes with their names on the knobs; all the way down each is free.
fn attributes(generation: &GenerationParams) -> [(&nice_plug::prelude::FloatParam, &'static str, &'static str); 5] {
    const FREE: &str = "All the way down: left to the seed";
    let is_texture = generation.is_texture.load(Ordering::Relaxed);
    [
        (&generation.brightness, "Bright", FREE),
        (&generation.decay, if is_texture { "Density" } else { "Decay" }, FREE),
        (&generation.attack, if is_texture { "Motion" } else { "Attack" }, FREE),
        (&generation.noisiness, "Noise", FREE),
        (&generation.loudness, "Loud", FREE),
    ]
}

/// The locked pads as bits.
pub fn locked(params: &BrownianParams) -> u16 {
    let bit = |(pad, params): (usize, &crate::params::PadParams)| u16::from(params.is_locked.value()) << pad;
    params.pads.iter().enumerate().map(bit).sum()
}

/// A seed as people write it: with spaces around it, after "seed", or in full.
pub fn parse_seed(text: &str) -> Option<u64> {
    let text = text.trim();
    text.strip_prefix("seed").unwrap_or(text).trim().parse().ok()
}

/// The seed on the clipboard, if there is one.
fn pasted_seed() -> Option<u64> {
    use copypasta::ClipboardProvider;
    let text = copypasta::ClipboardContext::new().and_then(|mut clipboard| clipboard.get_contents()).ok()?;
    parse_seed(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_read_as_they_are_written() {
        assert_eq!(parse_seed(" 42\n"), Some(42));
        assert_eq!(parse_seed("seed 18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse_seed("18446744073709551616"), None);
        assert_eq!(parse_seed("kick"), None);
    }
}
