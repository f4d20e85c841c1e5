//! Weighted sums of tensors, which is all that samplers do.
//!
//! On the CPU in loops of our own: candle hands elementwise operations above 65,535 values to threads of its own, which
//! spin while they wait and so take the processor from whoever else needs it, a host's audio among them.

use candle_core::{CpuStorage, Storage, Tensor};

use crate::error::Result;

/// `a * weight_a + b * weight_b`, each product and the sum rounded to `f32`. Two tensors of one shape.
///
/// # Errors
/// Tensors of unequal shape.
pub(crate) fn mix(a: &Tensor, weight_a: f64, b: &Tensor, weight_b: f64) -> Result<Tensor> {
    let (wa, wb) = (weight_a as f32, weight_b as f32);
    let sum = |a: &[f32]| with_values(b, |b| a.iter().zip(b).map(|(a, b)| a * wa + b * wb).collect());
    match with_values(a, sum).flatten().filter(|_| a.shape() == b.shape()) {
        Some(values) => Ok(Tensor::from_vec(values, a.shape(), a.device())?),
        None => Ok(((a * weight_a)? + (b * weight_b)?)?),
    }
}

/// `a * weight`.
///
/// # Errors
/// A tensor operation failed.
pub(crate) fn scale(a: &Tensor, weight: f64) -> Result<Tensor> {
    let factor = weight as f32;
    match with_values(a, |a| a.iter().map(|a| a * factor).collect::<Vec<f32>>()) {
        Some(values) => Ok(Tensor::from_vec(values, a.shape(), a.device())?),
        None => Ok((a * weight)?),
    }
}

/// Call `f` with the values of a tensor that lie in the CPU's memory in their order.
fn with_values<T>(tensor: &Tensor, f: impl FnOnce(&[f32]) -> T) -> Option<T> {
    let (storage, layout) = tensor.storage_and_layout();
    let (start, end) = layout.contiguous_offsets()?;
    match &*storage {
        Storage::Cpu(CpuStorage::F32(values)) => Some(f(&values[start..end])),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    #[test]
    fn sums_equal_candle_s_operations_bit_for_bit_whatever_the_layout() {
        let values = |from: i32| (from..from + 12).map(|i| (i as f32).sin()).collect::<Vec<_>>();
        let tensor = |from| Tensor::from_vec(values(from), (1, 3, 4), &Device::Cpu).unwrap();
        let (a, b) = (tensor(1), tensor(40));
        let turned = |t: &Tensor| t.transpose(1, 2).unwrap();
        for (a, b) in
            [(a.clone(), b.clone()), (turned(&a), turned(&b)), (a.narrow(1, 1, 2).unwrap(), b.narrow(1, 0, 2).unwrap())]
        {
            let expected = ((&a * 0.3).unwrap() + (&b * -1.7).unwrap()).unwrap();
            let bits = |t: Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(bits(mix(&a, 0.3, &b, -1.7).unwrap()), bits(expected));
            assert_eq!(bits(scale(&a, 0.3).unwrap()), bits((&a * 0.3).unwrap()));
        }
    }

    #[test]
    fn unequal_shapes_are_refused() {
        let zeros = |n: usize| Tensor::zeros((1, n, 2), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(mix(&zeros(3), 1.0, &zeros(2), 1.0).is_err());
    }
}
