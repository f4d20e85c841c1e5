//! Where everything stands, as a function of the window's size alone.

use egui::{Rect, pos2, vec2};

use super::theme::{GAP, PADDING};

/// The smallest window that holds everything, in points.
pub const SMALLEST: (f32, f32) = (900.0, 640.0);

const HEADER: f32 = 40.0;
const GENERATE: f32 = 122.0;
const HISTORY: f32 = 58.0;
const PLAY: f32 = 184.0;
const STATUS: f32 = 20.0;

/// The panels of the window, from top to bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layout {
    /// Name, model, mode, undo, files.
    pub header: Rect,
    /// The pads, in `Kit` mode.
    pub pads: Option<Rect>,
    /// The sound. Takes what height the rest leaves.
    pub picture: Rect,
    /// Roll and what it asks for.
    pub generate: Rect,
    /// Earlier sounds.
    pub history: Rect,
    /// Envelopes.
    pub envelope: Rect,
    /// Filter.
    pub filter: Rect,
    /// Level, pan and tuning.
    pub output: Rect,
    /// Messages.
    pub status: Rect,
}

impl Layout {
    /// The panels of a window; all of it may be used.
    pub fn of(window: Rect, is_kit: bool) -> Self {
        let inner = window.shrink(GAP);
        let header = band(inner, inner.top(), HEADER);
        let status = band(inner, inner.bottom() - STATUS, STATUS);
        let play = band(inner, status.top() - GAP / 2.0 - PLAY, PLAY);
        let history = band(inner, play.top() - GAP - HISTORY, HISTORY);
        let generate = band(inner, history.top() - GAP - GENERATE, GENERATE);
        let top = header.bottom() + GAP / 2.0;
        let body = band(inner, top, (generate.top() - GAP - top).max(0.0));
        let (pads, picture) = split_pads(body, is_kit);
        let [envelope, filter, output] = thirds(play);
        Self { header, pads, picture, generate, history, envelope, filter, output, status }
    }
}

fn band(outer: Rect, top: f32, height: f32) -> Rect {
    Rect::from_min_size(pos2(outer.left(), top), vec2(outer.width(), height))
}

fn split_pads(body: Rect, is_kit: bool) -> (Option<Rect>, Rect) {
    if !is_kit {
        return (None, body);
    }
    let width = (1.6 * body.height()).clamp(300.0, 0.45 * body.width());
    let pads = Rect::from_min_size(body.min, vec2(width, body.height()));
    (Some(pads), Rect::from_min_max(pos2(pads.right() + GAP, body.top()), body.max))
}

/// Curves need more room than knobs of the same height would.
fn thirds(play: Rect) -> [Rect; 3] {
    let width = (play.width() - 2.0 * GAP) / 3.0;
    std::array::from_fn(|i| {
        let left = play.left() + i as f32 * (width + GAP);
        Rect::from_min_size(pos2(left, play.top()), vec2(width, play.height()))
    })
}

/// `outer` without the padding of a panel.
pub fn padded(outer: Rect) -> Rect {
    outer.shrink(PADDING)
}

/// `num_columns` cells of one row, `gap` apart.
pub fn columns(row: Rect, num_columns: usize, gap: f32) -> impl Iterator<Item = Rect> {
    let width = (row.width() - gap * (num_columns as f32 - 1.0)) / num_columns as f32;
    (0..num_columns).map(move |i| {
        Rect::from_min_size(pos2(row.left() + i as f32 * (width + gap), row.top()), vec2(width, row.height()))
    })
}

/// Cuts `width` from the left of `rest` and leaves a gap behind it.
pub fn take_left(rest: &mut Rect, width: f32) -> Rect {
    let taken = Rect::from_min_size(rest.min, vec2(width.min(rest.width()), rest.height()));
    rest.min.x = (taken.right() + GAP).min(rest.max.x);
    taken
}

/// Cuts `width` from the right of `rest` and leaves a gap before it.
pub fn take_right(rest: &mut Rect, width: f32) -> Rect {
    let left = (rest.right() - width).max(rest.left());
    let taken = Rect::from_min_max(pos2(left, rest.top()), rest.max);
    rest.max.x = (left - GAP).max(rest.min.x);
    taken
}

/// Cuts `height` from the top of `rest`.
pub fn take_top(rest: &mut Rect, height: f32) -> Rect {
    let taken = Rect::from_min_size(rest.min, vec2(rest.width(), height.min(rest.height())));
    rest.min.y = taken.bottom();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn panels(layout: &Layout) -> Vec<Rect> {
        let fixed = [layout.header, layout.picture, layout.generate, layout.history, layout.envelope];
        let rest = [layout.filter, layout.output, layout.status];
        fixed.into_iter().chain(rest).chain(layout.pads).collect()
    }

    #[test]
    fn panels_fit_into_the_window_and_never_overlap() {
        for (width, height) in [SMALLEST, (1040.0, 720.0), (1600.0, 700.0), (920.0, 1400.0), (3000.0, 2000.0)] {
            for is_kit in [false, true] {
                let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(width, height));
                let panels = panels(&Layout::of(window, is_kit));
                for (i, panel) in panels.iter().enumerate() {
                    assert!(window.contains_rect(*panel) && panel.width() > 200.0, "{panel:?} of {window:?}");
                    // Neighbours may share an edge.
                    let inside = panel.shrink(0.01);
                    assert!(panels[i + 1..].iter().all(|other| !inside.intersects(*other)), "{panel:?}");
                }
            }
        }
    }

    #[test]
    fn the_picture_gets_the_height_that_is_left() {
        let height = |height| {
            let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(1000.0, height));
            Layout::of(window, false).picture.height()
        };
        assert_eq!(height(900.0) - height(700.0), 200.0);
        assert!(height(SMALLEST.1) >= 160.0, "{}", height(SMALLEST.1));
    }

    #[test]
    fn cut_pieces_leave_the_rest() {
        let mut rest = Rect::from_min_size(pos2(0.0, 0.0), vec2(100.0, 20.0));
        assert_eq!(take_left(&mut rest, 30.0).width(), 30.0);
        assert_eq!(take_right(&mut rest, 20.0).left(), 80.0);
        assert_eq!((rest.left(), rest.right()), (30.0 + GAP, 80.0 - GAP));
        // More than there is gives what there is.
        assert_eq!(take_left(&mut rest, 500.0).right(), 80.0 - GAP);
        assert_eq!(rest.width(), 0.0);
    }
}
