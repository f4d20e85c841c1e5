//! [`Model`]: a model file brought to life.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{Device, Tensor};

use super::card::{Card, EnvelopeStageConfig};
use super::context::Context;
use super::file;
use super::raise::Raise;
use super::stage::Stage;
use crate::conditioning::Blend;
use crate::error::{Error, ModelError, Result};
use crate::nn::{Init, Weights};
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
    /// The same of notes that are seen an octave higher, two, and so on. None on a circle, which is made for one note.
    pub(super) raised: Vec<Box<dyn Representation>>,
    /// Which notes are; on a circle that of its loop is known.
    pub(super) raise: Raise,
    pub(super) octaves_on_circle: Option<u32>,
    /// The envelope stage, if it has one.
    pub envelope: Option<EnvelopePart>,
    /// Normalisation of the fine stage: by class without an envelope stage, global (of the residual) with one.
    pub maps: Maps,
    /// The fine (or only) stage.
    pub fine: Stage,
    /// What the fine stage sees of an envelope and a pitch.
    pub context: Context,
    /// Where the networks compute.
    pub device: Device,
    /// The parameters, to build the networks again for another number of frames.
    pub(super) weights: Weights,
}

/// A model file's card and tensors (`f32`, by name): what a training begins from.
pub struct StoredModel {
    /// Its card.
    pub card: Card,
    /// Its parameters and maps.
    pub tensors: HashMap<String, Tensor>,
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
        let weights = Weights::stored(tensors, device);
        let model = build(card, &weights).map_err(|error| in_file(name, error))?;
        let unused = weights.unused();
        if unused.is_empty() {
            return Ok(model);
        }
        let tensors = unused[..unused.len().min(5)].join(", ");
        Err(ModelError::UnknownTensors { name: name.into(), tensors }.into())
    }

    /// Octaves by which the networks see a sound higher than it is.
    pub fn octaves(&self, condition: &Blend) -> u32 {
        self.octaves_on_circle.unwrap_or_else(|| self.raise.octaves(condition))
    }

    /// Sound <-> frames of sounds that are seen so many octaves higher, as [`Model::octaves`] tells.
    pub fn representation_at(&self, octaves: u32) -> &dyn Representation {
        let raised = (octaves as usize).checked_sub(1).and_then(|idx| self.raised.get(idx));
        &**raised.unwrap_or(&self.representation)
    }
}

fn build(card: Card, weights: &Weights) -> Result<Model> {
    let representation = card.config.representation.build()?;
    let raise = Raise::new(&card.config.raise_below);
    let raised = (1..=raise.most()).map(|octaves| card.config.representation.build_raised(octaves));
    let raised = raised.collect::<Result<Vec<_>>>()?;
    let shape = [representation.num_frames(), representation.num_channels()];
    let stage = card.config.envelope_stage(weights)?;
    let envelope = card.config.envelope.as_ref().zip(stage);
    let envelope = envelope.map(|(config, stage)| envelope_part(&card, config, stage, shape, weights)).transpose()?;
    // With an envelope stage the classes are its business, and one map of the residual does for all.
    let num_maps = if envelope.is_some() { 0 } else { card.config.classes.len() };
    let maps = match card.config.is_texture() {
        true => level_maps(&weights.sub("maps"), num_maps, shape)?,
        false => load_maps(&weights.sub("maps"), num_maps, shape)?,
    };
    let fine = card.config.fine_stage(&*representation, weights)?;
    let device = weights.device().clone();
    let context = Context::of_model(&card.config);
    let weights = weights.clone();
    let octaves_on_circle = None;
    Ok(Model { context, card, representation, raised, raise, octaves_on_circle, envelope, maps, fine, device, weights })
}

pub(super) fn envelope_part(
    card: &Card,
    config: &EnvelopeStageConfig,
    stage: Stage,
    [num_frames, num_channels]: [usize; 2],
    weights: &Weights,
) -> Result<EnvelopePart> {
    let grid = EnvelopeGrid::new(num_frames, num_channels, &config.grid)?;
    let shape = [config.grid.columns, config.grid.bands];
    let maps = load_maps(&weights.sub("envelope_maps"), card.config.classes.len(), shape)?;
    Ok(EnvelopePart { grid, maps, stage })
}

/// Of a texture, whose frames are all alike: files hold one of them, older ones each.
fn level_maps(weights: &Weights, num_classes: usize, [num_frames, num_channels]: [usize; 2]) -> Result<Maps> {
    let one = load_maps(weights, num_classes, [1, num_channels]).map(|maps| maps.level(num_frames));
    one.or_else(|_| load_maps(weights, num_classes, [num_frames, num_channels]))
}

/// `mean.N` and `std.N` for every class, then `all`.
fn load_maps(weights: &Weights, num_classes: usize, shape: [usize; 2]) -> Result<Maps> {
    let indices: Vec<String> = (0..num_classes).map(|n| n.to_string()).chain(["all".into()]).collect();
    let load = |kind| indices.iter().map(|n| load_frames(&weights.sub(kind), n, shape)).collect::<Result<Vec<_>>>();
    let maps = Maps { mean: load("mean")?, std: load("std")? };
    match maps.std.iter().position(|frames| !frames.data.iter().all(|&std| std > 0.0)) {
        None => Ok(maps),
        Some(n) => Err(candle_core::Error::Msg(format!("standard deviation {} is not positive", indices[n])).into()),
    }
}

fn load_frames(weights: &Weights, name: &str, [num_frames, num_channels]: [usize; 2]) -> Result<Frames> {
    let tensor = weights.get(name, &[num_frames, num_channels], Init::Zeros)?;
    Ok(Frames { data: tensor.flatten_all()?.to_vec1()?, num_frames, num_channels })
}

/// A tensor that does not fit is the file's fault: say which file.
fn in_file(name: &str, error: Error) -> Error {
    match error {
        Error::Tensor(error) => {
            // Only its first line: with RUST_BACKTRACE the rest is a backtrace.
            let reason = error.to_string().lines().next().unwrap_or_default().to_owned();
            ModelError::Tensors { name: name.into(), reason }.into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tiny;
    use super::*;
    use std::collections::BTreeMap;

    fn load(card: &Card, change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> Result<Model> {
        let mut tensors = tiny::tensors(&card.config).unwrap();
        change(&mut tensors);
        let (bytes, _) = file::to_bytes("x", card, &tensors).unwrap();
        Model::from_bytes("x", &bytes, &Device::Cpu)
    }

    fn message(card: &Card, change: impl FnOnce(&mut BTreeMap<String, Tensor>)) -> String {
        load(card, change).err().unwrap().to_string()
    }

    #[test]
    fn a_model_comes_back_with_its_stages_and_maps() {
        let two = load(&tiny::two_stage_card(), |_| ()).unwrap();
        let envelope = two.envelope.unwrap();
        // One map for each of the two classes and a global one; the residual has the global one alone.
        assert_eq!((envelope.maps.mean.len(), two.maps.mean.len()), (3, 1));
        assert!(two.fine.shape().has_context && !envelope.stage.shape().has_context);
        let one = load(&tiny::one_stage_card(), |_| ()).unwrap();
        assert!(one.envelope.is_none() && !one.fine.shape().has_context);
        assert_eq!(one.maps.std.len(), 3);
    }

    #[test]
    fn a_missing_a_misshapen_and_an_unknown_tensor_are_named() {
        let card = tiny::two_stage_card();
        let gone = message(&card, |tensors| drop(tensors.remove("envelope_maps.mean.1")));
        assert_eq!(gone, "x does not fit its card: parameter envelope_maps.mean.1 is missing");
        let network =
            |tensors: &BTreeMap<String, Tensor>| tensors.keys().find(|k| k.starts_with("fine.")).cloned().unwrap();
        let gone = message(&card, |tensors| drop(tensors.remove(&network(tensors))));
        assert!(gone.contains("parameter fine.") && gone.contains("is missing"), "{gone}");
        let flat = |t: &Tensor| t.flatten_all().unwrap();
        let misshapen =
            message(&card, |tensors| drop(tensors.insert("maps.std.all".into(), flat(&tensors["maps.std.all"]))));
        assert_eq!(misshapen, "x does not fit its card: parameter maps.std.all has shape [4096]; need [64, 64]");
        let unknown = message(&card, |tensors| drop(tensors.insert("extra".into(), flat(&tensors["maps.std.all"]))));
        assert_eq!(unknown, "x holds tensors that its card has no use for: extra");
    }

    #[test]
    fn a_standard_deviation_of_zero_is_refused() {
        let card = tiny::two_stage_card();
        let zero = message(&card, |tensors| {
            let zero = tensors["envelope_maps.std.all"].zeros_like().unwrap();
            tensors.insert("envelope_maps.std.all".into(), zero);
        });
        assert!(zero.contains("standard deviation all is not positive"), "{zero}");
    }
}
