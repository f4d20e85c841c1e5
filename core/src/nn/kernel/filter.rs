//! Depthwise filters over frames and bins: every channel its own 3 by 5 taps, zero outside; or frames on a circle.
//!
//! Four neighbouring bins are computed together, so that a weight is loaded once for four products and a value once for
//! up to four; the outermost bins, which lack taps, go one by one.

use super::isa::{Isa, dispatch};
use super::vector::Vector;

/// Taps across frames.
pub(in crate::nn) const ACROSS: usize = 3;
/// Taps along bins.
pub(in crate::nn) const ALONG: usize = 5;
/// Taps.
pub(in crate::nn) const TAPS: usize = ACROSS * ALONG;
/// Bins computed together.
const TOGETHER: usize = 4;
/// Bins of a tap's reach to either side.
const REACH: usize = ALONG / 2;

/// The size of one clip's map, `[frames, bins, channels]` in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::nn) struct MapShape {
    pub frames: usize,
    pub bins: usize,
    pub channels: usize,
    /// The last frame comes before the first.
    pub circular: bool,
}

impl MapShape {
    /// The same map with `stride` frames side by side, as if they were one of so many times the bins: the next frame of that
    /// map is the next that a filter with this stride sees. Where two lie side by side the filter reaches from the highest
    /// bins of the one to the lowest of the other, where there is little to see. Where the stride does not divide the
    /// frames, the next smaller number that does stands for it.
    pub fn strided(self, stride: usize) -> Self {
        let stride = (1..=stride).rev().find(|&stride| self.frames.is_multiple_of(stride)).unwrap_or(1);
        Self { frames: self.frames / stride, bins: self.bins * stride, ..self }
    }

    /// Values of a frame.
    pub fn row(self) -> usize {
        self.bins * self.channels
    }

    /// Values of a clip.
    pub fn len(self) -> usize {
        self.frames * self.row()
    }
}

dispatch! {
    /// Filter the frames `first..` of one clip's map `x` into `out` (whole frames), or `add` to what is there; `weight` is
    /// `[taps, channels]`. Per frame, `sums` gets each channel's sum, then each channel's sum of squares: `[frames of out, 2, channels]`.
    ///
    /// # Panics
    /// If a slice has another size than `shape` says.
    pub(in crate::nn) fn filter(
        out: &mut [f32], sums: &mut [f32], x: &[f32], weight: &[f32], shape: MapShape, first: usize, add: bool,
    ) = filter_kernel
}

dispatch! {
    /// Add the gradient of one clip's weight: `weight[tap][c] += sum of grad * (x moved by tap)`.
    ///
    /// # Panics
    /// If a slice has another size than `shape` says.
    pub(in crate::nn) fn weight_gradient(weight: &mut [f32], x: &[f32], grad: &[f32], shape: MapShape) = weight_kernel
}

/// The weights that carry gradients back through a filter: the same, turned round.
pub(in crate::nn) fn turned(weight: &[f32], channels: usize) -> Vec<f32> {
    weight.chunks_exact(channels).rev().flatten().copied().collect()
}

/// The taps across that lie inside for frame `t`: on a circle, all.
fn taps_inside(t: usize, shape: MapShape) -> std::ops::Range<usize> {
    if shape.circular { 0..ACROSS } else { usize::from(t == 0)..(shape.frames + 1 - t).min(ACROSS) }
}

#[inline(always)]
unsafe fn filter_kernel<V: Vector>(
    out: &mut [f32],
    sums: &mut [f32],
    x: &[f32],
    weight: &[f32],
    shape: MapShape,
    first: usize,
    add: bool,
) {
    let (row, c) = (shape.row(), shape.channels);
    let frames = out.len() / row;
    assert!(x.len() == shape.len() && weight.len() == TAPS * c && out.len() == frames * row, "slices fit {shape:?}");
    assert!(sums.len() == frames * 2 * c && first + frames <= shape.frames, "slices fit {shape:?}");
    for (t, (out, sums)) in out.chunks_exact_mut(row).zip(sums.chunks_exact_mut(2 * c)).enumerate() {
        let mut channel = 0;
        while channel < c {
            // SAFETY: the asserts above; `channel + LANES <= c`, and the portable registers divide every `c`.
            unsafe {
                let at = At { x: x.as_ptr(), weight: weight.as_ptr(), shape, frame: first + t, channel };
                if channel + V::LANES <= c {
                    frame_kernel::<V>(out, sums, at, add);
                    channel += V::LANES;
                } else {
                    frame_kernel::<super::vector::Portable>(out, sums, at, add);
                    channel += super::vector::Portable::LANES;
                }
            }
        }
    }
}

/// Which frame and channels a kernel works on.
#[derive(Clone, Copy)]
struct At {
    x: *const f32,
    weight: *const f32,
    shape: MapShape,
    frame: usize,
    channel: usize,
}

impl At {
    /// The input under tap `(across, 0)` of bin 0, which lies `REACH` bins before it.
    #[inline(always)]
    fn input(&self, across: usize) -> *const f32 {
        // Counted from one before the first: both ends come round, which only a circle's taps reach.
        let frame = match self.frame + across {
            0 => self.shape.frames - 1,
            after if after > self.shape.frames => 0,
            inside => inside - 1,
        };
        self.x.wrapping_add(frame * self.shape.row() + self.channel).wrapping_sub(REACH * self.shape.channels)
    }

    #[inline(always)]
    fn weight(&self, across: usize, along: usize) -> *const f32 {
        self.weight.wrapping_add((across * ALONG + along) * self.shape.channels + self.channel)
    }
}

/// One frame, one register of channels.
#[inline(always)]
unsafe fn frame_kernel<V: Vector>(out: &mut [f32], sums: &mut [f32], at: At, add: bool) {
    let MapShape { bins, channels, .. } = at.shape;
    let taps = taps_inside(at.frame, at.shape);
    // SAFETY: taps are inside by frame through `taps`, by bin through the ranges below; channels by the caller.
    unsafe {
        let (mut sum, mut square) = (V::splat(0.0), V::splat(0.0));
        let mut keep = |bin: usize, mut y: V| {
            let to = out.as_mut_ptr().add(bin * channels + at.channel);
            if add {
                y = y.add(V::load(to));
            }
            y.store(to);
            sum = sum.add(y);
            square = y.mul_add(y, square);
        };
        let mut bin = 0;
        while bin < bins {
            if bin >= REACH && bin + TOGETHER + REACH <= bins {
                let mut acc = [V::splat(0.0); TOGETHER];
                for across in taps.clone() {
                    let weight: [V; ALONG] = std::array::from_fn(|along| V::load(at.weight(across, along)));
                    let input = at.input(across).wrapping_add(bin * channels);
                    for i in 0..TOGETHER + ALONG - 1 {
                        let value = V::load(input.add(i * channels));
                        // Value i is tap `i - j` of output j.
                        for (j, acc) in acc.iter_mut().enumerate() {
                            if i >= j && i - j < ALONG {
                                *acc = value.mul_add(weight[i - j], *acc);
                            }
                        }
                    }
                }
                for (j, y) in acc.into_iter().enumerate() {
                    keep(bin + j, y);
                }
                bin += TOGETHER;
            } else {
                let mut y = V::splat(0.0);
                for across in taps.clone() {
                    for along in REACH.saturating_sub(bin)..ALONG.min(bins + REACH - bin) {
                        let value = V::load(at.input(across).wrapping_add((bin + along) * channels));
                        y = value.mul_add(V::load(at.weight(across, along)), y);
                    }
                }
                keep(bin, y);
                bin += 1;
            }
        }
        sum.store(sums.as_mut_ptr().add(at.channel));
        square.store(sums.as_mut_ptr().add(channels + at.channel));
    }
}

#[inline(always)]
unsafe fn weight_kernel<V: Vector>(weight: &mut [f32], x: &[f32], grad: &[f32], shape: MapShape) {
    let c = shape.channels;
    assert!(x.len() == shape.len() && grad.len() == shape.len() && weight.len() == TAPS * c, "slices fit {shape:?}");
    for frame in 0..shape.frames {
        let mut channel = 0;
        while channel < c {
            // SAFETY: as in `filter_kernel`.
            unsafe {
                let at = At { x: x.as_ptr(), weight: weight.as_mut_ptr(), shape, frame, channel };
                if channel + V::LANES <= c {
                    weight_frame_kernel::<V>(weight, grad, at);
                    channel += V::LANES;
                } else {
                    weight_frame_kernel::<super::vector::Portable>(weight, grad, at);
                    channel += super::vector::Portable::LANES;
                }
            }
        }
    }
}

/// One frame's share of the gradient of one register of channels.
#[inline(always)]
unsafe fn weight_frame_kernel<V: Vector>(weight: &mut [f32], grad: &[f32], at: At) {
    let MapShape { bins, channels, .. } = at.shape;
    // SAFETY: as in `frame_kernel`.
    unsafe {
        let grad = grad.as_ptr().add(at.frame * at.shape.row() + at.channel);
        for across in taps_inside(at.frame, at.shape) {
            let input = at.input(across);
            let mut acc = [V::splat(0.0); ALONG];
            for bin in 0..bins {
                let grad = V::load(grad.add(bin * channels));
                let inside = REACH.saturating_sub(bin)..ALONG.min(bins + REACH - bin);
                if inside == (0..ALONG) {
                    for (along, acc) in acc.iter_mut().enumerate() {
                        *acc = V::load(input.wrapping_add((bin + along) * channels)).mul_add(grad, *acc);
                    }
                } else {
                    for along in inside {
                        let value = V::load(input.wrapping_add((bin + along) * channels));
                        acc[along] = value.mul_add(grad, acc[along]);
                    }
                }
            }
            for (along, acc) in acc.into_iter().enumerate() {
                let to = weight.as_mut_ptr().add((across * ALONG + along) * channels + at.channel);
                acc.add(V::load(to)).store(to);
            }
        }
    }
}
