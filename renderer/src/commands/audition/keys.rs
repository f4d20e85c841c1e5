//! What a key means.

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
    /// Half way between the sound before and this one.
    Morph,
    /// The next (1) or last (-1) class.
    Class(isize),
    /// Choose the attribute of this number, from 0.
    Choose(usize),
    /// More (1) or less (-1) of the chosen attribute, in tenths.
    Change(i8),
    /// Let the chosen attribute be free.
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
        '1'..='5' => Action::Choose(key as usize - '1' as usize),
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
