//! The card of the model that a training makes.

use std::collections::BTreeMap;

use super::checkpoint::CheckpointInfo;
use super::config::TrainConfig;
use super::held_out;
use super::objective::Objective;
use crate::conditioning::Attribute;
use crate::dataset::Dataset;
use crate::model::{AttackScale, Card, FORMAT, ModelConfig};

/// What the attacks of each class are; none of textures, which do not begin.
pub(super) fn attacks(dataset: &Dataset, config: &TrainConfig) -> Vec<AttackScale> {
    let is_asked = config.attributes().contains(&Attribute::Attack);
    let scales = dataset.class_scales.iter().filter(|_| is_asked);
    scales.map(|scale| AttackScale::new(scale.quantiles(Attribute::Attack.place(), AttackScale::POINTS))).collect()
}

/// The card of the model that a training has made so far.
pub(super) fn card(info: &CheckpointInfo) -> Card {
    Card {
        format: FORMAT,
        id: info.id.clone(),
        description: info.description.clone(),
        config: config(info),
        sources: info.sources.clone(),
        training: figures(info),
        hash: String::new(),
    }
}

/// That of the settings, with what was measured of the sounds.
fn config(info: &CheckpointInfo) -> ModelConfig {
    let config = info.config.model(&info.classes, info.pitch);
    // Sounds without pitches make a model that sees no partials, whatever its settings say.
    let wanders = if config.partials { info.wanders.clone() } else { Vec::new() };
    ModelConfig { attacks: info.attacks.clone(), wanders, ..config }
}

/// What the card tells of the training.
fn figures(info: &CheckpointInfo) -> BTreeMap<String, serde_json::Value> {
    let mut figures = BTreeMap::from([
        ("steps".into(), info.step.into()),
        ("examples".into(), (info.step * info.config.batch_size as u64).into()),
        ("hours".into(), ((info.seconds / 36.0).round() / 100.0).into()),
        ("seed".into(), info.config.seed.into()),
        ("sounds".into(), info.num_sounds.into()),
        ("held_out_sounds".into(), info.num_held_out.into()),
        ("sounds_sha256".into(), info.sounds.clone().into()),
        // What makes the split of a folder again: see `evaluate`.
        ("held_out_share".into(), info.config.dataset.held_out.into()),
        ("split_seed".into(), info.config.dataset.split_seed.into()),
    ]);
    if let Some(from) = &info.from {
        let key = if info.config.objective == Objective::Velocity { "began_from" } else { "distilled_from" };
        figures.insert(key.into(), from.clone().into());
    }
    if let Some(held_out) = &info.held_out {
        let round = |losses: [f64; 5]| losses.map(|loss| (loss * 1e4).round() / 1e4).to_vec();
        figures.insert("held_out_sigmas".into(), held_out::SIGMAS.to_vec().into());
        if let Some(fine) = held_out.fine {
            figures.insert("held_out_loss_fine".into(), round(fine).into());
        }
        if let Some(envelope) = held_out.envelope {
            figures.insert("held_out_loss_envelope".into(), round(envelope).into());
        }
    }
    figures
}
