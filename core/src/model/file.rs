//! The container: one `.safetensors` file of f16 tensors with the card as JSON in its metadata.
//!
//! Everything is checked before anything is built from it, in this order: whole file, card present, format version,
//! hash, card's fields, tensors. A file that fails says which of these, by name.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use half::f16;
use safetensors::tensor::{Dtype, Metadata, SafeTensors, TensorView};
use sha2::{Digest, Sha256};

use super::card::{Card, FORMAT};
use crate::audio::write_atomically;
use crate::error::{ModelError, Result};

/// The metadata key that holds the card.
const KEY: &str = "brownian";
/// Largest model file: 1 GiB.
const MAX_BYTES: u64 = 1 << 30;

/// Write a model file (f16 tensors, card in the metadata) through a temporary file and a rename.
///
/// `tensors` holds `fine.*` and `envelope.*` (network parameters) and the maps as `maps.mean.N`, `maps.std.N`,
/// `envelope_maps.mean.N`, `envelope_maps.std.N` with N a class index or `all`. Returns the card with its hash.
///
/// # Errors
/// A field of the card out of range, a value that is not finite in half precision, or the file cannot be written.
pub fn save(path: &Path, card: &Card, tensors: &BTreeMap<String, Tensor>) -> Result<Card> {
    let name = path.display().to_string();
    let (bytes, card) = to_bytes(&name, card, tensors)?;
    write_atomically(path, &bytes)?;
    Ok(card)
}

/// The bytes of a model file, and the card with its hash; `name` appears in errors.
///
/// # Errors
/// As [`save`], but for the writing.
pub fn to_bytes(name: &str, card: &Card, tensors: &BTreeMap<String, Tensor>) -> Result<(Vec<u8>, Card)> {
    let halves = tensors
        .iter()
        .map(|(tensor, values)| Ok((tensor.as_str(), Half::new(name, tensor, values)?)))
        .collect::<Result<Vec<_>>>()?;
    let mut card = Card { format: FORMAT, hash: String::new(), ..card.clone() };
    card.validate()?;
    let views = halves.iter().map(|(tensor, half)| Ok((*tensor, half.view(name)?))).collect::<Result<Vec<_>>>()?;
    card.hash = digest(&card_json(name, &card)?, views.iter().map(|(tensor, view)| (*tensor, view)));
    let metadata = HashMap::from([(KEY.to_owned(), card_json(name, &card)?)]);
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(|error| not_safetensors(name, error))?;
    Ok((bytes, card))
}

/// The card and the tensors (as `f32` on `device`) of a model file's bytes; `name` appears in errors.
///
/// # Errors
/// By name: not a whole model file, unknown format or field, a wrong hash, a tensor that is not finite f16.
pub fn from_bytes(name: &str, bytes: &[u8], device: &Device) -> Result<(Card, HashMap<String, Tensor>)> {
    let (file, card) = parse(name, bytes)?;
    let tensors = file
        .iter()
        .map(|(tensor, view)| Ok((tensor.to_owned(), to_tensor(name, tensor, &view, device)?)))
        .collect::<Result<_>>()?;
    Ok((card, tensors))
}

/// The checked card of a model file, without its tensors' values.
///
/// # Errors
/// As [`from_bytes`].
pub fn card_from_bytes(name: &str, bytes: &[u8]) -> Result<Card> {
    Ok(parse(name, bytes)?.1)
}

/// All bytes of the file at `path`, which must be no larger than a model may be.
///
/// # Errors
/// It cannot be read, or is too large.
pub fn read(path: &Path) -> Result<Vec<u8>, ModelError> {
    let name = || path.display().to_string();
    let io = |source| ModelError::Io { name: name(), action: "read", source };
    let found = fs::metadata(path).map_err(io)?.len();
    if found > MAX_BYTES {
        return Err(ModelError::TooLarge { name: name(), found, limit: MAX_BYTES });
    }
    // Devices and pipes tell no length: `take` bounds them.
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes)).map_err(io)?;
    Ok(bytes)
}

fn parse<'a>(name: &str, bytes: &'a [u8]) -> Result<(SafeTensors<'a>, Card)> {
    let metadata = read_header(name, bytes)?;
    let json = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY));
    let json = json.ok_or_else(|| ModelError::Foreign { name: name.into() })?;
    let card = parse_card(name, json)?;
    let file = SafeTensors::deserialize(bytes).map_err(|error| not_safetensors(name, error))?;
    check_hash(name, json, &card, &file)?;
    card.validate()?;
    Ok((file, card))
}

/// The header alone. `SafeTensors::deserialize` adds lengths that it has not compared with the file's; a header that
/// claims nearly 2^64 bytes would overflow there, so it is refused here.
fn read_header(name: &str, bytes: &[u8]) -> Result<Metadata, ModelError> {
    let broken = |reason: &str| ModelError::NotSafetensors { name: name.into(), reason: reason.into() };
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(|| broken("shorter than 8 bytes"))?;
    let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let header = rest.get(..length).ok_or_else(|| broken("the header is longer than the file"))?;
    let metadata: Metadata = serde_json::from_slice(header).map_err(|error| not_safetensors(name, error))?;
    if metadata.data_len() != rest.len() - length {
        return Err(broken("the tensors are longer or shorter than the file"));
    }
    Ok(metadata)
}

/// The version is looked at first: another version may well have other fields.
fn parse_card(name: &str, json: &str) -> Result<Card, ModelError> {
    let unreadable = |error: serde_json::Error| ModelError::Card { name: name.into(), reason: error.to_string() };
    let value: serde_json::Value = serde_json::from_str(json).map_err(unreadable)?;
    let format = value.get("format").cloned().unwrap_or_default();
    if format != FORMAT {
        return Err(ModelError::Format { name: name.into(), found: format.to_string(), need: FORMAT });
    }
    serde_json::from_str(json).map_err(unreadable)
}

fn check_hash(name: &str, json: &str, card: &Card, file: &SafeTensors) -> Result<(), ModelError> {
    // The digest is over the card as it stands in the file, with an empty hash: re-writing it might change a digit.
    let json = if card.hash.is_empty() { json.to_owned() } else { json.replacen(&card.hash, "", 1) };
    let views: BTreeMap<&str, TensorView> = file.iter().collect();
    let found = digest(&json, views.iter().map(|(tensor, view)| (*tensor, view)));
    if found != card.hash {
        return Err(ModelError::Hash { name: name.into(), found, need: card.hash.clone() });
    }
    Ok(())
}

/// SHA-256 over the card and, sorted by name, each tensor's name, shape and bytes; every part led by its length.
fn digest<'a>(card: &str, tensors: impl Iterator<Item = (&'a str, &'a TensorView<'a>)>) -> String {
    let mut hasher = Sha256::new();
    let mut feed = |part: &[u8]| {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part);
    };
    feed(card.as_bytes());
    for (name, view) in tensors {
        feed(name.as_bytes());
        let shape: Vec<u8> = view.shape().iter().flat_map(|&n| (n as u64).to_le_bytes()).collect();
        feed(&shape);
        feed(view.data());
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn card_json(name: &str, card: &Card) -> Result<String, ModelError> {
    serde_json::to_string(card).map_err(|error| ModelError::Card { name: name.into(), reason: error.to_string() })
}

fn not_safetensors(name: &str, error: impl std::fmt::Display) -> ModelError {
    ModelError::NotSafetensors { name: name.into(), reason: error.to_string() }
}

/// A tensor's values in half precision, little endian.
struct Half {
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Half {
    fn new(name: &str, tensor: &str, values: &Tensor) -> Result<Self> {
        let full = values.flatten_all()?.to_dtype(DType::F32)?.to_vec1::<f32>()?;
        let halves: Vec<f16> = full.into_iter().map(f16::from_f32).collect();
        if !halves.iter().all(|value| value.is_finite()) {
            return Err(ModelError::NotFinite { name: name.into(), tensor: tensor.into() }.into());
        }
        let bytes = halves.into_iter().flat_map(f16::to_le_bytes).collect();
        Ok(Self { shape: values.dims().to_vec(), bytes })
    }

    fn view(&self, name: &str) -> Result<TensorView<'_>, ModelError> {
        TensorView::new(Dtype::F16, self.shape.clone(), &self.bytes).map_err(|error| not_safetensors(name, error))
    }
}

fn to_tensor(name: &str, tensor: &str, view: &TensorView, device: &Device) -> Result<Tensor> {
    let (name, tensor) = (name.to_owned(), tensor.to_owned());
    if view.dtype() != Dtype::F16 {
        return Err(ModelError::Dtype { name, tensor, found: format!("{:?}", view.dtype()) }.into());
    }
    let values = view.data().as_chunks::<2>().0.iter().map(|&pair| f16::from_le_bytes(pair).to_f32());
    let values: Vec<f32> = values.collect();
    if !values.iter().all(|value| value.is_finite()) {
        return Err(ModelError::NotFinite { name, tensor }.into());
    }
    Ok(Tensor::from_vec(values, view.shape(), device)?)
}

#[cfg(test)]
#[path = "file_tests.rs"]
mod tests;
