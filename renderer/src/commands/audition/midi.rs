//! A MIDI keyboard: its keys play the sound.

use std::sync::mpsc::{Receiver, channel};

use anyhow::{Context, Result, anyhow};
use midir::{MidiInput, MidiInputConnection};

/// A key that was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// MIDI note, 0..=127.
    pub note: u8,
    /// 1..=127.
    pub velocity: u8,
}

/// An open MIDI input.
pub struct Keyboard {
    keys: Receiver<Key>,
    name: String,
    // Receives as long as it lives.
    _connection: MidiInputConnection<()>,
}

impl Keyboard {
    /// The input whose name contains `name`; without one, the first, or none where the machine has none.
    ///
    /// # Errors
    /// No input of this name, or it cannot be opened.
    pub fn open(name: Option<&str>) -> Result<Option<Self>> {
        let input = match MidiInput::new("brownian") {
            Ok(input) => input,
            // A machine without MIDI is one without a keyboard.
            Err(_) if name.is_none() => return Ok(None),
            Err(error) => return Err(anyhow!("MIDI: {error}")),
        };
        let name_of = |port: &_| input.port_name(port).unwrap_or_default();
        let fits = |port: &_| name.is_none_or(|name| name_of(port).to_lowercase().contains(&name.to_lowercase()));
        let Some(port) = input.ports().into_iter().find(fits) else {
            let none = name.map(|name| anyhow!("no MIDI input {name:?}; --list-devices shows them"));
            return none.map_or(Ok(None), Err);
        };
        let name = name_of(&port);
        let (send, keys) = channel();
        let receive = move |_: u64, message: &[u8], _: &mut ()| {
            // Nobody listens any more: the program is about to end.
            let _ = key(message).map(|key| send.send(key));
        };
        let connection = input.connect(&port, "audition", receive, ()).map_err(|error| anyhow!("{error}"));
        let connection = connection.with_context(|| format!("MIDI input {name}"))?;
        Ok(Some(Self { keys, name, _connection: connection }))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The keys pressed since the last call.
    pub fn pressed(&self) -> impl Iterator<Item = Key> {
        self.keys.try_iter()
    }
}

/// Of a message on any channel; a note-on of velocity 0 is a note-off.
fn key(message: &[u8]) -> Option<Key> {
    match *message {
        [status, note, velocity] if status & 0xf0 == 0x90 && velocity > 0 => Some(Key { note, velocity }),
        _ => None,
    }
}

impl Key {
    /// How fast the sound runs: 1 for `root`, 2 an octave above.
    pub fn step(self, root: f32) -> f64 {
        ((f64::from(self.note) - f64::from(root)) / 12.0).exp2()
    }

    /// Linear, 1 for the hardest.
    pub fn gain(self) -> f32 {
        let velocity = f32::from(self.velocity) / 127.0;
        velocity * velocity
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pressed_keys_are_heard() {
        assert_eq!(key(&[0x93, 60, 100]), Some(Key { note: 60, velocity: 100 }));
        for other in [&[0x90, 60, 0][..], &[0x80, 60, 100], &[0xb0, 1, 2], &[0x90, 60], &[]] {
            assert_eq!(key(other), None);
        }
    }

    #[test]
    fn an_octave_is_twice_as_fast_and_the_hardest_is_as_it_is() {
        let key = Key { note: 72, velocity: 127 };
        assert!((key.step(60.0) - 2.0).abs() < 1e-12 && (key.step(72.0) - 1.0).abs() < 1e-12);
        assert_eq!(key.gain(), 1.0);
    }
}
