//! [`Case`]: a stage of a model file and the inputs that every engine gets.

use std::collections::HashMap;
use std::path::Path;

use brownian_core::Result;
use brownian_core::conditioning::Condition;
use brownian_core::model::{Card, file};
use candle_core::{DType, Device, Tensor};

/// A stage of a model file and the inputs that every engine gets.
pub struct Case {
    /// The model's card.
    pub card: Card,
    /// `fine` or `envelope`.
    pub stage: String,
    /// Every parameter of the file, by name.
    pub tensors: HashMap<String, Tensor>,
    /// A batch: `[batch, frames, channels]` each.
    pub x: Tensor,
    pub context: Option<Tensor>,
    pub target: Tensor,
    /// One for each clip.
    pub sigmas: Vec<f64>,
    pub conditions: Vec<Condition>,
    /// The inputs of the embedding, `[batch, ..]`.
    pub levels: Tensor,
    pub features: Tensor,
}

impl Case {
    /// Read model and inputs; `batch` clips.
    pub fn load(model: &Path, stage: &str, input: &Path, batch: usize) -> Result<Self> {
        let name = model.display().to_string();
        let (card, tensors) = file::from_bytes(&name, &file::read(model)?, &Device::Cpu)?;
        let inputs = candle_core::safetensors::load(input, &Device::Cpu)?;
        let get = |name: &str| match inputs.get(name) {
            Some(tensor) => tensor.narrow(0, 0, batch)?.contiguous(),
            None => candle_core::bail!("the inputs lack {name}"),
        };
        let classes: Vec<i64> = get("classes")?.to_vec1()?;
        let attributes: Vec<Vec<f32>> = get("attributes")?.to_vec2()?;
        let condition = |(class, values): (&i64, &Vec<f32>)| {
            let mut attributes = [None; 5];
            attributes.iter_mut().zip(values).for_each(|(attribute, &value)| *attribute = Some(value));
            Condition { class: usize::try_from(*class).ok(), attributes, pitch: None }
        };
        Ok(Self {
            card,
            stage: stage.to_owned(),
            tensors,
            x: get("x")?,
            context: inputs.contains_key("context").then(|| get("context")).transpose()?,
            target: get("target")?,
            sigmas: get("sigmas")?.to_dtype(DType::F64)?.to_vec1()?,
            conditions: classes.iter().zip(&attributes).map(condition).collect(),
            levels: get("levels")?,
            features: get("features")?,
        })
    }
}
