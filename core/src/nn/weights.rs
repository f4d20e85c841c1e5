//! [`Weights`]: where layers take their parameters from, new ones or stored ones.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Result, Tensor, Var, bail};

use crate::noise::{NoiseStream, Seed};

/// How a new parameter starts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All 0: a branch that starts silent.
    Zeros,
    /// All 1.
    Ones,
    /// Normal with this standard deviation.
    Normal(f32),
    /// Normal with standard deviation `1 / sqrt(inputs)`: keeps the variance of what passes through.
    FanIn(usize),
}

enum Source {
    Fresh { seed: Seed, vars: BTreeMap<String, Var> },
    Stored { tensors: HashMap<String, Tensor>, used: BTreeMap<String, ()> },
}

/// A named set of parameters under a prefix; clones and [`Weights::sub`] share the set.
#[derive(Clone)]
pub struct Weights {
    source: Arc<Mutex<Source>>,
    device: Device,
    prefix: String,
}

impl Weights {
    /// New, trainable parameters; each drawn from a stream of its own, so that the order of layers does not matter.
    pub fn fresh(seed: Seed, device: &Device) -> Self {
        Self::of(Source::Fresh { seed, vars: BTreeMap::new() }, device)
    }

    /// Stored parameters, not trainable: what a model file holds.
    pub fn stored(tensors: HashMap<String, Tensor>, device: &Device) -> Self {
        Self::of(Source::Stored { tensors, used: BTreeMap::new() }, device)
    }

    fn of(source: Source, device: &Device) -> Self {
        Self { source: Arc::new(Mutex::new(source)), device: device.clone(), prefix: String::new() }
    }

    /// The same set under `prefix.name`.
    pub fn sub(&self, name: impl std::fmt::Display) -> Self {
        let prefix = if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) };
        Self { prefix, ..self.clone() }
    }

    /// The device that parameters live on.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The parameter `name` of this shape: made by `init`, or taken from the stored set.
    ///
    /// # Errors
    /// A stored set lacks it or holds another shape.
    pub fn get(&self, name: &str, shape: &[usize], init: Init) -> Result<Tensor> {
        let name = if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) };
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *source {
            Source::Fresh { seed, vars } => {
                let var = Var::from_tensor(&fresh_tensor(*seed, &name, shape, init, &self.device)?)?;
                let tensor = var.as_tensor().clone();
                if vars.insert(name.clone(), var).is_some() {
                    bail!("parameter {name} was made twice");
                }
                Ok(tensor)
            }
            Source::Stored { tensors, used } => {
                let Some(tensor) = tensors.get(&name) else { bail!("parameter {name} is missing") };
                if tensor.dims() != shape {
                    bail!("parameter {name} has shape {:?}; need {shape:?}", tensor.dims());
                }
                used.insert(name, ());
                tensor.to_device(&self.device)?.to_dtype(DType::F32)
            }
        }
    }

    /// The trainable parameters by name; empty for a stored set.
    pub fn vars(&self) -> BTreeMap<String, Var> {
        match &*self.source.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Fresh { vars, .. } => vars.clone(),
            Source::Stored { .. } => BTreeMap::new(),
        }
    }

    /// Names that a stored set holds and no layer asked for.
    pub fn unused(&self) -> Vec<String> {
        match &*self.source.lock().unwrap_or_else(PoisonError::into_inner) {
            Source::Fresh { .. } => Vec::new(),
            Source::Stored { tensors, used } => {
                let mut names: Vec<_> = tensors.keys().filter(|name| !used.contains_key(*name)).cloned().collect();
                names.sort();
                names
            }
        }
    }
}

fn fresh_tensor(seed: Seed, name: &str, shape: &[usize], init: Init, device: &Device) -> Result<Tensor> {
    let std = match init {
        Init::Zeros => return Tensor::zeros(shape, DType::F32, device),
        Init::Ones => return Tensor::ones(shape, DType::F32, device),
        Init::Normal(std) => std,
        Init::FanIn(inputs) => (inputs as f32).sqrt().recip(),
    };
    let mut values = vec![0.0; shape.iter().product()];
    NoiseStream::new(seed, "init", fnv1a(name)).fill_normal(&mut values);
    values.iter_mut().for_each(|value| *value *= std);
    Tensor::from_vec(values, shape, device)
}

/// FNV-1a, 64 bits: a stream number for every parameter name.
fn fnv1a(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_does_not_depend_on_what_was_made_before_it() -> Result<()> {
        let one = Weights::fresh(Seed(1), &Device::Cpu);
        let two = Weights::fresh(Seed(1), &Device::Cpu);
        two.get("other", &[3], Init::Ones)?;
        let a = one.sub("layer").get("weight", &[4], Init::Normal(1.0))?.to_vec1::<f32>()?;
        let b = two.sub("layer").get("weight", &[4], Init::Normal(1.0))?.to_vec1::<f32>()?;
        assert_eq!(a, b);
        Ok(())
    }

    #[test]
    fn a_stored_set_names_what_is_missing_misshapen_or_unused() -> Result<()> {
        let tensors = HashMap::from([("a.weight".to_string(), Tensor::zeros(3, DType::F32, &Device::Cpu)?)]);
        let weights = Weights::stored(tensors, &Device::Cpu);
        assert_eq!(weights.unused(), ["a.weight"]);
        assert!(weights.get("b", &[3], Init::Zeros).is_err_and(|e| e.to_string().contains("parameter b is missing")));
        assert!(weights.sub("a").get("weight", &[2], Init::Zeros).is_err_and(|e| e.to_string().contains("need [2]")));
        weights.sub("a").get("weight", &[3], Init::Zeros)?;
        assert!(weights.unused().is_empty());
        Ok(())
    }
}
