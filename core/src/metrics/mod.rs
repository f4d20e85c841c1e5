//! Pure functions of clips that give a number, each with its unit and direction.
