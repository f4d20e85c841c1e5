//! The order of the integration: every cell ranked once, and a queue of ranks that needs no comparisons.

/// Bits of a digit of the radix sort: three of them hold the 31 bits of a float >= 0, and their counts stay in the
/// first-level cache.
const DIGIT_BITS: u32 = 11;
const NUM_DIGITS: usize = 1 << DIGIT_BITS;

/// Cells louder than `threshold`, loudest first, equals by lowest index.
///
/// `linear` is finite and at least 0. A stable radix sort, from the lowest digit up: linear in the number of cells.
pub(super) fn loudest_first(linear: &[f32], threshold: f32) -> Vec<u32> {
    let audible = linear.iter().enumerate().filter(|&(_, &magnitude)| magnitude > threshold);
    let mut keys: Vec<u64> = audible.map(|(cell, &magnitude)| key(magnitude) << 32 | cell as u64).collect();
    let mut sorted = vec![0; keys.len()];
    for digit in 0..3 {
        sort_by_digit(&keys, &mut sorted, 32 + digit * DIGIT_BITS);
        std::mem::swap(&mut keys, &mut sorted);
    }
    keys.into_iter().map(|key| key as u32).collect()
}

/// Smaller for louder: the bits of floats >= 0 order as the floats do.
fn key(magnitude: f32) -> u64 {
    u64::from(i32::MAX as u32 - magnitude.to_bits())
}

fn sort_by_digit(keys: &[u64], sorted: &mut [u64], shift: u32) {
    let digit = |key: u64| (key >> shift) as usize % NUM_DIGITS;
    let mut next = [0usize; NUM_DIGITS];
    keys.iter().for_each(|&key| next[digit(key)] += 1);
    let mut sum = 0;
    next.iter_mut().for_each(|count| sum += std::mem::replace(count, sum));
    for &key in keys {
        let place = &mut next[digit(key)];
        sorted[*place] = key;
        *place += 1;
    }
}

/// A set of ranks that gives its smallest: three levels of bits, each telling which words of the one below are not
/// empty.
///
/// What a heap does in `log n` unpredictable comparisons, this does in three bit scans, for all ranks are known before.
pub(super) struct RankQueue {
    top: Vec<u64>,
    middle: Vec<u64>,
    bottom: Vec<u64>,
    /// No word of `top` before this one has a bit set.
    first: usize,
}

impl RankQueue {
    /// An empty queue for ranks below `capacity`.
    pub fn new(capacity: usize) -> Self {
        let words = |bits: usize| vec![0; bits.div_ceil(64).max(1)];
        let bottom = words(capacity);
        let middle = words(bottom.len());
        let top = words(middle.len());
        let first = top.len();
        Self { top, middle, bottom, first }
    }

    /// Add a rank; it may be there already.
    ///
    /// # Panics
    /// If `rank` is not below the capacity, rounded up to a multiple of 64.
    pub fn push(&mut self, rank: u32) {
        let rank = rank as usize;
        self.bottom[rank >> 6] |= 1 << (rank & 63);
        self.middle[rank >> 12] |= 1 << (rank >> 6 & 63);
        self.top[rank >> 18] |= 1 << (rank >> 12 & 63);
        self.first = self.first.min(rank >> 18);
    }

    /// Take the smallest rank, if any.
    pub fn pop(&mut self) -> Option<u32> {
        while *self.top.get(self.first)? == 0 {
            self.first += 1;
        }
        let middle = self.first << 6 | self.top[self.first].trailing_zeros() as usize;
        let bottom = middle << 6 | self.middle[middle].trailing_zeros() as usize;
        let rank = bottom << 6 | self.bottom[bottom].trailing_zeros() as usize;
        self.bottom[bottom] &= self.bottom[bottom] - 1;
        if self.bottom[bottom] == 0 {
            self.middle[middle] &= self.middle[middle] - 1;
            if self.middle[middle] == 0 {
                self.top[self.first] &= self.top[self.first] - 1;
            }
        }
        Some(rank as u32)
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Reverse;
    use std::collections::{BinaryHeap, HashSet};

    use super::*;
    use crate::noise::{NoiseStream, Seed};

    /// Magnitudes from 1e-6 to 1 with many equal ones.
    fn magnitudes(count: usize) -> Vec<f32> {
        let mut noise = NoiseStream::new(Seed(3), "order", 0);
        (0..count).map(|_| 10f32.powi(-(noise.below(7) as i32)) * (1.0 + noise.below(50) as f32)).collect()
    }

    #[test]
    fn cells_come_loudest_first_and_equals_by_lowest_index() {
        let linear = magnitudes(10_000);
        let mut plain: Vec<u32> = (0..10_000).filter(|&cell| linear[cell as usize] > 1e-3).collect();
        plain.sort_by(|&a, &b| linear[b as usize].total_cmp(&linear[a as usize]).then(a.cmp(&b)));
        assert_eq!(loudest_first(&linear, 1e-3), plain);
        assert!(loudest_first(&linear, 1e3).is_empty());
    }

    #[test]
    fn extreme_magnitudes_are_in_order_too() {
        let linear = [0.0, f32::MIN_POSITIVE, f32::MAX, 1.0, f32::from_bits(1), 1.0 + f32::EPSILON];
        assert_eq!(loudest_first(&linear, 0.0), [2, 5, 3, 1, 4]);
    }

    #[test]
    fn ranks_come_back_in_the_order_of_a_plain_heap() {
        // More than 64^3: `top` has two words.
        let capacity = 300_000;
        let (mut queue, mut plain) = (RankQueue::new(capacity), BinaryHeap::new());
        let (mut noise, mut is_inside) = (NoiseStream::new(Seed(4), "queue", 0), HashSet::new());
        for _ in 0..20_000 {
            for _ in 0..noise.below(4) {
                let rank = noise.below(capacity) as u32;
                // A set holds a rank once, a heap as often as it was pushed.
                if is_inside.insert(rank) {
                    queue.push(rank);
                    plain.push(Reverse(rank));
                }
            }
            let popped = queue.pop();
            assert_eq!(popped, plain.pop().map(|Reverse(rank)| rank));
            popped.inspect(|rank| assert!(is_inside.remove(rank)));
        }
    }

    #[test]
    fn an_empty_queue_gives_nothing_and_can_be_filled_again() {
        let mut queue = RankQueue::new(0);
        assert_eq!(queue.pop(), None);
        let mut queue = RankQueue::new(65);
        for _ in 0..2 {
            queue.push(64);
            queue.push(0);
            assert_eq!([queue.pop(), queue.pop(), queue.pop()], [Some(0), Some(64), None]);
        }
    }
}
