//! [`BrownianEditor`]: the window as the host opens it.

use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, NativeSize, Size};
use nice_plug::editor::{Editor, HostMethods, ParentWindowHandle, ResizeHint, SizeConstraints, SpawnedEditor};
use nice_plug_egui::{
    EguiEditor, EguiEditorHandle, EguiEditorState, EguiNiceSettings, RepaintNotifier, create_egui_editor,
};

use super::app::App;
use super::layout::SMALLEST;
use crate::engine::Meters;
use crate::params::BrownianParams;

/// Opens windows on one instance, each of the size that the project remembers.
pub struct BrownianEditor {
    params: Arc<BrownianParams>,
    meters: Arc<Meters>,
    notifier: RepaintNotifier,
    /// Of the window that was opened last: the only one that knows the scale of the system.
    state: Mutex<Option<Arc<EguiEditorState>>>,
}

impl BrownianEditor {
    /// An editor for these parameters; `notifier` tells it that there is something new to see.
    pub fn new(params: Arc<BrownianParams>, meters: Arc<Meters>, notifier: RepaintNotifier) -> Self {
        let listener = notifier.clone();
        params.patch.0.set_listener(Box::new(move || listener.request_repaint()));
        Self { params, meters, notifier, state: Mutex::new(None) }
    }

    /// A window of the remembered size.
    fn fresh(&self) -> Option<EguiEditor<App>> {
        let window = self.params.window.get();
        let size = LogicalSize { width: window.width, height: window.height };
        let settings = EguiNiceSettings::new().with_tile("Brownian").with_resize_hint(resize_hint());
        let state = EguiEditorState::from_size(Size::Logical(size.cast()), window.zoom);
        *self.state() = Some(state.clone());
        create_egui_editor(state, self.notifier.clone(), settings, App::new(self.params.clone(), self.meters.clone()))
    }

    /// Pixels to a point of the system, as far as any window has told.
    fn scale(&self) -> f64 {
        let scale = |state: &Arc<EguiEditorState>| {
            f64::from(state.physical_size().width) / f64::from(state.logical_size().width.max(1.0))
        };
        self.state().as_ref().map_or(1.0, scale)
    }

    fn state(&self) -> MutexGuard<'_, Option<Arc<EguiEditorState>>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn resize_hint() -> ResizeHint {
    let (width, height) = SMALLEST;
    let min_size = Some(LogicalSize { width, height });
    ResizeHint { size_constraints: SizeConstraints::Logical { min_size, max_size: None }, ..ResizeHint::RESIZABLE }
}

impl Editor for BrownianEditor {
    type Handle = EguiEditorHandle;

    fn spawn(
        &self,
        parent: Option<ParentWindowHandle>,
        wait_for_parent: bool,
        fallback_scale_factor: Option<f64>,
        gui_context: GuiContext,
        host: Option<HostMethods>,
    ) -> Result<SpawnedEditor<Self::Handle>, Box<dyn Error>> {
        let editor = self.fresh().ok_or("egui gives no editor")?;
        editor.spawn(parent, wait_for_parent, fallback_scale_factor, gui_context, host)
    }

    fn size(&self) -> NativeSize<u32> {
        let window = self.params.window.get();
        let size = LogicalSize { width: window.zoom * window.width, height: window.zoom * window.height };
        NativeSize::from_size(Size::Logical(size.cast()), self.scale())
    }

    fn resize_hint(&self) -> ResizeHint {
        resize_hint()
    }

    unsafe fn assume_standalone_in_process(&self) {
        if let Some(editor) = self.fresh() {
            // SAFETY: the caller's promise is passed on.
            unsafe { editor.assume_standalone_in_process() }
        }
    }
}
