//! [`Model`]: a model file brought to life.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};

use super::card::{Card, EnvelopeStageConfig};
use super::file;
use super::stage::Stage;
use crate::error::{ModelError, Result};
use crate::representation::{EnvelopeGrid, Frames, Maps, Representation};

/// The envelope stage of a loaded model.
pub struct EnvelopePart {
    /// The grid.
    pub grid: EnvelopeGrid,
    /// Normalisation of the grid's cells, by class.
    pub maps: Maps,
    /// The network.
    pub stage: Stage,
}

/// A loaded model, ready to denoise.
pub struct Model {
    /// Its card.
    pub card: Card,
    /// Sound <-> frames.
    pub representation: Box<dyn Representation>,
    /// The envelope stage, if it has one.
    pub envelope: Option<EnvelopePart>,
    /// Normalisation of the fine stage: by class without an envelope stage, global (of the residual) with one.
    pub maps: Maps,
    /// The fine (or only) stage.
    pub fine: Stage,
    /// Where the networks compute.
    pub device: Device,
}

/// What the fine stage sees of the envelope, `(dB + 60) / 30`: about zero mean and unit variance for any sound.
///
/// A fixed map, so that training and rendering cannot disagree about it.
pub fn envelope_context(expanded: &Frames) -> Frames {
    Frames { data: expanded.data.iter().map(|db| (db + 60.0) / 30.0).collect(), ..*expanded }
}

impl Model {
    /// Load and check a model file.
    ///
    /// # Errors
    /// By name: not a model, truncated, unknown format or field, a tensor missing or of another shape, a wrong hash.
    pub fn load(path: &Path, device: &Device) -> Result<Self> {
        Self::from_bytes(&path.display().to_string(), &file::read(path)?, device)
    }

    /// As [`Model::load`], from memory; `name` appears in errors.
    ///
    /// # Errors
    /// As [`Model::load`].
    pub fn from_bytes(name: &str, bytes: &[u8], device: &Device) -> Result<Self> {
        let (card, tensors) = file::from_bytes(name, bytes, device)?;
        let mut parts = Parts { name, tensors };
        let representation = card.config.representation.build()?;
        let (frames, channels) = (representation.num_frames(), representation.num_channels());
        let num_classes = card.config.classes.len();
        let envelope = card.config.envelope.as_ref();
        let envelope = envelope.map(|config| parts.envelope(config, frames, channels, num_classes)).transpose()?;
        let maps = parts.maps("maps", if envelope.is_some() { 0 } else { num_classes }, [frames, channels])?;
        let fine = parts.network("fine", &card, device)?;
        parts.finish()?;
        Ok(Self { card, representation, envelope, maps, fine, device: device.clone() })
    }
}

/// The tensors of a file that nobody has taken yet.
struct Parts<'a> {
    name: &'a str,
    tensors: HashMap<String, Tensor>,
}

impl Parts<'_> {
    fn envelope(
        &mut self,
        config: &EnvelopeStageConfig,
        frames: usize,
        channels: usize,
        num_classes: usize,
    ) -> Result<EnvelopePart> {
        let grid = EnvelopeGrid::new(frames, channels, &config.grid)?;
        let maps = self.maps("envelope_maps", num_classes, [config.grid.columns, config.grid.bands])?;
        Ok(EnvelopePart { grid, maps, stage: Stage {} })
    }

    /// `PREFIX.mean.N` and `PREFIX.std.N` for every class, then `all`.
    fn maps(&mut self, prefix: &str, num_classes: usize, shape: [usize; 2]) -> Result<Maps> {
        let indices: Vec<String> = (0..num_classes).map(|n| n.to_string()).chain(["all".into()]).collect();
        let mean = indices.iter().map(|n| self.frames(format!("{prefix}.mean.{n}"), shape)).collect::<Result<_>>()?;
        let std = indices.iter().map(|n| self.deviations(format!("{prefix}.std.{n}"), shape)).collect::<Result<_>>()?;
        Ok(Maps { mean, std })
    }

    fn deviations(&mut self, tensor: String, shape: [usize; 2]) -> Result<Frames> {
        let frames = self.frames(tensor.clone(), shape)?;
        if frames.data.iter().all(|&std| std > 0.0) {
            return Ok(frames);
        }
        Err(ModelError::NotPositive { name: self.name.into(), tensor }.into())
    }

    fn frames(&mut self, tensor: String, [num_frames, num_channels]: [usize; 2]) -> Result<Frames> {
        let Some(values) = self.tensors.remove(&tensor) else {
            return Err(ModelError::MissingTensor { name: self.name.into(), tensor }.into());
        };
        let (found, need) = (values.dims().to_vec(), vec![num_frames, num_channels]);
        if found != need {
            return Err(ModelError::Shape { name: self.name.into(), tensor, found, need }.into());
        }
        Ok(Frames { data: values.flatten_all()?.to_vec1()?, num_frames, num_channels })
    }

    fn network(&mut self, prefix: &str, card: &Card, device: &Device) -> Result<Stage> {
        let _ = (prefix, card, device);
        Ok(Stage {})
    }

    /// Every tensor must have found its use.
    fn finish(self) -> Result<(), ModelError> {
        let mut left: Vec<&str> = self.tensors.keys().map(String::as_str).collect();
        if left.is_empty() {
            return Ok(());
        }
        left.sort_unstable();
        left.truncate(5);
        Err(ModelError::UnknownTensors { name: self.name.into(), tensors: left.join(", ") })
    }
}
