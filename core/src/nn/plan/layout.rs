//! Where the values of a plan lie in memory.

use super::op::{Op, ValueId};
use super::recording::ValueInfo;

/// Values begin at multiples of this: a cache line.
const ALIGN: usize = 16;

/// The place of every value in one block of memory.
pub(super) struct Layout {
    /// First number of every value.
    pub offsets: Vec<usize>,
    /// Numbers of the block.
    pub len: usize,
}

impl Layout {
    /// Every value a place of its own: what a backward pass needs. `size(v)` is the length of value `v`, all clips.
    pub fn apart(num_values: usize, size: impl Fn(ValueId) -> usize) -> Self {
        let mut len = 0;
        let mut place = |id: ValueId| {
            let start = len;
            len += size(id).next_multiple_of(ALIGN);
            start
        };
        let offsets = (0..num_values).map(&mut place).collect();
        Self { offsets, len }
    }

    /// Values of the main part share memory as far as they are not needed at the same time, which keeps it in the cache.
    pub fn shared(values: &[ValueInfo], ops: &[Op], output: ValueId, size: impl Fn(ValueId) -> usize) -> Self {
        let first = |id: ValueId| ops.iter().position(|op| op.values().1.contains(&id)).unwrap_or(0);
        let last = |id: ValueId| ops.iter().rposition(|op| op.values().0.contains(&id)).unwrap_or(0);
        let mut placed: Vec<Placed> = Vec::new();
        let mut offsets = vec![0; values.len()];
        let mut len = 0;
        for (id, offset) in offsets.iter_mut().enumerate() {
            let size = size(id).next_multiple_of(ALIGN);
            let (begins, ends) = match values[id].is_main {
                true if id == output => (first(id), ops.len()),
                // A value that is written and never read still needs its place while it is written.
                true => (first(id), last(id).max(first(id))),
                false => (0, ops.len()),
            };
            let here = Placed { start: 0, end: size, begins, ends };
            let here = here.above(&placed);
            *offset = here.start;
            len = len.max(here.end);
            placed.push(here);
        }
        Self { offsets, len }
    }
}

/// A value's stretch of memory, and the operations from the first to the last that need it.
#[derive(Clone, Copy)]
struct Placed {
    start: usize,
    end: usize,
    begins: usize,
    ends: usize,
}

impl Placed {
    fn meets(self, other: Self) -> bool {
        self.begins <= other.ends && other.begins <= self.ends && self.start < other.end && other.start < self.end
    }

    /// The lowest place where it meets none of those already placed.
    fn above(self, placed: &[Self]) -> Self {
        let mut here = self;
        while let Some(other) = placed.iter().find(|&&other| here.meets(other)) {
            let size = here.end - here.start;
            (here.start, here.end) = (other.end, other.end + size);
        }
        here
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_share_memory_only_when_they_are_never_needed_together() {
        // 0 (input) -> 1 -> 2 -> 3 (output); 1 is also read by the last operation.
        let values = vec![ValueInfo { len: 40, is_main: true, is_trained: true }; 4];
        let ops = [Op::Silu { x: 0, out: 1 }, Op::Silu { x: 1, out: 2 }, Op::Add { a: 1, b: 2, out: 3 }];
        let layout = Layout::shared(&values, &ops, 3, |_| 40);
        // 0 and 2 share; 1 lives through all; 3 comes when 0 is long gone but 2 is there.
        assert_eq!(layout.offsets, [0, 48, 0, 96]);
        assert_eq!(layout.len, 144);
        assert_eq!(Layout::apart(4, |_| 40).len, 192);
    }
}
