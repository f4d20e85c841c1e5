//! Reading a sound between its samples, without images or aliases.
//!
//! A windowed sinc for every phase is tabulated beforehand, after J. O. Smith, "Digital Audio
//! Resampling" (<https://ccrma.stanford.edu/~jos/resample/>). Sounds played faster than they were
//! made need a lower cutoff; twelve tables an octave follow the speed, and every octave above that
//! reads a [`Sound`] level of half the rate.

use std::sync::{Arc, LazyLock};

use super::decimate::PADDING;
use super::sound::{NUM_LEVELS, Sound};

/// Phases between two samples. Between two phases the table is a straight line, which is off by
/// (pi / 128)^2 / 8 at most: -82 dB.
const NUM_PHASES: usize = 128;

const TABLES_PER_OCTAVE: usize = 12;

/// Taps at the sound's own speed; at twice the speed it takes twice as many.
const NUM_TAPS: usize = 40;

/// Taps come in groups that a SIMD register holds.
const LANES: usize = 8;

/// Sums that a SIMD register holds, still to be added to each other.
pub(super) type Lanes = [f32; LANES];

const NOTHING: Lanes = [0.0; LANES];

/// Stop-band attenuation in dB.
const ATTENUATION_DB: f64 = 75.0;

/// The -6 dB point at or below the sound's own speed, in cycles per sample: flat to 0.413 (18.2 kHz
/// at 44.1 kHz), and what lies above 0.53, the images, is gone.
const OWN_SPEED_CUTOFF: f64 = 0.472;

/// The kernels for every speed. About 400 kB, made once per process.
#[derive(Debug)]
pub(super) struct SincTables {
    kernels: Vec<Kernel>,
}

/// A windowed sinc of one cutoff, at every phase.
#[derive(Debug)]
pub(super) struct Kernel {
    num_taps: usize,
    rows: Vec<f32>,
}

/// How to read a sound at a certain speed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Resolution {
    /// Which level of the sound.
    pub level: usize,
    /// Which kernel of the tables.
    pub kernel: usize,
}

impl SincTables {
    /// The tables that all engines of the process share. The first call makes them, in some 20 ms.
    pub(super) fn shared() -> Arc<Self> {
        static TABLES: LazyLock<Arc<SincTables>> = LazyLock::new(|| Arc::new(SincTables::new()));
        TABLES.clone()
    }

    fn new() -> Self {
        let faster = (1..=TABLES_PER_OCTAVE).map(|step| {
            let speed = (step as f64 / TABLES_PER_OCTAVE as f64).exp2();
            let num_taps = (NUM_TAPS as f64 * speed / LANES as f64).ceil() as usize * LANES;
            // The stop band begins where the output's Nyquist frequency lies.
            Kernel::new(num_taps, 0.5 / speed - 0.5 * transition_width(num_taps))
        });
        let own_speed = Kernel::new(NUM_TAPS, OWN_SPEED_CUTOFF);
        Self { kernels: std::iter::once(own_speed).chain(faster).collect() }
    }

    /// The kernel and level for reading `speed` samples of a sound per frame of output.
    pub(super) fn resolution(speed: f64) -> Resolution {
        if speed <= 1.0 {
            return Resolution::default();
        }
        // A whole semitone must land on its own table, not through rounding on the next.
        let step = (speed.log2() * TABLES_PER_OCTAVE as f64 - 1e-6).ceil().max(1.0) as usize;
        let level = ((step - 1) / TABLES_PER_OCTAVE).min(NUM_LEVELS - 1);
        Resolution { level, kernel: (step - level * TABLES_PER_OCTAVE).min(TABLES_PER_OCTAVE) }
    }

    /// `sound` as it is read at `resolution`.
    pub(super) fn reader<'a>(&'a self, resolution: Resolution, sound: &'a Sound) -> Reader<'a> {
        let Resolution { level, kernel } = resolution;
        let channels = sound.level(level);
        Reader {
            kernel: &self.kernels[kernel],
            left: channels.first().map_or(&[], |left| left),
            right: channels.get(1).map(|right| &right[..]),
            scale: 1.0 / f64::from(1u32 << level),
        }
    }
}

/// A place between two samples of a level.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spot {
    /// The sample before.
    index: i64,
    /// The kernel's row before, and how far the place lies towards the next.
    row: usize,
    blend: f32,
}

/// A sound and the kernel that fits the speed at which it is read.
#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    kernel: &'a Kernel,
    left: &'a [f32],
    right: Option<&'a [f32]>,
    /// Frames of the level per frame of the sound.
    scale: f64,
}

impl Reader<'_> {
    /// Left and right at `position`, in frames of the sound's own rate; silence far outside of it.
    #[inline(always)]
    pub(super) fn at(&self, position: f64) -> [f32; 2] {
        self.sum(&self.lanes(position))
    }

    /// The same before its last additions, which are cheaper for many frames at once. The right side of a mono sound
    /// is left out.
    #[inline(always)]
    pub(super) fn lanes(&self, position: f64) -> [Lanes; 2] {
        self.lanes_at(self.spot(position))
    }

    /// Where the taps and the samples for `position` lie.
    #[inline(always)]
    pub(super) fn spot(&self, position: f64) -> Spot {
        let position = position * self.scale;
        let index = floor(position);
        let phase = (position - index as f64) * NUM_PHASES as f64;
        let row = (phase as i32).min(NUM_PHASES as i32 - 1);
        Spot { index, row: row as usize, blend: (phase - f64::from(row)) as f32 }
    }

    /// What [`Reader::lanes`] finds at a spot.
    #[inline(always)]
    pub(super) fn lanes_at(&self, spot: Spot) -> [Lanes; 2] {
        let num_taps = self.kernel.num_taps;
        let first = spot.index.saturating_add(PADDING as i64 + 1 - num_taps as i64 / 2);
        let first = usize::try_from(first).unwrap_or(usize::MAX);
        let last = first.saturating_add(num_taps);
        let rows = self.kernel.rows_at(spot);
        match (self.left.get(first..last), self.right.map(|right| right.get(first..last))) {
            (Some(mono), None) => [products(rows, mono), NOTHING],
            (Some(left), Some(Some(right))) => both_products(rows, left, right),
            _ => [NOTHING; 2],
        }
    }

    /// Left and right of what [`Reader::lanes`] found.
    #[inline(always)]
    pub(super) fn sum(&self, [left, right]: &[Lanes; 2]) -> [f32; 2] {
        let left = sum_of_lanes(left);
        [left, if self.right.is_some() { sum_of_lanes(right) } else { left }]
    }

    /// The frame that lies on `position`, a whole number, as it is; silence outside of the sound.
    #[inline(always)]
    pub(super) fn frame(&self, position: f64) -> [f32; 2] {
        let index = usize::try_from((position as i64).saturating_add(PADDING as i64)).unwrap_or(usize::MAX);
        let left = self.left.get(index).copied().unwrap_or(0.0);
        [left, self.right.map_or(left, |right| right.get(index).copied().unwrap_or(0.0))]
    }
}

/// The whole number at or below `x`, without the library call that older processors need for it.
#[inline(always)]
fn floor(x: f64) -> i64 {
    let towards_zero = x as i64;
    towards_zero - i64::from(towards_zero as f64 > x)
}

impl Kernel {
    fn new(num_taps: usize, cutoff: f64) -> Self {
        let rows = (0..=NUM_PHASES).flat_map(|phase| row(num_taps, cutoff, phase as f64 / NUM_PHASES as f64));
        Self { num_taps, rows: rows.collect() }
    }

    /// The rows on both sides of a spot, and how far it lies towards the second.
    #[inline(always)]
    fn rows_at(&self, Spot { row, blend, .. }: Spot) -> (&[f32], &[f32], f32) {
        let rows = &self.rows[row * self.num_taps..(row + 2) * self.num_taps];
        let (near_row, far_row) = rows.split_at(self.num_taps);
        (near_row, far_row, blend)
    }
}

/// The taps of one phase, scaled so that a constant passes unchanged.
fn row(num_taps: usize, cutoff: f64, phase: f64) -> impl Iterator<Item = f32> {
    let centre = (num_taps / 2 - 1) as f64 + phase;
    let half_width = num_taps as f64 / 2.0;
    let taps: Vec<f64> =
        (0..num_taps).map(|k| kaiser_sinc(k as f64 - centre, cutoff, half_width, ATTENUATION_DB)).collect();
    let sum: f64 = taps.iter().sum();
    taps.into_iter().map(move |tap| (tap / sum) as f32)
}

/// The sum of products with `near` and `far` mixed, `blend` from the one to the other: all in one pass, so that the
/// mixed taps never leave the registers.
#[inline(always)]
fn products((near, far, blend): (&[f32], &[f32], f32), samples: &[f32]) -> Lanes {
    let mut sums = NOTHING;
    let (near, far) = (near.as_chunks::<LANES>().0, far.as_chunks::<LANES>().0);
    for ((near, far), samples) in near.iter().zip(far).zip(samples.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += (near[lane] + blend * (far[lane] - near[lane])) * samples[lane];
        }
    }
    sums
}

/// The same for two channels.
#[inline(always)]
fn both_products((near, far, blend): (&[f32], &[f32], f32), left: &[f32], right: &[f32]) -> [Lanes; 2] {
    let (mut sums, mut other_sums) = (NOTHING, NOTHING);
    let taps = near.as_chunks::<LANES>().0.iter().zip(far.as_chunks::<LANES>().0);
    let samples = left.as_chunks::<LANES>().0.iter().zip(right.as_chunks::<LANES>().0);
    for ((near, far), (left, right)) in taps.zip(samples) {
        for lane in 0..LANES {
            let tap = near[lane] + blend * (far[lane] - near[lane]);
            sums[lane] += tap * left[lane];
            other_sums[lane] += tap * right[lane];
        }
    }
    [sums, other_sums]
}

/// The sum of products, in lanes that a SIMD register holds.
#[inline(always)]
pub(super) fn dot(taps: &[f32], samples: &[f32]) -> f32 {
    let mut sums = [0.0f32; LANES];
    for (taps, samples) in taps.as_chunks::<LANES>().0.iter().zip(samples.as_chunks::<LANES>().0) {
        for lane in 0..LANES {
            sums[lane] += taps[lane] * samples[lane];
        }
    }
    sum_of_lanes(&sums)
}

/// In pairs, as registers are halved.
#[inline(always)]
fn sum_of_lanes([a, b, c, d, e, f, g, h]: &Lanes) -> f32 {
    ((a + e) + (b + f)) + ((c + g) + (d + h))
}

/// Width of the transition band of a Kaiser-windowed filter, in cycles per sample (Kaiser 1974).
fn transition_width(num_taps: usize) -> f64 {
    (ATTENUATION_DB - 7.95) / (14.36 * num_taps as f64)
}

/// The impulse response at `x` samples from the centre of an ideal low-pass at `cutoff` (cycles per
/// sample), under a Kaiser window of `half_width` samples on each side.
pub(super) fn kaiser_sinc(x: f64, cutoff: f64, half_width: f64, attenuation_db: f64) -> f64 {
    let beta = 0.1102 * (attenuation_db - 8.7);
    let edge = (1.0 - (x / half_width).powi(2)).max(0.0);
    let window = bessel_i0(beta * edge.sqrt()) / bessel_i0(beta);
    let angle = std::f64::consts::TAU * cutoff * x;
    let sinc = if angle == 0.0 { 1.0 } else { angle.sin() / angle };
    2.0 * cutoff * sinc * window
}

/// The modified Bessel function of order zero, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > 1e-12 * sum {
        term *= (0.5 * x / k).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_up_to_one_keep_every_sample() {
        for speed in [0.1, 0.5, 1.0] {
            assert_eq!(SincTables::resolution(speed), Resolution { level: 0, kernel: 0 });
        }
    }

    #[test]
    fn a_semitone_has_its_own_table_and_an_octave_its_own_level() {
        let at = |semitones: f64| SincTables::resolution((semitones / 12.0).exp2());
        assert_eq!(at(1.0), Resolution { level: 0, kernel: 1 });
        assert_eq!(at(1.01), Resolution { level: 0, kernel: 2 });
        assert_eq!(at(12.0), Resolution { level: 0, kernel: 12 });
        assert_eq!(at(12.01), Resolution { level: 1, kernel: 1 });
        assert_eq!(at(120.0), Resolution { level: NUM_LEVELS - 1, kernel: 12 });
    }

    #[test]
    fn a_constant_is_read_exactly_between_any_samples() {
        let sound = Sound::new(&[vec![1.0; 400]], 48_000.0, 60.0, None).unwrap();
        let tables = SincTables::shared();
        for step in 0..=TABLES_PER_OCTAVE {
            let resolution = Resolution { level: 0, kernel: step };
            let [left, right] = tables.reader(resolution, &sound).at(200.3);
            assert!((left - 1.0).abs() < 1e-6, "{left}");
            assert_eq!(left, right);
        }
    }

    #[test]
    fn a_sine_is_read_to_within_the_stop_band() {
        let omega = std::f64::consts::TAU * 5000.0 / 44_100.0;
        let samples: Vec<f32> = (0..600).map(|i| (omega * i as f64).sin() as f32).collect();
        let negative: Vec<f32> = samples.iter().map(|s| -s).collect();
        let sound = Sound::new(&[samples, negative], 44_100.0, 60.0, None).unwrap();
        let tables = SincTables::shared();
        for i in 0..1000 {
            let position = 50.0 + i as f64 * 0.37;
            let [left, right] = tables.reader(Resolution::default(), &sound).at(position);
            // 75 dB below the sine are 1.8e-4.
            assert!((f64::from(left) - (omega * position).sin()).abs() < 1.8e-4, "at {position}");
            assert_eq!(left, -right);
        }
    }

    #[test]
    fn the_whole_number_below_is_found_on_both_sides_of_zero() {
        assert_eq!([1.5, 1.0, 0.0, -0.5, -1.0, -1.5].map(floor), [1, 1, 0, -1, -1, -2]);
    }

    #[test]
    fn far_outside_of_the_sound_lies_silence() {
        let sound = Sound::new(&[vec![1.0; 8]], 48_000.0, 60.0, None).unwrap();
        let tables = SincTables::shared();
        for position in [-1e18, -1000.0, 1000.0, 1e18] {
            assert_eq!(tables.reader(Resolution::default(), &sound).at(position), [0.0, 0.0]);
        }
    }
}
