//! [`Queue`]: what is still to be made. The newest order for a place is the only one that counts.

use std::collections::VecDeque;

use super::order::{Kind, Order, Settings};
use crate::engine::Place;

/// One sound to make.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Job {
    pub(super) place: Place,
    pub(super) kind: Kind,
    pub(super) settings: Settings,
}

/// Jobs, at most one for each place, those of the newest order first.
#[derive(Debug, Default)]
pub(super) struct Queue(VecDeque<Job>);

impl Queue {
    /// Puts the jobs of `order` before all others, and drops those that they replace.
    pub(super) fn push(&mut self, order: Order) {
        let Order { target, kind, settings } = order;
        let places: Vec<Place> = target.places().collect();
        self.0.retain(|job| !places.contains(&job.place));
        for &place in places.iter().rev() {
            self.0.push_front(Job { place, kind, settings });
        }
    }

    /// The next job.
    pub(super) fn pop(&mut self) -> Option<Job> {
        self.0.pop_front()
    }

    /// Whether a job for `place` waits.
    pub(super) fn holds(&self, place: Place) -> bool {
        self.0.iter().any(|job| job.place == place)
    }

    /// How many jobs wait.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Drops the job for `place`, if one waits.
    pub(super) fn forget(&mut self, place: Place) {
        self.0.retain(|job| job.place != place);
    }

    /// Drops every job.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::Target;
    use super::*;

    fn order(target: Target, steps: usize) -> Order {
        Order { target, kind: Kind::Roll, settings: Settings { steps, ..Settings::default() } }
    }

    fn drain(mut queue: Queue) -> Vec<(Place, usize)> {
        std::iter::from_fn(|| queue.pop()).map(|job| (job.place, job.settings.steps)).collect()
    }

    #[test]
    fn the_newest_order_for_a_place_replaces_the_older() {
        let mut queue = Queue::default();
        queue.push(order(Target::One(Place::Keys), 1));
        queue.push(order(Target::One(Place::Keys), 2));
        assert_eq!(drain(queue), [(Place::Keys, 2)]);
    }

    #[test]
    fn a_single_pad_comes_before_the_rest_of_the_kit() {
        let mut queue = Queue::default();
        queue.push(order(Target::Kit { locked: !0b111 }, 1));
        queue.push(order(Target::One(Place::Pad(1)), 2));
        assert!(queue.holds(Place::Pad(1)) && !queue.holds(Place::Keys));
        assert_eq!(drain(queue), [(Place::Pad(1), 2), (Place::Pad(0), 1), (Place::Pad(2), 1)]);
    }

    #[test]
    fn a_forgotten_place_leaves_the_others() {
        let mut queue = Queue::default();
        queue.push(order(Target::Kit { locked: !0b111 }, 1));
        queue.forget(Place::Pad(1));
        assert_eq!(drain(queue), [(Place::Pad(0), 1), (Place::Pad(2), 1)]);
    }
}
