//! The look: every colour, size and font of the window.

use egui::{Color32, Context, CornerRadius, FontFamily, FontId, Stroke, Style, TextStyle, Theme, Visuals};

/// Behind everything.
pub const GROUND: Color32 = Color32::from_rgb(0x12, 0x11, 0x13);
/// A panel on the ground.
pub const PANEL: Color32 = Color32::from_rgb(0x1B, 0x1A, 0x1D);
/// A sunken field in a panel: pictures, curves, the seed.
pub const WELL: Color32 = Color32::from_rgb(0x0C, 0x0B, 0x0D);
/// A button at rest.
pub const RAISED: Color32 = Color32::from_rgb(0x2A, 0x28, 0x2C);
/// A button under the pointer.
pub const RAISED_HOVER: Color32 = Color32::from_rgb(0x37, 0x34, 0x39);
/// Borders and the tracks of knobs.
pub const LINE: Color32 = Color32::from_rgb(0x3A, 0x37, 0x3C);
/// Grids.
pub const GRID: Color32 = Color32::from_rgb(0x24, 0x22, 0x26);
/// Text that is read.
pub const TEXT: Color32 = Color32::from_rgb(0xF1, 0xEC, 0xE6);
/// Text that names things.
pub const LABEL: Color32 = Color32::from_rgb(0xA8, 0x9F, 0x97);
/// Text of what cannot be used now.
pub const FAINT: Color32 = Color32::from_rgb(0x6B, 0x64, 0x60);
/// The sound and what makes it: copper.
pub const ACCENT: Color32 = Color32::from_rgb(0xE8, 0x9B, 0x5C);
/// The same under the pointer.
pub const ACCENT_HOVER: Color32 = Color32::from_rgb(0xF6, 0xB0, 0x76);
/// Text on the accent.
pub const ON_ACCENT: Color32 = Color32::from_rgb(0x22, 0x14, 0x08);
/// How a sound is played: loops, envelopes, filter.
pub const PLAY: Color32 = Color32::from_rgb(0x78, 0xC4, 0xB8);
/// What failed.
pub const FAILURE: Color32 = Color32::from_rgb(0xF0, 0x6A, 0x60);

/// Between panels, and around the window.
pub const GAP: f32 = 8.0;
/// Between a panel's edge and what it holds.
pub const PADDING: f32 = 10.0;
/// Corners of panels.
pub const RADIUS: f32 = 8.0;
/// Corners of buttons and fields.
pub const SMALL_RADIUS: f32 = 5.0;
/// Height of buttons, choosers and fields.
pub const ROW: f32 = 26.0;

/// Names and values.
pub fn small() -> FontId {
    FontId::proportional(11.5)
}

/// Buttons and choosers.
pub fn body() -> FontId {
    FontId::proportional(13.5)
}

/// The big button.
pub fn large() -> FontId {
    FontId::proportional(22.0)
}

/// The border of what has the keyboard's attention.
pub fn focus_stroke() -> Stroke {
    Stroke::new(1.5, TEXT)
}

/// A colour of `alpha` 0 to 1.
pub fn faded(color: Color32, alpha: f32) -> Color32 {
    color.gamma_multiply(alpha)
}

/// Sets colours and sizes of egui's own widgets.
pub fn apply(context: &Context) {
    context.set_theme(Theme::Dark);
    context.all_styles_mut(|style| *style = styled(style.clone()));
}

fn styled(mut style: Style) -> Style {
    style.text_styles.insert(TextStyle::Body, body());
    style.text_styles.insert(TextStyle::Button, body());
    style.text_styles.insert(TextStyle::Small, small());
    style.text_styles.insert(TextStyle::Monospace, FontId::new(13.5, FontFamily::Monospace));
    style.spacing.interact_size.y = ROW;
    style.spacing.button_padding = egui::vec2(8.0, 3.0);
    style.spacing.item_spacing = egui::vec2(6.0, 3.0);
    style.animation_time = 0.0;
    style.visuals = visuals();
    style
}

fn visuals() -> Visuals {
    let mut visuals = Visuals::dark();
    visuals.panel_fill = GROUND;
    visuals.window_fill = PANEL;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = WELL;
    visuals.override_text_color = None;
    visuals.selection.bg_fill = faded(ACCENT, 0.35);
    visuals.selection.stroke = Stroke::new(1.0, TEXT);
    let widgets = &mut visuals.widgets;
    let looks = [
        (&mut widgets.noninteractive, PANEL, LABEL),
        (&mut widgets.inactive, RAISED, TEXT),
        (&mut widgets.hovered, RAISED_HOVER, TEXT),
        (&mut widgets.active, RAISED_HOVER, TEXT),
        (&mut widgets.open, RAISED, TEXT),
    ];
    for (look, fill, text) in looks {
        look.bg_fill = fill;
        look.weak_bg_fill = fill;
        look.bg_stroke = Stroke::NONE;
        look.fg_stroke = Stroke::new(1.0, text);
        look.corner_radius = CornerRadius::from(SMALL_RADIUS);
        look.expansion = 0.0;
    }
    // egui draws a focused widget as an active one: then the border must tell.
    widgets.active.bg_stroke = Stroke::new(1.0, ACCENT);
    visuals
}

/// The colour of a spectrogram's cell of `level` 0 to 255: black through copper to cream.
pub fn heat(level: u8) -> Color32 {
    const STOPS: [(f32, [f32; 3]); 5] = [
        (0.0, [12.0, 11.0, 13.0]),
        (0.30, [52.0, 26.0, 44.0]),
        (0.58, [150.0, 62.0, 46.0]),
        (0.82, [232.0, 155.0, 92.0]),
        (1.0, [255.0, 240.0, 214.0]),
    ];
    let level = f32::from(level) / 255.0;
    let upper = STOPS.iter().position(|stop| level <= stop.0).unwrap_or(STOPS.len() - 1).max(1);
    let ((low, from), (high, to)) = (STOPS[upper - 1], STOPS[upper]);
    let part = ((level - low) / (high - low)).clamp(0.0, 1.0);
    let channel = |i: usize| (from[i] + part * (to[i] - from[i])).round() as u8;
    Color32::from_rgb(channel(0), channel(1), channel(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as the Web Content Accessibility Guidelines 2.1 define them.
    fn contrast(one: Color32, other: Color32) -> f32 {
        let luminance = |color: Color32| {
            let linear = |byte: u8| (f32::from(byte) / 255.0).powf(2.2);
            0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
        };
        let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
        (one / other).max(other / one)
    }

    #[test]
    fn text_can_be_read_wherever_it_stands() {
        for ground in [GROUND, PANEL, WELL, RAISED] {
            assert!(contrast(TEXT, ground) > 7.0, "text on {ground:?}");
            assert!(contrast(LABEL, ground) > 4.5, "labels on {ground:?}");
        }
        assert!(contrast(ON_ACCENT, ACCENT) > 7.0);
    }

    #[test]
    fn louder_is_brighter() {
        let light = |level: u8| {
            let color = heat(level);
            u32::from(color.r()) + u32::from(color.g()) + u32::from(color.b())
        };
        assert!((1..=255).all(|level| light(level) >= light(level - 1)));
        assert_eq!(heat(0), Color32::from_rgb(12, 11, 13));
        assert_eq!(heat(255), Color32::from_rgb(255, 240, 214));
    }
}
