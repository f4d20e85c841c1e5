//! [`Memory`]: one block of values that several threads write different parts of.

use std::ops::Range;

/// A borrowed block of `f32` whose parts are handed out without the compiler's watch: the plan of who writes what is
/// made beforehand, and no two parts that are used at once overlap unless both are read.
pub(in crate::nn) struct Memory {
    data: *mut f32,
    len: usize,
}

// SAFETY: only a pointer and a length; who may touch what is the contract of the methods.
unsafe impl Sync for Memory {}
// SAFETY: as above.
unsafe impl Send for Memory {}

impl Memory {
    /// The block of `values`, which must stay untouched and in place as long as this is used.
    pub fn over(values: &mut [f32]) -> Self {
        Self { data: values.as_mut_ptr(), len: values.len() }
    }

    /// # Safety
    /// The block still exists; nobody writes the range meanwhile.
    pub unsafe fn read(&self, range: Range<usize>) -> &[f32] {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} leaves {}", self.len);
        // SAFETY: in range by the assert; the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts(self.data.add(range.start), range.len()) }
    }

    /// # Safety
    /// The block still exists; nobody else reads or writes the range meanwhile.
    #[allow(clippy::mut_from_ref)]
    pub unsafe fn write(&self, range: Range<usize>) -> &mut [f32] {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} leaves {}", self.len);
        // SAFETY: in range by the assert; the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(range.start), range.len()) }
    }

    /// Where the range starts, for those who write parts of it that interleave.
    pub fn pointer(&self, range: Range<usize>) -> *mut f32 {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} leaves {}", self.len);
        self.data.wrapping_add(range.start)
    }
}
