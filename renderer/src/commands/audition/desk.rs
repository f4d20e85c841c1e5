//! [`Desk`]: which sound is wanted, what was heard before, and what will likely be wanted next.

use brownian_core::conditioning::Attribute;
use brownian_core::generate::{Edit, Morph, MorphEnd, Recipe, Request, Vary};
use brownian_core::model::ModelConfig;

use super::keys::{Action, Dial};

/// How far a variation goes where nobody says: clearly another sound, and clearly of the same kind.
const VARY_AMOUNT: f64 = 0.3;
/// How far a morph goes where nobody says.
const MORPH_AMOUNT: f64 = 0.5;
/// Sounds that can be gone back to.
const MAX_HISTORY: usize = 200;

/// The wishes of someone at the keys; pure: it plays and renders nothing.
pub struct Desk {
    config: ModelConfig,
    now: Request,
    /// Heard before `now`, the latest last.
    history: Vec<Request>,
    /// What + and - change.
    chosen: Dial,
    /// How far the next variation goes, and the next morph: 0..=1.
    vary_amount: f64,
    morph_amount: f64,
    /// The seed that the next roll takes.
    next_roll: u64,
    /// The seed of the next variation.
    next_vary: u64,
}

impl Desk {
    /// Begin with this sound of this model.
    pub fn new(first: Request, config: ModelConfig) -> Self {
        let next_roll = first.seed.wrapping_add(1);
        Self {
            config,
            now: first,
            history: Vec::new(),
            chosen: Dial::Attribute(0),
            vary_amount: VARY_AMOUNT,
            morph_amount: MORPH_AMOUNT,
            next_roll,
            next_vary: 1,
        }
    }

    /// The sound that is wanted now.
    pub fn now(&self) -> &Request {
        &self.now
    }

    /// The attribute that + and - change, if they change one that the model has.
    pub fn chosen(&self) -> Option<Attribute> {
        let Dial::Attribute(n) = self.chosen else { return None };
        self.config.attributes.get(n).copied()
    }

    /// The dials in the order of their keys: name, value where it is set, and whether + and - change it.
    pub fn dials(&self) -> Vec<(char, &'static str, Option<f64>, bool)> {
        let attribute = |(n, attribute): (usize, &Attribute)| {
            let value = self.now.attributes.get(attribute).map(|&value| f64::from(value));
            (char::from(b'1' + n as u8), attribute.name(), value, self.chosen == Dial::Attribute(n))
        };
        let mut dials: Vec<_> = self.config.attributes.iter().take(5).enumerate().map(attribute).collect();
        dials.push(('6', "vary", Some(self.vary_amount), self.chosen == Dial::Vary));
        dials.push(('7', "morph", Some(self.morph_amount), self.chosen == Dial::Morph));
        dials
    }

    /// Do what changes the wanted sound; `before` is the recipe of the sound heard before it, where there was one. Returns
    /// whether the sound is to be heard.
    pub fn act(&mut self, action: Action, before: Option<&Recipe>) -> bool {
        match action {
            Action::Again => {}
            Action::Roll => {
                let next = self.rolled(self.next_roll);
                self.next_roll = self.next_roll.wrapping_add(1);
                self.go(next);
            }
            Action::Vary => {
                let next = self.varied(self.next_vary);
                self.next_vary = self.next_vary.wrapping_add(1);
                self.go(next);
            }
            Action::Compare => match self.history.pop() {
                Some(before) => {
                    let now = std::mem::replace(&mut self.now, before);
                    self.history.push(now);
                }
                None => return false,
            },
            Action::Undo => match self.history.pop() {
                Some(before) => self.now = before,
                None => return false,
            },
            Action::Morph => match before {
                Some(before) => self.go(self.morphed(before)),
                None => return false,
            },
            Action::Class(by) => match self.class_by(by) {
                Some(class) => self.go(Request { class: Some(class), edit: Edit::default(), ..self.now.clone() }),
                None => return false,
            },
            Action::Choose(dial) => {
                let last = self.config.attributes.len().saturating_sub(1);
                self.chosen = if let Dial::Attribute(n) = dial { Dial::Attribute(n.min(last)) } else { dial };
                return false;
            }
            Action::Change(by) => return self.turn(|value| tenth(value.unwrap_or(0.5), by)),
            Action::Free => return self.free(),
            Action::Pitch(by) if self.config.pitch => {
                let pitch = (self.now.pitch.unwrap_or(60.0) + f32::from(by)).clamp(0.0, 127.0);
                self.go(Request { pitch: Some(pitch), ..self.now.clone() });
            }
            Action::Pitch(_) | Action::Keep | Action::List | Action::Quit => return false,
        }
        true
    }

    /// Sounds worth making ahead, the likeliest first.
    pub fn likely(&self) -> Vec<Request> {
        let mut likely = vec![self.rolled(self.next_roll), self.varied(self.next_vary)];
        likely.push(self.rolled(self.next_roll.wrapping_add(1)));
        likely.extend([1, -1].into_iter().filter_map(|by| self.changed(|value| tenth(value.unwrap_or(0.5), by))));
        likely.extend(self.class_by(1).map(|class| Request {
            class: Some(class),
            edit: Edit::default(),
            ..self.now.clone()
        }));
        likely
    }

    fn go(&mut self, next: Request) {
        let before = std::mem::replace(&mut self.now, next);
        self.history.push(before);
        if self.history.len() > MAX_HISTORY {
            self.history.remove(0);
        }
    }

    fn rolled(&self, seed: u64) -> Request {
        Request { seed, edit: Edit::default(), ..self.now.clone() }
    }

    /// Of the sound itself, or of what it varies: variations of variations would drift away.
    fn varied(&self, seed: u64) -> Request {
        let vary = Some(Vary { seed, amount: self.vary_amount });
        Request { edit: Edit { vary, ..self.now.edit.clone() }, ..self.now.clone() }
    }

    fn morphed(&self, to: &Recipe) -> Request {
        let morph = Some(Morph { from: None, to: MorphEnd::Recipe(Box::new(to.clone())), amount: self.morph_amount });
        Request { edit: Edit { morph, ..self.now.edit.clone() }, ..self.now.clone() }
    }

    fn class_by(&self, by: isize) -> Option<String> {
        let classes = &self.config.classes;
        let len = isize::try_from(classes.len()).ok().filter(|len| *len > 1)?;
        let at = self.now.class.as_ref().and_then(|class| classes.iter().position(|known| known == class));
        let next = at.map_or(0, |at| (at as isize + by).rem_euclid(len));
        classes.get(next as usize).cloned()
    }

    /// Turn the chosen dial. A sound that it made follows; true if there is one.
    fn turn(&mut self, to: impl Fn(Option<f64>) -> f64) -> bool {
        let next = self.changed(&to);
        let edit = next.as_ref().map(|next| &next.edit);
        match self.chosen {
            Dial::Attribute(_) => {}
            Dial::Vary => {
                let made = edit.and_then(|edit| edit.vary).map(|vary| vary.amount);
                self.vary_amount = made.unwrap_or_else(|| to(Some(self.vary_amount)));
            }
            Dial::Morph => {
                let made = edit.and_then(|edit| edit.morph.as_ref()).map(|morph| morph.amount);
                self.morph_amount = made.unwrap_or_else(|| to(Some(self.morph_amount)));
            }
        }
        let is_heard = next.is_some();
        next.into_iter().for_each(|next| self.go(next));
        is_heard
    }

    fn free(&mut self) -> bool {
        let usual = match self.chosen {
            Dial::Vary => VARY_AMOUNT,
            Dial::Morph => MORPH_AMOUNT,
            Dial::Attribute(_) => {
                let mut next = self.now.clone();
                let is_freed = self.chosen().and_then(|attribute| next.attributes.remove(&attribute)).is_some();
                if is_freed {
                    self.go(next);
                }
                return is_freed;
            }
        };
        self.turn(|_| usual)
    }

    /// The sound that this one becomes when the chosen dial is turned; none that was not made with it.
    fn changed(&self, to: impl Fn(Option<f64>) -> f64) -> Option<Request> {
        let mut next = self.now.clone();
        match self.chosen {
            Dial::Attribute(_) => {
                let attribute = self.chosen()?;
                let value = next.attributes.get(&attribute).map(|&value| f64::from(value));
                next.attributes.insert(attribute, to(value) as f32);
            }
            Dial::Vary => next.edit.vary.as_mut().map(|vary| vary.amount = to(Some(vary.amount)))?,
            Dial::Morph => next.edit.morph.as_mut().map(|morph| morph.amount = to(Some(morph.amount)))?,
        }
        Some(next)
    }
}

/// To the next tenth up or down, within 0..=1.
fn tenth(value: f64, by: i8) -> f64 {
    ((value * 10.0).round() + f64::from(by)).clamp(0.0, 10.0) / 10.0
}

#[cfg(test)]
mod tests {
    use brownian_core::model::tiny;

    use super::*;

    fn desk() -> Desk {
        let first = Request { seed: 7, class: Some("kick".into()), ..Request::default() };
        Desk::new(first, tiny::two_stage_card().config)
    }

    #[test]
    fn rolls_are_the_seeds_that_follow_and_undo_goes_back() {
        let mut desk = desk();
        assert!(desk.act(Action::Roll, None) && desk.act(Action::Roll, None));
        assert_eq!(desk.now().seed, 9);
        desk.act(Action::Undo, None);
        assert_eq!(desk.now().seed, 8);
        desk.act(Action::Roll, None);
        assert_eq!(desk.now().seed, 10, "a roll is never one that was heard");
    }

    #[test]
    fn comparing_goes_there_and_back() {
        let mut desk = desk();
        assert!(!desk.act(Action::Compare, None));
        desk.act(Action::Roll, None);
        desk.act(Action::Compare, None);
        assert_eq!(desk.now().seed, 7);
        desk.act(Action::Compare, None);
        assert_eq!(desk.now().seed, 8);
    }

    #[test]
    fn attributes_go_in_tenths_within_their_range_and_can_be_free() {
        let mut desk = desk();
        assert!(!desk.act(Action::Free, None));
        (0..7).for_each(|_| assert!(desk.act(Action::Change(1), None)));
        assert_eq!(desk.now().attributes[&Attribute::Brightness], 1.0);
        desk.act(Action::Change(-1), None);
        assert_eq!(desk.now().attributes[&Attribute::Brightness], 0.9);
        assert!(desk.act(Action::Free, None) && desk.now().attributes.is_empty());
    }

    #[test]
    fn the_amount_of_variation_is_that_of_the_next_and_of_the_one_that_is_heard() {
        let mut desk = desk();
        let amount = |desk: &Desk| desk.now().edit.vary.map(|vary| vary.amount);
        desk.act(Action::Choose(Dial::Vary), None);
        assert!(!desk.act(Action::Change(1), None), "nothing is varied yet");
        assert!(desk.act(Action::Vary, None));
        assert_eq!(amount(&desk), Some(0.4));
        assert!(desk.act(Action::Change(-1), None) && desk.act(Action::Change(-1), None));
        assert_eq!((amount(&desk), desk.dials()[1]), (Some(0.2), ('6', "vary", Some(0.2), true)));
        assert_eq!(desk.now().seed, 7);
        assert!(desk.act(Action::Free, None));
        assert_eq!(amount(&desk), Some(0.3));
    }

    #[test]
    fn a_morph_moves_between_its_ends() {
        let mut desk = desk();
        let json = r#"{"version":1,"model":"tiny","model_hash":"","seed":3,"steps":1,"sampler":"euler","guidance":1.0,"duration_s":0.1}"#;
        let other = Recipe::from_json(json).unwrap();
        desk.act(Action::Choose(Dial::Morph), None);
        assert!(desk.act(Action::Morph, Some(&other)));
        let amount = |desk: &Desk| desk.now().edit.morph.as_ref().unwrap().amount;
        assert_eq!(amount(&desk), 0.5);
        (0..9).for_each(|_| assert!(desk.act(Action::Change(1), None)));
        assert_eq!(amount(&desk), 1.0);
        desk.act(Action::Undo, None);
        desk.act(Action::Change(-1), None);
        assert_eq!((amount(&desk), desk.dials()[2].2), (0.9, Some(0.9)));
    }

    #[test]
    fn classes_go_round_and_what_the_model_lacks_does_nothing() {
        let mut desk = desk();
        desk.act(Action::Class(-1), None);
        assert_eq!(desk.now().class.as_deref(), Some("snare"));
        desk.act(Action::Class(1), None);
        assert_eq!(desk.now().class.as_deref(), Some("kick"));
        assert!(!desk.act(Action::Pitch(1), None) && !desk.act(Action::Morph, None));
    }

    #[test]
    fn the_next_roll_and_the_next_variation_are_foreseen() {
        for action in [Action::Roll, Action::Vary, Action::Change(1), Action::Class(1)] {
            let mut desk = desk();
            let likely = desk.likely();
            desk.act(action, None);
            assert!(likely.contains(desk.now()), "{action:?}");
        }
    }
}
