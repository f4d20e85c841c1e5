//! [`Attack`]: how long a sound takes to rise, made what was asked for.
//!
//! Networks follow an asked attack badly: magnitudes of frames of several milliseconds say little of it, and a note that swells
//! after it has begun counts as one that rises slowly. So the sound itself is measured as the training measured, and its start
//! raised or lowered until it rises in the time that is asked for. What rises in that time by itself stays as it is.

use super::classes::mean_of_classes;
use super::edit::{Morph, MorphEnd};
use super::level::{Place, between, gain, loudest, mean_around};
use super::recipe::Recipe;
use crate::audio::Envelope;
use crate::conditioning::Attribute;
use crate::model::{AttackScale, Card, ModelConfig};

/// By which the start is raised at most, in dB: more would raise the noise before the sound.
const MOST_DB: f64 = 18.0;
/// Shares of that which are tried.
const LIFTS: [f64; 6] = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0];
/// What all of it counts against an attack that is off by a factor of e: of two changes as good, the one that raises less.
const CHANGE: f64 = 0.05;
/// The share of the peak's power to which a sound shall rise in time too: what comes just to the half of it, where a measurement
/// ends, may fall short of that in the file, and the next time may be much later.
const SURELY: f64 = 0.6;
/// The longest rise, as a multiple of the attack: that of a sound which does not change takes 1.64 times as long.
const MOST_RISE: f64 = 4.0;
/// The longest rise, in seconds.
const LONGEST_S: f64 = 1.2;
/// Halvings of a range that is searched: to a four thousandth.
const HALVINGS: usize = 12;

/// The attack that a sound shall have, from 20 dB to 3 dB below its peak: `exp(log_seconds + own ln a)` where `a` seconds is what
/// the networks gave it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Attack {
    log_seconds: f64,
    /// 0 where an attack is asked for, 1 where none is, and between the two on the way from the one to the other.
    own: f64,
}

impl Attack {
    /// What the networks give it.
    const OWN: Self = Self { log_seconds: 0.0, own: 1.0 };

    /// What a recipe's sound shall have: what it asks for, else what its class has by itself, where the model knows; of a morph
    /// to another recipe what lies between the two.
    pub(super) fn of(recipe: &Recipe, card: &Card) -> Option<Self> {
        let attack = wanted(recipe, &card.config);
        (attack != Self::OWN).then_some(attack)
    }

    /// Let the sound rise so, as near to it as can be: raise what is softer before the loudest moment, then let it rise slowly.
    /// The latter only where an attack is asked for.
    ///
    /// A few milliseconds for a second of sound.
    pub(super) fn set(self, samples: &mut [f32], place: Place) {
        let envelope = Envelope::new(samples, place.sample_rate);
        let own_s = envelope.attack_s().max(envelope.block_s());
        let seconds = libm::exp(self.log_seconds + self.own * libm::log(own_s));
        let longest = (1.0 - self.own) * (MOST_RISE * seconds).min(LONGEST_S);
        let lift_db = place.lift_db(&envelope);
        let changes = LIFTS.iter().flat_map(|&lift| {
            let lifted = Lifted::new(lift, &lift_db, &envelope, place);
            lifted.rises(seconds, longest).map(|rise_s| (lifted.off(seconds, rise_s) + CHANGE * lift, lift, rise_s))
        });
        let Some((_, lift, rise_s)) = changes.min_by(|a, b| a.0.total_cmp(&b.0)) else { return };
        for (i, sample) in samples.iter_mut().enumerate() {
            let time_s = i as f64 / f64::from(place.sample_rate);
            let db = between(&lift_db, time_s / envelope.block_s());
            let lift = if db > 0.0 { gain(lift * db) } else { 1.0 };
            *sample *= (lift * place.rise(time_s, rise_s)) as f32;
        }
    }

    /// `amount` (0..=1) of the way to another.
    fn towards(self, other: Self, amount: f64) -> Self {
        let between = |a: f64, b: f64| (1.0 - amount) * a + amount * b;
        Self { log_seconds: between(self.log_seconds, other.log_seconds), own: between(self.own, other.own) }
    }
}

/// A sound's envelope with its start raised.
struct Lifted<'a> {
    envelope: &'a Envelope,
    place: Place,
    /// One for each block.
    gains: Vec<f64>,
}

impl<'a> Lifted<'a> {
    /// By this share of so many dB for each block.
    fn new(lift: f64, lift_db: &[f64], envelope: &'a Envelope, place: Place) -> Self {
        let gains = lift_db.iter().map(|&db| if db > 0.0 { gain(lift * db) } else { 1.0 });
        Self { envelope, place, gains: gains.collect() }
    }

    /// As it is after a rise of so many seconds.
    fn risen(&self, rise_s: f64) -> Envelope {
        let middle = |n: usize| (n as f64 + 0.5) * self.envelope.block_s();
        let gains = self.gains.iter().enumerate().map(|(n, gain)| gain * self.place.rise(middle(n), rise_s));
        self.envelope.after(&gains.collect::<Vec<_>>())
    }

    /// Rises to choose from: none, and those, up to the longest, between which the attack becomes longer than so many seconds.
    fn rises(&self, seconds: f64, longest: f64) -> [f64; 3] {
        let (mut low, mut high) = (0.0, longest);
        for _ in 0..if longest > 0.0 { HALVINGS } else { 0 } {
            let middle = 0.5 * (low + high);
            if self.risen(middle).attack_s() < seconds { low = middle } else { high = middle }
        }
        [0.0, low, high]
    }

    /// How far the attack is then from so many seconds: logarithms, of the two levels at which it may be over.
    fn off(&self, seconds: f64, rise_s: f64) -> f64 {
        let envelope = self.risen(rise_s);
        let off = |found: f64| libm::log(found.max(envelope.block_s()) / seconds).abs();
        off(envelope.attack_s()) + off(envelope.rise_s(SURELY))
    }
}

impl Place {
    /// The gain at `time_s` of half a raised cosine over so many seconds from the onset on; 0 seconds: none.
    fn rise(self, time_s: f64, rise_s: f64) -> f64 {
        let since = time_s - self.onset as f64 / f64::from(self.sample_rate);
        match since {
            _ if rise_s <= 0.0 || since >= rise_s => 1.0,
            _ if since <= 0.0 => 0.0,
            _ => 0.5 - 0.5 * libm::cos(std::f64::consts::PI * since / rise_s),
        }
    }

    /// What brings every moment before the loudest to its level, in dB, and nothing after it: one for each block.
    fn lift_db(self, envelope: &Envelope) -> Vec<f64> {
        let level = self.level_db(envelope);
        let loudest = loudest(&level);
        let peak = level.get(loudest).copied().unwrap_or(0.0);
        let lift = |(n, db): (usize, &f64)| if n < loudest { (peak - db).clamp(0.0, MOST_DB) } else { 0.0 };
        let lift: Vec<f64> = level.iter().enumerate().map(lift).collect();
        mean_around(&lift, (0.5 * self.window_s() / envelope.block_s()) as usize)
    }
}

/// As [`Attack::of`], also where it is the networks' own.
fn wanted(recipe: &Recipe, config: &ModelConfig) -> Attack {
    let log = |of: &dyn Fn(&AttackScale) -> f32| {
        mean_of_classes(recipe, config, |class| libm::log(f64::from(of(&config.attacks[class]))))
    };
    let here = match recipe.attributes.get(&Attribute::Attack) {
        _ if config.attacks.is_empty() => Attack::OWN,
        Some(share) => Attack { log_seconds: log(&|scale| scale.seconds(*share, recipe.pitch)), own: 0.0 },
        None => Attack { log_seconds: log(&|scale| scale.unasked), own: 1.0 },
    };
    match &recipe.edit.morph {
        Some(Morph { to: MorphEnd::Recipe(other), amount, .. }) => here.towards(wanted(other, config), *amount),
        _ => here,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tiny;

    const PLACE: Place = Place { onset: 64, sample_rate: 44_100, note: Some(69.0) };

    /// A second of 440 Hz that begins at sample 64 with this amplitude over time.
    fn tone(amplitude: impl Fn(f64) -> f64) -> Vec<f32> {
        let t = |i: usize| i as f64 / 44_100.0;
        let wave = |i: usize| amplitude(t(i - 64)) * libm::sin(std::f64::consts::TAU * 440.0 * t(i));
        (0..44_100).map(|i| if i < 64 { 0.0 } else { wave(i) as f32 }).collect()
    }

    fn attack_s(samples: &[f32]) -> f64 {
        Envelope::new(samples, 44_100).attack_s()
    }

    fn asked(seconds: f64) -> Attack {
        Attack { log_seconds: seconds.ln(), own: 0.0 }
    }

    #[test]
    fn whatever_its_own_a_sound_gets_the_attack_that_is_asked_for() {
        let decay = |t: f64| 0.5 * (-3.0 * t).exp();
        let slow = |t: f64| 0.5 * (t / 0.04).min(1.0);
        // Soft for 20 ms, and 4 dB below its peak until it swells at 0.3 s.
        let swells = |t: f64| {
            if t < 0.02 {
                0.1
            } else if t < 0.3 {
                0.3
            } else {
                0.5
            }
        };
        for (name, sound) in [("decay", tone(decay)), ("slow", tone(slow)), ("swells", tone(swells))] {
            for seconds in [0.004, 0.02, 0.1] {
                let mut changed = sound.clone();
                asked(seconds).set(&mut changed, PLACE);
                let found = attack_s(&changed);
                assert!((found / seconds).ln().abs() < 0.3, "{name}: {found} s of {seconds} s");
                assert_eq!(changed[40_000..], sound[40_000..]);
            }
        }
    }

    #[test]
    fn what_has_the_attack_by_itself_is_not_changed() {
        let sound = tone(|t| 0.5 * (t / 0.1).min(1.0));
        let mut changed = sound.clone();
        asked(attack_s(&sound)).set(&mut changed, PLACE);
        let most = sound.iter().zip(&changed).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(most < 0.03, "{most}");
    }

    #[test]
    fn unasked_a_start_is_raised_and_never_held_back() {
        let shorter = Attack { log_seconds: 0.3f64.ln(), own: 1.0 };
        let sound = tone(|t| 0.3 + 0.2 * (t / 0.3).min(1.0));
        let mut changed = sound.clone();
        shorter.set(&mut changed, PLACE);
        assert!(attack_s(&changed) < 0.6 * attack_s(&sound));
        assert!(sound.iter().zip(&changed).all(|(before, after)| after.abs() >= before.abs()));
    }

    #[test]
    fn silence_stays_silence() {
        let mut silence = vec![0.0; 4096];
        asked(0.01).set(&mut silence, PLACE);
        assert_eq!(silence, vec![0.0; 4096]);
        asked(0.01).set(&mut [], PLACE);
    }

    #[test]
    fn a_morph_and_a_mix_lie_between_their_attacks() {
        let mut config = tiny::two_stage_card().config;
        let scale =
            |shortest, longest, unasked| AttackScale { unasked, ..AttackScale::new((vec![shortest, longest], 0.0)) };
        config.attacks = vec![scale(0.01, 0.1, 1.0), scale(0.04, 0.4, 0.25)];
        let recipe = |class: &str, attack: Option<f32>| -> Recipe {
            let attributes = attack.map(|attack| serde_json::json!({ "attack": attack }));
            let json = serde_json::json!({
                "version": 1, "model": "tiny", "model_hash": "", "seed": 1, "class": class, "steps": 4,
                "sampler": "dpmpp-2m", "guidance": 1.0, "duration_s": 0.1, "attributes": attributes.unwrap_or(serde_json::json!({})),
            });
            serde_json::from_value(json).unwrap()
        };
        let near = |found: Attack, log: f64, own: f64| (found.log_seconds - log).abs() < 1e-6 && found.own == own;
        let kick = recipe("kick", Some(1.0));
        assert!(near(wanted(&kick, &config), 0.1f64.ln(), 0.0));
        assert!(near(wanted(&recipe("snare", None), &config), 0.25f64.ln(), 1.0));
        let mut morphed = kick.clone();
        let to = MorphEnd::Recipe(Box::new(recipe("snare", None)));
        morphed.edit.morph = Some(Morph { from: None, to, amount: 0.25 });
        assert!(near(wanted(&morphed, &config), 0.75 * 0.1f64.ln() + 0.25 * 0.25f64.ln(), 0.25));
        let mut mixed = recipe("kick", Some(0.0));
        mixed.edit.class_mix = [("kick".to_owned(), 1.0), ("snare".to_owned(), 3.0)].into();
        assert!(near(wanted(&mixed, &config), 0.25 * 0.01f64.ln() + 0.75 * 0.04f64.ln(), 0.0));
        config.attacks.clear();
        assert_eq!(wanted(&kick, &config), Attack::OWN);
    }
}
