//! [`EnvelopeGrid`]: a sound's smooth outline on a coarse grid.

use super::Frames;
use crate::error::RepresentationError;
use crate::error::Result;

/// The coarse grid of an envelope: `columns` in time, `bands` in frequency.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeConfig {
    /// Time columns, narrow at the onset and wider after it (geometric).
    pub columns: usize,
    /// Frequency bands, narrow at the bottom (about mel-spaced, at least one bin each).
    pub bands: usize,
}

/// A sound's smooth outline in time and frequency: what is generated first.
///
/// Both ways are linear: the envelope of a mean is the mean of the envelopes.
#[derive(Clone, Debug)]
pub struct EnvelopeGrid {
    time: Axis,
    frequency: Axis,
}

impl EnvelopeGrid {
    /// Plan the grid over frames of this shape.
    ///
    /// # Errors
    /// No column or band, more columns than frames, or more bands than channels.
    pub fn new(num_frames: usize, num_channels: usize, config: &EnvelopeConfig) -> Result<Self> {
        check("columns", config.columns, num_frames)?;
        check("bands", config.bands, num_channels)?;
        // 1/32 of the bins is 690 Hz at 44.1 kHz: about the mel scale's 700, below which it is linear.
        let bands = warped_edges(num_channels, config.bands, 32.0);
        let columns = warped_edges(num_frames, config.columns, first_cell_one_wide(num_frames, config.columns));
        Ok(Self { time: Axis::new(columns), frequency: Axis::new(bands) })
    }

    /// Time columns of the grid.
    pub fn columns(&self) -> usize {
        self.time.edges.len() - 1
    }

    /// Frequency bands of the grid.
    pub fn bands(&self) -> usize {
        self.frequency.edges.len() - 1
    }

    /// First frame of every column, then the number of frames.
    pub fn column_edges(&self) -> &[usize] {
        &self.time.edges
    }

    /// First channel of every band, then the number of channels.
    pub fn band_edges(&self) -> &[usize] {
        &self.frequency.edges
    }

    /// Mean of every cell, in dB: `columns` rows by `bands` columns.
    ///
    /// # Panics
    /// If `frames` has another shape than the grid was planned for.
    pub fn extract(&self, frames: &Frames) -> Frames {
        let num_channels = self.frequency.len();
        assert_eq!(frames.data.len(), self.time.len() * num_channels, "values in frames");
        let mut envelope = Frames::zeros(self.columns(), self.bands());
        let mut sums = vec![0.0; num_channels];
        for (cells, rows) in envelope.data.chunks_exact_mut(self.bands()).zip(self.time.edges.windows(2)) {
            sums.fill(0.0);
            for row in frames.data[rows[0] * num_channels..rows[1] * num_channels].chunks_exact(num_channels) {
                sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
            }
            for (cell, bins) in cells.iter_mut().zip(self.frequency.edges.windows(2)) {
                let area = (rows[1] - rows[0]) * (bins[1] - bins[0]);
                *cell = sums[bins[0]..bins[1]].iter().sum::<f32>() / area as f32;
            }
        }
        envelope
    }

    /// Bilinear interpolation between cell centres, back to the full shape; constant beyond the outer centres.
    ///
    /// # Panics
    /// If `envelope` is not `columns` x `bands`.
    pub fn expand(&self, envelope: &Frames) -> Frames {
        assert_eq!(envelope.data.len(), self.columns() * self.bands(), "values in an envelope");
        let mut frames = Frames::zeros(self.time.len(), self.frequency.len());
        let mut row = vec![0.0; self.bands()];
        for (out, at) in frames.data.chunks_exact_mut(self.frequency.len()).zip(&self.time.points) {
            let column = |n: usize| &envelope.data[n * self.bands()..][..self.bands()];
            for ((x, a), b) in row.iter_mut().zip(column(at.left)).zip(column(at.right)) {
                *x = a + at.weight * (b - a);
            }
            for (x, at) in out.iter_mut().zip(&self.frequency.points) {
                *x = row[at.left] + at.weight * (row[at.right] - row[at.left]);
            }
        }
        frames
    }
}

/// One axis of the grid: its cells, and where each fine position lies between their centres.
#[derive(Clone, Debug)]
struct Axis {
    edges: Vec<usize>,
    points: Vec<Point>,
}

/// A position between two cells: `(1 - weight) * left + weight * right`.
#[derive(Clone, Copy, Debug)]
struct Point {
    left: usize,
    right: usize,
    weight: f32,
}

impl Axis {
    /// `edges` ascend strictly from 0.
    fn new(edges: Vec<usize>) -> Self {
        let centres: Vec<f64> = edges.windows(2).map(|pair| (pair[0] + pair[1] - 1) as f64 / 2.0).collect();
        let points = (0..edges[edges.len() - 1]).map(|i| locate(&centres, i as f64)).collect();
        Self { edges, points }
    }

    /// Fine positions.
    fn len(&self) -> usize {
        self.points.len()
    }
}

/// Between which two `centres` (ascending) `position` lies, and how far.
fn locate(centres: &[f64], position: f64) -> Point {
    let right = centres.partition_point(|&centre| centre < position).min(centres.len() - 1);
    let left = centres.partition_point(|&centre| centre <= position).saturating_sub(1);
    let gap = centres[right] - centres[left];
    // On a centre, and beyond the outer ones, both are the same cell.
    let weight = if right > left { ((position - centres[left]) / gap) as f32 } else { 0.0 };
    Point { left: left.min(right), right, weight }
}

/// Edges of `cells` cells over `len` positions, spaced as `((1 + curve)^x - 1) / curve` and at least one apart.
///
/// The mel scale with its corner at `len / curve`: linear below, logarithmic above.
fn warped_edges(len: usize, cells: usize, curve: f64) -> Vec<usize> {
    let warp = |x: f64| if curve > 1e-9 { ((1.0 + curve).powf(x) - 1.0) / curve } else { x };
    let mut edges = vec![0];
    for i in 1..=cells {
        let wanted = (len as f64 * warp(i as f64 / cells as f64)).round() as usize;
        edges.push(wanted.clamp(edges[i - 1] + 1, len - (cells - i)));
    }
    edges
}

/// The curve whose first of `cells` cells over `len` positions is one wide: by bisection, to 1e-12 of itself.
fn first_cell_one_wide(len: usize, cells: usize) -> f64 {
    let first_width = |curve: f64| len as f64 * ((1.0 + curve).powf(1.0 / cells as f64) - 1.0) / curve;
    let (mut low, mut high) = (1e-9, 1.0);
    while first_width(high) > 1.0 && high < 1e12 {
        (low, high) = (high, high * 4.0);
    }
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if first_width(middle) > 1.0 { low = middle } else { high = middle }
    }
    high
}

/// `found` cells fit on an axis of `most` positions.
fn check(name: &'static str, found: usize, most: usize) -> Result<()> {
    if (1..=most).contains(&found) {
        return Ok(());
    }
    let (found, need) = (found.to_string(), format!("1..={most}"));
    Err(RepresentationError::Parameter { object: "envelope", name, found, need }.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::noise::{NoiseStream, Seed};

    fn grid(num_frames: usize, num_channels: usize, columns: usize, bands: usize) -> EnvelopeGrid {
        EnvelopeGrid::new(num_frames, num_channels, &EnvelopeConfig { columns, bands }).unwrap()
    }

    fn noise(num_frames: usize, num_channels: usize) -> Frames {
        let mut frames = Frames::zeros(num_frames, num_channels);
        NoiseStream::new(Seed(9), "envelope", 0).fill_normal(&mut frames.data);
        frames
    }

    #[test]
    fn columns_start_one_frame_wide_and_grow_geometrically() {
        let grid = grid(128, 512, 24, 21);
        let widths: Vec<usize> = grid.column_edges().windows(2).map(|e| e[1] - e[0]).collect();
        assert_eq!((widths[0], widths[1], widths.iter().sum()), (1, 1, 128));
        // 1 + r + ... + r^23 = 128 at r = 1.1255; the last is r^23 = 15.2 wide.
        assert_eq!(widths[23], 15, "{widths:?}");
        assert!(widths.windows(2).all(|w| w[1] + 1 >= w[0]), "{widths:?}");
    }

    #[test]
    fn bands_are_about_mel_spaced() {
        let grid = grid(128, 512, 24, 21);
        let mel = |bin: usize| 2595.0 * (1.0 + bin as f64 * 44_100.0 / 1024.0 / 700.0).log10();
        let step = mel(512) / 21.0;
        for (i, &edge) in grid.band_edges().iter().enumerate() {
            // Half a bin of rounding is 36 mel at the bottom; the corner differs by 2 %.
            assert!((mel(edge) - step * i as f64).abs() < 45.0, "{:?}", grid.band_edges());
        }
    }

    #[test]
    fn every_cell_holds_a_bin_and_a_frame_however_many_there_are() {
        for (len, cells) in [(1, 1), (5, 5), (64, 60), (512, 100), (16384, 3)] {
            let grid = grid(len, len, cells, cells);
            for edges in [grid.column_edges(), grid.band_edges()] {
                assert_eq!((edges[0], edges[cells], edges.len()), (0, len, cells + 1));
                assert!(edges.windows(2).all(|e| e[0] < e[1]));
            }
        }
    }

    #[test]
    fn extract_means_each_cell() {
        let (grid, frames) = (grid(16, 32, 4, 5), noise(16, 32));
        let (rows, bins) = (&grid.column_edges()[2..4], &grid.band_edges()[3..5]);
        let cells = (rows[0]..rows[1]).flat_map(|n| (bins[0]..bins[1]).map(move |k| n * 32 + k));
        let values: Vec<f32> = cells.map(|i| frames.data[i]).collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        assert!((grid.extract(&frames).data[2 * 5 + 3] - mean).abs() < 1e-6);
    }

    #[test]
    fn expand_passes_through_the_centres_and_is_constant_beyond_the_outer_ones() {
        let (grid, envelope) = (grid(32, 64, 6, 7), noise(6, 7));
        let frames = grid.expand(&envelope);
        assert_eq!(frames.data[0], envelope.data[0]);
        assert_eq!(frames.data[32 * 64 - 1], envelope.data[6 * 7 - 1]);
        // Column 2 is 3 frames wide and band 4 is 9 bins wide: both have a middle position.
        let ((n, n_end), (k, k_end)) =
            ((grid.column_edges()[2], grid.column_edges()[3]), (grid.band_edges()[4], grid.band_edges()[5]));
        assert_eq!((n_end - n, k_end - k), (3, 9));
        assert_eq!(frames.data[(n + 1) * 64 + k + 4], envelope.data[2 * 7 + 4]);
    }

    #[test]
    fn expand_draws_straight_lines_between_centres() {
        // One band over time: cells centred on 0, 1.5, 4 and so on take the value of their centre.
        let grid = grid(40, 1, 6, 1);
        let centres = grid.column_edges().windows(2).map(|e| (e[0] + e[1] - 1) as f32 / 2.0).collect();
        let line = grid.expand(&Frames { data: centres, num_frames: 6, num_channels: 1 });
        let last = *grid.column_edges().last().unwrap();
        let outer = (grid.column_edges()[5] + last - 1) as f32 / 2.0;
        assert!(line.data.iter().enumerate().all(|(n, x)| (x - (n as f32).min(outer)).abs() < 1e-5));
    }

    #[test]
    fn expand_is_linear() {
        let (grid, a) = (grid(32, 64, 6, 7), noise(6, 7));
        let b = Frames { data: a.data.iter().map(|x| x * x).collect(), ..a.clone() };
        let sum = Frames { data: a.data.iter().zip(&b.data).map(|(a, b)| 2.0 * a + b).collect(), ..a.clone() };
        let (a, b, sum) = (grid.expand(&a), grid.expand(&b), grid.expand(&sum));
        // Values of size up to 10 in f32.
        let pairs = a.data.iter().zip(&b.data).zip(&sum.data);
        assert!(pairs.into_iter().all(|((a, b), sum)| (2.0 * a + b - sum).abs() < 1e-5));
    }

    #[test]
    fn a_grid_finer_than_the_frames_or_empty_is_refused() {
        let message = |columns, bands| {
            let error = EnvelopeGrid::new(16, 32, &EnvelopeConfig { columns, bands }).err();
            error.map(|error| error.to_string()).unwrap_or_default()
        };
        assert!(message(17, 4).contains("columns is 17; need 1..=16"));
        assert!(message(4, 33).contains("bands is 33; need 1..=32"));
        assert!(message(0, 4).contains("columns is 0"));
        assert!(message(4, 0).contains("bands is 0"));
    }
}
