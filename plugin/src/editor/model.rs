//! [`Model`]: the instrument as the window sees it, and everything that the window may ask of it.
//!
//! The one file of the window that knows how sounds are ordered and kept.

use std::sync::Arc;

use crate::engine::{Meters, Place};
use crate::generation::{Command, Kind, Order, Target, View, model_ids};
use crate::params::BrownianParams;

/// The window's end of the instrument.
pub struct Model {
    params: Arc<BrownianParams>,
    meters: Arc<Meters>,
    /// The ids of the models that there were when the window was opened.
    pub ids: Vec<String>,
    /// The sounds as they were when the frame began.
    pub view: View,
}

impl Model {
    /// The window's end of the instrument with these parameters.
    pub fn new(params: Arc<BrownianParams>, meters: Arc<Meters>) -> Self {
        let view = params.patch.0.view();
        Self { params, meters, ids: model_ids(), view }
    }

    /// Once a frame: looks at what has changed.
    pub fn refresh(&mut self) {
        let mailbox = &self.params.patch.0;
        if mailbox.version() != self.view.version {
            self.view = mailbox.view();
        }
    }

    /// A sound of the settings as they stand.
    pub fn order(&self, kind: Kind, target: Target) -> Command {
        Command::Order(Order { target, kind, settings: self.params.generation.settings() })
    }

    /// The sound of this seed.
    pub fn order_seed(&self, seed: u64, place: Place) -> Command {
        let mut settings = self.params.generation.settings();
        settings.seed = Some(seed);
        Command::Order(Order { target: Target::One(place), kind: Kind::Roll, settings })
    }

    /// Whether there is anything to do it with.
    pub fn can(&self, command: &Command) -> bool {
        let patch = &self.view.patch;
        match command {
            Command::Order(Order { kind: Kind::Vary, target: Target::One(place), .. }) => patch.get(*place).is_some(),
            Command::Order(Order { kind: Kind::Morph, .. }) => patch.slots().iter().all(Option::is_some),
            Command::Slot { place, .. } => patch.get(*place).is_some(),
            Command::Undo(Target::One(place)) => patch.history(*place).1.is_some_and(|current| current > 0),
            Command::Redo(Target::One(place)) => {
                let (takes, current) = patch.history(*place);
                current.is_some_and(|current| current + 1 < takes.len())
            }
            _ => true,
        }
    }

    /// Asks for it.
    pub fn send(&self, command: Command) {
        self.params.patch.0.send(command);
    }

    /// Where the newest note plays, 0 to 1 of its sound, if it is one of `place`.
    pub fn playhead(&self, place: Place) -> Option<f32> {
        self.meters.newest().filter(|position| position.place == place).map(|position| position.fraction)
    }
}

/// How far a sound under way has come, 0 to 1.
pub fn progress(making: &crate::generation::Making) -> f32 {
    making.done as f32 / making.total.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_is_something_to_do_with_can_be_asked() {
        let model = Model::new(Arc::default(), Arc::default());
        let here = Target::One(Place::Keys);
        assert!(model.can(&model.order(Kind::Roll, here)) && model.can(&model.order(Kind::Vary, here)));
        // The built-in patch has no sound on the second pad, empty slots and no past.
        assert!(!model.can(&model.order(Kind::Vary, Target::One(Place::Pad(1)))));
        assert!(!model.can(&model.order(Kind::Morph, here)));
        assert!(!model.can(&Command::Undo(here)) && !model.can(&Command::Redo(here)));
    }

    #[test]
    fn a_typed_seed_is_ordered_with_the_settings_around_it() {
        let model = Model::new(Arc::default(), Arc::default());
        let Command::Order(order) = model.order_seed(42, Place::Pad(3)) else { panic!("no order") };
        assert_eq!((order.settings.seed, order.target, order.kind), (Some(42), Target::One(Place::Pad(3)), Kind::Roll));
    }
}
