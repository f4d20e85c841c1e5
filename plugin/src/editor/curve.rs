//! The geometry of envelopes and filter responses: numbers in, points out.

use egui::{Pos2, Rect, pos2};

use crate::engine::FilterMode;

/// What the width of an envelope's drawing is shared out to: attack, decay, the held level, release.
const SHARES: [f32; 4] = [0.27, 0.27, 0.16, 0.30];

/// Points of a curved stage.
const NUM_POINTS: usize = 24;

/// How far a stage falls by the end of its time, in natural logarithms: 60 dB, as the engine's do.
const FALL: f32 = 6.908;

/// An envelope as it is drawn. Times are places on their knobs, 0 to 1, so that a pixel means as much as on a knob.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EnvelopeShape {
    /// Place of the attack's knob.
    pub attack: f32,
    /// Place of the decay's knob.
    pub decay: f32,
    /// The held level, 0 to 1.
    pub sustain: f32,
    /// Place of the release's knob.
    pub release: f32,
}

/// The corners that can be dragged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corner {
    /// End of the attack: moves sideways.
    Attack,
    /// End of the decay: sideways the time, up and down the held level.
    Decay,
    /// End of the release: moves sideways.
    Release,
}

impl EnvelopeShape {
    /// Where a corner lies in `rect`.
    pub fn corner(&self, corner: Corner, rect: Rect) -> Pos2 {
        let [attack, decay, hold, release] = self.widths();
        let at = |x: f32, level: f32| pos2(rect.left() + x * rect.width(), rect.bottom() - level * rect.height());
        match corner {
            Corner::Attack => at(attack, 1.0),
            Corner::Decay => at(attack + decay, self.sustain),
            Corner::Release => at(attack + decay + hold + release, 0.0),
        }
    }

    /// The shape after `corner` was dragged to `to`.
    pub fn moved(mut self, corner: Corner, to: Pos2, rect: Rect) -> Self {
        let [attack, decay, hold, _] = self.widths();
        let x = (to.x - rect.left()) / rect.width();
        let place = |start: f32, share: f32| ((x - start) / share).clamp(0.0, 1.0);
        match corner {
            Corner::Attack => self.attack = place(0.0, SHARES[0]),
            Corner::Decay => {
                self.decay = place(attack, SHARES[1]);
                self.sustain = ((rect.bottom() - to.y) / rect.height()).clamp(0.0, 1.0);
            }
            Corner::Release => self.release = place(attack + decay + hold, SHARES[3]),
        }
        self
    }

    /// The curve from the key's fall to silence.
    pub fn points(&self, rect: Rect) -> Vec<Pos2> {
        let start = rect.left_bottom();
        let (attack, decay) = (self.corner(Corner::Attack, rect), self.corner(Corner::Decay, rect));
        let release = self.corner(Corner::Release, rect);
        let held = pos2(decay.x + SHARES[2] * rect.width(), decay.y);
        let mut points = vec![start, attack];
        points.extend(falling(attack, decay));
        points.push(held);
        points.extend(falling(held, release));
        points
    }

    fn widths(&self) -> [f32; 4] {
        [SHARES[0] * self.attack, SHARES[1] * self.decay, SHARES[2], SHARES[3] * self.release]
    }
}

/// An exponential from one point to another.
fn falling(from: Pos2, to: Pos2) -> impl Iterator<Item = Pos2> {
    (1..=NUM_POINTS).map(move |i| {
        let part = i as f32 / NUM_POINTS as f32;
        let done = (1.0 - (-FALL * part).exp()) / (1.0 - (-FALL).exp());
        pos2(from.x + part * (to.x - from.x), from.y + done * (to.y - from.y))
    })
}

/// The filter's frequencies: 20 Hz at the left, ten octaves to the right edge.
pub const OCTAVES: f32 = 10.0;
/// Levels at the top and bottom of a filter's drawing, in dB.
pub const TOP_DB: f32 = 30.0;
/// See [`TOP_DB`].
pub const BOTTOM_DB: f32 = -36.0;

/// 1 / Q of the engine's filter.
fn damping(resonance: f32) -> f32 {
    std::f32::consts::SQRT_2 * 0.025f32.powf(resonance.clamp(0.0, 1.0))
}

/// Level in dB at `ratio` times the cutoff of the engine's filter, before it is sampled; `resonance` is 0 to 1.
pub fn response_db(mode: FilterMode, resonance: f32, ratio: f32) -> f32 {
    let r2 = ratio * ratio;
    let k = damping(resonance);
    let through = |k: f32| ((1.0 - r2).powi(2) + (k * ratio).powi(2)).sqrt();
    let gain = match mode {
        FilterMode::Off => 1.0,
        FilterMode::LowPass12 => 1.0 / through(k),
        // The two sections of a Butterworth filter of fourth order; resonance lies in the first.
        FilterMode::LowPass24 => 1.0 / (through(k * 0.765_37 / std::f32::consts::SQRT_2) * through(1.847_76)),
        FilterMode::HighPass => r2 / through(k),
        FilterMode::BandPass => k * ratio / through(k),
        FilterMode::Notch => (1.0 - r2).abs() / through(k),
    };
    20.0 * gain.max(1e-6).log10()
}

/// The filter's response in `rect`; `cutoff` is its place between the lowest and highest frequency, 0 to 1.
pub fn response(mode: FilterMode, cutoff: f32, resonance: f32, rect: Rect) -> Vec<Pos2> {
    let num_points = (rect.width() / 2.0).max(2.0) as usize;
    let point = |i: usize| {
        let part = i as f32 / (num_points - 1) as f32;
        let db = response_db(mode, resonance, ((part - cutoff) * OCTAVES).exp2());
        pos2(rect.left() + part * rect.width(), y_of_db(db, rect))
    };
    (0..num_points).map(point).collect()
}

/// Height of a level, within `rect`.
pub fn y_of_db(db: f32, rect: Rect) -> f32 {
    let part = (TOP_DB - db) / (TOP_DB - BOTTOM_DB);
    rect.top() + part.clamp(0.0, 1.0) * rect.height()
}

/// A step of 1, 2 or 5 times a power of ten that divides `length` into `max_ticks` parts at most.
pub fn tick_step(length: f32, max_ticks: usize) -> f32 {
    let least = (length / max_ticks as f32).max(1e-6);
    let decade = 10.0f32.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|factor| factor * decade)
        .into_iter()
        .find(|step| *step >= 0.999 * least)
        .unwrap_or(decade)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECT: Rect = Rect { min: pos2(100.0, 50.0), max: pos2(400.0, 150.0) };
    const SHAPE: EnvelopeShape = EnvelopeShape { attack: 0.2, decay: 0.5, sustain: 0.6, release: 0.8 };

    #[test]
    fn a_corner_dragged_to_where_it_lies_changes_nothing() {
        for corner in [Corner::Attack, Corner::Decay, Corner::Release] {
            let moved = SHAPE.moved(corner, SHAPE.corner(corner, RECT), RECT);
            let near = |left: f32, right: f32| (left - right).abs() < 1e-5;
            assert!(near(moved.attack, SHAPE.attack) && near(moved.decay, SHAPE.decay));
            assert!(near(moved.sustain, SHAPE.sustain) && near(moved.release, SHAPE.release));
        }
    }

    #[test]
    fn a_corner_goes_where_it_is_dragged_as_far_as_it_can() {
        let to = pos2(180.0, 90.0);
        let corner = SHAPE.moved(Corner::Decay, to, RECT).corner(Corner::Decay, RECT);
        assert!((corner - to).length() < 1e-3, "{corner:?}");
        let far = SHAPE.moved(Corner::Decay, pos2(9e9, -9e9), RECT);
        assert_eq!((far.decay, far.sustain), (1.0, 1.0));
        assert_eq!(SHAPE.moved(Corner::Release, pos2(0.0, 0.0), RECT).release, 0.0);
    }

    #[test]
    fn the_longest_envelope_fills_the_drawing_and_time_never_runs_back() {
        let longest = EnvelopeShape { attack: 1.0, decay: 1.0, sustain: 0.5, release: 1.0 };
        assert!((longest.corner(Corner::Release, RECT).x - RECT.right()).abs() < 1e-3);
        for shape in [SHAPE, longest, EnvelopeShape { attack: 0.0, decay: 0.0, sustain: 0.0, release: 0.0 }] {
            let points = shape.points(RECT);
            assert!(points.windows(2).all(|pair| pair[1].x >= pair[0].x - 1e-3));
            assert!(points.iter().all(|point| RECT.expand(1e-2).contains(*point)));
        }
    }

    #[test]
    fn the_corner_of_a_flat_filter_is_three_decibels_down() {
        for mode in [FilterMode::LowPass12, FilterMode::LowPass24, FilterMode::HighPass] {
            assert!((response_db(mode, 0.0, 1.0) + 3.01).abs() < 0.02, "{mode:?}");
        }
        // Two and four poles: 12 and 24 dB an octave.
        let slope = |mode| response_db(mode, 0.0, 8.0) - response_db(mode, 0.0, 16.0);
        assert!((slope(FilterMode::LowPass12) - 12.04).abs() < 0.1);
        assert!((slope(FilterMode::LowPass24) - 24.08).abs() < 0.2);
    }

    #[test]
    fn every_filter_passes_and_stops_what_its_name_says() {
        let db = |mode, ratio| response_db(mode, 0.5, ratio);
        assert!(db(FilterMode::HighPass, 0.01) < -70.0 && db(FilterMode::HighPass, 100.0).abs() < 0.1);
        assert!(db(FilterMode::BandPass, 1.0).abs() < 0.01 && db(FilterMode::BandPass, 0.05) < -20.0);
        assert!(db(FilterMode::Notch, 1.0) < -100.0 && db(FilterMode::Notch, 0.01).abs() < 0.1);
        assert_eq!(db(FilterMode::Off, 3.0), 0.0);
    }

    #[test]
    fn responses_stay_in_their_drawing() {
        let points = response(FilterMode::LowPass12, 0.5, 1.0, RECT);
        assert!(points.iter().all(|point| RECT.expand(1e-2).contains(*point)));
        // 29 dB of resonance, at half the width.
        let peak = points.iter().min_by(|left, right| left.y.total_cmp(&right.y)).unwrap();
        assert!((peak.x - 250.0).abs() < 3.0, "{peak:?}");
    }

    #[test]
    fn ticks_are_round_and_few() {
        for (length, expected) in [(0.74, 0.1), (3.0, 0.5), (40.0, 5.0), (0.011, 0.002)] {
            assert!((tick_step(length, 8) - expected).abs() < 1e-3 * expected, "{length}");
        }
    }
}
