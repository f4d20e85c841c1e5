//! Moving values without computing: padding, patches, concatenation, repetition, and each way back for gradients.

/// Where gradients go: over what is there, or added to it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    Over,
    Add,
}

impl Write {
    /// `to = from`, or `to += from`.
    pub fn put(self, to: &mut [f32], from: &[f32]) {
        match self {
            Self::Over => to.copy_from_slice(from),
            Self::Add => to.iter_mut().zip(from).for_each(|(to, from)| *to += from),
        }
    }
}

/// Frames of one clip between `reach` frames of zeros or of the other end.
pub(super) fn pad(out: &mut [f32], x: &[f32], edge: usize, circular: bool) {
    let clip = x.len();
    out[..edge].fill(0.0);
    out[edge + clip..].fill(0.0);
    out[edge..edge + clip].copy_from_slice(x);
    if circular {
        out[..edge].copy_from_slice(&x[clip - edge..]);
        out[edge + clip..2 * edge + clip].copy_from_slice(&x[..edge]);
    }
}

/// The gradient of [`pad`].
pub(super) fn unpad(x: &mut [f32], out: &[f32], edge: usize, circular: bool, write: Write) {
    let clip = x.len();
    write.put(x, &out[edge..edge + clip]);
    if circular {
        Write::Add.put(&mut x[clip - edge..], &out[..edge]);
        Write::Add.put(&mut x[..edge], &out[edge + clip..2 * edge + clip]);
    }
}

/// From `[frames, across, channels, along]` to `[frames, channels, across, along]`, or `back`.
pub(super) fn patches(to: &mut [f32], from: &[f32], cut: [usize; 4], back: bool, write: Write) {
    let [frames, across, channels, along] = cut;
    for f in 0..frames {
        for a in 0..across {
            for c in 0..channels {
                let plain = ((f * across + a) * channels + c) * along;
                let patched = ((f * channels + c) * across + a) * along;
                let (source, target) = if back { (patched, plain) } else { (plain, patched) };
                write.put(&mut to[target..target + along], &from[source..source + along]);
            }
        }
    }
}

/// Rows of `a` and `b` side by side.
pub(super) fn concat(out: &mut [f32], a: &[f32], b: &[f32], channels: [usize; 2]) {
    let rows = a.chunks_exact(channels[0]).zip(b.chunks_exact(channels[1]));
    for (out, (a, b)) in out.chunks_exact_mut(channels[0] + channels[1]).zip(rows) {
        out[..channels[0]].copy_from_slice(a);
        out[channels[0]..].copy_from_slice(b);
    }
}

/// `width` channels from `first` on of rows of `channels`: the gradient of [`concat`].
pub(super) fn cut_channels(to: &mut [f32], from: &[f32], channels: usize, first: usize, width: usize, write: Write) {
    for (to, from) in to.chunks_exact_mut(width).zip(from.chunks_exact(channels)) {
        write.put(to, &from[first..first + width]);
    }
}

/// Every frame `factor` times, as many as fit.
pub(super) fn repeat(out: &mut [f32], x: &[f32], factor: usize, channels: usize) {
    for (frame, out) in out.chunks_exact_mut(channels).enumerate() {
        out.copy_from_slice(&x[frame / factor * channels..][..channels]);
    }
}

/// The gradient of [`repeat`].
pub(super) fn fold_repeats(x: &mut [f32], out: &[f32], factor: usize, channels: usize, write: Write) {
    if write == Write::Over {
        x.fill(0.0);
    }
    for (frame, out) in out.chunks_exact(channels).enumerate() {
        Write::Add.put(&mut x[frame / factor * channels..][..channels], out);
    }
}
