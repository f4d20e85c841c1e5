//! How a training begins from a model: its maps and weights, class by class where the classes differ.

use std::collections::HashMap;

use candle_core::{Tensor, Var};

use super::checkpoint::maps_from_tensors;
use super::config::{Learns, TrainConfig};
use super::networks::Networks;
use super::objective::Objective;
use super::prepare::Prepared;
use crate::error::{Result, TrainError};
use crate::model::{Card, EnvelopeStageConfig, StoredModel};
use crate::representation::Maps;

impl TrainConfig {
    /// These settings with the representation, the networks and the noise levels of a model, so that a training can begin
    /// from it. Of their own they keep what a model may grow by: strides of the head that go on where the model's end, an
    /// onset later than the model's, partials, notes that are raised, and the network of an envelope stage that learns alone.
    #[must_use]
    pub fn following(self, card: &Card) -> Self {
        let like = card.config.clone();
        let mut dataset = self.dataset;
        dataset.sample_rate = like.sample_rate;
        dataset.num_samples = like.representation.num_samples();
        dataset.windows = like.is_texture();
        let onset = if dataset.windows { 0 } else { self.representation.onset().max(like.representation.onset()) };
        Self {
            dataset,
            representation: like.representation.with_onset(onset),
            partials: self.partials || like.partials,
            raise_below: if self.raise_below.is_empty() { like.raise_below } else { self.raise_below },
            envelope: match (self.learns, self.envelope, like.envelope) {
                (Learns::Envelope, Some(own), Some(like)) => {
                    Some(EnvelopeStageConfig { grid: like.grid, sampling: like.sampling, ..own })
                }
                (_, _, like) => like,
            },
            unet: like.unet.grown_to(&self.unet),
            sampling: like.sampling,
            ..self
        }
    }
}

/// Check that a training of `config` over `classes` can begin from `model`.
pub(super) fn check(config: &TrainConfig, classes: &[String], model: &StoredModel) -> Result<()> {
    let (like, id) = (&model.card.config, model.card.id.clone());
    let [ours, models] = [&config.representation, &like.representation].map(|r| r.clone().with_onset(0));
    let grids = [&like.envelope, &config.envelope].map(|stage| stage.as_ref().map(|stage| &stage.grid));
    // How it is sampled makes no other networks.
    let unets = [&like.envelope, &config.envelope].map(|stage| stage.as_ref().map(|stage| &stage.unet));
    let same_stage = grids[0] == grids[1] && (unets[0] == unets[1] || config.learns == Learns::Envelope);
    let same = models == ours && same_stage;
    let unet = like.unet.clone().grown_to(&config.unet);
    if !same || unet != config.unet || like.sample_rate != config.dataset.sample_rate {
        return Err(TrainError::OtherNetworks { model: id }.into());
    }
    let distils = matches!(config.objective, Objective::Consistency(_));
    if distils && like.classes != classes {
        let (found, need) = (classes.join(", "), like.classes.join(", "));
        return Err(TrainError::OtherClasses { model: id, found, need }.into());
    }
    Ok(())
}

/// Replace fitted maps by the model's: the global ones, and those of classes that it knows.
pub(super) fn take_maps(prepared: &mut Prepared, classes: &[String], model: &StoredModel) -> Result<()> {
    let known = &model.card.config.classes;
    let path = std::path::Path::new(&model.card.id);
    match &mut prepared.envelope {
        Some((_, maps)) => {
            merge(maps, classes, &maps_from_tensors(path, "envelope_maps", known.len(), &model.tensors)?, known);
            prepared.maps = maps_from_tensors(path, "maps", 0, &model.tensors)?;
        }
        None => {
            let maps = maps_from_tensors(path, "maps", known.len(), &model.tensors)?;
            let is_texture = model.card.config.is_texture();
            let maps = if is_texture { maps.level(prepared.representation.num_frames()) } else { maps };
            merge(&mut prepared.maps, classes, &maps, known);
        }
    }
    Ok(())
}

fn merge(maps: &mut Maps, classes: &[String], of_model: &Maps, known: &[String]) {
    // The last map is that of all classes together.
    let pairs = classes.iter().map(|class| known.iter().position(|k| k == class)).chain([Some(known.len())]);
    for (i, k) in pairs.enumerate() {
        if let Some(k) = k {
            maps.mean[i].clone_from(&of_model.mean[k]);
            maps.std[i].clone_from(&of_model.std[k]);
        }
    }
}

/// Give the fresh networks the model's weights; blocks that it lacks, and an envelope stage of other widths, stay new. A
/// class that the model does not know starts as "any class".
pub(super) fn take_weights(
    networks: &Networks,
    classes: &[String],
    model: &StoredModel,
    config: &TrainConfig,
) -> Result<()> {
    let like = &model.card.config;
    let unets = [&like.envelope, &config.envelope].map(|stage| stage.as_ref().map(|stage| &stage.unet));
    let (known, grows, is_new) = (&like.classes, config.unet != like.unet, unets[0] != unets[1]);
    for (name, var) in networks.weights.vars() {
        if is_new && name.starts_with("envelope.") {
            continue;
        }
        let missing = || TrainError::OtherNetworks { model: model.card.id.clone() };
        let stored = match model.tensors.get(&name) {
            Some(stored) => stored,
            None if grows && name.contains(".strided.") => continue,
            None => return Err(missing().into()),
        };
        let tensor = if stored.dims() == var.dims() && (known == classes || !holds_classes(&name)) {
            stored.to_device(var.device())?
        } else if holds_classes(&name) {
            by_class(&var, stored, classes, known)?
        } else {
            return Err(missing().into());
        };
        var.set(&tensor)?;
    }
    Ok(())
}

/// Whether the first rows of this parameter belong to the classes.
fn holds_classes(name: &str) -> bool {
    name.ends_with("embedding.condition.weight")
}

/// The embedding's matrix for `classes` from that for `known`: a row for each class, one for none, then all others.
fn by_class(var: &Var, stored: &Tensor, classes: &[String], known: &[String]) -> Result<Tensor> {
    let width = var.dims().last().copied().unwrap_or(1);
    let values: Vec<f32> = stored.flatten_all()?.to_vec1()?;
    let row = |i: usize| &values[i * width..(i + 1) * width];
    let of_class = |class: &String| row(known.iter().position(|k| k == class).unwrap_or(known.len()));
    let mut rows: Vec<f32> = classes.iter().flat_map(|class| of_class(class).to_vec()).collect();
    rows.extend(&values[known.len() * width..]);
    Ok(Tensor::from_vec(rows, var.shape(), &candle_core::Device::Cpu)?.to_device(var.device())?)
}

/// The tensors of a model that are parameters of its networks.
pub(super) fn parameters(model: &StoredModel) -> HashMap<String, Tensor> {
    let is_map = |name: &str| name.starts_with("maps.") || name.starts_with("envelope_maps.");
    model.tensors.iter().filter(|(name, _)| !is_map(name)).map(|(name, t)| (name.clone(), t.clone())).collect()
}
