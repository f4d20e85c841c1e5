//! [`Instance`]: nice-plug's plugin as the host holds it, with one extension more.

use std::ffi::{c_char, c_void};
use std::ptr;
use std::sync::{Arc, mpsc};

use clap_sys::ext::preset_load::{CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT};
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use nice_plug::prelude::PluginState;
use nice_plug::wrapper::clap::Wrapper;

use super::{preset_load, text};
use crate::Brownian;
use crate::params::BrownianParams;

/// What the host's pointer leads to. All functions are nice-plug's but two, which go on to it: they find their instance by
/// `plugin_data`, which both structures share.
#[repr(C)]
pub(super) struct Instance {
    /// First, so that the host's pointer to it is one to the whole.
    plugin: clap_plugin,
    /// The same before two of its functions were replaced.
    inner: clap_plugin,
    /// The host, which outlives the instance.
    pub(super) host: *const clap_host,
    /// The parameters, which hold the way to the sounds.
    pub(super) params: Arc<BrownianParams>,
}

/// A new instance; the host ends it with `destroy`.
///
/// # Safety
/// `host` is the host's own structure, which outlives the instance.
pub(super) unsafe fn create(host: *const clap_host) -> *const clap_plugin {
    // SAFETY: the caller's promise.
    let wrapper = unsafe { Wrapper::<Brownian>::new(host) };
    let Some(params) = params_of(&wrapper) else { return ptr::null() };
    let inner = *wrapper.clap_plugin.borrow();
    // Lives on by the pointer in `plugin_data`, which nice-plug's `destroy` takes back.
    let _ = Arc::into_raw(wrapper);
    let plugin = clap_plugin { destroy: Some(destroy), get_extension: Some(extension), ..inner };
    Box::into_raw(Box::new(Instance { plugin, inner, host, params })).cast()
}

/// The wrapper shows nothing of the plugin in it; its one task gives them out.
fn params_of(wrapper: &Wrapper<Brownian>) -> Option<Arc<BrownianParams>> {
    let (sender, receiver) = mpsc::channel();
    (wrapper.task_executor.lock())(sender);
    receiver.try_recv().ok()
}

impl Instance {
    /// The instance behind a pointer of the host's.
    ///
    /// # Safety
    /// `plugin` is null, or comes from [`create`] and is not destroyed for `'a`.
    pub(super) unsafe fn of<'a>(plugin: *const clap_plugin) -> Option<&'a Self> {
        // SAFETY: `create` made it a pointer to an `Instance`, whose first field it is.
        unsafe { plugin.cast::<Self>().as_ref() }
    }

    /// Takes over a whole state, as if the host had loaded it. For the main thread.
    pub(super) fn set_state(&self, mut state: PluginState) -> bool {
        // SAFETY: `plugin_data` is the pointer that `Arc::into_raw` gave in `create`, alive until `destroy`.
        let wrapper = unsafe { &*self.inner.plugin_data.cast::<Wrapper<Brownian>>() };
        wrapper.set_state_inner(&mut state)
    }
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    if plugin.is_null() {
        return;
    }
    // SAFETY: the host gives back what `create` gave it, once.
    let instance = unsafe { Box::from_raw(plugin.cast::<Instance>().cast_mut()) };
    if let Some(destroy) = instance.inner.destroy {
        // SAFETY: `inner` is nice-plug's own structure, with the data that belongs to it.
        unsafe { destroy(&instance.inner) };
    }
}

unsafe extern "C" fn extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    // SAFETY: the host passes an instance of ours and null or a C string.
    let (instance, id_text) = unsafe { (Instance::of(plugin), text(id)) };
    if id_text.is_some_and(|id| [CLAP_EXT_PRESET_LOAD, CLAP_EXT_PRESET_LOAD_COMPAT].contains(&id)) {
        return (&raw const preset_load::EXTENSION).cast();
    }
    match instance.and_then(|instance| Some((instance, instance.inner.get_extension?))) {
        // SAFETY: nice-plug's own function with its own structure.
        Some((instance, inner)) => unsafe { inner(&instance.inner, id) },
        None => ptr::null(),
    }
}
