//! A name for a set of sounds.

use super::Example;
use sha2::{Digest, Sha256};

/// SHA-256 over classes, groups and samples, hex.
pub(super) fn digest(examples: &[Example]) -> String {
    let mut hasher = Sha256::new();
    for example in examples {
        hasher.update((example.class as u64).to_le_bytes());
        hasher.update(example.group.as_bytes());
        for block in example.samples.chunks(1024) {
            let bytes: Vec<u8> = block.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            hasher.update(&bytes);
        }
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
