//! [`Op`]: the operations of a plan.

use crate::nn::kernel::filter::MapShape;

/// A value of a plan.
pub(in crate::nn) type ValueId = usize;
/// A parameter: its place in the list of parameters.
pub(in crate::nn) type ParameterId = usize;
/// A matrix: its place in the list of packed matrices.
pub(in crate::nn) type MatrixId = usize;

/// One operation. Shapes are those of one clip.
#[derive(Clone, Debug)]
pub(in crate::nn) enum Op {
    /// Frames with `reach` more before and what is left of the output after them: zeros, or the other end.
    Pad { x: ValueId, out: ValueId, channels: usize, reach: usize, circular: bool },
    /// `out = windows(x) matrix + bias (+ base)`.
    Product(Product),
    /// Normalised by group, scaled and shifted, modulated by `film` where there is one, then SiLU where asked.
    Norm(Norm),
    /// The sum of depthwise filters, each of the map as it sees it; the last sees its own shape, and its sums go to `sums`.
    Filter { x: ValueId, out: ValueId, sums: ValueId, filters: Vec<(ParameterId, MapShape)> },
    /// The rest of a filter block: `out = x + narrow(silu(widen(norm(filtered))))`.
    Mix(Mix),
    /// Multi-head attention: `[frames, 3, heads, width]` to `[frames, heads, width]`; `weights` is `[heads, frames, frames]`.
    Attention { qkv: ValueId, out: ValueId, weights: ValueId, frames: usize, heads: usize, width: usize },
    /// Channels of both.
    Concat { a: ValueId, b: ValueId, channels: [usize; 2], out: ValueId },
    /// `a + b`.
    Add { a: ValueId, b: ValueId, out: ValueId },
    /// `x` plus a parameter, over and over.
    AddParameter { x: ValueId, parameter: ParameterId, out: ValueId },
    /// Every frame `factor` times, as many as the output holds.
    Repeat { x: ValueId, out: ValueId, factor: usize, channels: usize },
    /// `cut` is frames, across, channels, along: from `[f, a, c, l]` to `[f, c, a, l]`, or `back`.
    Patches { x: ValueId, out: ValueId, cut: [usize; 4], back: bool },
    /// `y + x * gate` by channel.
    Gate { y: ValueId, x: ValueId, gate: ValueId, channels: usize, out: ValueId },
    /// `x * sigmoid(x)`.
    Silu { x: ValueId, out: ValueId },
}

/// See [`Op::Product`].
#[derive(Clone, Debug)]
pub(in crate::nn) struct Product {
    pub x: ValueId,
    pub base: Option<ValueId>,
    pub out: ValueId,
    pub matrix: MatrixId,
    pub bias: ParameterId,
    /// Rows of a clip's output.
    pub rows: usize,
    /// Values that a row sees.
    pub inner: usize,
    /// Values from one row to the next: below `inner`, windows overlap.
    pub step: usize,
    pub cols: usize,
}

/// See [`Op::Norm`].
#[derive(Clone, Debug)]
pub(in crate::nn) struct Norm {
    pub x: ValueId,
    pub out: ValueId,
    pub film: Option<ValueId>,
    pub scale: ParameterId,
    pub shift: ParameterId,
    /// Mean, then reciprocal standard deviation, of every channel.
    pub statistics: ValueId,
    pub channels: usize,
    pub activate: bool,
}

/// See [`Op::Mix`].
#[derive(Clone, Debug)]
pub(in crate::nn) struct Mix {
    pub x: ValueId,
    pub filtered: ValueId,
    pub sums: ValueId,
    pub out: ValueId,
    pub film: ValueId,
    pub scale: ParameterId,
    pub shift: ParameterId,
    /// Mean, reciprocal standard deviation, then the affine map that they and `film` make, of every channel.
    pub statistics: ValueId,
    pub widen: [usize; 2],
    pub narrow: [usize; 2],
    pub shape: MapShape,
}

impl Op {
    /// Values that it reads, then those that it writes.
    pub fn values(&self) -> (Vec<ValueId>, Vec<ValueId>) {
        match self {
            Self::Pad { x, out, .. }
            | Self::Repeat { x, out, .. }
            | Self::Patches { x, out, .. }
            | Self::Silu { x, out }
            | Self::AddParameter { x, out, .. } => (vec![*x], vec![*out]),
            Self::Product(op) => ([Some(op.x), op.base].into_iter().flatten().collect(), vec![op.out]),
            Self::Norm(op) => ([Some(op.x), op.film].into_iter().flatten().collect(), vec![op.out, op.statistics]),
            Self::Filter { x, out, sums, .. } => (vec![*x], vec![*out, *sums]),
            Self::Mix(op) => (vec![op.x, op.filtered, op.sums, op.film], vec![op.out, op.statistics]),
            Self::Attention { qkv, out, weights, .. } => (vec![*qkv], vec![*out, *weights]),
            Self::Concat { a, b, out, .. } | Self::Add { a, b, out } => (vec![*a, *b], vec![*out]),
            Self::Gate { y, x, gate, out, .. } => (vec![*y, *x, *gate], vec![*out]),
        }
    }

    /// Whether it has parameters, so that its output depends on something that is trained.
    pub fn has_parameters(&self) -> bool {
        matches!(
            self,
            Self::Product(_) | Self::Norm(_) | Self::Filter { .. } | Self::Mix(_) | Self::AddParameter { .. }
        )
    }
}
