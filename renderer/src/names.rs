//! Names of files, and seeds where none is given.

use std::hash::{BuildHasher, Hasher, RandomState};

/// The file of a clip: `kick_000042.wav`, or of its variation 43 `kick_000042_v000043.wav`. Seeds differ within a run,
/// so names do.
pub fn clip_file(kind: &str, seed: u64, variation: Option<u64>, extension: &str) -> String {
    let variation = variation.map(|seed| format!("_v{seed:06}")).unwrap_or_default();
    format!("{}_{seed:06}{variation}.{extension}", safe(kind))
}

/// A seed nobody chose: 32 random bits of the system, short enough to read out.
pub fn random_seed() -> u64 {
    // The one number that may differ between two equal commands; from here on it is explicit.
    RandomState::new().build_hasher().finish() & u64::from(u32::MAX)
}

/// `kind` with everything but letters, digits and `-` replaced: a class name comes from a model file, and must
/// not lead out of the folder.
pub fn safe(kind: &str) -> String {
    let keep = |c: char| if c.is_alphanumeric() || c == '-' { c } else { '-' };
    kind.chars().map(keep).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_class_and_seed() {
        assert_eq!(clip_file("kick", 42, None, "wav"), "kick_000042.wav");
        assert_eq!(clip_file("kick", 42, Some(43), "wav"), "kick_000042_v000043.wav");
        assert_eq!(clip_file("closed-hat", 4_294_967_295, None, "wav"), "closed-hat_4294967295.wav");
    }

    #[test]
    fn a_class_cannot_lead_out_of_the_folder() {
        assert_eq!(clip_file("../../etc/x", 1, None, "wav"), "------etc-x_000001.wav");
        assert_eq!(clip_file("a\0b\\c:", 1, None, "wav"), "a-b-c-_000001.wav");
    }

    #[test]
    fn random_seeds_differ() {
        assert_ne!((random_seed(), random_seed()), (random_seed(), random_seed()));
    }
}
