//! [`UnetConfig`]: everything that rebuilds a network, with its limits.

use serde::{Deserialize, Serialize};

use crate::nn::Padding;

/// What a network works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameShape {
    /// Frames: time.
    pub frames: usize,
    /// Channels of a frame: bins.
    pub channels: usize,
    /// Whether it also sees a context of the same shape.
    pub has_context: bool,
    /// For a loop of a network whose config knows none: its frames lie on a circle.
    pub circle: Option<Circle>,
}

/// How the frames of a network that was trained on clips lie on a circle: convolutions come round, and places in time
/// repeat, so that every `period` frames are what the start of a clip was in training.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circle {
    /// Frames in training: of these a network knows the places.
    pub trained: usize,
    /// Frames after which places repeat; a divisor of the frames. Frames beyond those of the training take the last.
    pub period: usize,
}

impl Circle {
    /// Which of the trained frames stands for each of `frames`.
    pub fn places(self, frames: usize) -> impl Iterator<Item = usize> {
        (0..frames).map(move |frame| (frame % self.period).min(self.trained - 1))
    }

    /// The same circle, counted in patches of so many frames.
    pub(super) fn in_patches(self, frames: usize) -> Self {
        Self { trained: self.trained / frames, period: self.period / frames }
    }
}

/// The shape of a network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnetConfig {
    /// Channels of each level of the trunk, finest first; multiples of 8. Each level has half the frames of the last.
    pub widths: Vec<usize>,
    /// Residual blocks at each level, each way.
    pub blocks: usize,
    /// How many of the coarsest levels have self-attention.
    pub attention_levels: usize,
    /// Width of the embedding of noise level and condition; a multiple of 8.
    pub embedding: usize,
    /// Time is a circle: for loops. Otherwise silence lies outside, and every frame knows its place.
    pub circular: bool,
    /// The 2-D head; absent: bins are the trunk's input channels.
    pub head: Option<HeadConfig>,
}

/// The shape of the 2-D head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadConfig {
    /// Frames of a patch; divides the frames.
    pub patch_frames: usize,
    /// Bins of a patch.
    pub patch_bins: usize,
    /// Channels of each level of the head, finest first; multiples of 8.
    pub widths: Vec<usize>,
    /// Residual blocks at each level, each way.
    pub blocks: usize,
    /// Bins (of the finer level) that become one at the next level.
    pub merge: usize,
    /// At the finest level, each way: further blocks whose filters take every n-th patch in time, so that single partials
    /// are seen for longer than their neighbours in time. Each divides the patches in time; on a circle that it does not
    /// divide, the next smaller number that does stands for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strides: Vec<usize>,
    /// At the finest level: blocks whose filters also take every n-th patch in time, as `strides`, but at the price of a filter
    /// instead of a block.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reaches: Vec<usize>,
}

impl UnetConfig {
    /// A circle needs a multiple of this many frames, so that every level of the network has whole frames on it.
    pub fn frames_on_circle(&self) -> usize {
        self.head.as_ref().map_or(1, |head| head.patch_frames) << (self.widths.len() - 1)
    }

    /// This network, with the further strides of `other` where its own lead there: new blocks change nothing until they are
    /// trained.
    #[must_use]
    pub fn grown_to(mut self, other: &Self) -> Self {
        if let (Some(head), Some(other)) = (&mut self.head, &other.head)
            && other.strides.starts_with(&head.strides)
            && other.reaches.starts_with(&head.reaches)
        {
            head.strides.clone_from(&other.strides);
            head.reaches.clone_from(&other.reaches);
        }
        self
    }

    /// What lies outside the first and last frame of `shape`.
    pub(super) fn padding(&self, shape: FrameShape) -> Padding {
        if self.circular || shape.circle.is_some() { Padding::Circular } else { Padding::Zero }
    }

    /// Check every field against `shape`.
    ///
    /// # Errors
    /// One line: the field, what was found, what is needed.
    pub fn validate(&self, shape: FrameShape) -> Result<(), String> {
        let widths = [("widths", &self.widths[..]), ("embedding", &[self.embedding])];
        widths.iter().try_for_each(|(name, values)| check_widths(name, values))?;
        check("blocks", self.blocks, 1..=8)?;
        check("attention_levels", self.attention_levels, 0..=self.widths.len())?;
        let frames = match &self.head {
            Some(head) => {
                head.validate(shape)?;
                shape.frames / head.patch_frames
            }
            None => shape.frames,
        };
        let finest = 1 << (self.widths.len() - 1);
        match frames >= finest {
            true => Ok(()),
            false => Err(format!("widths has {} levels, too many for {frames} frames", self.widths.len())),
        }
    }
}

impl HeadConfig {
    fn validate(&self, shape: FrameShape) -> Result<(), String> {
        check_widths("head.widths", &self.widths)?;
        check("head.patch_frames", self.patch_frames, 1..=64)?;
        check("head.patch_bins", self.patch_bins, 1..=64)?;
        check("head.blocks", self.blocks, 1..=8)?;
        check("head.merge", self.merge, 2..=16)?;
        if !shape.frames.is_multiple_of(self.patch_frames) {
            return Err(format!("head.patch_frames is {}; need a divisor of {}", self.patch_frames, shape.frames));
        }
        let patches = shape.frames / self.patch_frames;
        check("the number of head.strides", self.strides.len(), 0..=8)?;
        check("the number of head.reaches", self.reaches.len(), 0..=8)?;
        if let Some(stride) = self.reaches.iter().find(|&&stride| stride == 0 || !patches.is_multiple_of(stride)) {
            return Err(format!("head.reaches has {stride}; need divisors of {patches}, the patches in time"));
        }
        if let Some(stride) = self.strides.iter().find(|&&stride| stride == 0 || !patches.is_multiple_of(stride)) {
            return Err(format!("head.strides has {stride}; need divisors of {patches}, the patches in time"));
        }
        let coarsest = self.patch_bins * self.merge.pow(self.widths.len() as u32 - 1);
        match shape.channels.is_multiple_of(coarsest) {
            true => Ok(()),
            false => Err(format!("head folds {coarsest} bins into one; need a divisor of {}", shape.channels)),
        }
    }
}

fn check_widths(name: &str, widths: &[usize]) -> Result<(), String> {
    match (1..=8).contains(&widths.len()) && widths.iter().all(|w| (8..=2048).contains(w) && w.is_multiple_of(8)) {
        true => Ok(()),
        false => Err(format!("{name} is {widths:?}; need 1 to 8 multiples of 8 in 8..=2048")),
    }
}

fn check(name: &str, value: usize, range: std::ops::RangeInclusive<usize>) -> Result<(), String> {
    match range.contains(&value) {
        true => Ok(()),
        false => Err(format!("{name} is {value}; need {}..={}", range.start(), range.end())),
    }
}
