//! [`Raise`]: which notes the networks see some octaves higher than they are.

use crate::conditioning::{Blend, Condition};

/// Most octaves by which notes are raised.
pub const MAX_OCTAVES: usize = 3;

/// The notes below which sounds are seen an octave higher, and another, and another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Raise {
    below: Vec<f32>,
}

impl Raise {
    /// A note below the first of these (MIDI, each lower than the one before) is seen an octave higher, below the second
    /// two, below the third three.
    pub fn new(below: &[f32]) -> Self {
        Self { below: below.to_vec() }
    }

    /// Whether these are at most [`MAX_OCTAVES`] finite notes, each lower than the one before.
    pub fn is_valid(below: &[f32]) -> bool {
        let falls = below.windows(2).all(|pair| pair[0] > pair[1]);
        below.len() <= MAX_OCTAVES && falls && below.iter().all(|note| note.is_finite())
    }

    /// Most octaves that any note is raised by.
    pub fn most(&self) -> u32 {
        self.below.len() as u32
    }

    /// The octaves for what is asked: by its pitch, the mean of several; none without one.
    pub fn octaves(&self, condition: &Blend) -> u32 {
        let given = condition.parts().iter().filter_map(|(weight, part)| Some((*weight, part.pitch?)));
        let (sum, weight) =
            given.fold((0.0, 0.0), |(sum, total), (weight, pitch)| (sum + weight * pitch, total + weight));
        if weight > 0.0 { self.octaves_of(sum / weight) } else { 0 }
    }

    /// The octaves for a note.
    pub fn octaves_of(&self, pitch: f32) -> u32 {
        self.below.iter().filter(|&&note| pitch < note).count() as u32
    }
}

/// What a network is told of a sound that it sees so many octaves higher: a pitch as much lower, so that no other note has
/// it and what is raised lies apart from what is not.
pub fn told(condition: &Condition, octaves: u32) -> Condition {
    Condition { pitch: condition.pitch.map(|pitch| pitch - 12.0 * octaves as f32), ..condition.clone() }
}

/// [`told`] of every part.
pub fn told_blend(blend: &Blend, octaves: u32) -> Blend {
    if octaves == 0 {
        return blend.clone();
    }
    Blend::new(blend.parts().iter().map(|(weight, condition)| (*weight, told(condition, octaves))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(pitch: Option<f32>) -> Blend {
        Condition { pitch, ..Condition::default() }.into()
    }

    #[test]
    fn a_note_is_raised_by_an_octave_for_every_bound_that_it_is_below() {
        let raise = Raise::new(&[45.0, 30.0]);
        let octaves = [None, Some(60.0), Some(45.0), Some(44.9), Some(30.0), Some(21.0)].map(|p| raise.octaves(&at(p)));
        assert_eq!(octaves, [0, 0, 0, 1, 1, 2]);
        let part = |weight, pitch| {
            (weight, Condition { class: Some(pitch as usize), pitch: Some(pitch), ..Condition::default() })
        };
        assert_eq!(raise.octaves(&Blend::new([part(1.0, 40.0), part(3.0, 60.0)])), 0);
        assert_eq!(raise.octaves(&Blend::new([part(3.0, 40.0), part(1.0, 56.0)])), 1);
    }

    #[test]
    fn what_is_raised_is_told_apart() {
        assert_eq!(told_blend(&at(Some(40.0)), 1), at(Some(28.0)));
        assert_eq!((told_blend(&at(Some(40.0)), 0), told_blend(&at(None), 2)), (at(Some(40.0)), at(None)));
    }

    #[test]
    fn bounds_fall() {
        assert!(Raise::is_valid(&[]) && Raise::is_valid(&[45.0, 30.0]));
        assert!(
            !Raise::is_valid(&[30.0, 45.0]) && !Raise::is_valid(&[f32::NAN]) && !Raise::is_valid(&[9.0, 8.0, 7.0, 6.0])
        );
    }
}
