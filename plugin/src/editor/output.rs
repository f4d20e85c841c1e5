//! How the sound is played: level, pan, tuning and notes; in `Kit` mode those of the selected pad.

use egui::{Rect, Ui};

use super::button::{chooser, panel, switch};
use super::gesture::Gestures;
use super::knob::{KnobLook, knob};
use super::layout::{columns, padded, take_top};
use super::theme;
use crate::engine::Place;
use crate::params::{BrownianParams, PadParams};

/// The panel.
pub fn output_panel(ui: &mut Ui, rect: Rect, params: &BrownianParams, gestures: &Gestures, place: Place) {
    panel(ui, rect);
    let mut rest = padded(rect);
    let row = take_top(&mut rest, theme::ROW - 4.0);
    take_top(&mut rest, 6.0);
    match place {
        Place::Keys => keys(ui, row, rest, params, gestures),
        Place::Pad(pad) => match params.pads.get(pad) {
            Some(pad) => self::pad(ui, row, rest, params, pad, gestures),
            None => keys(ui, row, rest, params, gestures),
        },
    }
}

/// A knob's look with its arc from the left, or from the middle.
fn look<'a>(name: &'a str, hint: &'a str, origin: f32) -> KnobLook<'a> {
    KnobLook { name, hint, color: theme::PLAY, origin, is_live: true }
}

/// Two rows of four knobs, the upper one first.
fn knob_cells(mut rest: Rect) -> impl Iterator<Item = Rect> {
    let half = 0.5 * rest.height();
    let upper = take_top(&mut rest, half);
    [upper, rest].into_iter().flat_map(|row| columns(row, 4, 2.0))
}

fn keys(ui: &mut Ui, row: Rect, rest: Rect, params: &BrownianParams, gestures: &Gestures) {
    let mut cells = columns(row, 3, 6.0);
    let mut cell = || cells.next().unwrap_or(row);
    chooser(ui, cell(), gestures, &params.play_mode, "");
    switch(ui, cell(), gestures, &params.is_one_shot, "One-shot", "Plays to its end however short the key is held");
    switch(ui, cell(), gestures, &params.is_reversed, "Reverse", "Plays the sound backwards");
    let mut cells = knob_cells(rest);
    let mut cell = || cells.next().unwrap_or(rest);
    knob(ui, cell(), gestures, &params.gain_db, look("Gain", "Output level", 0.0));
    knob(ui, cell(), gestures, &params.pan, look("Pan", "Left and right", 0.5));
    knob(ui, cell(), gestures, &params.tune, look("Tune", "Semitones up or down", 0.5));
    knob(ui, cell(), gestures, &params.glide_ms, look("Glide", "From one key's pitch to the next", 0.0));
    knob(ui, cell(), gestures, &params.velocity_amount, look("Velocity", "How far velocity sets the level", 0.0));
    knob(ui, cell(), gestures, &params.velocity_curve, look("Curve", "Soft or hard velocity", 0.5));
    knob(ui, cell(), gestures, &params.num_notes, look("Voices", "How many notes may sound at once", 0.0));
    knob(ui, cell(), gestures, &params.bend, look("Bend", "Range of the pitch wheel", 0.0));
}

fn pad(ui: &mut Ui, row: Rect, rest: Rect, params: &BrownianParams, pad: &PadParams, gestures: &Gestures) {
    let mut cells = columns(row, 2, 6.0);
    let mut cell = || cells.next().unwrap_or(row);
    switch(ui, cell(), gestures, &pad.is_gated, "Gate", "Letting go of the key ends the sound");
    switch(ui, cell(), gestures, &pad.is_locked, "Lock pad", "Roll kit leaves this pad alone");
    let mut cells = knob_cells(rest);
    let mut cell = || cells.next().unwrap_or(rest);
    knob(ui, cell(), gestures, &pad.level_db, look("Level", "Level of this pad", 0.0));
    knob(ui, cell(), gestures, &pad.pan, look("Pan", "Left and right, this pad", 0.5));
    knob(ui, cell(), gestures, &pad.tune, look("Tune", "Semitones up or down, this pad", 0.5));
    knob(ui, cell(), gestures, &pad.choke_group, look("Choke", "Pads of one group silence each other", 0.0));
    knob(ui, cell(), gestures, &params.gain_db, look("Gain", "Output level of the kit", 0.0));
    knob(ui, cell(), gestures, &params.pan, look("Pan kit", "Left and right, the whole kit", 0.5));
    knob(ui, cell(), gestures, &params.tune, look("Tune kit", "Semitones up or down, the whole kit", 0.5));
    knob(ui, cell(), gestures, &params.velocity_amount, look("Velocity", "How far velocity sets the level", 0.0));
}
