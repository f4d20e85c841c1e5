//! A host of one instrument, in this process.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, CString};
use std::io::Cursor;

use clack_extensions::params::{
    HostParams, HostParamsImplMainThread, HostParamsImplShared, ParamClearFlags, ParamInfoBuffer, ParamRescanFlags,
    PluginParams,
};
use clack_extensions::preset_discovery::HostPresetLoadImpl;
use clack_extensions::preset_discovery::prelude::*;
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::{NoteOffEvent, NoteOnEvent, ParamValueEvent};
use clack_host::extensions::{Extension, PluginExtensionSide};
use clack_host::prelude::*;

use crate::guard::calls_of;

/// The longest block that any test asks for.
pub const MAX_FRAMES: usize = 4096;

/// A host that asks for nothing and listens.
pub struct Quiet;

pub struct QuietShared;

/// What the plugin has told on the main thread.
#[derive(Debug, Default)]
pub struct Ears {
    /// Presets that could not be loaded: the system's number and the message.
    pub errors: RefCell<Vec<(i32, String)>>,
    /// Presets that were loaded.
    pub num_loaded: Cell<usize>,
    /// Calls that the values of parameters have changed.
    pub num_rescans: Cell<usize>,
}

impl MainThreadHandler<'_> for Ears {}

impl HostPresetLoadImpl for Ears {
    fn on_error(&self, _: Location, _: Option<&CStr>, os_error: i32, message: Option<&CStr>) {
        let message = message.map(|message| message.to_str().unwrap().to_owned());
        self.errors.borrow_mut().push((os_error, message.unwrap_or_default()));
    }

    fn loaded(&self, _: Location, _: Option<&CStr>) {
        self.num_loaded.set(self.num_loaded.get() + 1);
    }
}

impl HostParamsImplMainThread for Ears {
    fn rescan(&self, _: ParamRescanFlags) {
        self.num_rescans.set(self.num_rescans.get() + 1);
    }

    fn clear(&self, _: ClapId, _: ParamClearFlags) {}
}

impl HostParamsImplShared for QuietShared {
    fn request_flush(&self) {}
}

impl SharedHandler<'_> for QuietShared {
    fn request_restart(&self) {}
    fn request_process(&self) {}
    fn request_callback(&self) {}
}

impl HostHandlers for Quiet {
    type Shared<'a> = QuietShared;
    type MainThread<'a> = Ears;
    type AudioProcessor<'a> = ();

    fn declare_extensions(builder: &mut HostExtensions<Self>, _: &Self::Shared<'_>) {
        builder.register::<HostPresetLoad>().register::<HostParams>();
    }
}

/// A parameter as the host sees it.
#[derive(Debug, Clone)]
pub struct Param {
    pub id: ClapId,
    pub name: String,
    pub min: f64,
    pub max: f64,
    pub default: f64,
}

/// An event `frame` frames after the start of what is played.
#[derive(Debug, Clone, Copy)]
pub struct At<T>(pub u64, pub T);

/// What the tests send.
#[derive(Debug, Clone, Copy)]
pub enum Input {
    On { key: u16, velocity: f64 },
    Off { key: u16 },
    Param { id: ClapId, value: f64 },
}

/// One instance with everything that it needs to play.
pub struct Host {
    // First, so that it is dropped while the instance still lives.
    processor: Option<StartedPluginAudioProcessor<Quiet>>,
    instance: PluginInstance<Quiet>,
    params: Vec<Param>,
    ports: AudioPorts,
    outputs: [Vec<f32>; 2],
    input_events: EventBuffer,
    output_events: EventBuffer,
    sample_rate: f64,
    /// Allocations and frees of the audio thread within the plugin.
    pub num_calls: usize,
}

/// The entry point that the tests link, or that of the file that `BROWNIAN_CLAP` names.
pub fn entry() -> PluginEntry {
    match std::env::var_os("BROWNIAN_CLAP") {
        // SAFETY: whoever names a file vouches that it is the plugin.
        Some(path) => unsafe { PluginEntry::load(path) }.unwrap(),
        // SAFETY: the descriptor is the plugin's own, and lives as long as the process.
        None => unsafe { PluginEntry::load_from_raw(&brownian_plugin::clap_entry, c"/Brownian.clap") }.unwrap(),
    }
}

/// What the plugin learns about the host.
pub fn info() -> HostInfo {
    HostInfo::new("Brownian's tests", "Brownian", "", "1").unwrap()
}

impl Host {
    /// A new instance that plays at `sample_rate` Hz.
    pub fn new(sample_rate: f64) -> Self {
        let mut host = Self::inactive();
        host.activate(sample_rate);
        host
    }

    /// A new instance that plays nothing yet.
    pub fn inactive() -> Self {
        let entry = entry();
        let id = entry.get_plugin_factory().unwrap().plugin_descriptor(0).unwrap().id().unwrap().to_owned();
        let mut instance = PluginInstance::new(|_| QuietShared, |_| Ears::default(), &entry, &id, &info()).unwrap();
        let params = params_of(&mut instance);
        Self {
            processor: None,
            instance,
            params,
            ports: AudioPorts::with_capacity(2, 1),
            outputs: std::array::from_fn(|_| vec![0.0; MAX_FRAMES]),
            input_events: EventBuffer::with_capacity(1024),
            output_events: EventBuffer::with_capacity(1024),
            sample_rate: 0.0,
            num_calls: 0,
        }
    }

    /// Begins to play at `sample_rate` Hz.
    pub fn activate(&mut self, sample_rate: f64) {
        let config = PluginAudioConfiguration { sample_rate, min_frames_count: 1, max_frames_count: MAX_FRAMES as u32 };
        let stopped = self.instance.activate(|_, _| (), config).unwrap();
        self.processor = Some(stopped.start_processing().unwrap());
        self.sample_rate = sample_rate;
    }

    /// Plays no more, until it is activated again.
    pub fn deactivate(&mut self) {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.stop_processing());
        }
    }

    /// Every parameter.
    pub fn params(&self) -> &[Param] {
        &self.params
    }

    /// The parameter of this name.
    pub fn param(&self, name: &str) -> Param {
        self.params.iter().find(|param| param.name == name).unwrap_or_else(|| panic!("no parameter {name}")).clone()
    }

    /// The event that moves the parameter `name` to `value`, as hosts know it.
    pub fn set(&self, name: &str, value: f64) -> Input {
        Input::Param { id: self.param(name).id, value }
    }

    /// The value that `text` means.
    pub fn value(&mut self, name: &str, text: &str) -> f64 {
        let id = self.param(name).id;
        let text = CString::new(text).unwrap();
        self.text_to_value(id, &text).unwrap()
    }

    /// The plugin's reading of a text.
    pub fn text_to_value(&mut self, id: ClapId, text: &std::ffi::CStr) -> Option<f64> {
        let params: PluginParams = self.extension();
        params.text_to_value(&self.instance.plugin_handle(), id, text)
    }

    /// The plugin's text for a value.
    pub fn value_to_text(&mut self, id: ClapId, value: f64) -> String {
        let params: PluginParams = self.extension();
        let mut buffer = [0; 256];
        let text = params.value_to_text(&self.instance.plugin_handle(), id, value, &mut buffer).unwrap();
        String::from_utf8(text.to_vec()).unwrap().trim_end_matches('\0').to_owned()
    }

    /// The value that a parameter has now.
    pub fn current(&mut self, name: &str) -> f64 {
        let (params, id) = (self.extension::<PluginParams>(), self.param(name).id);
        params.get_value(&self.instance.plugin_handle(), id).unwrap()
    }

    /// What the host stores in its project.
    pub fn save(&mut self) -> Vec<u8> {
        let state: PluginState = self.extension();
        let mut bytes = Vec::new();
        state.save(&self.instance.plugin_handle(), &mut bytes).unwrap();
        bytes
    }

    /// Gives back what a project holds; whether the plugin took it.
    pub fn load(&mut self, bytes: &[u8]) -> bool {
        let state: PluginState = self.extension();
        state.load(&self.instance.plugin_handle(), &mut Cursor::new(bytes)).is_ok()
    }

    /// Loads a preset; whether the plugin took it.
    pub fn load_preset(&mut self, location: Location, key: Option<&CStr>) -> bool {
        let presets: PluginPresetLoad = self.extension();
        presets.load_from_location(&self.instance.plugin_handle(), location, key).is_ok()
    }

    /// Looks at what the plugin has told.
    pub fn told<R>(&self, look: impl FnOnce(&Ears) -> R) -> R {
        self.instance.access_handler(look)
    }

    /// Changes between a bounce and real time, with the restart that the plugin asks for if it plays.
    pub fn set_offline(&mut self, is_offline: bool) {
        let render: PluginRender = self.extension();
        let mode = if is_offline { RenderMode::Offline } else { RenderMode::Realtime };
        render.set(&self.instance.plugin_handle(), mode).unwrap();
        if self.processor.is_some() {
            self.deactivate();
            self.activate(self.sample_rate);
        }
    }

    /// One block: left, right, and what the plugin says about its sleep.
    pub fn block(&mut self, num_frames: usize, events: &[At<Input>]) -> ([&[f32]; 2], ProcessStatus) {
        self.input_events.clear();
        self.output_events.clear();
        for At(frame, event) in events {
            push(&mut self.input_events, *frame as u32, *event);
        }
        let channels = self.outputs.iter_mut().map(|channel| &mut channel[..num_frames]);
        let port = AudioPortBuffer { latency: 0, channels: AudioPortBufferType::f32_output_only(channels) };
        let mut audio = self.ports.with_output_buffers([port]);
        let (input, mut output) = (self.input_events.as_input(), self.output_events.as_output());
        let processor = self.processor.as_mut().expect("activated");
        let mut status = None;
        self.num_calls += calls_of(|| {
            let silence = InputAudioBuffers::empty();
            status = Some(processor.process(&silence, &mut audio, &input, &mut output, None, None));
        });
        ([0, 1].map(|side: usize| &self.outputs[side][..num_frames]), status.unwrap().unwrap())
    }

    /// `num_frames` frames in blocks of `block`, with `events` in the order of their frames.
    pub fn play(&mut self, num_frames: usize, block: usize, events: &[At<Input>]) -> [Vec<f32>; 2] {
        let mut played = [Vec::with_capacity(num_frames), Vec::with_capacity(num_frames)];
        let mut start = 0;
        while start < num_frames {
            let len = block.min(num_frames - start);
            let within = |At(frame, _): &&At<Input>| (start..start + len).contains(&(*frame as usize));
            let now: Vec<_> = events.iter().filter(within).map(|At(frame, e)| At(frame - start as u64, *e)).collect();
            let (sides, _) = self.block(len, &now);
            played.iter_mut().zip(sides).for_each(|(played, side)| played.extend_from_slice(side));
            start += len;
        }
        played
    }

    /// Silence, and no note or controller of before.
    pub fn reset(&mut self) {
        self.processor.as_mut().expect("activated").reset();
    }

    fn extension<E: Extension<ExtensionSide = PluginExtensionSide>>(&self) -> E {
        self.instance.plugin_shared_handle().get_extension().expect("the plugin has this extension")
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.deactivate();
    }
}

fn params_of(instance: &mut PluginInstance<Quiet>) -> Vec<Param> {
    let params: PluginParams = instance.plugin_shared_handle().get_extension().unwrap();
    let handle = instance.plugin_handle();
    let mut buffer = ParamInfoBuffer::new();
    let mut read = |index| {
        let info = params.get_info(&handle, index, &mut buffer).unwrap();
        let name = String::from_utf8(info.name.to_vec()).unwrap();
        Param { id: info.id, name, min: info.min_value, max: info.max_value, default: info.default_value }
    };
    (0..params.count(&handle)).map(&mut read).collect()
}

fn push(buffer: &mut EventBuffer, frame: u32, event: Input) {
    let note = |key: u16| Pckn::new(0u16, 0u16, key, u32::from(key));
    match event {
        Input::On { key, velocity } => buffer.push(&NoteOnEvent::new(frame, note(key), velocity)),
        Input::Off { key } => buffer.push(&NoteOffEvent::new(frame, note(key), 0.0)),
        Input::Param { id, value } => buffer.push(&ParamValueEvent::new(frame, id, Pckn::match_all(), value)),
    }
}

/// The largest sample of both sides.
pub fn peak(sides: &[Vec<f32>; 2]) -> f32 {
    sides.iter().flatten().fold(0.0, |peak, sample| peak.max(sample.abs()))
}
