//! Keys from a list: every sound to its end, the next without a gap.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow, bail};
use brownian_core::audio::{Clip, WavFormat, WavInfo, wav_bytes, write_atomically};
use brownian_core::generate::{Recipe, Session};

use super::deck::{Deck, deck};
use super::desk::Desk;
use super::keys::{Action, action};
use super::live::keep;
use super::output::{Output, Playing};
use super::worker::{Sound, Worker};
use super::{Args, Plan};
use crate::outcome::Outcome;

/// Sounds that wait before the card begins: it must not run dry while the next is made.
const AHEAD: usize = 12;

/// Press every key of the plan.
///
/// # Errors
/// A key that means nothing, a sound that cannot be made, a card that takes nothing.
pub fn run(args: &Args, mut plan: Plan, session: Session) -> Result<Outcome> {
    let keys = plan.keys.take().unwrap_or_default();
    let actions: Vec<Action> = keys
        .chars()
        .map(|key| action(key).ok_or_else(|| anyhow!("--keys: {key:?} means nothing")))
        .collect::<Result<_>>()?;
    let mut sink: Box<dyn Sink> = match &args.output {
        Some(_) => Box::new(Recorded { samples: Vec::new(), rate: args.rate.unwrap_or(plan.finish.sample_rate) }),
        None => Box::new(Card::open(args)?),
    };
    let worker = Worker::new(session, plan.finish, sink.rate())?;
    worker.want(plan.desk.now(), plan.desk.likely());
    let mut before: Option<Recipe> = None;
    let mut now: Option<Arc<Sound>> = None;
    for action in actions {
        match action {
            Action::Quit => break,
            Action::Keep => {
                let sound = made(&worker, &plan.desk)?;
                writeln!(std::io::stdout().lock(), "{}", keep(&sound, &plan)?.display())?;
            }
            action if plan.desk.act(action, before.as_ref()) => {
                worker.want(plan.desk.now(), plan.desk.likely());
                let sound = made(&worker, &plan.desk)?;
                sink.play(&sound.samples)?;
                before = now.replace(sound).map(|sound| sound.recipe.clone());
            }
            _ => {}
        }
    }
    let rate = sink.rate();
    let samples = sink.finish()?;
    if let (Some(path), Some(samples)) = (&args.output, samples) {
        write_atomically(path, &wav_bytes(&Clip::mono(samples, rate)?, WavFormat::Wav32f, &WavInfo::default())?)?;
    }
    Ok(Outcome::Done)
}

fn made(worker: &Worker, desk: &Desk) -> Result<Arc<Sound>> {
    worker.wait(desk.now()).map_err(|error| anyhow!(error))
}

/// Where the sounds of a list of keys go.
trait Sink {
    /// Hz.
    fn rate(&self) -> u32;
    /// Play a sound after the others.
    fn play(&mut self, samples: &Arc<Vec<f32>>) -> Result<()>;
    /// Play to the end; what was recorded.
    fn finish(self: Box<Self>) -> Result<Option<Vec<f32>>>;
}

/// No card: the sounds in a row.
struct Recorded {
    samples: Vec<f32>,
    rate: u32,
}

impl Sink for Recorded {
    fn rate(&self) -> u32 {
        self.rate
    }

    fn play(&mut self, samples: &Arc<Vec<f32>>) -> Result<()> {
        self.samples.extend_from_slice(samples);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Option<Vec<f32>>> {
        Ok(Some(self.samples))
    }
}

struct Card {
    output: Output,
    deck: Deck,
    needle: Option<super::deck::Needle>,
    playing: Option<Playing>,
}

impl Card {
    fn open(args: &Args) -> Result<Self> {
        let output = Output::choose(args.device.as_deref(), args.rate)?;
        let (deck, needle) = deck(output.rate());
        Ok(Self { output, deck, needle: Some(needle), playing: None })
    }

    fn start(&mut self) -> Result<()> {
        if let Some(needle) = self.needle.take() {
            self.playing = Some(self.output.play(needle)?);
        }
        Ok(())
    }

    /// Wait until at most this many sounds are left.
    fn wait(&self, most: usize) -> Result<()> {
        let mut idle = 0;
        let mut left = self.deck.num_playing();
        while left > most {
            std::thread::sleep(Duration::from_millis(5));
            let now = self.deck.num_playing();
            idle = if now == left { idle + 1 } else { 0 };
            left = now;
            // A sound lasts at most minutes; a card that plays none in ten is dead.
            if idle > 120_000 {
                bail!("the sound output {} stopped taking sound", self.output.name());
            }
        }
        Ok(())
    }
}

impl Sink for Card {
    fn rate(&self) -> u32 {
        self.output.rate()
    }

    fn play(&mut self, samples: &Arc<Vec<f32>>) -> Result<()> {
        if self.deck.num_playing() >= AHEAD {
            self.start()?;
            self.wait(AHEAD - 1)?;
        }
        if !self.deck.append(samples) {
            bail!("the sound output {} does not keep up", self.output.name());
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Option<Vec<f32>>> {
        self.start()?;
        self.wait(0)?;
        if let Some(playing) = self.playing.take() {
            playing.drain();
        }
        Ok(None)
    }
}
