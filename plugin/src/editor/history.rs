//! Earlier sounds and favourites as tiles: a press brings one back.

use std::sync::Arc;

use egui::{Align2, CornerRadius, Pos2, Rect, ScrollArea, Sense, Shape, Stroke, StrokeKind, Ui, UiBuilder, vec2};

use super::button::{focus_ring, panel};
use super::gallery::Gallery;
use super::theme;
use super::wave_view::mini_wave;
use crate::engine::Place;
use crate::generation::{Command, View};
use crate::state::Take;

/// Width of a tile in points.
const TILE: f32 = 78.0;

/// The strip. What was pressed, if anything.
pub fn history_strip(ui: &mut Ui, rect: Rect, view: &View, gallery: &mut Gallery, place: Place) -> Option<Command> {
    panel(ui, rect);
    if view.patch.history(place).0.len() < 2 && view.patch.favourites().is_empty() {
        let text = "Earlier sounds and the ones you keep appear here";
        ui.painter().text(rect.center(), Align2::CENTER_CENTER, text, theme::small(), theme::FAINT);
    }
    let mut command = None;
    ui.scope_builder(UiBuilder::new().max_rect(rect.shrink(5.0)), |ui| {
        ScrollArea::horizontal().auto_shrink(false).stick_to_right(true).show(ui, |ui| {
            ui.horizontal_centered(|ui| {
                let (takes, current) = view.patch.history(place);
                for (i, take) in takes.iter().enumerate() {
                    let look = Tile { is_current: Some(i) == current, is_favourite: is_favourite(view, take) };
                    if tile(ui, ("history", i), take, look, gallery) {
                        command = Some(Command::Recall { place, take: take.clone() });
                    }
                }
                if !view.patch.favourites().is_empty() {
                    ui.separator();
                }
                for (i, take) in view.patch.favourites().iter().enumerate() {
                    let look = Tile { is_current: false, is_favourite: true };
                    if tile(ui, ("favourite", i), take, look, gallery) {
                        command = Some(Command::Recall { place, take: take.clone() });
                    }
                }
            });
        });
    });
    command
}

/// Whether the sound is kept.
pub fn is_favourite(view: &View, take: &Arc<Take>) -> bool {
    view.patch.favourites().iter().any(|kept| Arc::ptr_eq(kept, take))
}

#[derive(Clone, Copy)]
struct Tile {
    is_current: bool,
    is_favourite: bool,
}

/// Draws a tile; whether it was pressed.
fn tile(ui: &mut Ui, id: (&str, usize), take: &Arc<Take>, look: Tile, gallery: &mut Gallery) -> bool {
    let size = vec2(TILE, ui.available_height().max(20.0));
    let (_, rect) = ui.allocate_space(size);
    let response = ui.interact(rect, ui.scope_id().with(id), Sense::click());
    let name = title(take);
    response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, look.is_current, &name));
    let fill = if response.hovered() { theme::RAISED_HOVER } else { theme::WELL };
    let stroke = if look.is_current { Stroke::new(1.5, theme::ACCENT) } else { Stroke::new(1.0, theme::LINE) };
    ui.painter().rect(rect, CornerRadius::from(theme::SMALL_RADIUS), fill, stroke, StrokeKind::Inside);
    let color = theme::faded(theme::ACCENT, if look.is_current { 1.0 } else { 0.6 });
    mini_wave(ui, rect.shrink2(vec2(6.0, 5.0)), &gallery.mini(take), color);
    if look.is_favourite {
        star(ui, rect.right_top() + vec2(-9.0, 9.0));
    }
    focus_ring(ui, &response, rect.shrink(2.0));
    response.on_hover_text(name).clicked()
}

/// The mark of a favourite.
fn star(ui: &Ui, center: Pos2) {
    let point = |i: usize| {
        let (radius, angle) = (if i.is_multiple_of(2) { 5.5 } else { 2.4 }, std::f32::consts::PI * i as f32 / 5.0);
        center + radius * vec2(angle.sin(), -angle.cos())
    };
    // A star is not convex: five kites around its centre are.
    for tip in (0..10).step_by(2) {
        let kite = vec![center, point((tip + 9) % 10), point(tip), point(tip + 1)];
        ui.painter().add(Shape::convex_polygon(kite, theme::TEXT, Stroke::NONE));
    }
}

/// Class and seed of a sound, as far as its recipe tells them.
pub fn title(take: &Take) -> String {
    let class = take.recipe().and_then(|recipe| recipe.get("class")?.as_str()).map(str::to_owned);
    match (class, take.seed()) {
        (Some(class), Some(seed)) => format!("{class} · seed {seed}"),
        (None, Some(seed)) => format!("seed {seed}"),
        (class, None) => class.unwrap_or_else(|| "a sound without a recipe".into()),
    }
}
