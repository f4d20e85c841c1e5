//! Checkpoints: everything that a training needs to go on as if it had never stopped.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde::{Deserialize, Serialize};

use super::config::TrainConfig;
use super::held_out::HeldOut;
use super::stop::Patience;
use super::window::Window;
use crate::audio::write_atomically;
use crate::error::{Result, TrainError};
use crate::model::{AttackScale, DataSource};
use crate::representation::{Frames, Maps};

const KEY: &str = "brownian-checkpoint";
const FORMAT: u32 = 1;

/// What a checkpoint tells about its training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointInfo {
    /// Version of the checkpoint's format.
    pub format: u32,
    /// Id of the model in training.
    pub id: String,
    /// One line about it.
    pub description: String,
    /// Where its sounds came from.
    pub sources: Vec<DataSource>,
    /// Id and hash of the model that it began from, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// Steps done.
    pub step: u64,
    /// Seconds trained, over all sessions.
    pub seconds: f64,
    /// Class names, in index order.
    pub classes: Vec<String>,
    /// Whether the sounds have pitches.
    pub pitch: bool,
    /// What each class's attacks are; empty of textures, and where the training began before they were measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attacks: Vec<AttackScale>,
    /// How far levels wander in each class, in dB; of notes alone, and empty where the training began before it was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanders: Vec<f32>,
    /// SHA-256 over the training sounds, hex.
    pub sounds: String,
    /// How many sounds are trained on.
    pub num_sounds: usize,
    /// How many sounds are held out.
    pub num_held_out: usize,
    /// The last held-out measurement.
    pub held_out: Option<HeldOut>,
    /// Watches for the end of progress.
    pub(super) patience: Patience,
    /// What the next line of the log begins with.
    pub(super) window: Window,
    /// The configuration.
    pub config: TrainConfig,
}

/// Write a checkpoint: f32 tensors by name, through a temporary file and a rename.
pub(super) fn save(path: &Path, info: &CheckpointInfo, tensors: &BTreeMap<String, Tensor>) -> Result<()> {
    let broken = |problem: String| TrainError::BadCheckpoint { path: path.to_path_buf(), problem };
    let mut bytes = Vec::new();
    for (name, tensor) in tensors {
        let values: Vec<f32> = tensor.to_device(&Device::Cpu)?.flatten_all()?.to_vec1()?;
        bytes.push((name, tensor.dims().to_vec(), values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()));
    }
    let view = |shape: &Vec<usize>, bytes| TensorView::new(Dtype::F32, shape.clone(), bytes);
    let views = bytes
        .iter()
        .map(|(name, shape, bytes)| Ok((name.as_str(), view(shape, bytes).map_err(|e| broken(e.to_string()))?)))
        .collect::<Result<Vec<_>>>()?;
    let json = serde_json::to_string(info).map_err(|e| broken(e.to_string()))?;
    let metadata = HashMap::from([(KEY.to_string(), json)]);
    let file = safetensors::serialize(views, Some(metadata)).map_err(|e| broken(e.to_string()))?;
    write_atomically(path, &file)
}

/// Read a checkpoint written by [`save`].
pub(super) fn load(path: &Path, device: &Device) -> Result<(CheckpointInfo, HashMap<String, Tensor>)> {
    let bytes = read(path)?;
    let broken = |problem: String| TrainError::BadCheckpoint { path: path.to_path_buf(), problem };
    let info = info_from(path, &bytes)?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| broken(e.to_string()))?;
    let mut tensors = HashMap::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(broken(format!("tensor {name} is {:?}, not F32", view.dtype())).into());
        }
        let values: Vec<f32> = view.data().as_chunks::<4>().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
        tensors.insert(name.to_string(), Tensor::from_vec(values, view.shape(), device)?);
    }
    Ok((info, tensors))
}

/// What a checkpoint tells about its training, without its tensors.
///
/// # Errors
/// Not a checkpoint of this version.
pub fn read_info(path: &Path) -> Result<CheckpointInfo> {
    info_from(path, &read(path)?)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    Ok(std::fs::read(path).map_err(|source| TrainError::File { path: path.to_path_buf(), source })?)
}

fn info_from(path: &Path, bytes: &[u8]) -> Result<CheckpointInfo> {
    let broken = |problem: String| TrainError::BadCheckpoint { path: path.to_path_buf(), problem };
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|e| broken(e.to_string()))?;
    let json = header.metadata().as_ref().and_then(|metadata| metadata.get(KEY));
    let json = json.ok_or_else(|| broken("it holds no training state".into()))?;
    let info: CheckpointInfo = serde_json::from_str(json).map_err(|e| broken(e.to_string()))?;
    if info.format != FORMAT {
        return Err(broken(format!("its format is {}, not {FORMAT}", info.format)).into());
    }
    Ok(info)
}

/// The format that [`save`] writes.
pub(super) fn format() -> u32 {
    FORMAT
}

/// The tensors of maps under `PREFIX.mean.N` and `PREFIX.std.N`, N a class index or `all`.
pub(super) fn maps_to_tensors(prefix: &str, maps: &Maps, out: &mut BTreeMap<String, Tensor>) -> Result<()> {
    for (kind, list) in [("mean", &maps.mean), ("std", &maps.std)] {
        for (i, frames) in list.iter().enumerate() {
            let index = if i + 1 == list.len() { "all".to_string() } else { i.to_string() };
            let shape = (frames.num_frames, frames.num_channels);
            out.insert(format!("{prefix}.{kind}.{index}"), Tensor::from_slice(&frames.data, shape, &Device::Cpu)?);
        }
    }
    Ok(())
}

/// The inverse of [`maps_to_tensors`].
pub(super) fn maps_from_tensors(
    path: &Path,
    prefix: &str,
    num_classes: usize,
    tensors: &HashMap<String, Tensor>,
) -> Result<Maps> {
    let frames = |kind: &str, i: usize| -> Result<Frames> {
        let index = if i == num_classes { "all".to_string() } else { i.to_string() };
        let name = format!("{prefix}.{kind}.{index}");
        let problem = || TrainError::BadCheckpoint { path: path.to_path_buf(), problem: format!("{name} is missing") };
        let tensor = tensors.get(&name).ok_or_else(problem)?;
        let (num_frames, num_channels) = tensor.dims2()?;
        Ok(Frames { data: tensor.flatten_all()?.to_vec1()?, num_frames, num_channels })
    };
    let all = |kind: &str| (0..=num_classes).map(|i| frames(kind, i)).collect::<Result<Vec<_>>>();
    Ok(Maps { mean: all("mean")?, std: all("std")? })
}
