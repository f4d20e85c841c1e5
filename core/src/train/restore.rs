//! What a checkpoint's tensors become when a training goes on.

use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;

use super::checkpoint;
use super::config::TrainConfig;
use super::networks::Networks;
use super::optimizer::{Optimizer, Slot};
use super::prepare::Prepared;
use super::start_noise::StartNoise;
use crate::error::{Result, TrainError};
use crate::model::Raise;
use crate::representation::EnvelopeGrid;

/// The representation and the maps of a checkpoint.
pub(super) fn prepared(
    path: &Path,
    config: &TrainConfig,
    num_classes: usize,
    wanders: &[f32],
    tensors: &HashMap<String, Tensor>,
) -> Result<Prepared> {
    let representation = config.seen()?;
    let envelope = match &config.envelope {
        Some(stage) => Some((
            EnvelopeGrid::new(representation.num_frames(), representation.num_channels(), &stage.grid)?,
            checkpoint::maps_from_tensors(path, "envelope_maps", num_classes, tensors)?,
        )),
        None => None,
    };
    let fine_classes = if envelope.is_some() { 0 } else { num_classes };
    let maps = checkpoint::maps_from_tensors(path, "maps", fine_classes, tensors)?;
    let (raised, raise) = (config.raised()?, Raise::new(&config.raise_below));
    let (context, learns, noise) = (config.context(), config.learns, StartNoise::of(config, wanders));
    Ok(Prepared { representation, raised, raise, envelope, maps, context, learns, noise })
}

/// The parameters of a checkpoint, with their averages and moments.
pub(super) fn parameters(
    path: &Path,
    networks: &Networks,
    optimizer: &mut Optimizer,
    tensors: &HashMap<String, Tensor>,
) -> Result<()> {
    for (name, var) in networks.weights.vars() {
        let get = |kind: &str| {
            let tensor = tensors.get(&format!("{kind}.{name}")).filter(|tensor| tensor.shape() == var.shape());
            let problem = || format!("{kind}.{name} is missing or of another shape");
            let bad = || TrainError::BadCheckpoint { path: path.to_path_buf(), problem: problem() };
            Ok::<_, crate::error::Error>(tensor.ok_or_else(bad)?.to_device(var.device())?)
        };
        var.set(&get("parameter")?)?;
        optimizer.slots.insert(name.clone(), Slot { first: get("first")?, second: get("second")?, ema: get("ema")? });
    }
    Ok(())
}
