//! Putting a preset's sound into an instance.

use std::sync::Arc;
use std::time::Duration;

use nice_plug::prelude::{Param, ParamPtr};

use crate::engine::Place;
use crate::generation::Command;
use crate::params::BrownianParams;
use crate::presets::FactorySound;
use crate::state::{FIRST_MODEL, Take};

/// How long a host waits for the sound. One that takes longer comes later, as after a press of `Roll`.
const PATIENCE: Duration = Duration::from_secs(1);

/// Plays a sound over the keyboard. Waits until it lies there, so that a project saved next holds it. Not for the audio
/// thread.
pub fn play_on_keys(params: &BrownianParams, take: Arc<Take>) {
    send_and_wait(params, Command::Recall { place: Place::Keys, take });
    choose_keys(params);
}

/// Makes a sound of the factory and plays it over the keyboard; the worker renders it. Not for the audio thread.
///
/// # Errors
/// It was not made; says why.
pub fn roll_on_keys(params: &BrownianParams, sound: FactorySound) -> Result<(), String> {
    let mailbox = &params.patch.0;
    if mailbox.patch().model() != FIRST_MODEL {
        mailbox.send(Command::Model(FIRST_MODEL.into()));
    }
    let is_done = send_and_wait(params, Command::Order(sound.order()));
    // A finished sound takes the last message with it: one that stands there is about this sound.
    mailbox.view().message.filter(|_| is_done).map_or(Ok(()), Err)?;
    choose_keys(params);
    Ok(())
}

fn send_and_wait(params: &BrownianParams, command: Command) -> bool {
    params.patch.0.send(command);
    params.patch.0.wait_until_done(PATIENCE)
}

/// From a kit to the keyboard, where the sound lies.
fn choose_keys(params: &BrownianParams) {
    if let ParamPtr::EnumParam(mode) = params.mode.as_ptr() {
        // SAFETY: leads to the parameter that is borrowed here. An atomic store, which the audio thread reads with its
        // next block. The id is that of `ModeChoice::Keys`.
        unsafe { (*mode).set_from_id("keys") };
    }
}
