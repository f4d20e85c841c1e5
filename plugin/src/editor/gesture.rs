//! [`Gestures`]: changing a parameter so that the host can record it.

use egui::Response;
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::*;

/// The way to the host's parameters. Every change begins, sets and ends, as hosts want it for their automation.
#[derive(Clone)]
pub struct Gestures(pub GuiContext);

impl Gestures {
    /// One change at once.
    pub fn set<P: Param>(&self, param: &P, normalized: f32) {
        let setter = self.0.param_setter();
        setter.begin_set_parameter(param);
        setter.set_parameter_normalized(param, snapped(param, normalized));
        setter.end_set_parameter(param);
    }

    /// One change at once, to a value in the parameter's own unit.
    pub fn set_plain<P: Param>(&self, param: &P, value: P::Plain) {
        self.set(param, param.preview_normalized(value));
    }

    /// One change at once of a parameter that is known by its pointer, which lives as long as the instance.
    pub fn set_by_pointer(&self, param: ParamPtr, normalized: f32) {
        // SAFETY: marked so for the sake of its interface alone; it looks the parameter up itself.
        unsafe {
            self.0.raw_begin_set_parameter(param);
            self.0.raw_set_parameter_normalized(param, normalized);
            self.0.raw_end_set_parameter(param);
        }
    }

    /// A step of a drag: begins with it, follows `normalized` and ends with it.
    pub fn drag<P: Param>(&self, response: &Response, param: &P, normalized: f32) {
        let setter = self.0.param_setter();
        if response.drag_started() {
            setter.begin_set_parameter(param);
        }
        if response.dragged() {
            let normalized = snapped(param, normalized);
            if normalized != param.unmodulated_normalized_value() {
                setter.set_parameter_normalized(param, normalized);
            }
        }
        if response.drag_stopped() {
            setter.end_set_parameter(param);
        }
    }
}

/// The nearest value that the parameter can take.
fn snapped<P: Param>(param: &P, normalized: f32) -> f32 {
    param.preview_normalized(param.preview_plain(normalized.clamp(0.0, 1.0)))
}
