//! The lowest line: what is being made, what failed.

use egui::{Align2, Rect, Ui, vec2};

use super::model;
use super::theme;
use crate::engine::Place;
use crate::generation::{Making, View};

/// Draws the line. `note` is what the window itself has to tell.
pub fn status(ui: &Ui, rect: Rect, view: &View, note: Option<&str>) {
    let (text, color) = match (&view.making, &view.message, note) {
        (Some(making), ..) => (progress(making, view.num_waiting), theme::LABEL),
        (None, _, Some(note)) => (note.to_owned(), theme::TEXT),
        (None, Some(message), None) => (message.clone(), theme::FAILURE),
        (None, None, None) => (HELP.to_owned(), theme::FAINT),
    };
    let painter = ui.painter().with_clip_rect(rect);
    painter.text(rect.left_center() + vec2(2.0, 0.0), Align2::LEFT_CENTER, text, theme::small(), color);
    let version = concat!("Brownian ", env!("CARGO_PKG_VERSION"));
    painter.text(rect.right_center(), Align2::RIGHT_CENTER, version, theme::small(), theme::FAINT);
}

/// Shown while there is nothing to tell.
const HELP: &str =
    "Press the picture to hear the sound. Knobs: drag, wheel or arrow keys; shift is fine, double-click the default.";

fn progress(making: &Making, num_waiting: usize) -> String {
    let place = match making.place {
        Place::Keys => "the sound".to_owned(),
        Place::Pad(pad) => format!("pad {}", pad + 1),
    };
    let more = if num_waiting > 0 { format!(", {num_waiting} more to come") } else { String::new() };
    format!("Denoising {place}: {:.0} %{more}", 100.0 * model::progress(making))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_names_the_place_and_what_is_left() {
        let making = |place| Making { place, done: 8, total: 16, preview: None };
        assert_eq!(progress(&making(Place::Keys), 0), "Denoising the sound: 50 %");
        assert_eq!(progress(&making(Place::Pad(2)), 13), "Denoising pad 3: 50 %, 13 more to come");
    }
}
