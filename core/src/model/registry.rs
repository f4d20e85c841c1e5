//! [`Registry`]: the models at hand, embedded in the program or in the user's folder, by id.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::Device;

use super::card::Card;
use super::file;
use super::loaded::{Model, StoredModel};
use crate::audio::write_atomically;
use crate::error::{ModelError, Result, did_you_mean};

// `EMBEDDED: &[(id, bytes)]`: every small file of the workspace's `models` folder, see `build.rs`.
include!(concat!(env!("OUT_DIR"), "/embedded_models.rs"));

const EXTENSION: &str = "safetensors";

/// Where a model lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the program itself.
    Embedded,
    /// In this file.
    File(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// One line of [`Registry::list`].
#[derive(Debug)]
pub struct Entry {
    /// What [`Registry::open`] takes.
    pub id: String,
    /// Where it lies.
    pub place: Place,
    /// Bytes of its file.
    pub size: u64,
    /// Its card, or why it cannot be read.
    pub card: Result<Card>,
}

/// The embedded models and those of one folder. A model in the folder hides an embedded one of the same id.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    folder: Option<PathBuf>,
}

impl Registry {
    /// The embedded models and those in `folder`, which need not exist yet.
    pub fn new(folder: Option<PathBuf>) -> Self {
        Self { folder }
    }

    /// Every model, sorted by id. Reads each file once; an unreadable one is listed with its error.
    pub fn list(&self) -> Vec<Entry> {
        let entry = |id: String| {
            let (place, bytes) = self.bytes_of(&id)?;
            let size = bytes.as_ref().map_or(0, |bytes| bytes.as_ref().len() as u64);
            let card = bytes.map_err(Into::into).and_then(|bytes| file::card_from_bytes(&place.to_string(), &bytes));
            Some(Entry { id, place, size, card })
        };
        self.ids().into_iter().filter_map(entry).collect()
    }

    /// The ids of every model, sorted; reads no file.
    pub fn ids(&self) -> Vec<String> {
        let embedded = EMBEDDED.iter().map(|(id, _)| (*id).to_owned());
        let mut ids: Vec<String> = embedded.chain(self.ids_in_folder()).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    /// The card of the model of this id, or in the file of this path; its hash is checked.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn card(&self, name: &str) -> Result<Card> {
        let (place, bytes) = self.find(name)?;
        file::card_from_bytes(&display_name(name, &place), &bytes)
    }

    /// Load the model of this id, or in the file of this path: a path has a separator or ends in `.safetensors`.
    ///
    /// # Errors
    /// An unknown id (the known ones, the nearest), or as [`Model::load`].
    pub fn open(&self, name: &str, device: &Device) -> Result<Model> {
        let (place, bytes) = self.find(name)?;
        Model::from_bytes(&display_name(name, &place), &bytes, device)
    }

    /// As [`Registry::open`], but only card and tensors, on the CPU. The tensors are checked against the card.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn stored(&self, name: &str) -> Result<StoredModel> {
        let (place, bytes) = self.find(name)?;
        let name = display_name(name, &place);
        Model::from_bytes(&name, &bytes, &Device::Cpu)?;
        let (card, tensors) = file::from_bytes(&name, &bytes, &Device::Cpu)?;
        Ok(StoredModel { card, tensors })
    }

    /// Check the model file at `path` and copy it into the folder under its card's id. Returns card and place.
    ///
    /// # Errors
    /// Not a sound model, no folder, an id that is taken (unless `replace`), or the copy fails.
    pub fn add(&self, path: &Path, replace: bool) -> Result<(Card, PathBuf)> {
        let name = path.display().to_string();
        let bytes = file::read(path)?;
        let card = Model::from_bytes(&name, &bytes, &Device::Cpu)?.card;
        let folder = self.folder.as_ref().ok_or(ModelError::NoFolder)?;
        if !replace && self.ids().contains(&card.id) {
            let place = self.bytes_of(&card.id).map_or(Place::Embedded, |(place, _)| place).to_string();
            return Err(ModelError::Exists { id: card.id, place }.into());
        }
        let target = folder.join(format!("{}.{EXTENSION}", card.id));
        let io = |source| ModelError::Io { name: folder.display().to_string(), action: "create", source };
        fs::create_dir_all(folder).map_err(io)?;
        write_atomically(&target, &bytes)?;
        Ok((card, target))
    }

    /// Delete the model of this id from the folder. Returns the file that is gone.
    ///
    /// # Errors
    /// An unknown id, an embedded model, or the file system refuses.
    pub fn remove(&self, id: &str) -> Result<PathBuf, ModelError> {
        match self.path_of(id) {
            Some(path) => match fs::remove_file(&path) {
                Ok(()) => Ok(path),
                Err(source) => Err(ModelError::Io { name: path.display().to_string(), action: "remove", source }),
            },
            None if embedded(id).is_some() => Err(ModelError::Embedded { id: id.into() }),
            None => Err(self.unknown(id)),
        }
    }

    fn find(&self, name: &str) -> Result<(Place, Bytes), ModelError> {
        if is_path(name) {
            return Ok((Place::File(name.into()), Bytes::Owned(file::read(Path::new(name))?)));
        }
        let (place, bytes) = self.bytes_of(name).ok_or_else(|| self.unknown(name))?;
        Ok((place, bytes?))
    }

    /// Where the model of this id lies, and its bytes; `None` where there is none.
    fn bytes_of(&self, id: &str) -> Option<(Place, Result<Bytes, ModelError>)> {
        if let Some(path) = self.path_of(id) {
            let bytes = file::read(&path).map(Bytes::Owned);
            return Some((Place::File(path), bytes));
        }
        embedded(id).map(|bytes| (Place::Embedded, Ok(Bytes::Borrowed(bytes))))
    }

    fn path_of(&self, id: &str) -> Option<PathBuf> {
        // An id with a separator would leave the folder.
        let path = self.folder.as_ref().filter(|_| !is_path(id))?.join(format!("{id}.{EXTENSION}"));
        path.is_file().then_some(path)
    }

    fn ids_in_folder(&self) -> Vec<String> {
        let entries = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
        let models = paths.filter(|path| path.extension().is_some_and(|found| found == EXTENSION) && path.is_file());
        models.filter_map(|path| path.file_stem()?.to_str().map(str::to_owned)).collect()
    }

    fn unknown(&self, found: &str) -> ModelError {
        let ids = self.ids();
        let known = if ids.is_empty() { "none".to_owned() } else { ids.join(", ") };
        let hint = did_you_mean(found, ids.iter().map(String::as_str));
        ModelError::Unknown { found: found.into(), known, hint }
    }
}

type Bytes = std::borrow::Cow<'static, [u8]>;

fn embedded(id: &str) -> Option<&'static [u8]> {
    EMBEDDED.iter().find(|(known, _)| *known == id).map(|(_, bytes)| *bytes)
}

fn is_path(name: &str) -> bool {
    name.contains(['/', '\\']) || Path::new(name).extension().is_some_and(|found| found == EXTENSION)
}

fn display_name(asked: &str, place: &Place) -> String {
    match place {
        Place::Embedded => format!("embedded model {asked}"),
        Place::File(path) => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tiny;
    use super::*;

    /// A registry over a fresh folder, and a tiny model outside of it.
    fn fixture() -> (tempfile::TempDir, Registry, PathBuf) {
        let root = tempfile::tempdir().unwrap();
        let model = root.path().join("download.safetensors");
        tiny::write(&model, &tiny::two_stage_card()).unwrap();
        let registry = Registry::new(Some(root.path().join("data/models")));
        (root, registry, model)
    }

    #[test]
    fn an_added_model_is_listed_opened_and_removed_by_its_id() {
        let (root, registry, model) = fixture();
        let (card, place) = registry.add(&model, false).unwrap();
        assert_eq!(place, root.path().join("data/models/tiny.safetensors"));
        let entry = registry.list().into_iter().find(|entry| entry.id == "tiny").unwrap();
        assert_eq!(entry.place, Place::File(place.clone()));
        assert_eq!(entry.size, fs::metadata(&place).unwrap().len());
        assert_eq!(entry.card.unwrap(), card);
        assert_eq!(registry.open("tiny", &Device::Cpu).unwrap().card, card);
        assert_eq!(registry.remove("tiny").unwrap(), place);
        assert!(!registry.ids().contains(&"tiny".to_owned()) && !place.exists());
    }

    #[test]
    fn a_taken_id_is_refused_unless_told() {
        let (_root, registry, model) = fixture();
        registry.add(&model, false).unwrap();
        let message = registry.add(&model, false).unwrap_err().to_string();
        assert!(message.contains("\"tiny\" is there already") && message.contains("tiny.safetensors"), "{message}");
        registry.add(&model, true).unwrap();
    }

    #[test]
    fn a_damaged_model_is_not_added_and_one_in_the_folder_is_listed_with_its_error() {
        let (root, registry, model) = fixture();
        registry.add(&model, false).unwrap();
        let mut bytes = fs::read(&model).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&model, &bytes).unwrap();
        assert!(registry.add(&model, true).unwrap_err().to_string().contains("is damaged"));
        fs::write(root.path().join("data/models/broken.safetensors"), &bytes).unwrap();
        let entries = registry.list();
        let is_ok = |id: &str| entries.iter().find(|entry| entry.id == id).unwrap().card.is_ok();
        assert!(is_ok("tiny") && !is_ok("broken"));
    }

    #[test]
    fn a_path_needs_no_folder() {
        let (_root, _, model) = fixture();
        assert_eq!(Registry::default().open(model.to_str().unwrap(), &Device::Cpu).unwrap().card.id, "tiny");
        assert!(Registry::default().add(&model, false).unwrap_err().to_string().contains("BROWNIAN_MODELS"));
    }

    #[test]
    fn an_unknown_id_lists_the_known_ones_and_the_nearest() {
        let (_root, registry, model) = fixture();
        registry.add(&model, false).unwrap();
        for message in
            [registry.card("tinny").unwrap_err().to_string(), registry.remove("tinny").unwrap_err().to_string()]
        {
            assert!(message.contains("unknown model \"tinny\" (did you mean \"tiny\"?)"), "{message}");
        }
        assert!(matches!(registry.remove("../tiny"), Err(ModelError::Unknown { .. })));
    }

    #[test]
    fn every_embedded_model_loads_under_its_own_id_and_cannot_be_removed() {
        let registry = Registry::default();
        for (id, _) in EMBEDDED {
            assert_eq!(registry.open(id, &Device::Cpu).unwrap().card.id, *id);
            assert!(matches!(registry.remove(id), Err(ModelError::Embedded { .. })));
        }
    }
}
