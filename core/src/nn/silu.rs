//! SiLU, x * sigmoid(x) (Elfwing et al. 2017), with its derivative.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

use super::kernel::{isa::Isa, rows};
use super::op::{slice, tensor, with_values};

struct Silu;

impl CustomOp1 for Silu {
    fn name(&self) -> &'static str {
        "silu"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let x = slice(storage, layout)?;
        let mut out = vec![0.0; x.len()];
        rows::silu_into(Isa::best(), &mut out, x);
        Ok((CpuStorage::F32(out), layout.shape().clone()))
    }

    fn bwd(&self, x: &Tensor, _: &Tensor, grad: &Tensor) -> Result<Option<Tensor>> {
        let mut out = vec![0.0; x.elem_count()];
        with_values(x, |x| with_values(grad, |grad| rows::silu_gradient(Isa::best(), &mut out, x, grad)))??;
        tensor(out, x.shape()).map(Some)
    }
}

/// `x * sigmoid(x)`, any shape.
///
/// # Errors
/// A tensor operation failed.
pub fn silu(x: &Tensor) -> Result<Tensor> {
    if x.device().is_cpu() { x.contiguous()?.apply_op1(Silu) } else { x.silu() }
}
