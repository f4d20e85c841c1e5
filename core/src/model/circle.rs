//! A model whose frames lie on a circle: what it makes is a loop by construction.
//!
//! Convolutions come round, the STFT frames come round, the phases are integrated around the circle: nothing in the way
//! from noise to sound knows where the loop begins. A network that knows where in a clip a frame is (a model of one-shots)
//! is told so again and again around the circle: a loop of it is a ring of clips, each with its own onset.

use super::loaded::{EnvelopePart, Model, envelope_part};
use crate::conditioning::Blend;
use crate::error::Result;
use crate::representation::{Frames, Maps};
use crate::unet::Circle;

/// How the frames of a loop are divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ring {
    /// Frames of each clip.
    pub period: usize,
    /// Clips around the circle, at least 1.
    pub clips: usize,
}

impl Ring {
    /// For a loop of about `frames` frames; `period` is a multiple of `align`. `clips` says how many clips, and how long
    /// they were in training (`trained`) where it does not.
    pub fn new(frames: f64, trained: usize, align: usize, clips: Option<usize>) -> Self {
        let nearest = || (frames / trained as f64).round() as usize;
        let clips = clips.unwrap_or_else(nearest).clamp(1, (frames as usize / align).max(1));
        let period = (frames / (clips * align) as f64).round().max(1.0) as usize * align;
        Self { period, clips }
    }
}

impl Model {
    /// This model for loops of what `condition` asks, of about `wanted_samples` samples (its representation says how many exactly), with so many
    /// clips around the circle; `None` takes as many as fit. A model of textures (its network is circular) makes one.
    ///
    /// Costs what building the network costs; the plan for the loop's length is made at its first call.
    ///
    /// # Errors
    /// A loop longer than the representation holds.
    pub fn on_circle(&self, wanted_samples: f64, clips: Option<usize>, condition: &Blend) -> Result<Self> {
        let (card, weights) = (self.card.clone(), self.weights.clone());
        let config = &card.config;
        let (trained, is_texture) = (self.representation.num_frames(), config.unet.circular);
        let octaves = self.octaves(condition);
        let frames = wanted_samples / (config.representation.hop_length() << octaves) as f64;
        let clips = if is_texture { Some(1) } else { clips };
        // A raised note is over after a part of the frames.
        let Ring { period, clips } = Ring::new(frames, trained >> octaves, config.unet.frames_on_circle(), clips);
        let num_frames = period.saturating_mul(clips);
        let representation = config.representation.raised_on_circle(num_frames, wanted_samples, octaves)?;
        let circle = Circle { trained, period };
        let mut shape = config.fine_shape(&*representation);
        shape.circle = Some(circle);
        let fine = config.fine_stage_of(shape, &weights)?;
        let maps = if is_texture { self.maps.level(num_frames) } else { ring(&self.maps, circle, num_frames) };
        let stage = config.envelope_stage(&weights)?;
        let envelope = config.envelope.as_ref().zip(stage);
        let trained_shape = [trained, self.representation.num_channels()];
        let envelope =
            envelope.map(|(config, stage)| envelope_part(&card, config, stage, trained_shape, &weights)).transpose()?;
        let (context, device) = (self.context, self.device.clone());
        let (raised, raise, octaves_on_circle) = (Vec::new(), self.raise.clone(), Some(octaves));
        Ok(Self {
            representation,
            raised,
            raise,
            octaves_on_circle,
            envelope,
            maps,
            fine,
            context,
            weights,
            device,
            card,
        })
    }
}

impl Model {
    /// Whether the frames lie on a circle.
    pub fn is_on_circle(&self) -> bool {
        self.fine.shape().circle.is_some()
    }

    /// Frames of a clip as the networks were trained on.
    pub(crate) fn trained_frames(&self) -> usize {
        self.circle().trained
    }

    /// Clips around the circle; 1 where there is none.
    pub fn clips_on_circle(&self) -> usize {
        self.fine.shape().frames / self.circle().period
    }

    /// Of frames around the circle, those of one clip (from 0), as many as in training: where that are more than it has,
    /// its last stands for the rest, so that the clip behind it is not seen. Without a circle, all of them.
    ///
    /// # Panics
    /// If there is no such clip.
    pub fn clip_of(&self, frames: &Frames, clip: usize) -> Frames {
        frames.at_places(&self.places_of(clip).collect::<Vec<_>>())
    }

    /// The numbers of the frames that [`Model::clip_of`] takes.
    pub fn places_of(&self, clip: usize) -> impl Iterator<Item = usize> + use<> {
        let Circle { trained, period } = self.circle();
        (0..trained).map(move |place| clip * period + place.min(period - 1))
    }

    /// The envelopes of all clips around the circle, as they lie at its frames.
    ///
    /// # Panics
    /// If an envelope has another shape than `part` says.
    pub fn outline(&self, part: &EnvelopePart, envelopes: &[Frames]) -> Frames {
        let circle = self.circle();
        let places: Vec<usize> = circle.places(circle.period).collect();
        let data = envelopes.iter().flat_map(|envelope| part.grid.expand(envelope).at_places(&places).data).collect();
        let num_channels = self.representation.num_channels();
        Frames { data, num_frames: envelopes.len() * circle.period, num_channels }
    }

    /// That of the frames; without one, a single clip, whose end and start do not meet.
    fn circle(&self) -> Circle {
        let shape = self.fine.shape();
        shape.circle.unwrap_or(Circle { trained: shape.frames, period: shape.frames })
    }
}

fn ring(maps: &Maps, circle: Circle, num_frames: usize) -> Maps {
    maps.at_places(&circle.places(num_frames).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_has_whole_clips_of_aligned_length_near_the_wish() {
        // 4 s of drums, 689.06 frames of 256 samples; trained on 128; eight frames to the coarsest level's one.
        assert_eq!(Ring::new(689.06, 128, 8, None), Ring { period: 136, clips: 5 });
        assert_eq!(Ring::new(689.06, 128, 8, Some(8)), Ring { period: 88, clips: 8 });
        assert_eq!(Ring::new(50.0, 128, 8, None), Ring { period: 48, clips: 1 });
        // Never more clips than there is room for, and never a clip of nothing.
        assert_eq!(Ring::new(50.0, 128, 8, Some(100)), Ring { period: 8, clips: 6 });
        assert_eq!(Ring::new(1.0, 128, 8, Some(4)), Ring { period: 8, clips: 1 });
    }
}
