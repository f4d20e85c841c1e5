//! [`Value`]: what flows through a network, computed at once or recorded for a plan.

use candle_core::{Result, Tensor, bail};

use super::plan::{Node, Op};
use super::silu::silu;

/// What flows through a network: a tensor of candle, or a node of a recording that becomes a [`Plan`](super::Plan).
///
/// Networks are written once over values. On tensors every layer computes at once, on any device, and candle's tape
/// keeps what the backward pass needs; on nodes it only notes what is to be done.
#[derive(Clone)]
pub enum Value {
    /// Computed at once; `[batch, ..]`.
    Tensor(Tensor),
    /// To be computed; its shape leaves out the batch.
    Node(Node),
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Self::Tensor(tensor)
    }
}

impl Value {
    /// The tensor that was computed.
    ///
    /// # Errors
    /// It is a node.
    pub fn tensor(&self) -> Result<&Tensor> {
        match self {
            Self::Tensor(tensor) => Ok(tensor),
            Self::Node(_) => bail!("a recorded value holds no tensor"),
        }
    }

    /// Frames.
    ///
    /// # Errors
    /// It has no axes.
    pub fn frames(&self) -> Result<usize> {
        self.extent(0)
    }

    /// The extent of an axis, counted without the batch.
    pub(super) fn extent(&self, axis: usize) -> Result<usize> {
        match self {
            Self::Tensor(tensor) => tensor.dim(axis + 1),
            Self::Node(node) => Ok(node.shape()[axis]),
        }
    }

    pub(super) fn shape_without_batch(&self) -> Vec<usize> {
        match self {
            Self::Tensor(tensor) => tensor.dims()[1..].to_vec(),
            Self::Node(node) => node.shape().to_vec(),
        }
    }

    /// The same values under another shape, given without the batch.
    ///
    /// # Errors
    /// Another number of values.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        match self {
            Self::Tensor(tensor) => {
                let with_batch: Vec<usize> = [tensor.dim(0)?].iter().chain(shape).copied().collect();
                Ok(Self::Tensor(tensor.reshape(with_batch)?))
            }
            Self::Node(node) => Ok(Self::Node(node.reshaped(shape)?)),
        }
    }

    /// `self + other`, of one shape.
    ///
    /// # Errors
    /// Unequal shapes; a tensor operation failed.
    pub fn add(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::Tensor(a), Self::Tensor(b)) => Ok(Self::Tensor((a + b)?)),
            (Self::Node(a), Self::Node(b)) => {
                a.record(a.shape(), |out| Op::Add { a: a.id(), b: b.id(), out }).map(Self::Node)
            }
            _ => mixed(),
        }
    }

    /// Add a parameter to every clip, over and over where the clip is longer: `parameter` has the clip's last axes.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn add_parameter(&self, parameter: &Tensor) -> Result<Self> {
        match self {
            Self::Tensor(x) => Ok(Self::Tensor(x.broadcast_add(parameter)?)),
            Self::Node(x) => {
                let parameter = x.parameter(parameter)?;
                x.record(x.shape(), |out| Op::AddParameter { x: x.id(), parameter, out }).map(Self::Node)
            }
        }
    }

    /// Channels of both, `[.., a]` and `[.., b]` to `[.., a + b]`.
    ///
    /// # Errors
    /// Unequal other axes.
    pub fn concat(&self, other: &Self) -> Result<Self> {
        match (self, other) {
            (Self::Tensor(a), Self::Tensor(b)) => Ok(Self::Tensor(Tensor::cat(&[a, b], a.rank() - 1)?)),
            (Self::Node(a), Self::Node(b)) => {
                let channels = [a.channels(), b.channels()];
                let mut shape = a.shape().to_vec();
                *shape.last_mut().unwrap_or(&mut 0) = channels[0] + channels[1];
                a.record(&shape, |out| Op::Concat { a: a.id(), b: b.id(), channels, out }).map(Self::Node)
            }
            _ => mixed(),
        }
    }

    /// `x * sigmoid(x)`.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn silu(&self) -> Result<Self> {
        match self {
            Self::Tensor(x) => Ok(Self::Tensor(silu(x)?)),
            Self::Node(x) => x.record(x.shape(), |out| Op::Silu { x: x.id(), out }).map(Self::Node),
        }
    }

    /// `self + x * gate`, with a gate for every channel of a clip: `[frames, channels]` twice and `[channels]`.
    ///
    /// # Errors
    /// Shapes that do not fit.
    pub fn add_gated(&self, x: &Self, gate: &Self) -> Result<Self> {
        match (self, x, gate) {
            (Self::Tensor(y), Self::Tensor(x), Self::Tensor(gate)) => {
                Ok(Self::Tensor((y + x.broadcast_mul(&gate.unsqueeze(1)?)?)?))
            }
            (Self::Node(y), Self::Node(x), Self::Node(gate)) => {
                let op = |out| Op::Gate { y: y.id(), x: x.id(), gate: gate.id(), channels: x.channels(), out };
                y.record(y.shape(), op).map(Self::Node)
            }
            _ => mixed(),
        }
    }

    /// Cut `[frames, channels]` into patches of `across` frames by `along` channels:
    /// `[frames / across, channels / along, across * along]`.
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn to_patches(&self, across: usize, along: usize) -> Result<Self> {
        let (frames, channels) = (self.extent(0)? / across, self.extent(1)? / along);
        match self {
            Self::Tensor(x) => {
                let cut = x.reshape((x.dim(0)?, frames, across, channels, along))?.transpose(2, 3)?.contiguous()?;
                Ok(Self::Tensor(cut.reshape((x.dim(0)?, frames, channels, across * along))?))
            }
            Self::Node(x) => {
                let op = |out| Op::Patches { x: x.id(), out, cut: [frames, across, channels, along], back: false };
                x.record(&[frames, channels, across * along], op).map(Self::Node)
            }
        }
    }

    /// The inverse of [`Value::to_patches`].
    ///
    /// # Errors
    /// A tensor operation failed.
    pub fn to_frames(&self, across: usize, along: usize) -> Result<Self> {
        let (frames, channels) = (self.extent(0)?, self.extent(1)?);
        match self {
            Self::Tensor(x) => {
                let cut = x.reshape((x.dim(0)?, frames, channels, across, along))?.transpose(2, 3)?.contiguous()?;
                Ok(Self::Tensor(cut.reshape((x.dim(0)?, frames * across, channels * along))?))
            }
            Self::Node(x) => {
                let op = |out| Op::Patches { x: x.id(), out, cut: [frames, across, channels, along], back: true };
                x.record(&[frames * across, channels * along], op).map(Self::Node)
            }
        }
    }

    /// Repeat every frame `factor` times and keep the first `frames`: nearest-neighbour growth, and the way back from the
    /// rounding up of a strided convolution over an odd length.
    ///
    /// # Errors
    /// Fewer frames than asked.
    pub fn upsample(&self, factor: usize, frames: usize) -> Result<Self> {
        let (short, channels) = (self.extent(0)?, self.extent(1)?);
        match self {
            Self::Tensor(x) => {
                let long = x.unsqueeze(2)?.broadcast_as((x.dim(0)?, short, factor, channels))?.contiguous()?;
                let long = long.reshape((x.dim(0)?, short * factor, channels))?;
                let cut = if short * factor == frames { long } else { long.narrow(1, 0, frames)?.contiguous()? };
                Ok(Self::Tensor(cut))
            }
            Self::Node(x) => {
                let op = |out| Op::Repeat { x: x.id(), out, factor, channels };
                x.record(&[frames, channels], op).map(Self::Node)
            }
        }
    }
}

/// Tensors and nodes cannot be computed on together.
pub(super) fn mixed<T>() -> Result<T> {
    bail!("tensors and recorded values do not mix")
}
