//! Names -> classes: what the makers of drum sounds call them, and which class that is here.
//!
//! A table is read from the top; the first row that fits decides. Names are compared in lower case.

/// The classes of the `drums` recipe.
pub const CLASSES: [&str; 11] =
    ["kick", "snare", "clap", "rim", "closed-hat", "open-hat", "tom", "crash", "ride", "cowbell", "perc"];

/// A row of a table: names that contain this (start with it, after a `^`), and their class.
pub type Rule = (&'static str, Label);

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A sound of this class.
    Class(&'static str),
    /// Not a single drum hit, or one that no class fits.
    LeftOut,
}

use Label::{Class, LeftOut};

/// The first row that fits `name`; `None` where no row does.
pub fn label(rules: &[Rule], name: &str) -> Option<Label> {
    let name = name.to_lowercase();
    let fits = |pattern: &str| match pattern.strip_prefix('^') {
        Some(start) => name.starts_with(start),
        None => name.contains(pattern),
    };
    rules.iter().find(|(pattern, _)| fits(pattern)).map(|&(_, label)| label)
}

/// File names of Sonic Pi's samples.
pub const SONIC_PI: &[Rule] = &[
    ("^bd_", Class("kick")),
    ("^drum_bass", Class("kick")),
    ("kick", Class("kick")),
    ("^sn_", Class("snare")),
    ("snare", Class("snare")),
    ("^drum_cowbell", Class("cowbell")),
    ("^drum_cymbal_closed", Class("closed-hat")),
    ("^drum_cymbal_pedal", Class("closed-hat")),
    ("^drum_cymbal_open", Class("open-hat")),
    ("^drum_cymbal", Class("crash")),
    ("^drum_splash", Class("crash")),
    ("^elec_cymbal", Class("crash")),
    ("tom", Class("tom")),
    ("^drum_roll", LeftOut),
    ("^elec_bong", Class("perc")),
    ("^elec_wood", Class("perc")),
    ("^elec_tick", Class("perc")),
    ("^elec_triangle", Class("perc")),
    ("^elec_pop", Class("perc")),
    ("^elec_plip", Class("perc")),
    ("^elec_", LeftOut),
    ("^tabla_", Class("perc")),
    ("^perc_snap", Class("perc")),
    ("^perc_", LeftOut),
    ("^glitch_", LeftOut),
];

/// Instrument names of the Hydrogen kit Audiophob. Its cowbell is a long buzz, its ride a choked noise, its pedal hat a
/// shaker.
pub const AUDIOPHOB: &[Rule] = &[
    ("^kick", Class("kick")),
    ("^stick", Class("rim")),
    ("^snare", Class("snare")),
    ("^hand clap", Class("clap")),
    ("^tom", Class("tom")),
    ("^closed", Class("closed-hat")),
    ("^pedal", Class("perc")),
    ("^open", Class("open-hat")),
    ("^crash", Class("crash")),
    ("^cowbell", LeftOut),
    ("^ride", LeftOut),
];

/// Instrument names of the Hydrogen kit rumpf_kit_z01. It stands household noises in for cymbals; most of its samples
/// have no name but a number.
pub const RUMPF: &[Rule] = &[
    ("bass drum", Class("kick")),
    ("snare 1", Class("snare")),
    ("clap", Class("clap")),
    ("closed", Class("closed-hat")),
    ("tom", Class("tom")),
    ("snare 2", LeftOut),
    ("stick", LeftOut),
    ("pedal", LeftOut),
    ("open", LeftOut),
    ("crash", LeftOut),
    ("cymbal", LeftOut),
    ("ride", LeftOut),
    ("cowbell", LeftOut),
    ("sample:", LeftOut),
    ("#", LeftOut),
    ("-", LeftOut),
];

/// File names of the eXaDrums kit. Its one hat falls by 20 dB in 80 ms: it is closed.
pub const EXADRUMS: &[Rule] = &[
    ("^bd_", Class("kick")),
    ("^snr_", Class("snare")),
    ("^hihat", Class("closed-hat")),
    ("^crash", Class("crash")),
    ("^ride", Class("ride")),
    ("^tom", Class("tom")),
];

/// Sample names of the FluidR3 family of SoundFonts, to which MuseScore's belongs.
pub const FLUID: &[Rule] = &[
    ("timpani", LeftOut),
    ("whistle", LeftOut),
    ("guiro", LeftOut),
    ("vibra slap", LeftOut),
    ("quica", LeftOut),
    ("scratch", LeftOut),
    ("click", LeftOut),
    ("metronome", LeftOut),
    ("applause", LeftOut),
    ("bell tree", LeftOut),
    ("high q", LeftOut),
    ("^slap", LeftOut),
    ("swirl", LeftOut),
    ("roll", LeftOut),
    ("crush", LeftOut),
    ("shell", LeftOut),
    ("mute", LeftOut),
    ("choke", LeftOut),
    ("backstick", LeftOut),
    ("^58_74_halfcrash", Class("crash")),
    ("^58_89_smash", Class("crash")),
    ("^58_", LeftOut),
    ("kick", Class("kick")),
    ("bass drum", Class("kick")),
    ("^mbass-6 hit", Class("kick")),
    ("^mbass-5 hit", Class("kick")),
    ("^mbass-4 hit", Class("tom")),
    ("^mbass-3 hit", Class("tom")),
    ("^mbass-2 hit", Class("tom")),
    ("clap", Class("clap")),
    ("bongo", Class("perc")),
    ("rim shot", Class("snare")),
    ("rim", Class("rim")),
    ("sticks", Class("rim")),
    ("snr", Class("snare")),
    ("snare", Class("snare")),
    ("piccolo", Class("snare")),
    ("rmpwr", Class("snare")),
    ("closed hat", Class("closed-hat")),
    ("hat closed", Class("closed-hat")),
    ("hat foot", Class("closed-hat")),
    ("open", Class("open-hat")),
    ("crsh", Class("crash")),
    ("crash", Class("crash")),
    ("splash", Class("crash")),
    ("ride", Class("ride")),
    ("cow", Class("cowbell")),
    ("tom", Class("tom")),
    ("studio", Class("tom")),
    ("^mtnr", Class("tom")),
    ("conga", Class("perc")),
    ("tumba", Class("perc")),
    ("closed slap", Class("perc")),
    ("timbale", Class("perc")),
    ("agogo", Class("perc")),
    ("cabasa", Class("perc")),
    ("maracas", Class("perc")),
    ("tambourine", Class("perc")),
    ("clave", Class("perc")),
    ("woodblock", Class("perc")),
    ("triangle", Class("perc")),
    ("shaker", Class("perc")),
    ("sleigh", Class("perc")),
    ("castanet", Class("perc")),
    ("taiko", Class("perc")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_fits_decides() {
        assert_eq!(label(FLUID, "Bongo Rim(L)"), Some(Class("perc")));
        assert_eq!(label(FLUID, "MSnr-rim shot 3"), Some(Class("snare")));
        assert_eq!(label(FLUID, "MSnr-rim 1"), Some(Class("rim")));
        assert_eq!(label(FLUID, "Hi-Hat Half-Open(R)"), Some(Class("open-hat")));
        assert_eq!(label(SONIC_PI, "drum_cymbal_closed"), Some(Class("closed-hat")));
        assert_eq!(label(SONIC_PI, "loop_amen"), None);
    }

    #[test]
    fn every_row_names_a_known_class() {
        for (pattern, label) in [SONIC_PI, AUDIOPHOB, RUMPF, EXADRUMS, FLUID].concat() {
            assert!(!matches!(label, Class(class) if !CLASSES.contains(&class)), "{pattern} names {label:?}");
        }
    }
}
