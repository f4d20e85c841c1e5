//! The CLAP entry point: nice-plug's instrument, and presets around it.
//!
//! `nice_export_clap!` of nice-plug 0.4 exports instruments alone. This is the same by hand with two things more: a factory
//! that lists presets (`discovery.rs`; `source.rs` says where they come from, `receiver.rs` tells the host), and instances
//! that load them (`instance.rs` adds the extension to nice-plug's own, `preset_load.rs` is the extension). The presets
//! themselves lie in [`crate::presets`].

mod discovery;
mod instance;
mod preset_load;
mod receiver;
mod source;

use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr;
use std::sync::OnceLock;

use clap_sys::entry::clap_plugin_entry;
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::factory::preset_discovery::{CLAP_PRESET_DISCOVERY_FACTORY_ID, CLAP_PRESET_DISCOVERY_FACTORY_ID_COMPAT};
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::version::CLAP_VERSION;
use nice_plug::wrapper::clap::PluginDescriptor;
use nice_plug::wrapper::setup_logger;

use crate::Brownian;

/// What a CLAP host looks for in the library.
#[unsafe(no_mangle)]
#[used]
#[allow(non_upper_case_globals, reason = "CLAP gives the name")]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(init),
    deinit: Some(deinit),
    get_factory: Some(factory),
};

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(plugin_count),
    get_plugin_descriptor: Some(plugin_descriptor),
    create_plugin: Some(create_plugin),
};

fn descriptor() -> &'static PluginDescriptor {
    static DESCRIPTOR: OnceLock<PluginDescriptor> = OnceLock::new();
    DESCRIPTOR.get_or_init(PluginDescriptor::for_plugin::<Brownian>)
}

/// The id that names the instrument to hosts.
fn plugin_id() -> &'static CStr {
    descriptor().clap_id()
}

unsafe extern "C" fn init(_plugin_path: *const c_char) -> bool {
    setup_logger::<Brownian>();
    true
}

unsafe extern "C" fn deinit() {}

unsafe extern "C" fn factory(id: *const c_char) -> *const c_void {
    // SAFETY: a host asks with null or a C string that lives during the call.
    let Some(id) = (unsafe { text(id) }) else { return ptr::null() };
    if id == CLAP_PLUGIN_FACTORY_ID {
        (&raw const FACTORY).cast()
    } else if [CLAP_PRESET_DISCOVERY_FACTORY_ID, CLAP_PRESET_DISCOVERY_FACTORY_ID_COMPAT].contains(&id) {
        (&raw const discovery::FACTORY).cast()
    } else {
        ptr::null()
    }
}

unsafe extern "C" fn plugin_count(_factory: *const clap_plugin_factory) -> u32 {
    1
}

unsafe extern "C" fn plugin_descriptor(
    _factory: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    if index == 0 { descriptor().clap_plugin_descriptor() } else { ptr::null() }
}

unsafe extern "C" fn create_plugin(
    _factory: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    // SAFETY: as in `factory`.
    let is_ours = unsafe { text(id) } == Some(plugin_id());
    if !is_ours || host.is_null() {
        return ptr::null();
    }
    // SAFETY: CLAP's promise for the host that asks.
    unsafe { instance::create(host) }
}

/// The text at `pointer`; `None` where that is null.
///
/// # Safety
/// `pointer` is null or leads to a C string that lives and stays as it is for `'a`.
unsafe fn text<'a>(pointer: *const c_char) -> Option<&'a CStr> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) })
}

/// A text for the host, without the NUL that would end it early.
fn c_string(text: &str) -> CString {
    // No NUL is left: the default is never taken.
    CString::new(text.replace('\0', " ")).unwrap_or_default()
}
