//! [`Recording`]: notes what a network does to its inputs.

use std::cell::RefCell;
use std::rc::Rc;

use candle_core::{Result, Tensor, TensorId, bail};

use super::op::{MatrixId, Op, ParameterId, ValueId};

/// What is known of a value.
#[derive(Clone, Debug)]
pub(super) struct ValueInfo {
    /// Numbers of one clip.
    pub len: usize,
    /// Whether it depends on frames, or on noise level and condition alone.
    pub is_main: bool,
    /// Whether it depends on a parameter.
    pub is_trained: bool,
}

/// A matrix among the parameters: `[taps * rows, cols]`.
#[derive(Clone, Debug)]
pub(super) struct MatrixInfo {
    pub parameter: ParameterId,
    pub taps: usize,
    pub rows: usize,
    pub cols: usize,
}

#[derive(Default)]
pub(super) struct Notes {
    pub values: Vec<ValueInfo>,
    pub ops: Vec<Op>,
    pub parameters: Vec<Tensor>,
    pub ids: Vec<TensorId>,
    pub matrices: Vec<MatrixInfo>,
    pub inputs: Vec<ValueId>,
}

/// A recording: begin it, take its inputs through a network, make a [`Plan`](super::Plan) of it.
#[derive(Clone, Default)]
pub struct Recording(pub(super) Rc<RefCell<Notes>>);

/// A value of a [`Recording`].
#[derive(Clone)]
pub struct Node {
    recording: Recording,
    id: ValueId,
    shape: Vec<usize>,
}

impl Recording {
    /// Nothing recorded yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// An input of this shape (without the batch). `is_main` says that it changes from call to call, as frames do;
    /// others, noise level and condition, are known beforehand.
    pub fn input(&self, shape: &[usize], is_main: bool) -> Node {
        let len = shape.iter().product();
        let id = self.value(len, is_main, false);
        self.0.borrow_mut().inputs.push(id);
        Node { recording: self.clone(), id, shape: shape.to_vec() }
    }

    fn value(&self, len: usize, is_main: bool, is_trained: bool) -> ValueId {
        let values = &mut self.0.borrow_mut().values;
        values.push(ValueInfo { len, is_main, is_trained });
        values.len() - 1
    }
}

impl Node {
    pub(in crate::nn) fn id(&self) -> ValueId {
        self.id
    }

    pub(in crate::nn) fn shape(&self) -> &[usize] {
        &self.shape
    }

    pub(in crate::nn) fn channels(&self) -> usize {
        self.shape.last().copied().unwrap_or(0)
    }

    pub(in crate::nn) fn reshaped(&self, shape: &[usize]) -> Result<Self> {
        if shape.iter().product::<usize>() != self.shape.iter().product::<usize>() {
            bail!("cannot reshape {:?} to {shape:?}", self.shape);
        }
        Ok(Self { shape: shape.to_vec(), ..self.clone() })
    }

    /// The place of a parameter in the plan.
    pub(in crate::nn) fn parameter(&self, tensor: &Tensor) -> Result<ParameterId> {
        let notes = &mut *self.recording.0.borrow_mut();
        if let Some(id) = notes.ids.iter().position(|&id| id == tensor.id()) {
            return Ok(id);
        }
        notes.ids.push(tensor.id());
        notes.parameters.push(tensor.clone());
        Ok(notes.ids.len() - 1)
    }

    /// The place of a matrix of `taps` blocks of rows in the plan.
    pub(in crate::nn) fn matrix(&self, tensor: &Tensor, taps: usize) -> Result<MatrixId> {
        let (rows, cols) = tensor.dims2()?;
        let parameter = self.parameter(tensor)?;
        let matrices = &mut self.recording.0.borrow_mut().matrices;
        matrices.push(MatrixInfo { parameter, taps, rows: rows / taps, cols });
        Ok(matrices.len() - 1)
    }

    /// Memory beside the output: statistics, weights of attention. It depends on what `self` depends on.
    pub(in crate::nn) fn side(&self, len: usize) -> ValueId {
        let is_main = self.recording.0.borrow().values[self.id].is_main;
        self.recording.value(len, is_main, true)
    }

    /// Note an operation whose output has this shape.
    pub(in crate::nn) fn record(&self, shape: &[usize], op: impl FnOnce(ValueId) -> Op) -> Result<Self> {
        let out = self.recording.value(shape.iter().product(), false, false);
        let op = op(out);
        let notes = &mut *self.recording.0.borrow_mut();
        let (reads, writes) = op.values();
        let is_main = reads.iter().any(|&id| notes.values[id].is_main);
        let is_trained = op.has_parameters() || reads.iter().any(|&id| notes.values[id].is_trained);
        for id in writes {
            (notes.values[id].is_main, notes.values[id].is_trained) = (is_main, is_trained);
        }
        notes.ops.push(op);
        Ok(Self { recording: self.recording.clone(), id: out, shape: shape.to_vec() })
    }
}
