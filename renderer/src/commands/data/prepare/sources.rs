//! Where the `drums` recipe takes its sounds from, under which licence, and whom to name.

use super::labels::{AUDIOPHOB, EXADRUMS, FLUID, RUMPF, Rule, SONIC_PI};

/// A collection below the folder of raw data.
#[derive(Debug)]
pub struct Source {
    /// Short name; starts the names of the files made from it.
    pub id: &'static str,
    /// Relative to the folder of raw data; empty if nothing lies there.
    pub folder: &'static str,
    /// What lies in it.
    pub kind: Kind,
    /// Names -> classes.
    pub rules: &'static [Rule],
    /// SPDX identifier where there is one.
    pub licence: &'static str,
    /// Whom to name.
    pub attribution: &'static str,
}

/// How a source says what its sounds are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By the names of its files.
    Files,
    /// By the instruments of a Hydrogen `drumkit.xml`.
    Hydrogen,
    /// By the names of the samples of a SoundFont, bank 128.
    SoundFont,
}

/// The place of `source` in [`DRUMS`]. By name: a constant has no address of its own to compare.
pub fn rank(source: &Source) -> usize {
    DRUMS.iter().position(|other| other.id == source.id).unwrap_or(DRUMS.len())
}

/// The sources of the `drums` recipe: nothing that asks to share alike. Of twins the earlier source is kept.
pub const DRUMS: &[Source] = &[
    Source {
        id: "sonic-pi",
        folder: "drums/sonic-pi",
        kind: Kind::Files,
        rules: SONIC_PI,
        licence: "CC0-1.0",
        attribution: "Freesound authors, collected by Sonic Pi",
    },
    Source {
        id: "audiophob",
        folder: "drums/hydrogen/Audiophob",
        kind: Kind::Hydrogen,
        rules: AUDIOPHOB,
        licence: "CC0-1.0",
        attribution: "soundcloud.com/audiophobdubstep (Hydrogen kit Audiophob)",
    },
    Source {
        id: "rumpf",
        folder: "drums/hydrogen/rumpf_kit_z01_h2",
        kind: Kind::Hydrogen,
        rules: RUMPF,
        licence: "CC-BY-3.0",
        attribution: "Emanuel Rumpf (rumpf_kit_z01)",
    },
    Source {
        id: "exadrums",
        folder: "drums/exadrums",
        kind: Kind::Files,
        rules: EXADRUMS,
        licence: "BSD-3-Clause",
        attribution: "Phill Mason, Jeremy Oden (eXaDrums)",
    },
    Source {
        id: "fluidr3",
        folder: "instruments/fluidr3",
        kind: Kind::SoundFont,
        rules: FLUID,
        licence: "MIT",
        attribution: "Frank Wen, Toby Smithe (FluidR3 GM)",
    },
    Source {
        id: "musescore",
        folder: "instruments/musescore",
        kind: Kind::SoundFont,
        rules: FLUID,
        licence: "MIT (parts CC0-1.0 and public domain)",
        attribution: "S. Christian Collins, Michael Cowgill, Frank Wen (MuseScore General)",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recordings_rank_before_soundfonts_and_every_source_has_its_own_place() {
        let ranks: Vec<usize> = DRUMS.iter().map(rank).collect();
        assert_eq!(ranks, (0..DRUMS.len()).collect::<Vec<_>>());
        assert!(DRUMS.is_sorted_by_key(|source| source.kind == Kind::SoundFont));
        // A copy lies elsewhere in memory and is the same source.
        let musescore = Source { id: "musescore", ..DRUMS[0] };
        assert_eq!(rank(&musescore), DRUMS.len() - 1);
    }
}
