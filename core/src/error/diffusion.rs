/// Noise schedules and samplers.
#[derive(Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffusionError {
    /// A schedule without room between its ends, or with an end that is not a number.
    #[error("sigma range {max}..{min} is empty; need 0 < sigma_min < sigma_max, both finite")]
    EmptyRange {
        /// The smallest sigma asked for.
        min: f64,
        /// The largest sigma asked for.
        max: f64,
    },
    /// A schedule of no steps.
    #[error("a noise schedule of {0} steps makes no sound; need at least 1")]
    TooFewSteps(usize),
    /// A spacing exponent that cannot be used.
    #[error("rho {0} cannot space a noise schedule; need a finite number above 0 (7 is usual)")]
    Rho(f64),
    /// A sampler nobody wrote.
    #[error("sampler {name:?} is unknown; known: {known}")]
    UnknownSampler {
        /// What was asked for.
        name: String,
        /// Every name, comma-separated.
        known: String,
    },
    /// Not one sigma for each item of a batch.
    #[error("{sigmas} sigmas for a batch of {batch} items; need one sigma an item")]
    SigmaCount {
        /// Sigmas given.
        sigmas: usize,
        /// Items in the batch.
        batch: usize,
    },
}
