//! Settings below the flags: the environment, then the configuration file.
