//! Every kernel for every instruction set of this processor against its definition, on random shapes.

use super::filter::{self, MapShape, TAPS};
use super::gemm::{Axis, Epilogue, Output, Panels, Part, View, product, product_part, product_unpacked};
use super::isa::Isa;
use super::rows;
use crate::noise::{NoiseStream, Seed};

/// Random values and shapes, always the same.
struct Draw(NoiseStream);

impl Draw {
    fn new(index: u64) -> Self {
        Self(NoiseStream::new(Seed(4), "kernel test", index))
    }

    fn values(&mut self, len: usize) -> Vec<f32> {
        let mut values = vec![0.0; len];
        self.0.fill_normal(&mut values);
        values
    }

    fn size(&mut self, from: usize, to: usize) -> usize {
        self.0.uniform_in(from as f32, to as f32 + 1.0) as usize
    }
}

fn silu(x: f64) -> f64 {
    x / (1.0 + (-x).exp())
}

fn assert_close(isa: Isa, got: &[f32], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), expected.len());
    for (i, (&got, &expected)) in got.iter().zip(expected).enumerate() {
        let error = (f64::from(got) - expected).abs();
        assert!(error <= tolerance * (1.0 + expected.abs()), "{isa:?} {what} [{i}]: {got} {expected}");
    }
}

/// Entry `(i, j)` of a view.
fn entry(view: &View, i: usize, j: usize) -> f64 {
    let along = |axis: Axis, i: usize| i / axis.count * axis.outer_stride + i % axis.count * axis.stride;
    f64::from(view.data[along(view.rows, i) + along(view.cols, j)])
}

/// `start + a b`, as defined.
fn naive_product(a: &View, b: &View, start: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let (rows, cols, inner) = (a.rows.len(), b.cols.len(), a.cols.len());
    let sum = |i: usize, j: usize| start(i, j) + (0..inner).map(|k| entry(a, i, k) * entry(b, k, j)).sum::<f64>();
    (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))).map(|(i, j)| sum(i, j)).collect()
}

#[test]
fn products_of_random_shapes_equal_their_definition() {
    for isa in Isa::available() {
        for case in 0..60 {
            let mut draw = Draw::new(case);
            let (m, n, k) = (draw.size(1, 40), draw.size(1, 90), draw.size(1, if case % 5 == 0 { 600 } else { 40 }));
            let (a, b, bias) = (draw.values(m * k), draw.values(k * n), draw.values(n));
            let base = draw.values(m * n);
            let (a, b) = (View::dense(&a, m, k), View::dense(&b, k, n));
            let (with_bias, with_base, active) = (case % 2 == 0, case % 3 == 0, case % 4 == 0);
            let epilogue = Epilogue {
                bias: with_bias.then_some(&bias[..]),
                base: with_base.then_some(&base[..]),
                silu: active,
                ..Epilogue::default()
            };
            let mut out = vec![f32::NAN; m * n];
            product(Output::dense(&mut out, n), a, &Panels::pack(isa, b), epilogue);
            let start = |i: usize, j: usize| {
                f64::from(if with_bias { bias[j] } else { 0.0 })
                    + f64::from(if with_base { base[i * n + j] } else { 0.0 })
            };
            let mut expected = naive_product(&a, &b, start);
            if active {
                expected.iter_mut().for_each(|x| *x = silu(*x));
            }
            // Up to 600 products of size 1 in f32.
            assert_close(isa, &out, &expected, 1e-4, &format!("{m} x {k} x {n}"));
        }
    }
}

#[test]
fn overlapping_windows_of_several_clips_go_both_ways() {
    for isa in Isa::available() {
        for case in 0..20 {
            let mut draw = Draw::new(100 + case);
            let (clips, frames, inputs, n) = (draw.size(1, 4), draw.size(3, 30), draw.size(1, 9), draw.size(1, 40));
            let (kernel, stride) = (3, draw.size(1, 2));
            let (rows, clip) = ((frames - kernel) / stride + 1, frames * inputs);
            let x = draw.values(clips * clip);
            let windows = View {
                data: &x,
                rows: Axis { count: rows, stride: stride * inputs, outer: clips, outer_stride: clip },
                cols: Axis::plain(kernel * inputs, 1),
            };
            let weight = draw.values(kernel * inputs * n);
            let weight = View::dense(&weight, kernel * inputs, n);
            let mut out = vec![0.0; clips * rows * n];
            let to = Axis { count: rows, stride: n, outer: clips, outer_stride: rows * n };
            product(Output::strided(&mut out, to), windows, &Panels::pack(isa, weight), Epilogue::default());
            assert_close(isa, &out, &naive_product(&windows, &weight, |_, _| 0.0), 1e-4, "windows");
            // The gradient of the weight sums over all windows of all clips.
            let grad = draw.values(clips * rows * n);
            let grad = View { data: &grad, rows: to, cols: Axis::plain(n, 1) };
            let mut out = vec![1.0; kernel * inputs * n];
            let turned = windows.transposed();
            product_unpacked(Output::dense(&mut out, n), turned, grad, true, &mut Panels::empty(isa));
            assert_close(isa, &out, &naive_product(&turned, &grad, |_, _| 1.0), 1e-4, "gradient");
        }
    }
}

#[test]
fn the_parts_of_a_product_are_the_product_bit_for_bit() {
    for isa in Isa::available() {
        let mut draw = Draw::new(200);
        let (m, n, k) = (37, 100, 300);
        let (a, b) = (draw.values(m * k), draw.values(k * n));
        let (a, b) = (View::dense(&a, m, k), Panels::pack(isa, View::dense(&b, k, n)));
        let mut whole = vec![0.0; m * n];
        product(Output::dense(&mut whole, n), a, &b, Epilogue::default());
        let mut parts = vec![0.0; m * n];
        for panel in (0..b.count()).rev() {
            for rows in [[20, 37], [0, 5], [5, 20]] {
                let part = Part { rows, panels: [panel, panel + 1] };
                product_part(Output::dense(&mut parts, n), a, &b, Epilogue::default(), part);
            }
        }
        assert_eq!(whole, parts, "{isa:?}");
    }
}

#[test]
fn a_matrix_in_half_the_memory_gives_the_same_bits() {
    for isa in Isa::available() {
        let mut draw = Draw::new(250);
        let (m, n, k) = (29, 70, 700);
        let a = draw.values(m * k);
        let b: Vec<f32> = draw.values(k * n).into_iter().map(|x| half::f16::from_f32(x).to_f32()).collect();
        let product_of = |b: &Panels| {
            let mut out = vec![0.0; m * n];
            product(Output::dense(&mut out, n), View::dense(&a, m, k), b, Epilogue::default());
            out
        };
        let mut panels = Panels::pack(isa, View::dense(&b, k, n));
        let whole = product_of(&panels);
        panels.halve();
        assert_eq!(whole, product_of(&panels), "{isa:?}");
        // Values that half precision cannot hold stay as they are.
        let mut odd = Panels::pack(isa, View::dense(&[1.0 + f32::EPSILON], 1, 1));
        odd.halve();
        let mut out = [0.0];
        product(Output::dense(&mut out, 1), View::dense(&[1.0], 1, 1), &odd, Epilogue::default());
        assert_eq!(out, [1.0 + f32::EPSILON]);
    }
}

#[test]
fn processors_that_fuse_multiply_and_add_agree_bit_for_bit() {
    let fusing: Vec<Isa> = Isa::available().into_iter().filter(|&isa| isa != Isa::Portable).collect();
    let mut draw = Draw::new(300);
    let (a, b) = (draw.values(33 * 70), draw.values(70 * 45));
    let results: Vec<Vec<f32>> = fusing
        .iter()
        .map(|&isa| {
            let mut out = vec![0.0; 33 * 45];
            let panels = Panels::pack(isa, View::dense(&b, 70, 45));
            let epilogue = Epilogue { silu: true, ..Epilogue::default() };
            product(Output::dense(&mut out, 45), View::dense(&a, 33, 70), &panels, epilogue);
            out
        })
        .collect();
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn filters_and_their_gradients_equal_their_definition() {
    for isa in Isa::available() {
        let sizes = [(5, 11, 8), (1, 4, 24), (3, 1, 16), (2, 13, 40), (4, 2, 32)];
        for ((frames, bins, channels), circular) in sizes.into_iter().flat_map(|size| [(size, false), (size, true)]) {
            let shape = MapShape { frames, bins, channels, circular };
            let mut draw = Draw::new(400 + bins as u64);
            let (x, weight, grad) = (draw.values(shape.len()), draw.values(TAPS * channels), draw.values(shape.len()));
            // Values at a place moved by a tap, zero outside; frames come round on a circle.
            let at = |values: &[f32], t: usize, b: usize, tap: usize, c: usize| {
                let (t, b) = ((t + tap / 5).checked_sub(1), (b + tap % 5).checked_sub(2));
                let t = if circular { Some(t.unwrap_or(frames - 1) % frames) } else { t };
                match (t.filter(|&t| t < frames), b.filter(|&b| b < bins)) {
                    (Some(t), Some(b)) => f64::from(values[(t * bins + b) * channels + c]),
                    _ => 0.0,
                }
            };
            let places = || (0..frames).flat_map(|t| (0..bins).map(move |b| (t, b)));
            let mut expected: Vec<f64> = Vec::new();
            for (t, b) in places() {
                for c in 0..channels {
                    let term = |tap: usize| at(&x, t, b, tap, c) * f64::from(weight[tap * channels + c]);
                    expected.push((0..TAPS).map(term).sum());
                }
            }
            let (before, mut sums) = (draw.values(shape.len()), vec![0.0; frames * 2 * channels]);
            let mut out = before.clone();
            for first in 0..frames {
                let (row, wide) = (first * shape.row()..(first + 1) * shape.row(), 2 * channels);
                let sums = &mut sums[first * wide..(first + 1) * wide];
                filter::filter(isa, &mut out[row], sums, &x, &weight, shape, first, true);
            }
            let expected: Vec<f64> = expected.iter().zip(&before).map(|(y, &before)| y + f64::from(before)).collect();
            assert_close(isa, &out, &expected, 1e-5, &format!("{shape:?}"));
            let mut expected_sums = vec![0.0; frames * 2 * channels];
            for (i, &y) in expected.iter().enumerate() {
                let (t, c) = (i / shape.row(), i % channels);
                expected_sums[t * 2 * channels + c] += y;
                expected_sums[(t * 2 + 1) * channels + c] += y * y;
            }
            assert_close(isa, &sums, &expected_sums, 1e-4, &format!("sums of {shape:?}"));
            // Over what is there, which is another number.
            let mut over = vec![f32::NAN; shape.len()];
            filter::filter(isa, &mut over, &mut sums, &x, &weight, shape, 0, false);
            let alone: Vec<f64> = expected.iter().zip(&before).map(|(y, &before)| y - f64::from(before)).collect();
            assert_close(isa, &over, &alone, 1e-5, &format!("{shape:?} alone"));
            let mut weight_grad = vec![0.5; TAPS * channels];
            filter::weight_gradient(isa, &mut weight_grad, &x, &grad, shape);
            let mut expected = vec![0.5; TAPS * channels];
            for (t, b) in places() {
                for (i, expected) in expected.iter_mut().enumerate() {
                    let (tap, c) = (i / channels, i % channels);
                    *expected += at(&x, t, b, tap, c) * f64::from(grad[(t * bins + b) * channels + c]);
                }
            }
            assert_close(isa, &weight_grad, &expected, 1e-5, &format!("weight gradient of {shape:?}"));
        }
    }
}

#[test]
fn silu_and_its_slope_are_as_exact_as_f32_allows() {
    for isa in Isa::available() {
        let x: Vec<f32> = (-9000..9003).map(|i| i as f32 * 0.01).collect();
        let (mut y, mut slope) = (vec![0.0; x.len()], vec![0.0; x.len()]);
        rows::silu_into(isa, &mut y, &x);
        rows::silu_gradient(isa, &mut slope, &x, &vec![1.0; x.len()]);
        for ((&x, &y), &slope) in x.iter().zip(&y).zip(&slope) {
            let x = f64::from(x);
            let s = 1.0 / (1.0 + (-x).exp());
            // A few units in the last place; far out, where the sigmoid is clamped, an absolute nothing.
            assert!((f64::from(y) - silu(x)).abs() <= 1e-6 * silu(x).abs() + 1e-30, "{isa:?} silu({x}) = {y}");
            let expected = s + x * s * (1.0 - s);
            assert!((f64::from(slope) - expected).abs() <= 2e-6, "{isa:?} slope at {x}: {slope}, not {expected}");
        }
    }
}

#[test]
fn exponentials_are_as_exact_as_f32_allows() {
    for isa in Isa::available() {
        let x: Vec<f32> = (-900..1).map(|i| i as f32 * 0.1).collect();
        let mut y = x.clone();
        rows::exp_scaled(isa, &mut y, 0.5, -1.0);
        for (&x, &y) in x.iter().zip(&y) {
            let expected = (0.5 * (f64::from(x) + 1.0)).exp();
            // The argument is rounded once: half a unit in the last place of 45 is 2e-6.
            assert!((f64::from(y) - expected).abs() <= 3e-6 * expected, "{isa:?} {x}: {y}, not {expected}");
        }
    }
}

#[test]
fn rows_of_any_number_of_channels_are_scaled_summed_and_combined() {
    for isa in Isa::available() {
        for channels in [1, 5, 8, 16, 24, 47] {
            let mut draw = Draw::new(500 + channels as u64);
            let count = 7;
            let (x, y) = (draw.values(count * channels), draw.values(count * channels));
            let (scale, shift, other) = (draw.values(channels), draw.values(channels), draw.values(channels));
            let each = |f: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
                (0..count * channels).map(|i| f(i, i % channels)).collect()
            };
            let wide = |values: &[f32], i: usize| f64::from(values[i]);
            let mut out = vec![0.0; count * channels];
            rows::affine(isa, &mut out, &x, &scale, &shift, true);
            let expected = each(&|i, c| silu(wide(&x, i) * wide(&scale, c) + wide(&shift, c)));
            assert_close(isa, &out, &expected, 2e-6, "affine");
            rows::combine(isa, &mut out, &x, &scale, &y, &shift, &other);
            let expected =
                each(&|i, c| wide(&x, i) * wide(&scale, c) + wide(&y, i) * wide(&shift, c) + wide(&other, c));
            assert_close(isa, &out, &expected, 2e-6, "combine");
            let (mut sums, mut products) = (vec![0.0; channels], vec![0.0; channels]);
            rows::sums_and_products(isa, &mut sums, &mut products, &x, &y);
            let sum = |f: &dyn Fn(usize) -> f64| -> Vec<f64> {
                (0..channels).map(|c| (c..x.len()).step_by(channels).map(f).sum()).collect()
            };
            assert_close(isa, &sums, &sum(&|i| wide(&x, i)), 2e-6, "sums");
            assert_close(isa, &products, &sum(&|i| wide(&x, i) * wide(&y, i)), 2e-6, "products");
            rows::range_moments(isa, &mut sums, &mut products, &x, channels, count);
            assert_close(isa, &products, &sum(&|i| wide(&x, i) * wide(&x, i)), 2e-6, "squares");
        }
    }
}
