//! Keys from a terminal, sound at once.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use brownian_core::audio::write_atomically;
use brownian_core::generate::{FileRecipe, Session};
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};

use super::deck::{Deck, deck};
use super::keys::{Action, action};
use super::midi::Keyboard;
use super::output::Output;
use super::screen::{Screen, View};
use super::worker::{Sound, Worker};
use super::{Args, Plan};
use crate::outcome::Outcome;

/// How often the sound that is being made, and the MIDI keyboard, are looked at.
const TICK: Duration = Duration::from_millis(4);

/// Play until someone quits.
///
/// # Errors
/// No sound card or MIDI input as asked for, or the terminal is lost.
pub fn run(args: &Args, plan: Plan, session: Session) -> Result<Outcome> {
    let output = Output::choose(args.device.as_deref(), args.rate)?;
    let keyboard = Keyboard::open(args.midi.as_deref())?;
    let (deck, needle) = deck(output.rate());
    let playing = output.play(needle)?;
    let worker = Worker::new(session, plan.finish, output.rate())?;
    let from = keyboard.as_ref().map_or_else(String::new, |keyboard| format!(", MIDI from {}", keyboard.name()));
    let mut live = Live {
        plan,
        worker,
        deck,
        now: None,
        before: None,
        is_due: true,
        kept: Vec::new(),
        message: format!("{} at {} Hz{from}", output.name(), output.rate()),
    };
    let mut screen = Screen::new().context("the terminal")?;
    let ended = live.play(keyboard.as_ref(), &mut screen);
    drop(screen);
    drop(playing);
    live.kept.iter().for_each(|path| eprintln!("kept {}", path.display()));
    ended.map(|()| Outcome::Done)
}

/// What a key of the terminal means.
fn action_of(key: KeyEvent) -> Option<Action> {
    match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Some(Action::Quit),
        KeyCode::Esc => Some(Action::Quit),
        KeyCode::Char(key) => action(key),
        KeyCode::Enter => Some(Action::Again),
        KeyCode::Up => Some(Action::Change(1)),
        KeyCode::Down => Some(Action::Change(-1)),
        _ => None,
    }
}

/// The terminal's next event, if there is one within a tick.
fn next_event() -> Result<Option<Event>> {
    let read = || if event::poll(TICK)? { event::read().map(Some) } else { Ok(None) };
    read().context("the terminal is gone")
}

struct Live {
    plan: Plan,
    worker: Worker,
    deck: Deck,
    now: Option<Arc<Sound>>,
    before: Option<Arc<Sound>>,
    /// The wanted sound is yet to be heard.
    is_due: bool,
    kept: Vec<PathBuf>,
    message: String,
}

impl Live {
    fn play(&mut self, keyboard: Option<&Keyboard>, screen: &mut Screen) -> Result<()> {
        self.worker.want(self.plan.desk.now(), self.plan.desk.likely());
        self.draw(screen)?;
        loop {
            match next_event()? {
                Some(Event::Key(key)) if !key.is_release() => match action_of(key) {
                    Some(Action::Quit) => return Ok(()),
                    Some(action) => {
                        self.act(action);
                        self.draw(screen)?;
                    }
                    None => {}
                },
                Some(Event::Resize(..)) => self.draw(screen)?,
                _ => {}
            }
            if self.is_due && self.hear() {
                self.draw(screen)?;
            }
            keyboard.iter().flat_map(|keyboard| keyboard.pressed()).for_each(|key| self.strike(key));
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Keep => {
                self.message =
                    match self.now.clone().context("nothing was heard yet").and_then(|now| keep(&now, &self.plan)) {
                        Ok(path) => {
                            self.kept.push(path.clone());
                            format!("kept {}", path.display())
                        }
                        Err(error) => format!("{error:#}"),
                    };
            }
            Action::List => {
                let names: Vec<String> = self.kept.iter().map(|path| path.display().to_string()).collect();
                self.message = if names.is_empty() { "nothing kept yet".into() } else { names.join("  ") };
            }
            action => {
                let before = self.before.as_ref().map(|sound| &sound.recipe);
                if self.plan.desk.act(action, before) {
                    self.worker.want(self.plan.desk.now(), self.plan.desk.likely());
                    self.is_due = true;
                }
            }
        }
    }

    /// Play the wanted sound if it is ready. True if there is something new to see.
    fn hear(&mut self) -> bool {
        let Some(made) = self.worker.made(self.plan.desk.now()) else { return false };
        self.is_due = false;
        match made {
            Ok(sound) => {
                self.deck.replace(&sound.samples, 1.0, 1.0);
                let is_new = self.now.as_ref().is_none_or(|now| !Arc::ptr_eq(now, &sound));
                if is_new {
                    self.before = self.now.replace(sound);
                }
            }
            Err(error) => self.message = error,
        }
        true
    }

    fn strike(&mut self, key: super::midi::Key) {
        if let Some(sound) = &self.now {
            let root = sound.recipe.pitch.unwrap_or(60.0);
            self.deck.replace(&sound.samples, key.step(root), key.gain());
        }
    }

    fn draw(&self, screen: &mut Screen) -> Result<()> {
        let desk = &self.plan.desk;
        let (recipe, clip) = (self.now.as_ref().map(|s| &s.recipe), self.now.as_ref().map(|s| &s.clip));
        let render_s = self.now.as_ref().map(|sound| sound.render_s);
        let dials = desk.dials();
        let num_kept = self.kept.len();
        let message = &self.message;
        let is_due = self.is_due;
        screen.draw(&View { recipe, clip, render_s, dials, num_kept, message, is_due })
    }
}

/// Write a sound's file, under the name that `render` would give it; a name that is taken gets a number.
///
/// # Errors
/// The folder or the file cannot be written.
pub fn keep(sound: &Sound, plan: &Plan) -> Result<PathBuf> {
    plan.target.prepare()?;
    let usual = plan.target.path(&sound.recipe, plan.finish.format);
    let bytes = FileRecipe { recipe: sound.recipe.clone(), finish: sound.finish }.file(&sound.clip)?;
    for number in 1..1000 {
        let path = if number == 1 { usual.clone() } else { numbered(&usual, number) };
        if !path.exists() {
            write_atomically(&path, &bytes)?;
            return Ok(path);
        }
        if std::fs::read(&path).is_ok_and(|found| found == bytes) {
            return Ok(path);
        }
    }
    bail!("{} and 999 like it are there already", usual.display())
}

fn numbered(path: &std::path::Path, number: u32) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!("{stem}_{number}.{extension}"))
}
