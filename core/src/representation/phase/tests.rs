use std::collections::BinaryHeap;

use super::*;
use crate::dsp::Window;
use crate::noise::Seed;

fn integrator(n_fft: usize, hop_length: usize, framing: Framing) -> PhaseIntegrator {
    PhaseIntegrator::new(&StftConfig { n_fft, hop_length, window: Window::Gaussian, framing })
}

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
            let (after, before) = ((from + num_bins) % linear.len(), (from + linear.len() - num_bins) % linear.len());
            let neighbours = [
                (integrator.circular || after > from).then_some((after, 1.0, &gradient.along_time)),
                (integrator.circular || before < from).then_some((before, -1.0, &gradient.along_time)),
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
    let sizes = [(40, 32), (1, 32), (2, 8), (33, 1)];
    let both = [Framing::Centered, Framing::Circular];
    for (framing, (num_columns, num_bins)) in both.into_iter().flat_map(|f| sizes.map(|size| (f, size))) {
        let (log, linear) = magnitudes(num_columns, num_bins);
        let magnitudes = Magnitudes { log: &log, linear: &linear, num_bins };
        let integrator = integrator(2 * num_bins, num_bins.div_ceil(2), framing);
        let found = integrator.integrate(&[], &magnitudes, &mut stream());
        assert_eq!(found, plain(&integrator, &magnitudes), "{num_columns} x {num_bins}");
    }
}

#[test]
fn silence_has_the_phases_of_the_stream() {
    let magnitudes = Magnitudes { log: &[-9.0; 64], linear: &[0.0; 64], num_bins: 8 };
    let found = integrator(16, 4, Framing::Centered).integrate(&[], &magnitudes, &mut stream());
    let mut noise = stream();
    assert!(found.iter().all(|&phase| phase == noise.uniform_in(-PI, PI)));
}

#[test]
fn on_a_circle_it_does_not_matter_where_the_columns_begin() {
    // Without ties: which of two equals comes first does depend on where they are.
    let (num_columns, num_bins) = (24, 16);
    let mut noise = NoiseStream::new(Seed(8), "phase", 0);
    let linear: Vec<f32> = (0..num_columns * num_bins).map(|_| noise.uniform_in(0.01, 1.0)).collect();
    let phases = |start: usize| {
        let mut linear = linear.clone();
        linear.rotate_left(start * num_bins);
        let log: Vec<f32> = linear.iter().map(|m| m.ln()).collect();
        let magnitudes = Magnitudes { log: &log, linear: &linear, num_bins };
        let mut phases = integrator(32, 8, Framing::Circular).integrate(&[], &magnitudes, &mut stream());
        phases.rotate_right(start * num_bins);
        phases
    };
    assert_eq!(phases(0), phases(7));
}

#[test]
fn what_is_known_is_kept_and_the_rest_goes_on_from_it() {
    let (log, linear) = magnitudes(40, 32);
    let magnitudes = Magnitudes { log: &log, linear: &linear, num_bins: 32 };
    let integrator = integrator(64, 16, Framing::Centered);
    let plain = integrator.integrate(&[], &magnitudes, &mut stream());
    let known: Vec<f32> = plain[..320].iter().map(|phase| phase + 1.0).collect();
    let found = integrator.integrate(&known, &magnitudes, &mut stream());
    assert_eq!(found[..320], known);
    // The next column's loudest cell is reached from one that is known.
    let threshold = TOLERANCE * linear.iter().copied().fold(0.0, f32::max);
    let moved = (320..352).filter(|&cell| linear[cell] > threshold && found[cell] != plain[cell]).count();
    let audible = (320..352).filter(|&cell| linear[cell] > threshold).count();
    assert!(moved * 2 > audible, "{moved} of {audible}");
}
