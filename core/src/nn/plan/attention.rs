//! One head of attention, forward and back: `softmax(q k^T / sqrt(width)) v` (Vaswani et al. 2017).

use crate::nn::kernel::gemm::{Axis, Output, Panels, View, product_unpacked};
use crate::nn::kernel::isa::Isa;
use crate::nn::kernel::rows;

/// The sizes of an attention.
#[derive(Clone, Copy)]
pub(super) struct Heads {
    pub frames: usize,
    pub heads: usize,
    pub width: usize,
}

impl Heads {
    /// Queries (0), keys (1) or values (2) of a head, `[frames, width]`, in `[frames, 3, heads, width]`.
    fn part<'a>(&self, qkv: &'a [f32], part: usize, head: usize) -> View<'a> {
        let rows = Axis::plain(self.frames, 3 * self.heads * self.width);
        View { data: &qkv[self.start(part, head)..], rows, cols: Axis::plain(self.width, 1) }
    }

    fn start(&self, part: usize, head: usize) -> usize {
        (part * self.heads + head) * self.width
    }

    /// A head of the output, `[frames, width]`, in `[frames, heads, width]`.
    fn mixed<'a>(&self, out: &'a [f32], head: usize) -> View<'a> {
        let rows = Axis::plain(self.frames, self.heads * self.width);
        View { data: &out[head * self.width..], rows, cols: Axis::plain(self.width, 1) }
    }

    fn scale(&self) -> f32 {
        (self.width as f32).sqrt().recip()
    }

    /// One head: writes its `weights` (`[frames, frames]`) and its share of the output, which starts at `out` and has
    /// rows `heads * width` apart.
    pub fn forward(&self, qkv: &[f32], head: usize, weights: &mut [f32], out: Output, panels: &mut Panels) {
        let (q, k, v) = (self.part(qkv, 0, head), self.part(qkv, 1, head), self.part(qkv, 2, head));
        product_unpacked(Output::dense(weights, self.frames), q, k.transposed(), false, panels);
        weights.chunks_exact_mut(self.frames).for_each(|row| softmax(row, self.scale()));
        product_unpacked(out, View::dense(weights, self.frames, self.frames), v, false, panels);
    }

    /// Rows of a head in the output: for [`Heads::forward`].
    pub fn out_rows(&self) -> Axis {
        Axis::plain(self.frames, self.heads * self.width)
    }

    /// One head back: writes its share of the gradient of `qkv`.
    pub fn backward(
        &self,
        qkv: &[f32],
        head: usize,
        weights: &[f32],
        out_grad: &[f32],
        qkv_grad: &mut [f32],
        panels: &mut Panels,
    ) {
        let (q, k, v) = (self.part(qkv, 0, head), self.part(qkv, 1, head), self.part(qkv, 2, head));
        let frames = self.frames;
        let grad = self.mixed(out_grad, head);
        let rows = Axis::plain(frames, 3 * self.heads * self.width);
        let mut to = |part: usize, a: View, b: View, panels: &mut Panels| {
            let out = Output::strided(&mut qkv_grad[self.start(part, head)..], rows);
            product_unpacked(out, a, b, false, panels);
        };
        let weights_view = View::dense(weights, frames, frames);
        to(2, weights_view.transposed(), grad, panels);
        let mut scores_grad = vec![0.0; frames * frames];
        product_unpacked(Output::dense(&mut scores_grad, frames), grad, v.transposed(), false, panels);
        for (grad, weights) in scores_grad.chunks_exact_mut(frames).zip(weights.chunks_exact(frames)) {
            let mean: f32 = grad.iter().zip(weights).map(|(grad, weight)| grad * weight).sum();
            let entries = grad.iter_mut().zip(weights);
            entries.for_each(|(grad, weight)| *grad = weight * (*grad - mean) * self.scale());
        }
        let scores_grad = View::dense(&scores_grad, frames, frames);
        to(0, scores_grad, k, panels);
        to(1, scores_grad.transposed(), q, panels);
    }
}

/// Softmax of `row * scale`, in place.
fn softmax(row: &mut [f32], scale: f32) {
    let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    rows::exp_scaled(Isa::best(), row, scale, largest);
    let share = row.iter().sum::<f32>().recip();
    row.iter_mut().for_each(|x| *x *= share);
}
