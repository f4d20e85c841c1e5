//! [`Desk`]: which sound is wanted, what was heard before, and what will likely be wanted next.

use brownian_core::conditioning::Attribute;
use brownian_core::generate::{Edit, Morph, MorphEnd, Recipe, Request, Vary};
use brownian_core::model::ModelConfig;

use super::keys::Action;

/// How far a variation goes: clearly another sound, and clearly of the same kind.
const VARY_AMOUNT: f64 = 0.3;
/// Sounds that can be gone back to.
const MAX_HISTORY: usize = 200;

/// The wishes of someone at the keys; pure: it plays and renders nothing.
pub struct Desk {
    config: ModelConfig,
    now: Request,
    /// Heard before `now`, the latest last.
    history: Vec<Request>,
    /// The attribute that + and - change, a place in the model's list.
    chosen: usize,
    /// The seed that the next roll takes.
    next_roll: u64,
    /// The seed of the next variation.
    next_vary: u64,
}

impl Desk {
    /// Begin with this sound of this model.
    pub fn new(first: Request, config: ModelConfig) -> Self {
        let next_roll = first.seed.wrapping_add(1);
        Self { config, now: first, history: Vec::new(), chosen: 0, next_roll, next_vary: 1 }
    }

    /// The sound that is wanted now.
    pub fn now(&self) -> &Request {
        &self.now
    }

    /// The attribute that + and - change, where the model has any.
    pub fn chosen(&self) -> Option<Attribute> {
        self.config.attributes.get(self.chosen).copied()
    }

    /// The model's attributes.
    pub fn attributes(&self) -> &[Attribute] {
        &self.config.attributes
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
            Action::Choose(n) => {
                self.chosen = n.min(self.config.attributes.len().saturating_sub(1));
                return false;
            }
            Action::Change(by) => match self.changed(by) {
                Some(next) => self.go(next),
                None => return false,
            },
            Action::Free => {
                let Some(attribute) = self.chosen() else { return false };
                let mut next = self.now.clone();
                if next.attributes.remove(&attribute).is_none() {
                    return false;
                }
                self.go(next);
            }
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
        likely.extend([1, -1].into_iter().filter_map(|by| self.changed(by)));
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
        let vary = Some(Vary { seed, amount: VARY_AMOUNT });
        Request { edit: Edit { vary, ..self.now.edit.clone() }, ..self.now.clone() }
    }

    fn morphed(&self, to: &Recipe) -> Request {
        let morph = Some(Morph { from: None, to: MorphEnd::Recipe(Box::new(to.clone())), amount: 0.5 });
        Request { edit: Edit { morph, ..self.now.edit.clone() }, ..self.now.clone() }
    }

    fn class_by(&self, by: isize) -> Option<String> {
        let classes = &self.config.classes;
        let len = isize::try_from(classes.len()).ok().filter(|len| *len > 1)?;
        let at = self.now.class.as_ref().and_then(|class| classes.iter().position(|known| known == class));
        let next = at.map_or(0, |at| (at as isize + by).rem_euclid(len));
        classes.get(next as usize).cloned()
    }

    fn changed(&self, by: i8) -> Option<Request> {
        let attribute = self.chosen()?;
        let mut next = self.now.clone();
        let value = next.attributes.entry(attribute).or_insert(0.5);
        let tenths = (*value * 10.0).round() + f32::from(by);
        *value = tenths.clamp(0.0, 10.0) / 10.0;
        Some(next)
    }
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
