//! A state-variable filter that stays stable however fast its cutoff moves.
//!
//! The topology-preserving form of V. Zavalishin, "The Art of VA Filter Design", chapter 4, with the
//! update of A. Simper (<https://cytomic.com/files/dsp/SvfLinearTrapOptimised2.pdf>).

use std::f32::consts::{PI, SQRT_2};

use super::parameters::FilterMode;

/// The damping of the first of two sections whose product is flat to the corner: 1 / 1.3066.
const STEEP_DAMPING: f32 = 0.765_37;

/// The damping of the second section: 1 / 0.5412.
const SHALLOW_DAMPING: f32 = 1.847_76;

/// How much of the damping is left at full resonance: a peak of Q = 28, 29 dB.
const LEAST_DAMPING: f32 = 0.025;

/// A filter for two channels. Wait-free; silence in becomes exact silence within a second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Filter {
    mode: FilterMode,
    /// The last aim, and its tan(pi * cutoff / rate).
    cutoff: f32,
    target: f32,
    /// tan(pi * cutoff / rate), where the sections stand now.
    warped: f32,
    warped_slope: f32,
    damping: f32,
    damping_slope: f32,
    sections: [[Section; 2]; 2],
}

/// Two integrators.
#[derive(Debug, Clone, Copy, Default)]
struct Section {
    band: f32,
    low: f32,
}

impl Filter {
    /// At rest, with its corner at `cutoff` cycles per sample; `resonance` lies in 0 to 1.
    pub(super) fn new(mode: FilterMode, cutoff: f32, resonance: f32) -> Self {
        let target = warp(cutoff);
        Self {
            mode,
            cutoff,
            target,
            warped: target,
            warped_slope: 0.0,
            damping: damping(resonance),
            damping_slope: 0.0,
            sections: Default::default(),
        }
    }

    /// Moves to `cutoff` and `resonance` over the next `num_frames` frames, and to `mode` at once.
    pub(super) fn aim(&mut self, mode: FilterMode, cutoff: f32, resonance: f32, num_frames: u32) {
        self.mode = mode;
        if cutoff != self.cutoff {
            (self.cutoff, self.target) = (cutoff, warp(cutoff));
        }
        self.warped_slope = (self.target - self.warped) / num_frames as f32;
        self.damping_slope = (damping(resonance) - self.damping) / num_frames as f32;
        self.sections.iter_mut().flatten().for_each(Section::flush);
    }

    /// What passes.
    pub(super) fn mode(&self) -> FilterMode {
        self.mode
    }

    /// Filters `frames`, left and right, in place.
    pub(super) fn process(&mut self, frames: &mut [[f32; 2]]) {
        match self.mode {
            FilterMode::Off => {}
            FilterMode::LowPass12 => self.run(frames, |_, _, _, low| low),
            FilterMode::HighPass => self.run(frames, |input, k, band, low| input - k * band - low),
            FilterMode::BandPass => self.run(frames, |_, k, band, _| k * band),
            FilterMode::Notch => self.run(frames, |input, k, band, _| input - k * band),
            FilterMode::LowPass24 => self.run_twice(frames),
        }
    }

    /// One section; `mix` takes input, damping, band-pass and low-pass.
    fn run(&mut self, frames: &mut [[f32; 2]], mix: impl Fn(f32, f32, f32, f32) -> f32) {
        for frame in frames {
            let (g, k) = self.advance();
            *frame = section(&mut self.sections[0], *frame, g, k, &mix);
        }
    }

    /// Two sections in series, whose product is flat to the corner.
    fn run_twice(&mut self, frames: &mut [[f32; 2]]) {
        for frame in frames {
            let (g, k) = self.advance();
            let [first, second] = &mut self.sections;
            let once = section(first, *frame, g, k * (STEEP_DAMPING / SQRT_2), |_, _, _, low| low);
            *frame = section(second, once, g, SHALLOW_DAMPING, |_, _, _, low| low);
        }
    }

    /// Corner and damping of this frame.
    fn advance(&mut self) -> (f32, f32) {
        let now = (self.warped, self.damping);
        self.warped += self.warped_slope;
        self.damping += self.damping_slope;
        now
    }
}

/// Both channels through one section.
#[inline(always)]
fn section(
    states: &mut [Section; 2],
    frame: [f32; 2],
    g: f32,
    k: f32,
    mix: impl Fn(f32, f32, f32, f32) -> f32,
) -> [f32; 2] {
    let damped = g * (g + k);
    let a1 = 1.0 / (1.0 + damped);
    let a2 = g * a1;
    let (a3, loss) = (g * a2, damped * a1);
    let mut output = frame;
    for (sample, state) in output.iter_mut().zip(states) {
        // Both integrators move at once by twice these: a shorter chain from frame to frame than one after the other.
        let error = *sample - state.low;
        let band = a2 * error - loss * state.band;
        let low = a3 * error + a2 * state.band;
        *sample = mix(*sample, k, state.band + band, state.low + low);
        state.band += 2.0 * band;
        state.low += 2.0 * low;
    }
    output
}

impl Section {
    /// Numbers too small to hear are slow to compute with on some machines.
    fn flush(&mut self) {
        for state in [&mut self.band, &mut self.low] {
            if state.abs() < 1e-15 {
                *state = 0.0;
            }
        }
    }
}

/// The bilinear transform's corner; `cutoff` is held inside of what it can express.
fn warp(cutoff: f32) -> f32 {
    (PI * cutoff.clamp(1e-5, 0.49)).tan()
}

/// 1 / Q: from a flat corner (Q = 0.71) at 0 to a whistle at 1.
fn damping(resonance: f32) -> f32 {
    SQRT_2 * LEAST_DAMPING.powf(resonance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn once(filter: &mut Filter, frame: [f32; 2]) -> [f32; 2] {
        let mut frames = [frame];
        filter.process(&mut frames);
        frames[0]
    }

    /// The level of a sine of `frequency` (cycles per sample) behind the filter, in dB.
    fn gain_db(mode: FilterMode, cutoff: f32, resonance: f32, frequency: f32) -> f32 {
        let mut filter = Filter::new(mode, cutoff, resonance);
        let sine = |i: usize| (2.0 * PI * frequency * i as f32).sin();
        let output: Vec<f32> = (0..20_000).map(|i| once(&mut filter, [sine(i); 2])[0]).collect();
        let power = output[10_000..].iter().map(|s| s * s).sum::<f32>() / 10_000.0;
        10.0 * (2.0 * power).log10()
    }

    #[test]
    fn the_corner_of_a_flat_filter_lies_3_db_down() {
        for mode in [FilterMode::LowPass12, FilterMode::LowPass24, FilterMode::HighPass] {
            assert!((gain_db(mode, 0.05, 0.0, 0.05) + 3.01).abs() < 0.05, "{mode:?}");
        }
        assert!(gain_db(FilterMode::BandPass, 0.05, 0.0, 0.05).abs() < 0.05);
        assert!(gain_db(FilterMode::Notch, 0.05, 0.0, 0.05) < -60.0);
    }

    #[test]
    fn the_slopes_are_those_of_their_names() {
        // An octave apart and far below Nyquist, where the bilinear transform bends little.
        let slope = |mode, f: f32| gain_db(mode, 0.005, 0.0, 2.0 * f) - gain_db(mode, 0.005, 0.0, f);
        assert!((slope(FilterMode::LowPass12, 0.02) + 12.0).abs() < 0.3);
        assert!((slope(FilterMode::LowPass24, 0.02) + 24.0).abs() < 0.5);
        let rise = gain_db(FilterMode::HighPass, 0.05, 0.0, 0.005) - gain_db(FilterMode::HighPass, 0.05, 0.0, 0.0025);
        assert!((rise - 12.0).abs() < 0.3, "{rise}");
    }

    #[test]
    fn the_pass_band_is_left_alone() {
        for mode in [FilterMode::LowPass12, FilterMode::LowPass24, FilterMode::Notch] {
            assert!(gain_db(mode, 0.2, 0.0, 0.005).abs() < 0.05, "{mode:?}");
        }
        assert!(gain_db(FilterMode::HighPass, 0.005, 0.0, 0.2).abs() < 0.05);
    }

    #[test]
    fn full_resonance_peaks_29_db_above() {
        let peak = gain_db(FilterMode::LowPass12, 0.05, 1.0, 0.05);
        assert!((peak - 29.0).abs() < 0.3, "{peak}");
    }

    #[test]
    fn the_wildest_sweep_stays_bounded() {
        let mut noise = 1u32;
        let mut random = move || {
            noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            noise as f32 / u32::MAX as f32
        };
        for mode in [FilterMode::LowPass12, FilterMode::LowPass24, FilterMode::HighPass, FilterMode::BandPass] {
            let mut filter = Filter::new(mode, 0.1, 1.0);
            let mut peak = 0.0f32;
            for _ in 0..100_000 {
                filter.aim(mode, 0.6 * random(), random(), 1);
                let [left, right] = once(&mut filter, [2.0 * random() - 1.0; 2]);
                assert_eq!(left, right);
                peak = peak.max(left.abs());
            }
            // The trapezoidal rule never gains energy by itself; a Q of 28 may ring up that far.
            assert!(peak < 60.0, "{mode:?} {peak}");
        }
    }

    #[test]
    fn silence_in_becomes_exact_silence_out() {
        let mut filter = Filter::new(FilterMode::LowPass24, 0.01, 0.5);
        once(&mut filter, [1.0, -1.0]);
        for i in 0..48_000 {
            if i % 16 == 0 {
                filter.aim(FilterMode::LowPass24, 0.01, 0.5, 16);
            }
            once(&mut filter, [0.0; 2]);
        }
        assert_eq!(once(&mut filter, [0.0; 2]), [0.0; 2]);
    }

    #[test]
    fn an_open_filter_is_no_filter() {
        let mut filter = Filter::new(FilterMode::Off, 0.01, 1.0);
        assert_eq!(once(&mut filter, [0.3, -0.7]), [0.3, -0.7]);
    }
}
