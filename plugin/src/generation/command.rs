//! [`Command`]: what the window asks for, and [`View`]: what it shows.

use std::path::PathBuf;
use std::sync::Arc;

use super::order::{Order, Target};
use crate::engine::Place;
use crate::state::{Patch, Take};

/// What the window asks of the worker.
#[derive(Debug, Clone)]
pub enum Command {
    /// New sounds.
    Order(Order),
    /// Back to the sounds before.
    Undo(Target),
    /// Forward again.
    Redo(Target),
    /// An earlier sound, or a favourite.
    Recall {
        /// Where it shall lie.
        place: Place,
        /// The sound.
        take: Arc<Take>,
    },
    /// Keeps a sound among the favourites.
    Favour(Arc<Take>),
    /// Lets go of the favourite of this number.
    Unfavour(usize),
    /// Puts the sound of a place into a slot of the morph.
    Slot {
        /// 0 for A, 1 for B.
        slot: usize,
        /// Whose sound.
        place: Place,
    },
    /// A sound file: its recipe comes with it, if it holds one.
    Open {
        /// Where it shall lie.
        place: Place,
        /// The file.
        path: PathBuf,
    },
    /// New sounds come from the model of this id.
    Model(String),
    /// Drops all orders, and stops what is being made.
    Cancel,
}

impl Command {
    /// Whether a sound that is being made for `place` is of no use any more.
    pub(super) fn concerns(&self, place: Place) -> bool {
        match self {
            Self::Order(Order { target, .. }) | Self::Undo(target) | Self::Redo(target) => {
                target.places().any(|meant| meant == place)
            }
            Self::Recall { place: meant, .. } | Self::Open { place: meant, .. } => *meant == place,
            Self::Model(_) | Self::Cancel => true,
            Self::Favour(_) | Self::Unfavour(_) | Self::Slot { .. } => false,
        }
    }
}

/// A sound under way.
#[derive(Debug, Clone)]
pub struct Making {
    /// Where it will lie.
    pub place: Place,
    /// Steps done, of those of the finished sound; 0 while the preview is made.
    pub done: usize,
    /// Steps in all.
    pub total: usize,
    /// The rough sound that plays meanwhile.
    pub preview: Option<Arc<Take>>,
}

/// What the window shows. Cheap to clone: sounds are shared.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Grows with every change.
    pub version: u64,
    /// The finished sounds, their history, favourites, slots and the model's id.
    pub patch: Patch,
    /// What is being made.
    pub making: Option<Making>,
    /// How many more sounds wait to be made.
    pub num_waiting: usize,
    /// The last message for the user.
    pub message: Option<String>,
}
