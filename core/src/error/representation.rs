/// Turning sound into frames and back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepresentationError {
    /// A parameter outside its range: met when a configuration or a model file is read.
    #[error("{object}: {name} is {found}; need {need}")]
    Parameter {
        /// What is being configured.
        object: &'static str,
        /// The field.
        name: &'static str,
        /// Its value.
        found: String,
        /// The range or rule that it breaks.
        need: String,
    },
    /// A clip of another length than the representation was built for.
    #[error("clip has {found} samples; this representation takes {need}: pad or trim the clip first")]
    Length {
        /// Samples given.
        found: usize,
        /// Samples needed.
        need: usize,
    },
    /// A matrix of another shape, or with another number of values than its shape says.
    #[error("frames are {found_frames} x {found_channels} ({found_values} values); need {frames} x {channels}")]
    Shape {
        /// Rows given.
        found_frames: usize,
        /// Columns given.
        found_channels: usize,
        /// Values given.
        found_values: usize,
        /// Rows needed.
        frames: usize,
        /// Columns needed.
        channels: usize,
    },
    /// Maps cannot be fitted on nothing.
    #[error("maps: no example to fit on; need at least 1")]
    NoExamples,
    /// An example of a class that was not announced.
    #[error("maps: an example has class {class}; need a class below {num_classes}")]
    ClassOutOfRange {
        /// Class given.
        class: usize,
        /// Classes there are.
        num_classes: usize,
    },
}
