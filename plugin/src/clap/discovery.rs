//! The factory `clap.preset-discovery-factory`: one provider for each [`Source`] of presets.
//!
//! It runs in the host's scanner, without an instance and outside the main thread; it reads files and renders nothing.

use std::ffi::{CString, c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use clap_sys::factory::preset_discovery::{
    clap_preset_discovery_factory, clap_preset_discovery_indexer as Indexer,
    clap_preset_discovery_location_kind as LocationKind, clap_preset_discovery_metadata_receiver as RawReceiver,
    clap_preset_discovery_provider as RawProvider, clap_preset_discovery_provider_descriptor as Descriptor,
};
use clap_sys::version::CLAP_VERSION;

use super::receiver::Receiver;
use super::source::Source;
use super::{c_string, text};

pub(super) static FACTORY: clap_preset_discovery_factory =
    clap_preset_discovery_factory { count: Some(count), get_descriptor: Some(descriptor), create: Some(create) };

/// A source and how hosts know it.
struct Entry {
    source: Source,
    id: CString,
    /// Points into `id` and `_name`, which nothing changes.
    descriptor: Descriptor,
    _name: CString,
}

/// What the host's pointer leads to.
#[repr(C)]
struct Provider {
    /// First, so that the host's pointer to it is one to the whole.
    raw: RawProvider,
    /// Lives as long as the provider.
    indexer: *const Indexer,
    source: Source,
}

fn entries() -> &'static [Entry] {
    static ENTRIES: OnceLock<Vec<Entry>> = OnceLock::new();
    ENTRIES.get_or_init(|| Source::all().map(entry).collect())
}

fn entry(source: Source) -> Entry {
    let (id, name) = (c_string(&source.id()), c_string(&source.name()));
    // The texts lie on the heap: they stay where they are when the entry moves.
    let vendor = c"Brownian".as_ptr();
    let descriptor = Descriptor { clap_version: CLAP_VERSION, id: id.as_ptr(), name: name.as_ptr(), vendor };
    Entry { source, id, descriptor, _name: name }
}

unsafe extern "C" fn count(_factory: *const clap_preset_discovery_factory) -> u32 {
    entries().len() as u32
}

unsafe extern "C" fn descriptor(_factory: *const clap_preset_discovery_factory, index: u32) -> *const Descriptor {
    entries().get(index as usize).map_or(ptr::null(), |entry| &entry.descriptor)
}

unsafe extern "C" fn create(
    _factory: *const clap_preset_discovery_factory,
    indexer: *const Indexer,
    id: *const c_char,
) -> *const RawProvider {
    // SAFETY: null or a C string of the host's.
    let id = unsafe { text(id) };
    let entry = entries().iter().find(|entry| id == Some(entry.id.as_c_str()));
    let Some(entry) = entry.filter(|_| !indexer.is_null()) else { return ptr::null() };
    let raw = RawProvider {
        desc: &entry.descriptor,
        provider_data: ptr::null_mut(),
        init: Some(init),
        destroy: Some(destroy),
        get_metadata: Some(metadata),
        get_extension: Some(extension),
    };
    Box::into_raw(Box::new(Provider { raw, indexer, source: entry.source })).cast()
}

/// The provider behind a pointer of the host's.
///
/// # Safety
/// `provider` is null, or comes from [`create`] and is not destroyed for `'a`.
unsafe fn of<'a>(provider: *const RawProvider) -> Option<&'a Provider> {
    // SAFETY: `create` made it a pointer to a `Provider`, whose first field it is.
    unsafe { provider.cast::<Provider>().as_ref() }
}

unsafe extern "C" fn init(provider: *const RawProvider) -> bool {
    // SAFETY: a provider of ours, whose indexer lives as long as it does.
    let found = unsafe { of(provider).and_then(|provider| Some((provider.source, provider.indexer.as_ref()?))) };
    found.is_some_and(|(source, indexer)| source.declare(indexer))
}

unsafe extern "C" fn destroy(provider: *const RawProvider) {
    if !provider.is_null() {
        // SAFETY: the host gives back what `create` gave it, once.
        drop(unsafe { Box::from_raw(provider.cast::<Provider>().cast_mut()) });
    }
}

unsafe extern "C" fn metadata(
    provider: *const RawProvider,
    kind: LocationKind,
    location: *const c_char,
    receiver: *const RawReceiver,
) -> bool {
    // SAFETY: a provider of ours, the host's receiver, and null or a C string, all of which live during the call.
    let (provider, receiver, location) = unsafe { (of(provider), Receiver::of(receiver), text(location)) };
    let (Some(provider), Some(receiver)) = (provider, receiver) else { return false };
    provider.source.list(&receiver, kind, location)
}

unsafe extern "C" fn extension(_provider: *const RawProvider, _id: *const c_char) -> *const c_void {
    ptr::null()
}
