//! The deck: plays sounds one after the other without a gap, or a new one at once in the place of the old.
//!
//! Two halves, one for each thread. [`Deck`] sends sounds, [`Needle`] plays them on the sound card's thread, and what it
//! has played goes back to be freed.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rtrb::{Consumer, Producer, RingBuffer};

/// Sounds that may wait.
const QUEUE: usize = 16;
/// Length of the fade of a sound that is cut off, in seconds: no click, and no delay that is felt.
const FADE_S: f32 = 0.005;

/// What to play.
enum Command {
    /// After what plays and waits.
    Append(Voice),
    /// At once, instead of all that plays and waits.
    Replace(Voice),
}

/// A sound on its way.
struct Voice {
    samples: Arc<Vec<f32>>,
    /// Of the next sample; whole as long as `step` is 1.
    position: f64,
    /// Samples of the sound for one of the card: 2 is an octave up.
    step: f64,
    gain: f32,
}

/// The half that sends.
pub struct Deck {
    commands: Producer<Command>,
    spent: Consumer<Voice>,
    /// Sounds that have ended.
    num_ended: Arc<AtomicUsize>,
    num_sent: usize,
}

/// The half that plays. Wait-free: no method allocates, frees or blocks.
pub struct Needle {
    commands: Consumer<Command>,
    spent: Producer<Voice>,
    num_ended: Arc<AtomicUsize>,
    current: Option<Voice>,
    /// Never holds more than the capacity it was made with.
    waiting: VecDeque<Voice>,
    /// Fades out, with the gain that is left.
    leaving: Option<(Voice, f32)>,
    fade_step: f32,
}

/// Both halves, for a card of this rate.
pub fn deck(rate: u32) -> (Deck, Needle) {
    let (commands, received) = RingBuffer::new(QUEUE);
    // Everything that can be under way at once.
    let (spent, back) = RingBuffer::new(3 * QUEUE + 4);
    let num_ended = Arc::new(AtomicUsize::new(0));
    let deck = Deck { commands, spent: back, num_ended: num_ended.clone(), num_sent: 0 };
    let needle = Needle {
        commands: received,
        spent,
        num_ended,
        current: None,
        waiting: VecDeque::with_capacity(2 * QUEUE),
        leaving: None,
        fade_step: 1.0 / (FADE_S * rate as f32),
    };
    (deck, needle)
}

impl Deck {
    /// Play a sound after all others. False if too many wait: try again.
    pub fn append(&mut self, samples: &Arc<Vec<f32>>) -> bool {
        if self.num_playing() >= QUEUE {
            self.free();
            return false;
        }
        self.send(Command::Append(Voice { samples: samples.clone(), position: 0.0, step: 1.0, gain: 1.0 }))
    }

    /// Play a sound at once, at `step` times its pitch. False if the card's thread does not keep up.
    pub fn replace(&mut self, samples: &Arc<Vec<f32>>, step: f64, gain: f32) -> bool {
        self.send(Command::Replace(Voice { samples: samples.clone(), position: 0.0, step, gain }))
    }

    /// Sounds that were sent and have not ended.
    pub fn num_playing(&self) -> usize {
        self.num_sent - self.num_ended.load(Ordering::Acquire)
    }

    fn send(&mut self, command: Command) -> bool {
        self.free();
        let is_sent = self.commands.push(command).is_ok();
        self.num_sent += usize::from(is_sent);
        is_sent
    }

    /// Free what was played.
    fn free(&mut self) {
        while self.spent.pop().is_ok() {}
    }
}

impl Needle {
    /// The next sample.
    pub fn next(&mut self) -> f32 {
        if !self.commands.is_empty() {
            self.receive();
        }
        let sample = loop {
            let Some(voice) = &mut self.current else { break 0.0 };
            if let Some(sample) = voice.next() {
                break sample;
            }
            let ended = self.current.take();
            self.current = self.waiting.pop_front();
            self.give_back(ended);
        };
        sample + self.fading()
    }

    fn receive(&mut self) {
        // A command is taken only where everything it may free has room to go back.
        while self.spent.slots() > 2 * QUEUE + 2 && self.waiting.len() < self.waiting.capacity() {
            match self.commands.pop() {
                Ok(Command::Append(voice)) => self.append(voice),
                Ok(Command::Replace(voice)) => self.replace(voice),
                Err(_) => return,
            }
        }
    }

    fn append(&mut self, voice: Voice) {
        if self.current.is_none() {
            self.current = Some(voice);
        } else {
            self.waiting.push_back(voice);
        }
    }

    fn replace(&mut self, voice: Voice) {
        while let Some(waiting) = self.waiting.pop_front() {
            self.give_back(Some(waiting));
        }
        let left = self.leaving.take().map(|(voice, _)| voice);
        self.give_back(left);
        self.leaving = self.current.replace(voice).map(|old| (old, 1.0));
    }

    fn fading(&mut self) -> f32 {
        let Some((voice, gain)) = &mut self.leaving else { return 0.0 };
        *gain -= self.fade_step;
        match voice.next().filter(|_| *gain > 0.0) {
            Some(sample) => sample * *gain,
            None => {
                let left = self.leaving.take().map(|(voice, _)| voice);
                self.give_back(left);
                0.0
            }
        }
    }

    fn give_back(&mut self, voice: Option<Voice>) {
        let Some(voice) = voice else { return };
        if let Err(rtrb::PushError::Full(voice)) = self.spent.push(voice) {
            // `receive` keeps room for all; were it wrong, memory lost is better than a click.
            std::mem::forget(voice);
        }
        self.num_ended.fetch_add(1, Ordering::Release);
    }
}

impl Voice {
    /// `None` after the last.
    fn next(&mut self) -> Option<f32> {
        let at = self.position as usize;
        let here = *self.samples.get(at)?;
        let between = (self.position - at as f64) as f32;
        let sample = if between == 0.0 {
            here
        } else {
            let beside = |offset: isize| at.checked_add_signed(offset).and_then(|at| self.samples.get(at)).copied();
            hermite([beside(-1).unwrap_or(0.0), here, beside(1).unwrap_or(0.0), beside(2).unwrap_or(0.0)], between)
        };
        self.position += self.step;
        Some(sample * self.gain)
    }
}

/// The cubic through the middle two of four samples that has the slopes of their neighbours (Catmull and Rom 1974).
fn hermite([before, here, next, after]: [f32; 4], x: f32) -> f32 {
    let slope = 0.5 * (next - before);
    let curve = before - 2.5 * here + 2.0 * next - 0.5 * after;
    let cube = 0.5 * (after - before) + 1.5 * (here - next);
    ((cube * x + curve) * x + slope) * x + here
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(samples: &[f32]) -> Arc<Vec<f32>> {
        Arc::new(samples.to_vec())
    }

    fn play(needle: &mut Needle, frames: usize) -> Vec<f32> {
        (0..frames).map(|_| needle.next()).collect()
    }

    #[test]
    fn sounds_follow_each_other_without_a_gap_and_silence_follows_them() {
        let (mut deck, mut needle) = deck(1000);
        assert!(deck.append(&sound(&[0.1, 0.2])) && deck.append(&sound(&[0.3])) && deck.append(&sound(&[0.4, 0.5])));
        assert_eq!(deck.num_playing(), 3);
        assert_eq!(play(&mut needle, 7), [0.1, 0.2, 0.3, 0.4, 0.5, 0.0, 0.0]);
        assert_eq!(deck.num_playing(), 0);
    }

    #[test]
    fn a_new_sound_begins_at_once_while_the_old_one_fades() {
        let (mut deck, mut needle) = deck(1000);
        deck.append(&sound(&[1.0; 100]));
        deck.append(&sound(&[9.0; 100]));
        play(&mut needle, 10);
        deck.replace(&sound(&[0.25; 20]), 1.0, 1.0);
        let heard = play(&mut needle, 25);
        // 5 ms at 1 kHz: gains 0.8, 0.6, 0.4, 0.2.
        let want = [1.05, 0.85, 0.65, 0.45, 0.25];
        assert!(heard.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-5), "{heard:?}");
        assert_eq!((heard[19], heard[20], deck.num_playing()), (0.25, 0.0, 0));
    }

    #[test]
    fn a_sound_an_octave_up_is_half_as_long_and_a_line_stays_a_line() {
        let line: Vec<f32> = (0..100).map(|i| i as f32).collect();
        let (mut deck, mut needle) = deck(1000);
        deck.replace(&sound(&line), 2.0, 0.5);
        let heard = play(&mut needle, 51);
        assert_eq!((heard[1], heard[49], heard[50]), (1.0, 49.0, 0.0));
        deck.replace(&sound(&line), 0.5, 1.0);
        assert!((play(&mut needle, 50)[41] - 20.5).abs() < 1e-4);
    }

    #[test]
    fn nothing_is_lost_and_nothing_overflows_however_fast_keys_are_pressed() {
        let (mut deck, mut needle) = deck(1000);
        let sound = sound(&[0.5; 10]);
        let mut sent = 0;
        for round in 0..2000 {
            sent += usize::from(if round % 3 == 0 { deck.replace(&sound, 1.0, 1.0) } else { deck.append(&sound) });
            if round % 7 == 0 {
                play(&mut needle, 3);
            }
        }
        assert!(sent > 300);
        play(&mut needle, 1000);
        assert_eq!(deck.num_playing(), 0);
        deck.free();
        assert_eq!(Arc::strong_count(&sound), 1);
    }
}
