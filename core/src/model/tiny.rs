//! Models of a few kilobytes with random weights, for tests of this and of other crates: they load and render like any
//! other, in milliseconds, and sound like nothing.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Tensor};

use super::file::{save, to_bytes};
use super::{Card, DataSource, EnvelopeStageConfig, FORMAT, ModelConfig, SamplingDefaults};
use crate::conditioning::Attribute;
use crate::diffusion::Sampler;
use crate::error::Result;
use crate::nn::Weights;
use crate::noise::{NoiseStream, Seed};
use crate::representation::{EnvelopeConfig, RepresentationConfig};
use crate::unet::{HeadConfig, UnetConfig};

/// The card of a two-stage model `tiny`: classes `kick` and `snare`, attribute `brightness`, 0.128 s at 16 kHz.
pub fn two_stage_card() -> Card {
    let source =
        DataSource { name: "noise".into(), licence: "CC0-1.0".into(), attribution: "nobody".into(), sounds: 1 };
    Card {
        format: FORMAT,
        id: "tiny".into(),
        description: "random weights, of no use".into(),
        config: two_stage_config(),
        sources: vec![source],
        training: BTreeMap::from([("steps".into(), 3.into())]),
        hash: String::new(),
    }
}

/// As [`two_stage_card`], but a single stage over patches of the waveform.
pub fn one_stage_card() -> Card {
    let mut card = two_stage_card();
    card.config.envelope = None;
    card.config.representation = RepresentationConfig::Waveform { num_samples: 2048, patch: 32 };
    card
}

/// As [`two_stage_card`], but a single stage whose time is a circle, over log-magnitudes: a model of textures, `texture`.
pub fn texture_card() -> Card {
    let mut card = two_stage_card();
    card.id = "texture".into();
    card.config.envelope = None;
    card.config.unet.circular = true;
    card.config.sampling.drift = 0.5;
    card
}

/// Write the model of `card` with random weights. Returns the card with its hash.
///
/// # Errors
/// As [`save`].
pub fn write(path: &Path, card: &Card) -> Result<Card> {
    save(path, card, &tensors(&card.config)?)
}

/// The bytes that [`write`] writes.
///
/// # Errors
/// As [`to_bytes`].
pub fn bytes(card: &Card) -> Result<Vec<u8>> {
    Ok(to_bytes(&card.id, card, &tensors(&card.config)?)?.0)
}

/// Random parameters and plausible maps for a model of this shape, under the names of its file.
///
/// # Errors
/// The config is out of range.
pub fn tensors(config: &ModelConfig) -> Result<BTreeMap<String, Tensor>> {
    let representation = config.representation.build()?;
    let weights = Weights::fresh(Seed(1), &Device::Cpu);
    config.fine_stage(&*representation, &weights)?;
    config.envelope_stage(&weights)?;
    let mut tensors = BTreeMap::new();
    for (name, var) in weights.vars() {
        tensors.insert(name.clone(), stirred(&name, var.as_tensor())?);
    }
    let shape = [representation.num_frames(), representation.num_channels()];
    match &config.envelope {
        None => {
            let is_db = matches!(config.representation, RepresentationConfig::LogMagnitude { .. });
            let map = if is_db { [-40.0, 10.0] } else { [0.0, 0.1] };
            insert_maps(&mut tensors, "maps", config.classes.len(), shape, map)?;
        }
        Some(envelope) => {
            insert_maps(&mut tensors, "maps", 0, shape, [0.0, 5.0])?;
            let grid = [envelope.grid.columns, envelope.grid.bands];
            insert_maps(&mut tensors, "envelope_maps", config.classes.len(), grid, [-40.0, 10.0])?;
        }
    }
    Ok(tensors)
}

/// Layers that start at 0 would hide the rest of the network: every parameter gets a little noise.
fn stirred(name: &str, tensor: &Tensor) -> Result<Tensor> {
    let mut values: Vec<f32> = tensor.flatten_all()?.to_vec1()?;
    let mut noise = NoiseStream::new(Seed(2), "tiny", name.len() as u64);
    values.iter_mut().for_each(|value| *value += 0.05 * noise.normal());
    Ok(Tensor::from_vec(values, tensor.shape(), tensor.device())?)
}

fn insert_maps(
    tensors: &mut BTreeMap<String, Tensor>,
    prefix: &str,
    num_classes: usize,
    shape: [usize; 2],
    [mean, std]: [f32; 2],
) -> Result<()> {
    for n in (0..num_classes).map(|n| n.to_string()).chain(["all".into()]) {
        tensors.insert(format!("{prefix}.mean.{n}"), Tensor::full(mean, &shape, &Device::Cpu)?);
        tensors.insert(format!("{prefix}.std.{n}"), Tensor::full(std, &shape, &Device::Cpu)?);
    }
    Ok(())
}

fn two_stage_config() -> ModelConfig {
    let unet =
        UnetConfig { widths: vec![16, 24], blocks: 1, attention_levels: 1, embedding: 16, circular: false, head: None };
    let head = HeadConfig {
        patch_frames: 1,
        patch_bins: 4,
        widths: vec![8, 16],
        blocks: 1,
        merge: 4,
        strides: Vec::new(),
        reaches: Vec::new(),
    };
    let representation = RepresentationConfig::LogMagnitude {
        num_samples: 2048,
        n_fft: 128,
        hop_length: 32,
        floor_db: -100.0,
        refinements: 1,
        onset: 0,
    };
    ModelConfig {
        sample_rate: 16_000,
        representation,
        classes: vec!["kick".into(), "snare".into()],
        attributes: vec![Attribute::Brightness],
        pitch: false,
        partials: false,
        raise_below: Vec::new(),
        attacks: Vec::new(),
        wanders: Vec::new(),
        envelope: Some(EnvelopeStageConfig {
            grid: EnvelopeConfig { columns: 8, bands: 8 },
            unet: unet.clone(),
            sampling: None,
        }),
        unet: UnetConfig { head: Some(head), ..unet },
        sampling: SamplingDefaults {
            sampler: Sampler::DpmPp2m,
            steps: 4,
            guidance: 1.0,
            sigma_min: 0.01,
            sigma_max: 40.0,
            drift: 1.0,
            brightness: 0.5,
        },
    }
}
