//! What a key means.

/// What + and - change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dial {
    /// The attribute of this number, from 0.
    Attribute(usize),
    /// How far a variation goes.
    Vary,
    /// How far a morph goes from this sound to the one before it.
    Morph,
}

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Hear the sound again.
    Again,
    /// Another seed.
    Roll,
    /// A sound near this one.
    Vary,
    /// The sound before, and back.
    Compare,
    /// Back through what was heard.
    Undo,
    /// Between the sound before and this one, as far as its dial says.
    Morph,
    /// The next (1) or last (-1) class.
    Class(isize),
    /// Choose a dial.
    Choose(Dial),
    /// More (1) or less (-1) on the chosen dial, in tenths.
    Change(i8),
    /// Let the chosen attribute be free; set the dial of an amount back.
    Free,
    /// Up (1) or down (-1) a semitone.
    Pitch(i8),
    /// Write the sound's file.
    Keep,
    /// List what was kept.
    List,
    /// End.
    Quit,
}

/// The action of a key, if it has one.
pub fn action(key: char) -> Option<Action> {
    Some(match key {
        ' ' => Action::Again,
        'r' => Action::Roll,
        'v' => Action::Vary,
        'a' => Action::Compare,
        'u' => Action::Undo,
        'm' => Action::Morph,
        'c' => Action::Class(1),
        'C' => Action::Class(-1),
        '1'..='5' => Action::Choose(Dial::Attribute(key as usize - '1' as usize)),
        '6' => Action::Choose(Dial::Vary),
        '7' => Action::Choose(Dial::Morph),
        '+' | '=' => Action::Change(1),
        '-' => Action::Change(-1),
        '0' => Action::Free,
        ']' => Action::Pitch(1),
        '[' => Action::Pitch(-1),
        'k' | 's' => Action::Keep,
        'l' => Action::List,
        'q' => Action::Quit,
        _ => return None,
    })
}
