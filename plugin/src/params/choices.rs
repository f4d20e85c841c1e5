//! The engine's choices as the host lists them. An id never changes once released.

use nice_plug::prelude::*;

use crate::engine::{FilterMode, LoopMode, Mode, PlayMode};

/// What the keys mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ModeChoice {
    /// One sound over the keyboard.
    #[id = "keys"]
    Keys,
    /// Sixteen pads.
    #[id = "kit"]
    Kit,
}

impl From<ModeChoice> for Mode {
    fn from(choice: ModeChoice) -> Self {
        match choice {
            ModeChoice::Keys => Self::Keys,
            ModeChoice::Kit => Self::Kit,
        }
    }
}

/// How notes follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum PlayChoice {
    /// Many at once.
    #[id = "poly"]
    Poly,
    /// One at a time, each from its start.
    #[id = "mono"]
    Mono,
    /// One at a time, tied where they overlap.
    #[id = "legato"]
    Legato,
}

impl From<PlayChoice> for PlayMode {
    fn from(choice: PlayChoice) -> Self {
        match choice {
            PlayChoice::Poly => Self::Poly,
            PlayChoice::Mono => Self::Mono,
            PlayChoice::Legato => Self::Legato,
        }
    }
}

/// What happens where the sound ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LoopChoice {
    /// Round the sound's own loop while the key is held, where it has one.
    #[id = "own"]
    Sustain,
    /// The note ends.
    #[id = "off"]
    Off,
    /// Back to the start of the loop.
    #[id = "forward"]
    Forward,
    /// The end of the loop fades into its start.
    #[id = "fade"]
    #[name = "Cross-fade"]
    CrossFaded,
}

impl From<LoopChoice> for LoopMode {
    fn from(choice: LoopChoice) -> Self {
        match choice {
            LoopChoice::Sustain => Self::Own,
            LoopChoice::Off => Self::Off,
            LoopChoice::Forward => Self::Forward,
            LoopChoice::CrossFaded => Self::CrossFaded,
        }
    }
}

/// Which part of the spectrum passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum FilterChoice {
    /// All of it.
    #[id = "off"]
    Off,
    /// Below the cutoff, gently.
    #[id = "lp12"]
    #[name = "Low-pass 12"]
    LowPass12,
    /// Below the cutoff, steeply.
    #[id = "lp24"]
    #[name = "Low-pass 24"]
    LowPass24,
    /// Above the cutoff.
    #[id = "hp12"]
    #[name = "High-pass"]
    HighPass,
    /// Around the cutoff.
    #[id = "bp"]
    #[name = "Band-pass"]
    BandPass,
    /// All but the cutoff.
    #[id = "notch"]
    Notch,
}

impl From<FilterChoice> for FilterMode {
    fn from(choice: FilterChoice) -> Self {
        match choice {
            FilterChoice::Off => Self::Off,
            FilterChoice::LowPass12 => Self::LowPass12,
            FilterChoice::LowPass24 => Self::LowPass24,
            FilterChoice::HighPass => Self::HighPass,
            FilterChoice::BandPass => Self::BandPass,
            FilterChoice::Notch => Self::Notch,
        }
    }
}
