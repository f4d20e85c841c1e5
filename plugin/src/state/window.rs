//! [`WindowField`]: how large the window was, as a field of the host's project.

use std::sync::{Arc, Mutex, PoisonError};

use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

/// The window before anyone changed it, in points.
const FIRST: (f32, f32) = (1040.0, 720.0);

/// Bounds of what is believed: a project from another screen must not open a window that cannot be seen.
const SIDES: (f32, f32) = (400.0, 8000.0);
const ZOOMS: (f32, f32) = (0.5, 4.0);

/// Size of the window.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowSettings {
    /// In points, before the zoom.
    pub width: f32,
    /// In points, before the zoom.
    pub height: f32,
    /// Pixels to a point of the system; 1 is 100 %.
    pub zoom: f32,
}

impl Default for WindowSettings {
    fn default() -> Self {
        Self { width: FIRST.0, height: FIRST.1, zoom: 1.0 }
    }
}

impl WindowSettings {
    /// The same with every number within bounds.
    fn checked(self) -> Self {
        let bounded = |value: f32, (min, max): (f32, f32), default: f32| {
            if value.is_finite() { value.clamp(min, max) } else { default }
        };
        Self {
            width: bounded(self.width, SIDES, FIRST.0),
            height: bounded(self.height, SIDES, FIRST.1),
            zoom: bounded(self.zoom, ZOOMS, 1.0),
        }
    }
}

/// The settings, shared by the host's threads and the window. Not for the audio thread.
#[derive(Debug, Clone, Default)]
pub struct WindowField(Arc<Mutex<WindowSettings>>);

impl WindowField {
    /// The settings as they are now.
    pub fn get(&self) -> WindowSettings {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the settings.
    pub fn update(&self, change: impl FnOnce(&mut WindowSettings)) {
        let mut settings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut settings);
        *settings = settings.checked();
    }
}

impl PersistentField<'_, WindowSettings> for WindowField {
    fn set(&self, new_value: WindowSettings) {
        self.update(|settings| *settings = new_value);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&WindowSettings) -> R,
    {
        f(&self.get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_that_no_screen_has_is_not_believed() {
        let field = WindowField::default();
        field.set(WindowSettings { width: 1e9, height: -5.0, zoom: f32::NAN });
        assert_eq!(field.get(), WindowSettings { width: 8000.0, height: 400.0, zoom: 1.0 });
    }

    #[test]
    fn fields_that_a_project_lacks_are_as_at_first() {
        let settings: WindowSettings = serde_json::from_str(r#"{"zoom": 2.0}"#).unwrap();
        assert_eq!(settings, WindowSettings { zoom: 2.0, ..WindowSettings::default() });
    }
}
