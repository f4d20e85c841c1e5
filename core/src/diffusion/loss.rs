//! How wrong a prediction is: differentiable, on tensors `[batch, ...]`.

use candle_core::Tensor;

use crate::error::Result;

/// Mean squared error of every item: `[batch]`. Its mean is [`mean_squared_error`] where items are equally large.
///
/// For velocity it is 1 for a network that predicts nothing (the target has unit variance) and 0 for a perfect one.
///
/// # Errors
/// Tensors of unequal shape.
pub fn squared_error_per_item(prediction: &Tensor, target: &Tensor) -> Result<Tensor> {
    Ok((prediction - target)?.sqr()?.flatten_from(1)?.mean(1)?)
}

/// Mean squared error over everything: a scalar.
///
/// # Errors
/// Tensors of unequal shape.
pub fn mean_squared_error(prediction: &Tensor, target: &Tensor) -> Result<Tensor> {
    Ok((prediction - target)?.sqr()?.mean_all()?)
}

/// Pseudo-Huber loss `sqrt(d^2 + c^2) - c` by value, averaged over everything: a scalar. `c > 0`.
///
/// Quadratic for differences below `c`, linear beyond it, so that single bad values pull less.
///
/// # Errors
/// Tensors of unequal shape.
pub fn pseudo_huber(prediction: &Tensor, target: &Tensor, c: f64) -> Result<Tensor> {
    let squared = (prediction - target)?.sqr()?;
    Ok(((squared + c * c)?.sqrt()? - c)?.mean_all()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::{Device, Var};

    fn batch(values: [[[f32; 2]; 1]; 2]) -> Tensor {
        Tensor::new(&values, &Device::Cpu).unwrap()
    }

    fn scalar(x: &Tensor) -> f32 {
        x.to_scalar().unwrap()
    }

    #[test]
    fn losses_of_known_differences() {
        let zero = batch([[[0.0, 0.0]], [[0.0, 0.0]]]);
        let off = batch([[[3.0, 4.0]], [[0.0, 0.0]]]);
        assert_eq!(squared_error_per_item(&off, &zero).unwrap().to_vec1::<f32>().unwrap(), [12.5, 0.0]);
        assert_eq!(scalar(&mean_squared_error(&off, &zero).unwrap()), 6.25);
        // With c = 3 a difference of 4 costs 5 - 3; that of 3 costs sqrt(18) - 3; two values of four cost nothing.
        let huber = scalar(&pseudo_huber(&off, &zero, 3.0).unwrap());
        assert!((huber - (2.0 + 18f32.sqrt() - 3.0) / 4.0).abs() < 1e-6, "{huber}");
    }

    #[test]
    fn pseudo_huber_is_quadratic_near_and_linear_far() {
        let zero = batch([[[0.0, 0.0]], [[0.0, 0.0]]]);
        let at = |d: f32, c| scalar(&pseudo_huber(&batch([[[d, -d]], [[-d, d]]]), &zero, c).unwrap());
        // d^2 / 2c with a relative error of d^2 / 4c^2; f32 cancels 1 part in 2^24 of c.
        assert!((at(0.1, 1.0) / 0.005 - 1.0).abs() < 0.01);
        // d - c with an error of c^2 / 2d.
        assert!((at(100.0, 1.0) - 99.0).abs() < 0.01);
    }

    #[test]
    fn pseudo_huber_has_a_gradient_at_its_minimum() {
        let x = Var::from_tensor(&batch([[[0.0, 0.0]], [[0.0, 0.0]]])).unwrap();
        let loss = pseudo_huber(&x, &x.zeros_like().unwrap(), 0.1).unwrap();
        let gradients = loss.backward().unwrap();
        let gradient = gradients.get(&x).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(gradient, [0.0; 4]);
    }
}
