use std::collections::BinaryHeap;

use super::*;
use crate::noise::Seed;

/// Magnitudes from 1 to 1e-6, of which a third is below the tolerance; many are equal.
fn magnitudes(num_columns: usize, num_bins: usize) -> (Vec<f32>, Vec<f32>) {
    let mut noise = NoiseStream::new(Seed(5), "phase", 0);
    let linear: Vec<f32> = (0..num_columns * num_bins).map(|_| 10f32.powf(-0.25 * noise.below(25) as f32)).collect();
    (linear.iter().map(|m| m.ln()).collect(), linear)
}

fn stream() -> NoiseStream {
    NoiseStream::new(Seed(6), "phase", 0)
}

/// The algorithm as published, on a binary heap.
fn plain(integrator: &PhaseIntegrator, magnitudes: &Magnitudes) -> Vec<f32> {
    let Magnitudes { linear, num_bins, .. } = *magnitudes;
    let threshold = TOLERANCE * linear.iter().copied().fold(0.0, f32::max);
    let gradient = integrator.gradient(magnitudes);
    let mut noise = stream();
    let mut phases: Vec<f32> = linear.iter().map(|_| noise.uniform_in(-PI, PI)).collect();
    let mut is_known: Vec<bool> = linear.iter().map(|&magnitude| magnitude <= threshold).collect();
    let key = |cell: usize| (linear[cell].to_bits(), std::cmp::Reverse(cell));
    while let Some(seed) = (0..linear.len()).filter(|&cell| !is_known[cell]).max_by_key(|&cell| key(cell)) {
        let mut heap = BinaryHeap::from([key(seed)]);
        (phases[seed], is_known[seed]) = (0.0, true);
        while let Some((_, std::cmp::Reverse(from))) = heap.pop() {
            let bin = from % num_bins;
            let neighbours = [
                (from + num_bins < linear.len()).then(|| (from + num_bins, 1.0, &gradient.along_time)),
                (from >= num_bins).then(|| (from - num_bins, -1.0, &gradient.along_time)),
                (bin + 1 < num_bins).then(|| (from + 1, 1.0, &gradient.along_bins)),
                (bin > 0).then(|| (from - 1, -1.0, &gradient.along_bins)),
            ];
            for (to, direction, slope) in neighbours.into_iter().flatten() {
                if !is_known[to] {
                    phases[to] = phases[from] + direction * 0.5 * (slope[from] + slope[to]);
                    is_known[to] = true;
                    heap.push(key(to));
                }
            }
        }
    }
    phases
}

#[test]
fn the_phases_are_those_of_the_plain_algorithm_to_the_bit() {
    for (num_columns, num_bins) in [(40, 32), (1, 32), (2, 8), (33, 1)] {
        let (log, linear) = magnitudes(num_columns, num_bins);
        let magnitudes = Magnitudes { log: &log, linear: &linear, num_bins };
        let integrator = PhaseIntegrator::new(2 * num_bins, num_bins.div_ceil(2));
        let found = integrator.integrate(&magnitudes, &mut stream());
        assert_eq!(found, plain(&integrator, &magnitudes), "{num_columns} x {num_bins}");
    }
}

#[test]
fn silence_has_the_phases_of_the_stream() {
    let magnitudes = Magnitudes { log: &[-9.0; 64], linear: &[0.0; 64], num_bins: 8 };
    let found = PhaseIntegrator::new(16, 4).integrate(&magnitudes, &mut stream());
    let mut noise = stream();
    assert!(found.iter().all(|&phase| phase == noise.uniform_in(-PI, PI)));
}
