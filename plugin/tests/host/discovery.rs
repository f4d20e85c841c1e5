//! What a host's scanner learns of presets, without an instance.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{CStr, CString};
use std::path::Path;

use clack_extensions::preset_discovery::prelude::*;
use clack_host::prelude::*;

use crate::clap_host::{entry, info};

/// What the plugin declares.
#[derive(Debug, Default)]
struct Index {
    extensions: Vec<String>,
    /// Flags and path of each place; none for the plugin itself.
    locations: Vec<(Flags, Option<String>)>,
}

/// A preset as it was told.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Listed {
    pub name: String,
    pub description: String,
    pub ids: Vec<(String, String)>,
    pub features: BTreeSet<String>,
}

/// The presets of one place by their keys, and what was told of errors.
#[derive(Debug, Default)]
pub struct Listing {
    pub presets: BTreeMap<Option<String>, Listed>,
    pub errors: Vec<(i32, String)>,
    current: Option<String>,
}

fn owned(text: &CStr) -> String {
    text.to_str().unwrap().to_owned()
}

impl IndexerImpl for Index {
    fn declare_filetype(&mut self, kind: FileType) -> Result<(), HostError> {
        assert!(!kind.name.is_empty());
        self.extensions.push(owned(kind.file_extension.unwrap()));
        Ok(())
    }

    fn declare_location(&mut self, place: LocationInfo) -> Result<(), HostError> {
        assert!(!place.name.is_empty());
        let path = if let Location::File { path } = place.location { Some(owned(path)) } else { None };
        self.locations.push((place.flags, path));
        Ok(())
    }

    fn declare_soundpack(&mut self, pack: Soundpack) -> Result<(), HostError> {
        panic!("{pack:?}")
    }
}

impl Listing {
    fn current(&mut self) -> &mut Listed {
        self.presets.get_mut(&self.current).expect("a preset has begun")
    }
}

impl MetadataReceiverImpl for Listing {
    fn on_error(&mut self, os_error: i32, message: Option<&CStr>) {
        self.errors.push((os_error, owned(message.unwrap())));
    }

    fn begin_preset(&mut self, name: Option<&CStr>, key: Option<&CStr>) -> Result<(), HostError> {
        self.current = key.map(owned);
        let listed = Listed { name: owned(name.unwrap()), ..Listed::default() };
        assert!(self.presets.insert(self.current.clone(), listed).is_none(), "{:?} twice", self.current);
        Ok(())
    }

    fn add_plugin_id(&mut self, id: UniversalPluginId) {
        self.current().ids.push((owned(id.abi), owned(id.id)));
    }

    fn set_description(&mut self, description: &CStr) {
        self.current().description = owned(description);
    }

    fn add_feature(&mut self, feature: &CStr) {
        let feature = owned(feature);
        assert!(self.current().features.insert(feature.clone()), "{feature} twice");
    }

    fn set_soundpack_id(&mut self, _: &CStr) {}
    fn set_flags(&mut self, _: Flags) {}
    fn add_creator(&mut self, _: &CStr) {}
    fn set_timestamps(&mut self, _: Option<Timestamp>, _: Option<Timestamp>) {}
    fn add_extra_info(&mut self, _: &CStr, _: &CStr) {}
}

/// The provider of the user's files.
const FILES: &CStr = c"brownian.presets";

fn provider(id: &CStr) -> Provider<Index> {
    Provider::instantiate(Index::default(), &entry(), id, &info()).unwrap()
}

/// What a scan finds in a file.
fn scanned(path: &Path) -> Listing {
    let path = CString::new(path.to_str().unwrap()).unwrap();
    let mut listing = Listing::default();
    provider(FILES).get_metadata(Location::File { path: &path }, &mut listing);
    listing
}

/// What a scan finds in the plugin.
pub fn factory_presets() -> Listing {
    let entry = entry();
    let factory: PresetDiscoveryFactory = entry.get_factory().unwrap();
    let mut listing = Listing::default();
    for id in factory.provider_descriptors().map(|descriptor| descriptor.id().unwrap()).filter(|id| *id != FILES) {
        let mut provider = provider(id);
        let index = provider.indexer();
        assert_eq!((&index.extensions[..], &index.locations[..]), (&[][..], &[(Flags::IS_FACTORY_CONTENT, None)][..]));
        provider.get_metadata(Location::Plugin, &mut listing);
    }
    listing
}

#[test]
fn the_factory_describes_its_providers_as_they_do_themselves() {
    let entry = entry();
    let factory: PresetDiscoveryFactory = entry.get_factory().unwrap();
    let words = |of: &ProviderDescriptor| [of.id(), of.name(), of.vendor()].map(|text| owned(text.unwrap()));
    for descriptor in factory.provider_descriptors() {
        assert_eq!(words(descriptor), words(provider(descriptor.id().unwrap()).descriptor()));
    }
    assert!(factory.get_provider_descriptor(factory.provider_count()).is_none());
    assert!(Provider::instantiate(Index::default(), &entry, c"brownian.presets.more", &info()).is_err());
}

#[test]
fn sounds_and_instruments_are_declared_and_every_place_exists() {
    let provider = provider(FILES);
    let index = provider.indexer();
    assert_eq!(index.extensions, ["wav", "flac", "brownian"]);
    for (flags, path) in &index.locations {
        assert_eq!(*flags, Flags::IS_USER_CONTENT);
        assert!(path.as_ref().is_some_and(|path| Path::new(path).is_absolute() && Path::new(path).is_dir()));
    }
}

#[test]
fn every_class_of_the_embedded_model_is_listed_with_a_key_and_words_to_find_it_by() {
    let listing = factory_presets();
    assert!(listing.errors.is_empty() && listing.presets.len() == 11, "{listing:?}");
    for (key, preset) in &listing.presets {
        assert!(key.as_ref().is_some_and(|key| key.starts_with("drums/")), "{key:?}");
        assert_eq!(preset.ids, [("clap".to_owned(), "brownian.brownian".to_owned())]);
        assert!(preset.features.contains("instrument") && preset.features.contains("drum"), "{preset:?}");
    }
    let snare = &listing.presets[&Some("drums/snare/1".to_owned())];
    assert!(snare.name == "Snare" && snare.features.contains("snare"), "{snare:?}");
}

#[test]
fn a_file_is_listed_by_its_name_with_what_its_recipe_tells() {
    let listing = scanned(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/kick.wav")));
    assert!(listing.errors.is_empty(), "{listing:?}");
    let kick = &listing.presets[&None];
    assert_eq!((kick.name.as_str(), kick.description.as_str()), ("kick", "kick, model drums, seed 1, 4 steps"));
    assert_eq!(Vec::from_iter(&kick.features), ["drums", "instrument", "kick"]);
    assert_eq!(kick.ids[0].1, "brownian.brownian");
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_no_preset() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken.wav");
    std::fs::write(&broken, "no sound at all").unwrap();
    let instrument = folder.path().join("broken.brownian");
    std::fs::write(&instrument, [0xFF; 1000]).unwrap();
    let missing = folder.path().join("missing.wav");
    for path in [&broken, &instrument, &missing, &folder.path().to_owned()] {
        let listing = scanned(path);
        assert!(listing.presets.is_empty(), "{listing:?}");
        let [(os_error, message)] = &listing.errors[..] else { panic!("{listing:?}") };
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert_eq!(*os_error != 0, *path == missing, "{message}");
    }
}
