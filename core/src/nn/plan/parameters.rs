//! The parameters of a plan: all in one vector, and the matrices among them packed.

use std::ops::Range;

use candle_core::{Result, Tensor};
use rayon::prelude::*;

use super::op::{MatrixId, ParameterId};
use super::recording::MatrixInfo;
use crate::nn::kernel::gemm::{Axis, Panels, View};
use crate::nn::kernel::isa::Isa;
use crate::nn::op::with_values;

/// A matrix in the forms that products need.
pub(super) struct Matrix {
    info: MatrixInfo,
    /// As it is.
    pub forward: Panels,
    /// Turned round, tap by tap: for gradients.
    pub turned: Vec<Panels>,
}

/// The parameters of a plan.
pub(super) struct Parameters {
    tensors: Vec<Tensor>,
    /// Where each begins in the vector, and where the last one ends.
    starts: Vec<usize>,
    values: Vec<f32>,
    matrices: Vec<Matrix>,
    trains: bool,
}

impl Parameters {
    /// Take over the values of `tensors`; `trains` packs the matrices for gradients, too.
    pub fn new(tensors: Vec<Tensor>, matrices: Vec<MatrixInfo>, trains: bool) -> Result<Self> {
        let mut starts = vec![0];
        for tensor in &tensors {
            starts.push(starts[starts.len() - 1] + tensor.elem_count());
        }
        let values = vec![0.0; starts[tensors.len()]];
        let empty = |info: MatrixInfo| Matrix {
            turned: (0..if trains { info.taps } else { 0 }).map(|_| Panels::empty(Isa::best())).collect(),
            forward: Panels::empty(Isa::best()),
            info,
        };
        let mut all = Self { tensors, starts, values, matrices: matrices.into_iter().map(empty).collect(), trains };
        all.load()?;
        Ok(all)
    }

    /// Take over the values again, which training has changed.
    pub fn load(&mut self) -> Result<()> {
        for (id, tensor) in self.tensors.iter().enumerate() {
            let to = &mut self.values[self.starts[id]..self.starts[id + 1]];
            with_values(tensor, |values| to.copy_from_slice(values))?;
        }
        let (values, starts, trains) = (&self.values, &self.starts, self.trains);
        self.matrices.par_iter_mut().for_each(|matrix| {
            let MatrixInfo { parameter, taps, rows, cols } = matrix.info;
            let data = &values[starts[parameter]..starts[parameter + 1]];
            matrix.forward.repack(View::dense(data, taps * rows, cols));
            if !trains {
                matrix.forward.halve();
            } else {
                for (turned, data) in matrix.turned.iter_mut().zip(data.chunks_exact(rows * cols)) {
                    turned.repack(View::dense(data, rows, cols).transposed());
                }
            }
        });
        Ok(())
    }

    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Numbers of all parameters.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Where a parameter lies in the vector, and its gradient in the vector of gradients.
    pub fn range(&self, id: ParameterId) -> Range<usize> {
        self.starts[id]..self.starts[id + 1]
    }

    pub fn values(&self, id: ParameterId) -> &[f32] {
        &self.values[self.range(id)]
    }

    pub fn matrix(&self, id: MatrixId) -> &Matrix {
        &self.matrices[id]
    }

    /// Where the gradient of a matrix lies in the vector of gradients.
    pub fn matrix_range(&self, id: MatrixId) -> Range<usize> {
        self.range(self.matrices[id].info.parameter)
    }
}

/// Rows of every clip of a batch.
pub(super) fn clip_rows(rows: usize, step: usize, clip: usize, batch: usize) -> Axis {
    Axis { count: rows, stride: step, outer: batch, outer_stride: clip }
}
